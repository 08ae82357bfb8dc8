// okstra's Python: which one serves, and making a virtual environment for it.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { OkstraError } from './errors.js';
import { homeTemporary, look, makeFolders, remove, replaceLink, sha256 } from './files.js';
import { PACKAGE, isBelow } from './places.js';
import { checkoutPython, dependencies, extrasOffered, findBase, named, packagesOf, probe } from './python.js';
import { say } from './reply.js';
import { breathe, watchChild } from './stopping.js';

const REMOVING = { recursive: true, force: true, maxRetries: 3 };

// What is to be done: `action` kept (it is there), recorded (an interpreter that has the packages) or made.
// Throws OkstraError (`dependency-missing`).
export function chooseRuntime(places, options, environment, record, { version, token }) {
  const extras = extrasWanted(options, record);
  const packages = [...dependencies(), ...packagesOf(extras)];
  const stamp = sha256(JSON.stringify([version, packages, Boolean(options.link)])).slice(0, 16);
  if (isWheel()) return { ...wheelRuntime(options, environment, record, extras), stamp, extras };
  const asked = askedFor(places, options, environment, extras);
  if (asked && !asked.missing.length) {
    return { action: isKept(record, asked.path, extras) ? 'kept' : 'recorded', python: asked.path, base: '', venv: '', stamp, extras };
  }
  if (!asked && record?.state === 'complete' && sameExtras(record, extras) && serves(record, stamp, extras)) {
    return { action: 'kept', python: record.python, base: record.base, venv: record.venv, stamp: record.stamp, extras };
  }
  const base = asked ?? findBase(environment);
  if (!base.venv) {
    throw new OkstraError('dependency-missing', `Python ${base.version} lacks ${base.missing.join(', ')}, and the venv module to install them with`, {
      where: base.path,
      hint: `${base.path} -m pip install ${base.missing.join(' ')}; or, on Debian and Ubuntu, apt install python3-venv`,
    });
  }
  const venv = path.join(places.venvs, `${version}-${token}`);
  return { action: 'made', python: path.join(venv, 'bin', 'python'), base: base.path, venv, stamp, extras };
}

// Those of `--with` beside those of before, which stay in force until `--with none`. Throws OkstraError (`usage`).
function extrasWanted(options, record) {
  const before = (record?.extras ?? []).filter((name) => extrasOffered().has(name));
  if (!options.with) return before;
  const named = options.with.split(',').filter((name) => name && name !== 'none');
  const unknown = named.find((name) => !extrasOffered().has(name));
  if (unknown) {
    throw new OkstraError('usage', `there is no extra ${unknown}`, { hint: `--with takes: ${[...extrasOffered().keys()].join(', ')}, none` });
  }
  const kept = options.with.split(',').includes('none') ? [] : before;
  return [...new Set([...kept, ...named])].sort();
}

// In a wheel the Python package stands above this one: pip or pipx made its environment, and it is the runtime.
function wheelRuntime(options, environment, record, extras) {
  if (options.python || options.link) {
    throw new OkstraError('usage', `okstra came by pip or pipx, and runs on the Python it came with: ${options.python ? '--python' : '--link'} has no meaning`, {
      where: PACKAGE,
      hint: 'okstra install; for another Python, install okstra with that one: pipx install --python PATH okstra',
    });
  }
  const found = environment.OKSTRA_PYTHON ? probe(environment.OKSTRA_PYTHON, extras) : null;
  if (found?.enough && extras.length && found.missing.length && !probe(found.path).missing.length) {
    const spec = `'okstra[${extras.join(',')}]'`;
    throw new OkstraError('dependency-missing', `Python ${found.version} lacks ${found.missing.join(', ')}, and pip or pipx keeps its packages`, {
      where: found.path,
      hint: `${found.path} -m pip install ${spec}; or, where pipx made it: pipx install --force ${spec}; then okstra install again`,
    });
  }
  if (!found?.enough || found.missing.length) {
    throw new OkstraError('dependency-missing', found ? `Python ${found.version} lacks ${found.missing.join(', ') || 'what okstra needs'}` : 'the Python that okstra came with was not named', {
      where: found?.path ?? PACKAGE,
      hint: 'call the `okstra` that pip or pipx put on the PATH; or do it anew: pipx reinstall okstra',
    });
  }
  const action = isKept(record, found.path, extras) ? 'kept' : 'recorded';
  return { action, python: found.path, base: '', venv: '' };
}

function isWheel() {
  return fs.existsSync(path.join(PACKAGE, '..', '__main__.py')) && !fs.existsSync(path.join(PACKAGE, 'python'));
}

// The interpreter that the person or the checkout names; one of okstra's own making is no choice of theirs.
function askedFor(places, options, environment, extras) {
  if (options.python) return named(options.python, '--python', extras);
  const chosen = environment.OKSTRA_PYTHON;
  if (chosen && !isBelow(path.resolve(chosen), places.home)) return named(chosen, 'OKSTRA_PYTHON', extras);
  const found = options.link ? probe(checkoutPython(), extras) : null;
  return found?.enough ? found : null;
}

const sameExtras = (record, extras) => (record?.extras ?? []).join() === extras.join();
const isKept = (record, python, extras) => record?.state === 'complete' && record.python === python && !record.venv && sameExtras(record, extras);

function serves(record, stamp, extras) {
  if (record.venv && record.stamp !== stamp) return false;
  const found = probe(record.python, extras);
  return Boolean(found?.enough && !found.missing.length);
}

// Makes the virtual environment. Throws OkstraError (`dependency-missing`, `interrupted`).
export async function makeVenv(places, choice, link) {
  say(`making ${choice.venv} with ${choice.base}, packages by pip; this takes a moment`);
  makeFolders(path.dirname(places.log));
  fs.writeFileSync(places.log, '', { mode: 0o600 });
  await run(places, choice.venv, choice.base, ['-I', '-m', 'venv', '--clear', choice.venv], 'the virtual environment could not be made', {
    hint: 'Debian, Ubuntu: apt install python3-venv; or name another Python: okstra install --python PATH',
  });
  const spec = choice.extras.length ? `${PACKAGE}[${choice.extras.join(',')}]` : PACKAGE;
  const packages = link ? ['--editable', spec] : [spec];
  const pip = ['-I', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...packages];
  await run(places, choice.venv, choice.python, pip, "pip could not fetch okstra's packages", {
    hint:
      'see that the package index can be reached, then do it again; or without it: give a Python these packages yourself ' +
      `(${[...dependencies(), ...packagesOf(choice.extras)].join(', ')}) and call okstra install --python PATH`,
  });
  const found = probe(choice.python, choice.extras);
  if (!found || found.missing.length) {
    fs.rmSync(choice.venv, REMOVING);
    throw new OkstraError('dependency-missing', "the new virtual environment lacks okstra's packages", {
      where: choice.venv,
      hint: `read ${places.log}`,
    });
  }
  await breathe();
}

// Of the person's settings: how the index is reached, but not where packages go, that only some come, or what Python loads.
export function pipEnvironment(environment) {
  const misleading = /^(PIP_(TARGET|PREFIX|ROOT|USER|PYTHON|DRY_RUN|NO_DEPS|REQUIREMENT|EDITABLE)|PYTHON.*)$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !misleading.test(name)));
}

// The same of what a pip.conf says, as variables: pip starts itself again to build a package, and would read the file there.
export function pipSettings(listed) {
  const lines = [...listed.matchAll(/^(?:global|install)\.([a-z0-9-]+)='(.*)'$/gm)];
  return Object.fromEntries(lines.map(([, name, value]) => [`PIP_${name.toUpperCase().replaceAll('-', '_')}`, value.replaceAll('\\n', ' ').trim()]));
}

function withoutPipConf(python) {
  const own = pipEnvironment(process.env);
  const asked = spawnSync(python, ['-I', '-m', 'pip', 'config', 'list'], { encoding: 'utf8', env: own, stdio: ['ignore', 'pipe', 'ignore'] });
  return { ...pipEnvironment(pipSettings(asked.stdout ?? '')), ...own, PIP_CONFIG_FILE: os.devNull, PIP_USER: '0' };
}

async function run(places, venv, program, args, failed, { hint }) {
  const log = fs.openSync(places.log, 'a');
  const status = await new Promise((done) => {
    const env = args.includes('pip') ? withoutPipConf(program) : pipEnvironment(process.env);
    const child = spawn(program, args, { stdio: ['ignore', log, log], env });
    watchChild(child);
    child.on('error', (error) => done(error.message));
    child.on('close', done);
  });
  watchChild(null);
  fs.closeSync(log);
  await breathe();
  if (status === 0) return;
  fs.rmSync(venv, REMOVING);
  const reason = reasonIn(fs.readFileSync(places.log, 'utf8'));
  throw new OkstraError('dependency-missing', reason ? `${failed}: ${reason}` : failed, { where: places.log, hint });
}

// What a log ends for. pip puts the output of a program that it started into its own, where that program's last line is
// the reason, and says after it only that it failed; else its last ERROR is, and of other programs the last lines are.
export function reasonIn(log) {
  const lines = log.split('\n').map((line) => line.trim()).filter(Boolean);
  const inner = lines.lastIndexOf('[end of output]') - 1;
  const known = inner >= 0 ? lines[inner] : lines.findLast((line) => line.startsWith('ERROR: '));
  return (known ?? lines.slice(-3).join('\n')).replace(/^ERROR: /, '');
}

// `venv` in okstra's home leads to the environment in use, if any. What stands there and is no link is not touched.
export function linkVenv(places, venv) {
  const { type, print } = look(places.venv);
  if (type !== 'absent' && type !== 'link') return;
  const target = path.relative(places.home, venv);
  if (venv && print !== `link:${target}`) replaceLink(places.venv, target, homeTemporary(places.venv));
  if (!venv && print.startsWith('link:venvs/')) remove(places.venv);
}

// The folder of the environment that `runtime` names; empty when it names none of okstra's own.
export function venvInUse(places) {
  if (look(places.runtime).type !== 'file') return '';
  const python = fs.readFileSync(places.runtime, 'utf8').split('\n')[0];
  return isBelow(python, places.venvs) ? path.dirname(path.dirname(python)) : '';
}

// Old environments go, but for those named: a run that is at work may still be on the last one.
export function sweepVenvs(places, ...kept) {
  if (look(places.venvs).type !== 'other') return;
  for (const name of fs.readdirSync(places.venvs)) {
    const venv = path.join(places.venvs, name);
    if (!kept.includes(venv)) fs.rmSync(venv, REMOVING);
  }
}
