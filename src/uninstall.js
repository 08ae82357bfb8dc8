// `okstra uninstall`: what the records name and nobody changed goes; the records go last, so that a killed one is finished
// by the next.
import fs from 'node:fs';
import path from 'node:path';
import { core } from './core.js';
import { OkstraError } from './errors.js';
import { homeTemporary, look, remove, removeIfEmpty } from './files.js';
import { judgeOld } from './judging.js';
import { takeLock } from './lock.js';
import { KINDS, readRecord, recordPath } from './manifest.js';
import { locate } from './places.js';
import { sweepTemporaries } from './placing.js';
import { checkPurge, purgeHome, removeWorktrees } from './purge.js';
import { linkVenv, sweepVenvs } from './runtime.js';
import { breathe } from './stopping.js';
import { uninstallReply } from './telling.js';

const REMOVED_FIRST = [...KINDS].reverse();

// Throws OkstraError: `run-alive`, `not-confirmed`, `worktree-dirty`, … before anything was removed; `busy`.
export async function uninstall(options, environment) {
  const places = locate(environment);
  const nothing = { removed: [], kept: [], purged: [], left: [] };
  if (look(places.home).type === 'absent') return uninstallReply(nothing, places, options);
  if (options['dry-run']) return uninstallReply(await carryOut(places, options, environment), places, options);
  const release = await takeLock(places.locks);
  let released = false;
  try {
    const done = await carryOut(places, options, environment);
    release();
    released = true;
    closeHome(places);
    done.folders.forEach(removeIfEmpty); // those above the home, if install made them
    return uninstallReply({ ...done, left: leftAtHome(places) }, places, options);
  } finally {
    if (!released) release();
  }
}

async function carryOut(places, options, environment) {
  const dry = Boolean(options['dry-run']);
  const records = Object.fromEntries(KINDS.map((kind) => [kind, readRecord(places, kind)]));
  refuseWhileRunning(places, environment);
  const worktrees = options.purge ? checkPurge(places, environment) : [];
  if (options.purge && !options.yes && !dry) {
    throw new OkstraError('not-confirmed', `--purge takes away ${worktrees.length} worktree(s), settings and the index of runs; branches stay`, {
      where: places.home,
      hint: 'okstra uninstall --purge --yes',
    });
  }
  const entries = REMOVED_FIRST.flatMap((kind) => records[kind]?.files ?? []);
  const judged = entries.map((entry) => ({ path: entry.path, judged: judgeOld(entry) }));
  const removed = judged.filter((one) => one.judged === 'remove').map((one) => one.path);
  const kept = judged.filter((one) => one.judged === 'changed').map((one) => one.path);
  if (dry) return { removed, kept, purged: worktrees.map(({ path: folder }) => folder), left: [] };

  const purged = await removeWorktrees(worktrees, environment);
  KINDS.forEach((kind) => sweepTemporaries(records[kind]));
  for (const file of removed) {
    remove(file);
    await breathe();
  }
  linkVenv(places, '');
  sweepVenvs(places);
  if (options.purge) purged.push(...purgeHome(places));
  const folders = KINDS.flatMap((kind) => records[kind]?.folders ?? []).sort((a, b) => b.length - a.length);
  folders.filter((folder) => folder !== places.home).forEach(removeIfEmpty);
  for (const kind of REMOVED_FIRST) {
    remove(homeTemporary(recordPath(places, kind)));
    remove(recordPath(places, kind));
  }
  return { removed, kept, purged, left: [], folders };
}

// What okstra's core would be cut from by this. Without a core that runs, no run is at work.
function refuseWhileRunning(places, environment) {
  if (['index.sqlite3', 'active.jsonl'].every((name) => look(path.join(places.home, name)).type === 'absent')) return;
  const answer = core(['list', '--status', 'running', '--json'], environment);
  const runs = (answer?.data?.runs ?? []).map((run) => run.run_id);
  if (!runs.length) return;
  throw new OkstraError('run-alive', `${runs.length} run(s) are at work`, {
    where: runs.join('\n'),
    hint: 'wait for their end, or stop them (okstra resume goes on after the next install)',
  });
}

// The folders that install made in okstra's home, and the home, where nothing else is in them.
function closeHome(places) {
  remove(places.log);
  for (const folder of [path.dirname(places.log), places.venvs, places.locks, path.dirname(places.locks), places.worktrees, places.home]) removeIfEmpty(folder);
}

function leftAtHome(places) {
  return look(places.home).type === 'absent' ? [] : fs.readdirSync(places.home).sort();
}
