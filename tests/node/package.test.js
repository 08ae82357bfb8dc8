// The package as npm makes it, installed below a prefix of its own: it needs nothing of the checkout.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Home, PYTHON, ROOT, recorded } from './stand.js';

const npm = spawnSync('npm', ['--version'], { encoding: 'utf8' }).status === 0;

// A home into whose prefix the packed okstra was installed; `call` runs a command by the name on the PATH.
function packed(t, more) {
  const home = new Home(t, more);
  const run = (program, args, options = {}) => {
    const quiet = { npm_config_update_notifier: 'false', npm_config_cache: home.at('npm-cache'), npm_config_offline: 'true' };
    return spawnSync(program, args, { encoding: 'utf8', cwd: home.folder, env: { ...home.environment, ...quiet }, ...options });
  };
  const tarball = run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', home.folder, ROOT]).stdout.trim().split('\n').at(-1);
  const put = run('npm', ['install', '--global', '--prefix', home.at('prefix'), '--no-audit', '--no-fund', home.at(tarball)]);
  assert.equal(put.status, 0, put.stderr);
  home.environment.PATH = `${home.at('prefix', 'bin')}${path.delimiter}${home.environment.PATH}`;
  return { home, call: (...args) => run('okstra', args), root: home.at('prefix', 'lib', 'node_modules', 'okstra') };
}

test('npm’s package installs, runs and uninstalls with a Python that has the packages', { skip: !npm && 'npm is not there' }, (t) => {
  const { home, call, root } = packed(t);
  const names = fs.readdirSync(root, { recursive: true }).map(String);
  assert.deepEqual(names.filter((name) => /__pycache__|\.pyc$|\.test\.js$|^tests(\/|$)|\.venv|node_modules/.test(name)), []);
  const played = ['script.toml', 'brief.md', 'project', 'stages'].flatMap((name) => {
    const at = path.join(ROOT, 'demo', name);
    const below = fs.statSync(at).isDirectory() ? fs.readdirSync(at, { recursive: true }).map(String) : [];
    return [path.join('demo', name), ...below.map((one) => path.join('demo', name, one))];
  });
  assert.deepEqual(names.filter((name) => /^demo\//.test(name)).sort(), played.filter((name) => !/__pycache__/.test(name)).sort());
  assert.ok(fs.existsSync(home.at('prefix', 'share', 'man', 'man1', 'okstra.1')), 'npm links the manual page');
  const put = call('install', '--json');
  assert.equal(put.status, 0, put.stderr);
  assert.equal(JSON.parse(put.stdout).data.runtime.python, PYTHON);
  delete home.environment.OKSTRA_PYTHON; // the record names it now
  assert.match(call('--version').stdout, /^okstra \d/);
  assert.equal(call('list').status, 0);
  assert.ok(recorded(home).every((file) => fs.existsSync(file)));
  assert.equal(call('uninstall').status, 0);
  assert.ok(!fs.existsSync(home.at('.claude')));
});

test('without such a Python it makes its own, from the package index', { skip: !npm && 'npm is not there', timeout: 300_000 }, (t) => {
  const pip = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('PIP_')));
  const reach = spawnSync(PYTHON, ['-m', 'pip', 'download', '--quiet', '--no-deps', '--retries', '0', '--dest', new Home(t).folder, 'hatchling'], { encoding: 'utf8', timeout: 60_000 });
  if (reach.status !== 0) {
    t.skip('no package index can be reached: the environment of okstra’s own was not tested');
    return;
  }
  const { home, call } = packed(t, { ...pip, OKSTRA_PYTHON: '' });
  const elsewhere = home.at('elsewhere');
  home.environment.PYTHONPATH = home.at('shadow');
  home.write('raise SystemExit("the wrong json")\n', 'shadow', 'json.py');
  for (const name of ['TARGET', 'PREFIX', 'ROOT']) home.environment[`PIP_${name}`] = elsewhere;
  for (const name of ['USER', 'DRY_RUN', 'NO_DEPS']) home.environment[`PIP_${name}`] = '1';
  // What else the person's files say, such as where the index is, serves as before.
  const settings = spawnSync(PYTHON, ['-m', 'pip', 'config', 'list'], { encoding: 'utf8' }).stdout;
  const known = [...settings.matchAll(/^(?:global|install)\.([a-z-]+)='(.*)'$/gm)].map(([, name, value]) => `${name} = ${value}`);
  const places = ['target', 'prefix', 'root'].map((name) => `${name} = ${home.at(`conf-${name}`)}`);
  const lines = ['[global]', ...known, '[install]', ...places, 'user = true', 'dry-run = true', 'no-deps = true', ''];
  home.environment.PIP_CONFIG_FILE = home.write(lines.join('\n'), 'pip.conf');
  const put = call('install', '--json');
  assert.equal(put.status, 0, put.stderr);
  for (const name of ['target', 'prefix', 'root']) assert.ok(!fs.existsSync(home.at(`conf-${name}`)), name);
  const { runtime } = JSON.parse(put.stdout).data;
  assert.equal(runtime.action, 'made');
  assert.ok(!fs.existsSync(elsewhere));
  assert.ok(runtime.python.startsWith(home.at('.okstra', 'venvs')));
  assert.ok(fs.existsSync(home.at('.okstra', 'venv', 'bin', 'python')));
  assert.equal(call('list').status, 0);
  assert.equal(JSON.parse(call('install', '--json').stdout).data.runtime.action, 'kept');
  const module = spawnSync(runtime.python, ['-I', '-m', 'okstra_ctl', '--version'], { encoding: 'utf8', env: home.environment });
  assert.match(module.stdout, /^okstra \d/);
  fs.rmSync(home.at('.okstra', 'venv'));
  fs.renameSync(runtime.python, `${runtime.python}.gone`);
  const mended = JSON.parse(call('install', '--json').stdout).data.runtime;
  assert.equal(mended.action, 'made');
  assert.notEqual(mended.python, runtime.python);
  assert.equal(call('uninstall').status, 0);
  assert.ok(!fs.existsSync(home.at('.okstra')));
});
