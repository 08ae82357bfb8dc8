// What has to happen at each path: from what is wanted, what is recorded and what stands there.
import fs from 'node:fs';
import path from 'node:path';
import { look, sha256 } from './files.js';
import { printsOf } from './manifest.js';

// What install wants at a path: `text`, or a link to `link`.
export function wish(kind, file, text, link = '') {
  const entry = link ? { path: file, sha256: sha256(text), link } : { path: file, sha256: sha256(text) };
  return { kind, path: file, text, link, entry };
}

// write: nothing is there. keep: it is as wanted. replace: okstra's own, unchanged. set-aside: okstra's, but the
// person changed it. foreign: never okstra's.
export function judge(wanted, entry) {
  // A skill's folder that is a link is somebody's own, and what is written through it lands in another place.
  if (wanted.kind === 'skills' && look(path.dirname(wanted.path)).type === 'link') return 'foreign';
  const found = look(wanted.path);
  if (found.type === 'absent') return hasFileAbove(wanted.path) ? 'foreign' : 'write';
  if (found.print === printsOf(wanted.entry)[0]) return 'keep';
  if (!entry || found.type === 'other') return 'foreign';
  return printsOf(entry).includes(found.print) ? 'replace' : 'set-aside';
}

// The same for a recorded file that is wanted no more: gone, remove, or `changed` by the person.
export function judgeOld(entry) {
  const found = look(entry.path);
  if (found.type === 'absent') return 'gone';
  return printsOf(entry).includes(found.print) ? 'remove' : 'changed';
}

function hasFileAbove(file) {
  let folder = path.dirname(file);
  while (look(folder).type === 'absent') folder = path.dirname(folder);
  return !fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory();
}
