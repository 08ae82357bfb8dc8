// What the tests of install share: a home that is thrown away, the real command, and a picture of all that is in a folder.
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
export const PYTHON = path.join(ROOT, '.venv', 'bin', 'python');
const MAIN = path.join(ROOT, 'src', 'main.js');

export class Home {
  constructor(test, more = {}) {
    this.folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'okstra-home-'));
    test.after(() => fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    const { PATH } = process.env;
    this.environment = { PATH, HOME: this.folder, TMPDIR: os.tmpdir(), OKSTRA_PYTHON: PYTHON, ...more };
  }

  at(...parts) {
    return path.join(this.folder, ...parts);
  }

  skill(name) {
    return this.at('.claude', 'skills', name, 'SKILL.md');
  }

  write(text, ...parts) {
    const file = this.at(...parts);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
    return file;
  }

  read(...parts) {
    return fs.readFileSync(this.at(...parts), 'utf8');
  }

  record(kind) {
    return JSON.parse(this.read('.okstra', `installed-${kind}.json`));
  }

  // Runs the command to its end; `answer` is its JSON.
  okstra(...args) {
    const ended = spawnSync(process.execPath, [MAIN, ...args, '--json'], { encoding: 'utf8', env: this.environment, cwd: this.folder });
    let answer = null;
    try {
      answer = JSON.parse(ended.stdout);
    } catch {
      answer = { unreadable: ended.stdout };
    }
    return { status: ended.status, answer, data: answer.data, error: answer.errors?.[0], stderr: ended.stderr };
  }

  start(...args) {
    return spawn(process.execPath, [MAIN, ...args], { env: this.environment, cwd: this.folder, stdio: 'ignore' });
  }

  // A run that okstra leads, in the project. `stopped` ends it as Ctrl-C does, so that it takes its workers with it, and
  // answers once it is gone: until then it writes into the home. `go` is a file that lets its worker go on.
  startRun(program, ...args) {
    const child = spawn(program, args, { env: this.environment, cwd: this.at('project'), stdio: 'ignore' });
    const gone = new Promise((done) => child.on('close', done));
    const stopped = async (go) => {
      child.kill('SIGTERM');
      fs.writeFileSync(go, '');
      await gone;
    };
    return { child, stopped };
  }

  // Starts it and kills it after so many milliseconds; answers whether it was still at work.
  async killed(after, ...args) {
    const child = this.start(...args);
    const ended = new Promise((done) => child.on('close', (status, signal) => done(signal === 'SIGKILL')));
    setTimeout(() => child.kill('SIGKILL'), after);
    return ended;
  }

  picture(...without) {
    return picture(this.folder, without);
  }
}

// Waits until the look answers something true; fails after half a minute.
export async function until(look) {
  for (const deadline = Date.now() + 30_000; !look(); await new Promise((done) => setTimeout(done, 50))) {
    if (Date.now() > deadline) throw new Error('it did not come to be');
  }
}

// Every name below a folder with its kind, mode and content: equal pictures, equal folders.
export function picture(folder, without = []) {
  const seen = {};
  const walk = (at) => {
    for (const name of fs.readdirSync(at).sort()) {
      const file = path.join(at, name);
      const short = path.relative(folder, file);
      if (without.some((one) => short === one || short.startsWith(`${one}/`))) continue;
      const found = fs.lstatSync(file);
      const mode = (found.mode & 0o777).toString(8);
      if (found.isSymbolicLink()) seen[short] = `link ${fs.readlinkSync(file)}`;
      else if (found.isDirectory()) {
        seen[short] = `folder ${mode}`;
        walk(file);
      } else seen[short] = `file ${mode} ${crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex')}`;
    }
  };
  walk(folder);
  return seen;
}

// The same numbers from the same seed (a small generator of Marsaglia's); OKSTRA_TEST_SEED repeats a run.
export function random(test) {
  const seed = Number(process.env.OKSTRA_TEST_SEED ?? crypto.randomInt(1, 2 ** 31));
  test.diagnostic(`OKSTRA_TEST_SEED=${seed}`);
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

// Everything that install wrote, by its records.
export function recorded(home) {
  return ['runtime', 'skills', 'agents'].flatMap((kind) => home.record(kind).files.map((entry) => entry.path));
}
