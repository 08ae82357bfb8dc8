// `install --with`: what comes beside okstra's own packages, and that nothing is lost where it can't be had.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { reasonIn } from '../../src/runtime.js';
import { Home, PYTHON, ROOT } from './stand.js';

const DEAF = { PIP_INDEX_URL: 'http://127.0.0.1:1/simple', PIP_EXTRA_INDEX_URL: '', PIP_FIND_LINKS: '', PIP_RETRIES: '0', PIP_CONFIG_FILE: '/dev/null', PIP_NO_CACHE_DIR: '1' };

// A copy of the package with one more extra, `absent`, that no index has; `wheel`: as pip would place it.
function withAbsent(home, { wheel = false } = {}) {
  const root = home.at('package', 'assets');
  fs.mkdirSync(root, { recursive: true });
  for (const name of fs.readdirSync(ROOT)) {
    if (/^(\.|node_modules|src$|pyproject|tests$)/.test(name) || (wheel && name === 'python')) continue;
    fs.symlinkSync(path.join(ROOT, name), path.join(root, name));
  }
  fs.cpSync(path.join(ROOT, 'src'), path.join(root, 'src'), { recursive: true });
  const own = fs.readFileSync(path.join(ROOT, 'pyproject.toml'), 'utf8');
  const section = '[project.optional-dependencies]\n';
  fs.writeFileSync(path.join(root, 'pyproject.toml'), own.replace(section, `${section}absent = [\n  "okstra-has-no-such-package>=1", # a remark\n]\n`));
  if (wheel) home.write('', 'package', '__main__.py');
  return (...args) => {
    const ended = spawnSync(process.execPath, [path.join(root, 'src', 'main.js'), ...args, '--json'], { encoding: 'utf8', env: home.environment, cwd: home.folder });
    const answer = JSON.parse(ended.stdout);
    return { status: ended.status, data: answer.data, error: answer.errors[0] };
  };
}

test('extras stay in force and come one beside the other, until none is asked for', (t) => {
  const home = new Home(t);
  assert.deepEqual(home.okstra('install', '--with', 'otel').data.runtime.extras, ['otel']);
  assert.deepEqual(home.okstra('install', '--with=notify').data.runtime.extras, ['notify', 'otel']);
  assert.deepEqual(home.record('runtime').extras, ['notify', 'otel']);
  assert.equal(home.okstra('install').data.runtime.action, 'kept');
  assert.deepEqual(home.okstra('install', '--with', 'none').data.runtime.extras, []);
  assert.equal(home.record('runtime').extras, undefined);
});

test('an extra that does not exist is named, with those that do', (t) => {
  const ended = new Home(t).okstra('install', '--with', 'otel,dev');
  assert.equal(ended.status, 2);
  assert.match(ended.error.message, /no extra dev/);
  assert.match(ended.error.try, /notify, otel/);
});

test('help names the extras that messages ask for', (t) => {
  const help = new Home(t).okstra('install', '--help').answer.unreadable;
  for (const extra of ['acp', 'mcp', 'notify', 'otel']) assert.match(help, new RegExp(`\\(${extra}\\)`));
});

test('extras that the index does not give leave everything as it was', { timeout: 120_000 }, (t) => {
  const home = new Home(t, DEAF);
  const install = withAbsent(home);
  assert.equal(install('install').status, 0);
  const beside = ['.okstra/logs', '.cache', '.rustup'];
  const before = home.picture(...beside);
  const ended = install('install', '--with', 'absent');
  assert.equal(ended.status, 69);
  assert.match(ended.error.message, /^pip could not fetch okstra's packages: [^\n]*No matching distribution found for \S+$/);
  assert.match(ended.error.try, /okstra-has-no-such-package>=1\)/);
  assert.equal(home.read('.okstra', 'runtime'), `${PYTHON}\n`);
  assert.deepEqual(home.record('runtime').extras, undefined);
  assert.deepEqual(fs.readdirSync(home.at('.okstra', 'venvs')), []);
  fs.rmSync(home.at('.okstra', 'venvs'), { recursive: true });
  assert.deepEqual(home.picture(...beside), before);
  assert.equal(install('install').data.runtime.action, 'kept');
});

test('the reason is quoted, and not that there is one above', () => {
  const built = [
    '  error: subprocess-exited-with-error', '', '  × pip subprocess to install build dependencies did not run successfully.',
    '  │ exit code: 1', '  ╰─> [2 lines of output]', '      ERROR: Could not find a version that satisfies the requirement a>=1 (from versions: none)',
    '      ERROR: No matching distribution found for a>=1', '      [end of output]', '', '  note: This error originates from a subprocess.',
    'error: subprocess-exited-with-error', '', '× pip subprocess to install build dependencies did not run successfully.', '│ exit code: 1', '╰─> See above for output.',
  ].join('\n');
  assert.equal(reasonIn(built), 'No matching distribution found for a>=1');
  assert.equal(reasonIn(`${built}\nERROR: Failed to build 'okstra' when installing build dependencies\n`), 'No matching distribution found for a>=1');
  assert.equal(reasonIn('WARNING: slow\nERROR: Could not find a>=1\nERROR: No matching distribution found for a>=1\n\n[notice] a new pip\n'), 'No matching distribution found for a>=1');
  assert.equal(reasonIn("The virtual environment was not created\nbecause ensurepip is not available."), 'The virtual environment was not created\nbecause ensurepip is not available.');
  assert.equal(reasonIn('\n'), '');
});

test('an okstra that pip brought keeps its packages: the command that adds them is named', (t) => {
  const home = new Home(t);
  const ended = withAbsent(home, { wheel: true })('install', '--with', 'absent');
  assert.equal(ended.status, 69);
  assert.equal(ended.error.try, `${PYTHON} -m pip install 'okstra[absent]'; or, where pipx made it: pipx install --force 'okstra[absent]'; then okstra install again`);
  assert.ok(!fs.existsSync(home.at('.claude')));
});
