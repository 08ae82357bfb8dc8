// One install or uninstall at a time.
//
// Each says that it is there by a file of its own, whose name tells its process; only then does it look for others.
// So of two that start together at least one sees the other, and a dead one's file can be taken away by anybody.
import { execFileSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { OkstraError } from './errors.js';
import { makeFolders, remove, sha256 } from './files.js';
import { breathe } from './stopping.js';

const PATIENCE = 3000;

// Answers the function that gives the lock back. Throws OkstraError (`busy`, `home-not-writable`, `interrupted`).
export async function takeLock(folder) {
  const mine = `${process.pid}.${birthOf(process.pid)}.${hostName()}.${crypto.randomBytes(4).toString('hex')}`;
  const file = path.join(folder, mine);
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    announce(folder, file);
    const other = fs.readdirSync(folder).find((name) => name !== mine && isHeld(folder, name));
    if (!other) return () => remove(file);
    remove(file);
    if (Date.now() > deadline) {
      const [pid] = other.split('.');
      throw new OkstraError('busy', `another okstra install or uninstall is at work: process ${pid}`, {
        where: path.join(folder, other),
        hint: 'wait for its end, then do it again',
      });
    }
    await new Promise((done) => setTimeout(done, 50 + Math.random() * 200));
    await breathe();
  }
}

function announce(folder, file) {
  try {
    makeFolders(folder);
    fs.writeFileSync(file, '', { mode: 0o600 });
  } catch (error) {
    throw new OkstraError('home-not-writable', `okstra's home can't be written: ${error.code}`, {
      where: folder,
      hint: 'set OKSTRA_HOME to a folder that you may write',
    });
  }
}

// Whether the process of that name still lives; the file of a dead one goes.
function isHeld(folder, name) {
  const [pid, birth, host] = name.split('.');
  if (host !== hostName() || birthOf(Number(pid)) === birth) return true;
  remove(path.join(folder, name));
  return false;
}

const hostName = () => sha256(os.hostname()).slice(0, 8);

// When a process began, so that a number that is used again is not taken for it; `gone` when there is none.
function birthOf(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return 'gone';
  }
  let born = '';
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return 'gone'; // dead, and nobody has asked for its status yet
    born = fields[19] + fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
  } catch {
    try {
      born = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
    } catch {
      born = ''; // no ps that can tell: a living process of that number counts as the one
    }
  }
  return sha256(born).slice(0, 12);
}
