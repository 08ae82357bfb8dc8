// Finding a Python that okstra can run on, or make its own from.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { OkstraError } from './errors.js';
import { PACKAGE, readAsset } from './places.js';

const USUAL = ['python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python'];
const QUESTION = `
import json, sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
def lacks(name):
    try: version(name)
    except PackageNotFoundError: return True
    return False
need = [name for name, before in json.loads(sys.argv[1]) if not before or list(sys.version_info) < before]
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "enough": sys.version_info >= (3, 10),
    "venv": bool(find_spec("venv") and find_spec("ensurepip")),
    "missing": [*(name for name in need if not find_spec(name)), *filter(lacks, json.loads(sys.argv[2]))],
    "path": sys.executable,
}))`;

// What an interpreter says of itself, or null when it does not run as a Python. Its path is not resolved: a virtual
// environment's Python is known by its place. What it lacks of okstra's packages, and of those of these extras, is missing.
export function probe(program, extras = []) {
  const wanted = packagesOf(extras).map((text) => /^[A-Za-z0-9._-]+/.exec(text)[0]);
  const asked = spawnSync(program, ['-I', '-B', '-c', QUESTION, JSON.stringify(modules()), JSON.stringify(wanted)], { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    return asked.status === 0 ? JSON.parse(asked.stdout) : null;
  } catch {
    return null;
  }
}

// The one that the person named. Throws OkstraError (`dependency-missing`).
export function named(program, by, extras) {
  const file = program.includes('/') ? path.resolve(program) : program;
  const found = probe(file, extras);
  if (found?.enough) return found;
  const what = found ? `is Python ${found.version}, and okstra needs 3.10 or newer` : 'does not run as a Python';
  throw new OkstraError('dependency-missing', `what ${by} names ${what}`, { where: file, hint: 'name a Python 3.10 or newer' });
}

// The newest on the PATH that can make a virtual environment. Throws OkstraError (`dependency-missing`).
export function findBase(environment) {
  const seen = [];
  const folders = (environment.PATH ?? '').split(':').filter(Boolean);
  for (const name of USUAL) {
    if (!folders.some((folder) => fs.existsSync(path.join(folder, name)))) continue;
    const found = probe(name);
    if (found?.enough && found.venv) return found;
    if (found) seen.push(`${name} is Python ${found.version}${found.enough ? ' without the venv module' : ''}`);
  }
  const lacksVenv = seen.some((text) => text.includes('venv'));
  const hint = lacksVenv ? 'install the venv module (Debian, Ubuntu: apt install python3-venv)' : 'install Python 3.10 or newer';
  throw new OkstraError('dependency-missing', 'no Python 3.10 or newer that can make a virtual environment was found', {
    where: seen.join('; ') || 'no python3 on PATH that runs',
    hint: `${hint}, or name one: okstra install --python PATH`,
  });
}

// The words of pyproject.toml that name okstra's packages: when they change, the environment is made anew.
export function dependencies() {
  const [, block = ''] = /^dependencies = \[\n(.*?)^\]/ms.exec(readAsset('pyproject.toml')) ?? [];
  return [...block.matchAll(/"([^"]+)"/g)].map(([, text]) => text);
}

// What can be installed beside them (`--with`), by pyproject.toml: the name of each extra, and its packages.
export function extrasOffered() {
  const [, block = ''] = /^\[project\.optional-dependencies\]\n(.*?)^\[/ms.exec(readAsset('pyproject.toml')) ?? [];
  const found = [...block.matchAll(/^([a-z0-9-]+) = \[(.*?)\]$/gms)].map(([, name, list]) => [name, [...list.matchAll(/"([^"]+)"/g)].map(([, text]) => text)]);
  return new Map(found.filter(([name]) => name !== 'dev').sort());
}

export function packagesOf(extras) {
  const offered = extrasOffered();
  return [...new Set(extras.flatMap((name) => offered.get(name) ?? []))];
}

// The modules that these packages bring, each with the Python from which on it is not needed, if any.
function modules() {
  return dependencies().map((text) => {
    const [, name] = /^([a-z0-9-]+?)(-py)?(?![a-z0-9-])/.exec(text);
    const [, major, minor] = /python_version < '(\d+)\.(\d+)'/.exec(text) ?? [];
    return [name.replaceAll('-', '_'), major ? [Number(major), Number(minor)] : null];
  });
}

export function checkoutPython() {
  return path.join(PACKAGE, '.venv', 'bin', 'python');
}
