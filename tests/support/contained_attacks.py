"""What a worker might try, one row each: a shell script, and whom it would hurt.

Every row is run contained, and must have no effect; the long form also runs it uncontained, where it must have one:
a row without effect there would test nothing. Rows with `known` have an effect all the same, and say why.
"""

from __future__ import annotations

from typing import NamedTuple

from okstra_ctl.sandbox.landlock import NET_VERSION, SCOPE_VERSION
from okstra_ctl.sandbox.profile import Role


class Attack(NamedTuple):
    area: str
    role: Role
    what: str
    script: str
    own: tuple[str, ...] = ()
    """What the role may change, and this script does."""
    known: str = ""
    outside: bool = True
    """Whether it is run uncontained too: some would hurt the machine that tests it."""
    landlock: str = ""
    """The effect that it has where Landlock alone contains; `known` holds there, too."""
    needs: int = 1
    """The version of Landlock that closes it."""
    broad: bool = False
    """Not tried with Landlock alone: it would hurt whatever else runs there, if that failed."""


_BY_PATH = "sockets that have a path can be reached"
R, T, E, C, V = Role.READER, Role.TESTER, Role.EXECUTOR, Role.CHECK, Role.EVIDENCE
_TALK = "import socket;s=socket.socket(socket.AF_UNIX);s.connect({});s.send(b'hit')"
_CALL = "import socket;s=socket.create_connection(('127.0.0.1',<PORT>),2);s.send(b'hit')"
_AGENT = "s.connect(os.environ['SSH_AUTH_SOCK']);s.send(b'hit')"
_COMMIT = "git commit -q --allow-empty -m x"

ATTACKS = (
    # the main checkout and other worktrees
    Attack("write", E, "edit a tracked file of the main checkout", "echo evil >> <PROJECT>/README.md"),
    Attack("write", C, "the same from a check", "echo evil >> <PROJECT>/src/a.py"),
    Attack(
        "write",
        E,
        "overwrite and remove the main checkout's ignored .env",
        "echo evil > <PROJECT>/.env; rm -f <PROJECT>/.env",
    ),
    Attack("write", E, "a new file in the main checkout", "echo evil > <PROJECT>/new.txt"),
    Attack(
        "write",
        E,
        "a project.json with a set-up command",
        'echo \'{"worktreeSetup": ["touch /tmp/x"]}\' > <PROJECT>/.okstra/project.json; touch <RECORDS>/x',
    ),
    Attack("write", E, "move the whole project away", "mv <PROJECT> <BASE>/gone"),
    Attack("write", E, "remove the whole project", "rm -rf <PROJECT>/src <PROJECT>/README.md"),
    Attack(
        "write",
        E,
        "write through a link in the worktree",
        "ln -s <PROJECT> d; echo evil >> d/README.md",
        ("own worktree",),
    ),
    Attack(
        "write", E, "write through a hard link", "ln <PROJECT>/README.md hard && echo evil >> hard", ("own worktree",)
    ),
    Attack("write", E, "another stage's worktree", "echo evil >> <OTHER>/README.md; rm -f <OTHER>/src/a.py"),
    Attack("write", T, "another stage's worktree, from a verifier", "echo evil >> <OTHER>/README.md"),
    Attack("write", E, "a file beside the project", "echo evil > <BASE>/beside"),
    Attack("write", R, "a reader edits its worktree", "echo evil >> src/a.py; touch x; rm README.md"),
    Attack(
        "write",
        R,
        "a reader changes modes and times",
        "chmod 0 README.md; touch -d 2001-01-01 src/a.py",
        landlock="modes and times change, contents don't",
    ),
    Attack(
        "write",
        V,
        "executed evidence writes beside its checkout",
        "echo evil >> <OTHER>/src/a.py; touch <RECORDS>/x ../x",
    ),
    # git, from roles that commit nothing
    Attack(
        "git",
        R,
        "commit, stash, tag, move a branch",
        f"{_COMMIT}; git stash; git tag x; git update-ref refs/heads/main HEAD",
    ),
    Attack(
        "git",
        T,
        "the same from a verifier",
        f"{_COMMIT}; git tag x; git branch -f stage-two HEAD; git update-ref -d refs/tags/v1",
    ),
    Attack("git", C, "the same from a check", f"{_COMMIT}; git tag -d v1; git branch -D stage-two"),
    Attack(
        "git",
        R,
        "hooks and settings",
        "echo evil > <PROJECT>/.git/hooks/pre-commit; git config core.fsmonitor 'touch /tmp/x'",
    ),
    Attack("git", C, "the same from a check", "git config core.hooksPath evil; echo '*' > <PROJECT>/.git/info/exclude"),
    Attack("git", R, "remove the git folder", "rm -rf <PROJECT>/.git"),
    Attack("git", C, "the same from a check", "rm -rf <PROJECT>/.git/refs <PROJECT>/.git/objects"),
    Attack(
        "git",
        T,
        "turn the worktree's .git to another repository",
        "git init -q --bare e.git; rm -f .git; echo gitdir: $PWD/e.git > .git; [ -d .git ]",
        ("own worktree",),
        outside=False,
    ),
    Attack("git", E, "the same from an executor", "rm -f .git; echo 'gitdir: /nowhere' > .git", outside=False),
    Attack("git", R, "push to origin", "git push -q origin HEAD:refs/heads/stolen"),
    Attack("git", E, "push by path, without hooks", "git push -q --no-verify file://<REMOTE> HEAD:refs/heads/stolen"),
    Attack("git", E, "push with a bare environment", "env -i PATH=$PATH git push -q <REMOTE> HEAD:refs/heads/stolen"),
    Attack(
        "git",
        E,
        "push from a clone of its own",
        "git clone -q . /tmp/c-$$ && cd /tmp/c-$$ && git push -q <REMOTE> HEAD:refs/heads/stolen; rm -rf /tmp/c-$$",
    ),
    Attack("git", E, "git send-pack", "git send-pack <REMOTE> HEAD:refs/heads/stolen"),
    Attack("git", C, "write the remote's refs by hand", "git rev-parse HEAD > <REMOTE>/refs/heads/stolen"),
    # git, from an executor, whose git folder is a copy; what it commits comes home to its own branch alone
    Attack(
        "git",
        E,
        "hooks, settings, excludes, borrowed objects",
        "c=$(git rev-parse --git-common-dir); echo evil > $c/hooks/pre-commit; git config core.fsmonitor evil;"
        " echo '*' > $c/info/exclude; echo /etc > $c/objects/info/alternates",
    ),
    Attack(
        "git",
        E,
        "other branches, tags, the stash, replaced objects",
        "git update-ref -d refs/heads/stage-two; git tag -d v1; git tag evil; git stash clear;"
        " git branch -f main HEAD~0; git replace HEAD HEAD^{tree}",
    ),
    Attack(
        "git", E, "remove the git folder", 'c=$(git rev-parse --git-common-dir); rm -rf "$c"/*; rm -rf <PROJECT>/.git'
    ),
    Attack(
        "git",
        E,
        "prune, expire, leave locks",
        "git reflog expire --expire=now --all; git gc -q --prune=now;"
        " touch $(git rev-parse --git-common-dir)/packed-refs.lock",
    ),
    Attack(
        "git",
        E,
        "remove another worktree, add one",
        "git worktree remove --force <OTHER>; git worktree add -q <BASE>/mine -b mine;"
        " rm -rf <PROJECT>/.git/worktrees/two",
    ),
    Attack(
        "git",
        E,
        "the worktree's own records turned elsewhere",
        "d=$(git rev-parse --absolute-git-dir); echo /etc > $d/commondir; echo /etc > $d/gitdir;"
        " echo x > $d/config.worktree",
        outside=False,
    ),
    # results, records, okstra
    Attack("records", R, "another worker's result", "echo evil > <RECORDS>/drops/others/result.md"),
    Attack("records", E, "the same from an executor", "rm -rf <RECORDS>/drops/others"),
    Attack(
        "records",
        R,
        "a drop of somebody who doesn't exist",
        "mkdir <RECORDS>/drops/mine; echo x > <RECORDS>/drops/mine/result.md",
    ),
    Attack("records", R, "read another worker's result", "cat <RECORDS>/drops/*/*"),
    Attack(
        "records",
        R,
        "the run's manifest, a ledger row",
        "echo evil > <RECORDS>/manifest.json; echo x >> <RECORDS>/consumers.jsonl",
    ),
    Attack("records", E, "the same from an executor", "rm -f <RECORDS>/manifest.json"),
    Attack("records", R, "okstra's home: settings", "echo '{}' > ~/.okstra/config.json"),
    Attack("records", C, "okstra's home: remove it", "rm -rf ~/.okstra/config.json; touch ~/.okstra/x"),
    # the person's home
    Attack(
        "home",
        E,
        "shell start-up files and git's settings",
        "echo evil >> ~/.bashrc; git config --global alias.x '!evil'; mkdir -p ~/.config/git; "
        "echo x > ~/.config/git/ignore",
    ),
    Attack(
        "home",
        E,
        "a program before others on the PATH",
        "mkdir -p ~/.local/bin ~/bin; echo evil > ~/.local/bin/git; echo evil > ~/bin/git",
    ),
    Attack(
        "home",
        C,
        "a unit of the session, autostart",
        "mkdir -p ~/.config/systemd/user ~/.config/autostart; echo x > ~/.config/systemd/user/a.service; "
        "echo x > ~/.config/autostart/a.desktop",
    ),
    Attack(
        "home",
        E,
        "hooks for the next session of a client",
        "mkdir -p ~/.claude ~/.gemini; echo '{\"hooks\": {}}' > ~/.claude/settings.json; "
        "echo 'notify=[\"sh\"]' >> ~/.codex/config.toml; echo '{}' > ~/.gemini/settings.json",
    ),
    Attack("home", R, "remove everything in the home", "rm -rf ~/.ssh ~/.config ~/dotfiles"),
    Attack("home", E, "authorized_keys", "echo key >> ~/.ssh/authorized_keys"),
    # secrets
    Attack(
        "secret",
        R,
        "known logins",
        "cat ~/.ssh/* ~/.netrc ~/.git-credentials ~/.config/gh/* ~/.aws/* ~/.kube/* ~/.docker/* ~/.npmrc ~/.pypirc",
    ),
    Attack("secret", E, "an unknown program's token", "cat ~/.config/newtool/token"),
    Attack("secret", C, "a secret by its folder's other name", "cat ~/dotfiles/gh/token"),
    Attack(
        "secret",
        R,
        "through links and /proc",
        "ln -s <HOME>/.ssh /tmp/s-$$; "
        "cat /tmp/s-$$/* /proc/self/root<HOME>/.ssh/* /proc/1/root<HOME>/.ssh/* <HOME>/../home/.netrc; rm -f /tmp/s-$$",
    ),
    Attack(
        "secret", R, "the environment of the shell that started okstra", "env; cat /proc/*/environ | tr '\\0' '\\n'"
    ),
    Attack(
        "secret", C, "the same from a check", "printenv SECRET_OF_THE_SHELL; cat /proc/$PPID/environ | tr '\\0' '\\n'"
    ),
    Attack("secret", R, "another client's login", "cat ~/.codex/auth.json"),
    Attack("secret", E, "the main checkout's ignored .env", "cat <PROJECT>/.env"),
    Attack("secret", E, "search the whole home", "grep -rl SECRET-OF ~ | head -3; grep -rh SECRET-OF ~ | head -3"),
    # other programs' doors
    Attack(
        "door",
        R,
        "the agent of ssh, by its socket",
        f'python3 -c "{_TALK.format(chr(39) + "<HOME>/agent.sock" + chr(39))}"',
        landlock=_BY_PATH,
    ),
    Attack(
        "door",
        E,
        "the same by SSH_AUTH_SOCK",
        f'python3 -c "import os,socket;s=socket.socket(socket.AF_UNIX);{_AGENT}"',
    ),
    Attack(
        "door",
        R,
        "a watcher's socket in a folder that is shown",
        f'cd <PROJECT>/.git && python3 -c "{_TALK.format(chr(39) + "watch.sock" + chr(39))}"',
        landlock=_BY_PATH,
    ),
    Attack(
        "door",
        R,
        "an abstract socket, such as a display's",
        f'python3 -c "{_TALK.format(chr(39) + chr(92) + "0<ABSTRACT>" + chr(39))}"',
        needs=SCOPE_VERSION,
    ),
    Attack(
        "door",
        C,
        "the same from a check",
        f'python3 -c "{_TALK.format(chr(39) + chr(92) + "0<ABSTRACT>" + chr(39))}"',
        needs=SCOPE_VERSION,
    ),
    Attack("door", E, "a service on the loopback", f'python3 -c "{_CALL}"', needs=NET_VERSION),
    Attack("door", V, "a service on the loopback, from executed evidence", f'python3 -c "{_CALL}"', needs=NET_VERSION),
    Attack(
        "door",
        C,
        "a service on the loopback, from a check",
        f'python3 -c "{_CALL}"',
        known="checks start servers of their own, so every port is open to them; checkNetwork false closes them all",
    ),
    # processes
    Attack(
        "process",
        E,
        "kill what runs outside",
        "kill -9 <OUTER>; for p in $(seq 2 40000); do kill -9 $p 2>/dev/null; done; true",
        outside=False,
        broad=True,
    ),
    Attack("process", C, "the same, by its real number alone", "kill -9 <OUTER>", needs=SCOPE_VERSION),
    Attack(
        "process",
        E,
        "see what runs outside",
        "[ -e /proc/<OUTER>/stat ] && cat /proc/<OUTER>/cmdline && echo SECRET-OF-THE-PERSON",
        landlock="other processes' names and arguments can be read",
    ),
    Attack(
        "process",
        E,
        "mount the file system writable again",
        "mount -o remount,rw,bind /; umount <PROJECT>; umount -l <PROJECT>/.okstra; echo evil >> <PROJECT>/README.md",
        outside=False,
    ),
    Attack(
        "process",
        E,
        "the same in a namespace of its own",
        "unshare -Urm sh -c 'mount -o remount,rw,bind /; umount <PROJECT>; echo evil >> <PROJECT>/README.md'",
        outside=False,
    ),
    Attack("process", E, "a device", "mknod /tmp/b b 254 0; head -c 10 /dev/vda /dev/mem /dev/kmsg", outside=False),
    Attack(
        "process",
        C,
        "the kernel's settings",
        "echo '|/tmp/x' > /proc/sys/kernel/core_pattern; mkdir /sys/fs/cgroup/x",
        outside=False,
    ),
    Attack("process", E, "a file in the machine's temporary folder", "touch /tmp/okstra-attack-$(basename <BASE>)"),
    # what stays behind
    Attack(
        "behind",
        E,
        "a daemon that edits later",
        "setsid sh -c 'sleep 0.6; echo evil >> <OWN>/src/a.py; echo evil > <BASE>/beside' >/dev/null 2>&1 & sleep 0.1",
        outside=False,
    ),
    Attack(
        "behind",
        E,
        "the same twice removed, with a bare environment",
        "env -i setsid sh -c '(sleep 0.6; echo evil >> <OWN>/src/a.py) &' >/dev/null 2>&1; sleep 0.1",
        outside=False,
    ),
)


def table() -> str:
    """The attacks as they are published, in docs/reliability.md."""
    rows = [
        f"| {one.area} | {one.role} | {one.what} | {one.known or 'none'} | {_by_landlock(one)} |" for one in ATTACKS
    ]
    head = ["| of | by | what was tried | effect, by bubblewrap | by Landlock alone |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _by_landlock(one: Attack) -> str:
    if one.broad:
        return "not tried"
    if one.known:
        return "the same"
    since = f" (from version {one.needs})" if one.needs > 1 else ""
    return one.landlock or f"none{since}"
