// Carries out what was judged, file by file; each step leaves the old file or the new, and loses nothing of a person's.
import fs from 'node:fs';
import path from 'node:path';
import { look, makeFolders, remove, replace, replaceLink, syncFolder } from './files.js';
import { judge, judgeOld } from './judging.js';
import { temporaryOf } from './manifest.js';

const DONE = { write: 'written', replace: 'updated', 'set-aside': 'updated', keep: 'unchanged' };

// Makes `wanted` stand at its path; answers what was done, with `kept` the name of the person's own version.
export function place(wanted, entry, token) {
  const judged = judge(wanted, entry);
  if (judged === 'foreign') throw new Error(`${wanted.path} changed while okstra was at work`);
  const kept = judged === 'set-aside' ? keepBeside(wanted.path) : '';
  if (judged !== 'keep') {
    makeFolders(path.dirname(wanted.path));
    const temporary = temporaryOf(wanted.path, token);
    if (wanted.link) replaceLink(wanted.path, wanted.link, temporary);
    else replace(wanted.path, wanted.text, temporary);
  }
  return { path: wanted.path, action: DONE[judged], kept };
}

// Takes away a file that this version has no more. What the person changed is kept beside, where no agent reads it.
export function retire(entry) {
  const judged = judgeOld(entry);
  if (judged === 'gone' || look(entry.path).type === 'other') return null;
  const kept = judged === 'changed' ? keepBeside(entry.path) : '';
  remove(entry.path);
  return { path: entry.path, action: 'removed', kept };
}

// What a killed install may have left half written.
export function sweepTemporaries(record) {
  for (const { path: file } of record?.files ?? []) remove(temporaryOf(file, record.token));
}

// A second name for what stands at `file`: `.user`, or `.user-2` and so on where that is taken by something else.
function keepBeside(file) {
  const { type, print } = look(file);
  for (let number = 1; ; number += 1) {
    const name = `${file}.user${number > 1 ? `-${number}` : ''}`;
    const there = look(name);
    if (there.print && there.print === print) return name;
    if (there.type !== 'absent') continue;
    if (type === 'link') fs.symlinkSync(fs.readlinkSync(file), name);
    else fs.copyFileSync(file, name, fs.constants.COPYFILE_EXCL);
    if (type === 'file') sync(name);
    syncFolder(path.dirname(name));
    return name;
  }
}

function sync(file) {
  const open = fs.openSync(file, 'r');
  fs.fsyncSync(open);
  fs.closeSync(open);
}
