// What is installed for coding agents: skills and agents, each with the path it comes from.
import fs from 'node:fs';
import path from 'node:path';
import { OkstraError } from './errors.js';
import { expand } from './includes.js';
import { PACKAGE, packageVersion, readAsset } from './places.js';

const LEAD_GUIDE = 'SKILL.md';

// Every file: `kind` (skills or agents), `name` below that kind's folder, `text`, and `source` where it may be linked.
export function payload() {
  const version = packageVersion();
  const skills = namesIn('skills')
    .filter((name) => name.startsWith('okstra-'))
    .map((name) => one('skills', `${name}/SKILL.md`, ['skills', name, 'SKILL.md'], version));
  const agents = namesIn('agents')
    .filter((name) => name.endsWith('.md') && name !== LEAD_GUIDE)
    .map((name) => one('agents', name, ['agents', name], version));
  // The lead's guide is a skill to its client: an agent's file of that name would never be read.
  const guide = one('skills', 'okstra-lead/SKILL.md', ['agents', LEAD_GUIDE], version);
  return [...skills, guide, ...agents].sort((a, b) => (a.kind + a.name < b.kind + b.name ? -1 : 1));
}

function namesIn(folder) {
  try {
    return fs.readdirSync(path.join(PACKAGE, folder));
  } catch (error) {
    throw new OkstraError('assets-missing', `${folder} can't be read: ${error.code}`, {
      where: path.join(PACKAGE, folder),
      hint: 'install the okstra package anew',
    });
  }
}

function one(kind, name, parts, version) {
  const { text, changed } = expand(readAsset(...parts), version);
  return { kind, name, text, source: changed ? '' : path.join(PACKAGE, ...parts) };
}
