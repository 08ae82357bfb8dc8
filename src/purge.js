// `uninstall --purge`: okstra's home goes, once it is sure that every worktree's work is on a branch.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { core } from './core.js';
import { OkstraError } from './errors.js';
import { gitEnvironment } from './git.js';
import { look } from './files.js';
import { isBelow } from './places.js';
import { breathe } from './stopping.js';

// What okstra keeps in its home, by name: a home that is also used for something else loses nothing.
const OWN = ['worktrees', 'approvals', 'receipts', 'sandbox', 'quarantines', 'seals', 'config.json', 'trusted.json', 'dropped.json', 'index.sqlite3', 'index.sqlite3-journal', 'index-aside', 'active.jsonl', 'recent.jsonl', 'archive', 'memory-book', 'wizard', 'logs'];

// The worktrees that would go. Throws OkstraError (`worktree-held`, `worktree-dirty`, `commits-unreachable`,
// `worktree-foreign`, `dependency-missing`).
export function checkPurge(places, environment) {
  if (places.home === places.user || isBelow(places.user, places.home)) {
    throw new OkstraError('file-foreign', "okstra's home is your own home folder, or holds it", {
      where: places.home,
      hint: "remove what is okstra's by hand",
    });
  }
  if (look(places.worktrees).type === 'absent') return [];
  const answer = core(['gc', '--dry-run', '--json'], environment);
  if (answer?.status !== 'ok') {
    throw new OkstraError('dependency-missing', `what the worktrees hold can't be told: ${answer?.errors?.[0]?.message ?? 'okstra does not run'}`, {
      where: places.worktrees,
      hint: answer?.errors?.[0]?.try || 'okstra install, then do it again',
    });
  }
  const worktrees = answer.data.worktrees;
  worktrees.forEach((one) => refuseWork(one, environment));
  refuseStrays(places, worktrees);
  return worktrees;
}

function refuseWork({ key, path: folder, exists, verdict, proof }, environment) {
  if (verdict === 'held') {
    throw new OkstraError('worktree-held', `${key}: ${proof}`, { where: folder, hint: 'end what is in work there, then do it again' });
  }
  if (!exists) return; // `worktree remove` looks for commits that only it had
  if (!['merged', 'saved'].includes(verdict)) {
    throw new OkstraError('commits-unreachable', `${key}: ${proof}`, { where: folder, hint: 'give its commits a branch, then do it again' });
  }
  const status = spawnSync('git', ['-C', folder, 'status', '--porcelain', '--untracked-files=all', '--ignore-submodules=none'], {
    encoding: 'utf8',
    env: gitEnvironment(environment),
  });
  if (status.status !== 0 || status.stdout.trim()) {
    throw new OkstraError('worktree-dirty', `${key} holds work that no branch keeps`, {
      where: folder,
      hint: `commit it there; or okstra worktree remove ${key} --force, which keeps it by a ref`,
    });
  }
}

// A folder among the worktrees that the registry does not know may hold anything.
function refuseStrays(places, worktrees) {
  // Beside a task's worktrees stand okstra's own checkouts, which `worktree remove` takes along.
  const known = new Set(worktrees.flatMap((one) => [one.path, path.join(path.dirname(one.path), 'proof')]));
  const strays = [];
  const walk = (folder) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (known.has(file) || (folder === places.worktrees && /^(\.|registry\.(json|lock))/.test(entry.name))) continue;
      if (entry.isDirectory() && !fs.existsSync(path.join(file, '.git'))) walk(file);
      else strays.push(file);
    }
  };
  walk(places.worktrees);
  if (strays.length) {
    throw new OkstraError('worktree-foreign', 'okstra knows nothing of what stands among its worktrees', {
      where: strays.slice(0, 5).join('\n'),
      hint: '`okstra reconcile` tells the ways on; or move it away',
    });
  }
}

// Each by the core, which looks once more for unsaved work. Stages first: their task's worktree is their base.
export async function removeWorktrees(worktrees, environment) {
  const gone = [];
  const stagesFirst = [...worktrees].sort((a, b) => Number(b.key.includes('#')) - Number(a.key.includes('#')));
  for (const { key, path: folder } of stagesFirst) {
    const answer = core(['worktree', 'remove', key, '--json'], environment);
    if (answer?.status !== 'ok') {
      const [error = {}] = answer?.errors ?? [];
      throw new OkstraError('worktree-held', `${key} was not removed: ${error.message ?? 'okstra does not run'}`, { where: folder, hint: error.try });
    }
    gone.push(folder);
    await breathe();
  }
  return gone;
}

// What is okstra's in the home. The lock that is held now stays to the end.
export function purgeHome(places) {
  const gone = OWN.filter((name) => look(path.join(places.home, name)).type !== 'absent');
  const locks = path.dirname(places.locks);
  const others = fs.readdirSync(locks).map((name) => path.join(locks, name));
  for (const file of [...gone.map((name) => path.join(places.home, name)), ...others.filter((one) => one !== places.locks)]) {
    fs.rmSync(file, { recursive: true, force: true, maxRetries: 3 });
  }
  return gone;
}
