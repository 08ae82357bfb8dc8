/* A preload that lets a test strike at the n-th change which a whole tree of processes makes to the file system.
 *
 * Every call that changes a file, a folder or a name draws the next number from one counter that the tree shares.
 * The process that draws the number FAULT_AT is where the fault strikes.
 *
 *   FAULT_COUNTER  file with the counter (8 bytes, made by the test); without it the preload does nothing
 *   FAULT_TRACE    file that gets a line "<number>\t<pid>\t<operation>\t<path>" for each call
 *   FAULT_CALL, FAULT_ON   only calls of that name, and whose path ends so, draw a number
 *   FAULT_AT       the number to strike at
 *   FAULT_DO       group    kill -9 the whole process group, before the call
 *                  leader   kill -9 the leader of the group alone (the command itself; its children live on)
 *                  self     kill -9 this process alone (a git that dies under the command)
 *                  torn     a write gets half its bytes, then as `group`
 *                  stop     SIGSTOP the leader of the group
 *                  interrupt   SIGINT to this process: Ctrl-C is heard once the call has been made
 *                  enospc, eio   the call fails so; FAULT_LASTING: this and every later one
 *   FAULT_STALL    milliseconds that a process waits before it goes on, when the strike left it alive
 *
 * gcc -shared -fPIC -O2 -o faults.so faults.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum verdict { GO_ON, FAIL, TEAR };

static long *counter;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("FAULT_COUNTER");
  if (!path) return;
  /* What a command owes the disk is synced behind it, whenever that is: it must not draw a number of the command's. */
  if (!strcmp(program_invocation_short_name, "sync") && getenv("FAULT_AT")) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *shared = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared != MAP_FAILED) counter = shared;
  syscall(SYS_close, fd);
}

static const char *name_of(int fd, char *found, size_t room) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long size = syscall(SYS_readlinkat, AT_FDCWD, link, found, room - 1);
  found[size > 0 ? size : 0] = 0;
  return found;
}

static void trace(long number, const char *operation, const char *path) {
  const char *file = getenv("FAULT_TRACE");
  if (!file) return;
  char line[1200];
  int size = snprintf(line, sizeof line, "%ld\t%d\t%s\t%s\n", number, getpid(), operation, path);
  if (size >= (int)sizeof line) size = sizeof line - 1;
  int out = syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (out >= 0) {
    syscall(SYS_write, out, line, (long)size);
    syscall(SYS_close, out);
  }
}

static void send(pid_t whom, int signal) { syscall(SYS_kill, (long)whom, (long)signal); }

static void stall(void) {
  const char *text = getenv("FAULT_STALL");
  long ms = text ? atol(text) : 0;
  struct timespec span = {ms / 1000, ms % 1000 * 1000000};
  while (ms && nanosleep(&span, &span) != 0 && errno == EINTR) {}
}

static int ends_so(const char *path, const char *end) {
  size_t all = strlen(path), part = strlen(end);
  return all >= part && !strcmp(path + all - part, end);
}

/* Called before each change: draws a number, and strikes if it is the one. */
static enum verdict change(const char *operation, const char *path, int fd, int takes_space) {
  if (!counter) return GO_ON;
  int saved = errno;
  char found[1024];
  if (!path) path = name_of(fd, found, sizeof found);
  const char *on = getenv("FAULT_ON"), *call = getenv("FAULT_CALL");
  errno = saved;
  if ((on && !ends_so(path, on)) || (call && strcmp(operation, call))) return GO_ON;
  long number = __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
  trace(number, operation, path);
  errno = saved;
  const char *at = getenv("FAULT_AT"), *what = getenv("FAULT_DO");
  long wanted = at ? atol(at) : 0;
  if (!what || !wanted || number < wanted || (number > wanted && !getenv("FAULT_LASTING"))) return GO_ON;
  if (!strcmp(what, "enospc") || !strcmp(what, "eio")) {
    if (!takes_space) return GO_ON; /* a full disk still lets one delete */
    errno = what[1] == 'i' ? EIO : ENOSPC;
    return FAIL;
  }
  if (!strcmp(what, "torn")) return TEAR;
  if (!strcmp(what, "group")) send(0, SIGKILL);
  if (!strcmp(what, "self")) send(getpid(), SIGKILL);
  if (!strcmp(what, "leader")) send(getpgrp(), SIGKILL);
  if (!strcmp(what, "interrupt")) send(getpid(), SIGINT);
  if (!strcmp(what, "stop")) send(getpgrp(), SIGSTOP);
  stall();
  errno = saved;
  return GO_ON;
}

static int regular(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 && S_ISREG(found.st_mode);
}

static int special(const char *path) { return !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6); }

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/* A call that takes `path`; a torn one is simply a killed one. */
#define STRIKE(operation, path, fd, space, failed) \
  do { \
    enum verdict v_ = change(operation, path, fd, space); \
    if (v_ == FAIL) return failed; \
    if (v_ == TEAR) send(0, SIGKILL); \
  } while (0)

#define MODE(flags, mode) \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }
#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    MODE(flags, mode) \
    if (flags & (O_CREAT | O_TRUNC) && !special(path)) STRIKE("open", path, -1, 1, -1); \
    return NEXT(name)(path, flags, mode); \
  }
#define OPEN_AT(name) \
  int name(int folder, const char *path, int flags, ...) { \
    MODE(flags, mode) \
    if (flags & (O_CREAT | O_TRUNC) && !special(path)) STRIKE("open", path, -1, 1, -1); \
    return NEXT(name)(folder, path, flags, mode); \
  }
#define STREAM(name) \
  FILE *name(const char *path, const char *mode) { \
    if (mode[0] != 'r' && !special(path)) STRIKE("open", path, -1, 1, NULL); \
    return NEXT(name)(path, mode); \
  }
#define BY_PATH(name, space, parameters, path, ...) \
  int name parameters { \
    STRIKE(#name, path, -1, space, -1); \
    return NEXT(name)(__VA_ARGS__); \
  }
#define BY_FD(name, space, parameters, ...) \
  int name parameters { \
    STRIKE(#name, NULL, fd, space, -1); \
    return NEXT(name)(__VA_ARGS__); \
  }
#define WRITE(name, parameters, ...) \
  ssize_t name parameters { \
    if (regular(fd)) { \
      enum verdict v_ = change(#name, NULL, fd, 1); \
      if (v_ == FAIL) return -1; \
      if (v_ == TEAR) { \
        size /= 2; \
        NEXT(name)(__VA_ARGS__); \
        send(0, SIGKILL); \
      } \
    } \
    return NEXT(name)(__VA_ARGS__); \
  }

OPEN(open)
OPEN(open64)
OPEN_AT(openat)
OPEN_AT(openat64)
STREAM(fopen)
STREAM(fopen64)
WRITE(write, (int fd, const void *data, size_t size), fd, data, size)
WRITE(pwrite, (int fd, const void *data, size_t size, off_t at), fd, data, size, at)
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t at), fd, data, size, at)
BY_FD(fsync, 1, (int fd), fd)
BY_FD(fdatasync, 1, (int fd), fd)
BY_FD(syncfs, 1, (int fd), fd)
BY_FD(ftruncate, 0, (int fd, off_t size), fd, size)
BY_FD(ftruncate64, 0, (int fd, off64_t size), fd, size)
BY_PATH(mkdir, 1, (const char *path, mode_t mode), path, path, mode)
BY_PATH(mkdirat, 1, (int folder, const char *path, mode_t mode), path, folder, path, mode)
BY_PATH(rename, 1, (const char *from, const char *to), to, from, to)
BY_PATH(renameat, 1, (int a, const char *from, int b, const char *to), to, a, from, b, to)
BY_PATH(link, 1, (const char *from, const char *to), to, from, to)
BY_PATH(linkat, 1, (int a, const char *from, int b, const char *to, int flags), to, a, from, b, to, flags)
BY_PATH(symlink, 1, (const char *to, const char *path), path, to, path)
BY_PATH(symlinkat, 1, (const char *to, int folder, const char *path), path, to, folder, path)
BY_PATH(unlink, 0, (const char *path), path, path)
BY_PATH(unlinkat, 0, (int folder, const char *path, int flags), path, folder, path, flags)
BY_PATH(rmdir, 0, (const char *path), path, path)
