// `okstra install`: the runtime first, since nothing works without it; then skills and agents.
import crypto from 'node:crypto';
import path from 'node:path';
import { OkstraError } from './errors.js';
import { judge, judgeOld, wish } from './judging.js';
import { takeLock } from './lock.js';
import { KINDS, printsOf, readRecord, writeRecord } from './manifest.js';
import { payload } from './payload.js';
import { isBelow, locate, missingFolders, packageVersion } from './places.js';
import { place, retire, sweepTemporaries } from './placing.js';
import { chooseRuntime, linkVenv, makeVenv, sweepVenvs, venvInUse } from './runtime.js';
import { breathe } from './stopping.js';
import { installReply } from './telling.js';

// Throws OkstraError: `file-foreign` before anything was written, `dependency-missing`, `busy`, `write-failed`, …
export async function install(options, environment) {
  const places = locate(environment);
  if (options['dry-run']) return installReply(planned(prepare(places, options, environment)), places, options);
  const above = missingFolders(places.runtime);
  const release = await takeLock(places.locks);
  try {
    return installReply(await carryOut(prepare(places, options, environment), places, options, above), places, options);
  } finally {
    release();
  }
}

// All that is wanted and all that is known, before anything is touched. Throws `file-foreign`.
function prepare(places, options, environment) {
  const version = packageVersion();
  const token = crypto.randomBytes(6).toString('hex');
  const records = Object.fromEntries(KINDS.map((kind) => [kind, readRecord(places, kind)]));
  const entries = new Map(KINDS.flatMap((kind) => (records[kind]?.files ?? []).map((entry) => [entry.path, entry])));
  const folders = targetFolders(places, options, entries);
  const choice = chooseRuntime(places, options, environment, records.runtime, { version, token });
  const wishes = [
    wish('runtime', places.runtime, `${choice.python}\n`),
    wish('runtime', places.version, `${version}\n`),
    ...payload().flatMap(({ kind, name, text, source }) =>
      folders[kind].map((folder) => wish(kind, path.join(folder, name), text, options.link ? source : '')),
    ),
  ];
  const wanted = new Set(wishes.map(({ path: file }) => file));
  const old = KINDS.flatMap((kind) =>
    (records[kind]?.files ?? [])
      .filter((entry) => !wanted.has(entry.path) && (folders[kind] ?? []).some((folder) => isBelow(entry.path, folder)))
      .map((entry) => ({ kind, entry })),
  );
  refuseForeign(wishes.filter((one) => judge(one, entries.get(one.path)) === 'foreign'));
  return { version, token, records, entries, choice, wishes, old, before: records.runtime?.version ?? '' };
}

function targetFolders(places, options, entries) {
  const before = [...entries.keys()].some((file) => isBelow(file, places.sharedSkills)) ? 'all' : 'claude';
  const shared = (options.target ?? before) === 'all' ? [places.sharedSkills] : [];
  return { skills: [places.claudeSkills, ...shared], agents: [places.claudeAgents] };
}

function refuseForeign(foreign) {
  if (!foreign.length) return;
  const paths = foreign.map(({ path: file }) => file);
  throw new OkstraError('file-foreign', `${paths.length} path(s) are taken by files that are not okstra's; nothing was touched`, {
    where: paths.join('\n'),
    hint: 'move them away, then do it again',
    data: { foreign: paths },
  });
}

function planned(plan) {
  const says = { write: 'written', replace: 'updated', 'set-aside': 'updated', keep: 'unchanged' };
  const files = plan.wishes.map((one) => {
    const judged = judge(one, plan.entries.get(one.path));
    return { path: one.path, action: says[judged], kept: judged === 'set-aside' ? `${one.path}.user` : '' };
  });
  const removed = plan.old
    .map(({ entry }) => ({ path: entry.path, judged: judgeOld(entry) }))
    .filter(({ judged }) => judged !== 'gone')
    .map(({ path: file, judged }) => ({ path: file, action: 'removed', kept: judged === 'changed' ? `${file}.user` : '' }));
  return { ...plan, files: [...files, ...removed] };
}

async function carryOut(plan, places, options, above) {
  const { choice, records, token } = plan;
  KINDS.forEach((kind) => sweepTemporaries(records[kind]));
  if (isInPlace(plan)) return planned(plan);

  const venvBefore = venvInUse(places);
  if (choice.action === 'made') await makeVenv(places, choice, options.link);
  const drafts = Object.fromEntries(KINDS.map((kind) => [kind, announced(plan, kind, above)]));
  KINDS.forEach((kind) => writeRecord(places, kind, drafts[kind]));
  await breathe();
  const files = [];
  for (const one of plan.wishes) {
    files.push(place(one, plan.entries.get(one.path), token));
    await breathe();
  }
  for (const { entry } of plan.old) files.push(retire(entry));
  linkVenv(places, choice.venv);
  KINDS.forEach((kind) => writeRecord(places, kind, completed(plan, drafts[kind])));
  if (choice.action !== 'kept') sweepVenvs(places, choice.venv, venvBefore);
  return { ...plan, files: files.filter(Boolean) };
}

function isInPlace({ records, version, choice, old, wishes, entries }) {
  const same = KINDS.every((kind) => records[kind]?.state === 'complete' && records[kind].version === version);
  const stands = (one) => entries.has(one.path) && judge(one, entries.get(one.path)) === 'keep';
  return same && choice.action === 'kept' && !old.length && wishes.every(stands);
}

// The record as it is written before the files: all that may stand at a path from now on counts as okstra's.
function announced({ version, token, records, entries, wishes, choice }, kind, above) {
  const wanted = wishes.filter((one) => one.kind === kind);
  const files = wanted.map(({ entry, path: file }) => {
    const before = entries.has(file) ? printsOf(entries.get(file)) : [];
    return { ...entry, was: [...new Set(before)] };
  });
  const named = new Set(wanted.map(({ path: file }) => file));
  const others = (records[kind]?.files ?? []).filter((entry) => !named.has(entry.path));
  const missing = wanted.flatMap(({ path: file }) => missingFolders(file));
  const folders = [...new Set([...(records[kind]?.folders ?? []), ...(kind === 'runtime' ? above : []), ...missing])].sort();
  const runtime = { python: choice.python, base: choice.base, venv: choice.venv, stamp: choice.stamp, ...(choice.extras.length ? { extras: choice.extras } : {}) };
  return { version, state: 'installing', token, files: [...files, ...others], folders, ...(kind === 'runtime' ? runtime : {}) };
}

function completed(plan, record) {
  const gone = new Set(plan.old.map(({ entry }) => entry.path));
  const files = record.files.filter((entry) => !gone.has(entry.path)).map(({ was, ...entry }) => entry);
  return { ...record, state: 'complete', files };
}
