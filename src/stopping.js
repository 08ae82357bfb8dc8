// Ctrl-C and its like. Steps are synchronous, so a signal is heard between them, in `breathe`.
import { OkstraError } from './errors.js';

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };
let heard = '';
let child = null;

export function catchSignals() {
  for (const name of Object.keys(NUMBERS)) {
    process.on(name, () => {
      heard = name;
      child?.kill(name);
    });
  }
}

// The process to end with this one, while it runs.
export function watchChild(process) {
  child = process;
}

// Lets signals in. Throws OkstraError (`interrupted`) when one came.
export async function breathe() {
  await new Promise((done) => setImmediate(done));
  if (heard) {
    throw new OkstraError('interrupted', `stopped by ${heard}`, { hint: 'do it again: what was begun is finished then' });
  }
}
