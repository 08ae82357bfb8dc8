// Asking okstra's core, through its own door.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { PACKAGE } from './places.js';

// The JSON answer of a command, or null when the core can't be run.
export function core(args, environment) {
  const door = path.join(PACKAGE, 'bin', 'okstra');
  const asked = spawnSync(door, args, { encoding: 'utf8', env: environment, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 28, cwd: '/' });
  try {
    return JSON.parse(asked.stdout);
  } catch {
    return null;
  }
}
