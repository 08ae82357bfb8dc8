// Files on disk: what stands at a path, and changing it so that a crash leaves the old or the new.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

export const sha256 = (data) => crypto.createHash('sha256').update(data).digest('hex');

// What stands at a path: `absent`, `file`, `link` or `other`. `print` tells one content from another.
export function look(file) {
  let found;
  try {
    found = fs.lstatSync(file);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return { type: 'absent', print: '' };
    throw error;
  }
  if (found.isSymbolicLink()) return { type: 'link', print: `link:${fs.readlinkSync(file)}` };
  if (found.isFile()) return { type: 'file', print: `sha256:${sha256(fs.readFileSync(file))}` };
  return { type: 'other', print: '' };
}

export function makeFolders(folder) {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
}

// Replaces `file` by `data`, through `temporary` in the same folder.
export function replace(file, data, temporary) {
  fs.rmSync(temporary, { force: true });
  const open = fs.openSync(temporary, 'wx', 0o600);
  try {
    fs.writeFileSync(open, data);
    fs.fsyncSync(open);
  } finally {
    fs.closeSync(open);
  }
  fs.renameSync(temporary, file);
  syncFolder(path.dirname(file));
}

export function replaceLink(file, target, temporary) {
  fs.rmSync(temporary, { force: true });
  fs.symlinkSync(target, temporary);
  fs.renameSync(temporary, file);
  syncFolder(path.dirname(file));
}

// In okstra's own home, where nobody else's file has that name.
export function replaceAtHome(file, data) {
  replace(file, data, homeTemporary(file));
}

export function homeTemporary(file) {
  return path.join(path.dirname(file), `.${path.basename(file)}.tmp`);
}

export function remove(file) {
  fs.rmSync(file, { force: true });
}

// Removes a folder if nothing is in it; answers whether it is gone.
export function removeIfEmpty(folder) {
  try {
    fs.rmdirSync(folder);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY', 'EACCES', 'EPERM'].includes(error.code)) return false;
    if (error.code === 'ENOENT') return true;
    throw error;
  }
}

export function syncFolder(folder) {
  const open = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(open);
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes(error.code)) throw error; // some file systems sync no folders
  } finally {
    fs.closeSync(open);
  }
}
