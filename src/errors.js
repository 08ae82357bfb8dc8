// Errors that a person can act on, in okstra's form. The code words are those of docs/reference/errors.md.
export const EXIT_STATUS = {
  'write-failed': 1,
  usage: 2,
  'file-foreign': 3,
  'not-confirmed': 3,
  'run-alive': 3,
  'worker-may-not': 3,
  'worktree-dirty': 3,
  'worktree-held': 3,
  'worktree-foreign': 3,
  'commits-unreachable': 3,
  'state-unreadable': 65,
  'home-not-writable': 69,
  'assets-missing': 69,
  'dependency-missing': 69,
  'internal-error': 70,
  busy: 75,
  interrupted: 130,
};

export class OkstraError extends Error {
  constructor(code, message, { where = '', hint = '', data = {} } = {}) {
    super(message);
    this.code = code;
    this.where = where;
    this.hint = hint;
    this.data = data;
  }

  get status() {
    return EXIT_STATUS[this.code];
  }

  asRecord() {
    return { code: this.code, message: this.message, where: this.where, try: this.hint };
  }
}

// What came out of the blue, as an error of okstra's: the system's refusals by name, all else as a bug.
export function asOkstraError(error) {
  if (error instanceof OkstraError) return error;
  if (error?.syscall && error?.path) {
    return new OkstraError('write-failed', `the system refused: ${error.message}`, {
      where: error.path,
      hint: 'mend that, then do it again: what was begun is finished then',
    });
  }
  const [, at = ''] = String(error?.stack ?? error).split('\n');
  return new OkstraError('internal-error', `a bug in okstra: ${error?.message ?? error}`, {
    where: at.trim(),
    hint: 'OKSTRA_DEBUG=1 prints the whole trace',
  });
}
