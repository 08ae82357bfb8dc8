// The records of what install wrote: installed-runtime.json, installed-skills.json, installed-agents.json.
//
// A record is written before its files (`state` installing, with what stood there before in `was`) and once more
// when all of them are there. So whatever a killed install leaves is known to be okstra's.
import fs from 'node:fs';
import path from 'node:path';
import { OkstraError } from './errors.js';
import { look, replaceAtHome } from './files.js';

export const KINDS = ['runtime', 'skills', 'agents'];

export const recordPath = (places, kind) => path.join(places.home, `installed-${kind}.json`);
const schemaOf = (kind) => `installed-${kind}/1`;

// The record of a kind, or null. Throws OkstraError (`state-unreadable`).
export function readRecord(places, kind) {
  const file = recordPath(places, kind);
  if (look(file).type === 'absent') return null;
  let record;
  try {
    record = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    record = null;
  }
  const known = record?.schema === schemaOf(kind) && ['installing', 'complete'].includes(record.state);
  if (!known || !isWhole(record)) {
    throw new OkstraError('state-unreadable', `the record of installed ${kind} is damaged or of a newer okstra`, {
      where: file,
      hint: 'use the okstra that wrote it; or move the record away, and what it names, and install again',
    });
  }
  return record;
}

const isText = (value) => typeof value === 'string';
const isPath = (value) => isText(value) && path.isAbsolute(value);

function isWhole({ version, token, files, folders }) {
  const entry = (one) => isPath(one?.path) && isText(one.sha256) && (one.link === undefined || isText(one.link));
  const before = (one) => one.was === undefined || (Array.isArray(one.was) && one.was.every(isText));
  return (
    isText(version) &&
    /^[0-9a-f]+$/.test(token) &&
    Array.isArray(files) &&
    files.every((one) => entry(one) && before(one)) &&
    Array.isArray(folders) &&
    folders.every(isPath)
  );
}

// Writes a record unless it stands there already.
export function writeRecord(places, kind, { version, state, token, files, folders, ...more }) {
  const record = { schema: schemaOf(kind), version, state, token, files, folders, ...more };
  const text = `${JSON.stringify(record, null, 2)}\n`;
  const file = recordPath(places, kind);
  if (look(file).type === 'file' && fs.readFileSync(file, 'utf8') === text) return;
  replaceAtHome(file, text);
}

// The prints (see `look`) under which a recorded file is okstra's own.
export function printsOf(entry) {
  return [entry.link === undefined ? `sha256:${entry.sha256}` : `link:${entry.link}`, ...(entry.was ?? [])];
}

export function temporaryOf(file, token) {
  return path.join(path.dirname(file), `.${path.basename(file)}.${token}.tmp`);
}
