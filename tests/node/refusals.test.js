// What install and uninstall refuse, with nothing touched; and what they say then.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Home, ROOT, recorded } from './stand.js';

const NOWHERE = '/nowhere';

test('an obstacle at each place in turn: told, exit 3, nothing touched; away with it, and install goes through', (t) => {
  const model = new Home(t);
  model.okstra('install');
  const files = recorded(model).map((file) => path.relative(model.folder, file));
  const kinds = ['file', 'folder', 'link', 'file above'];
  const cases = [...files.map((file, number) => [file, kinds[number % 3]]), ...kinds.map((kind) => [files[2], kind])];
  for (const [file, kind] of cases) obstruct(new Home(t), kind === 'file above' ? path.dirname(file) : file, kind);
});

function obstruct(home, at, kind) {
  fs.mkdirSync(path.dirname(home.at(at)), { recursive: true });
  if (kind === 'folder') fs.mkdirSync(home.at(at));
  else if (kind === 'link') fs.symlinkSync('nothing', home.at(at));
  else fs.writeFileSync(home.at(at), "a person's");
  const before = home.picture();
  const refused = home.okstra('install');
  const where = `${kind} at ${at}: ${refused.stderr}`;
  assert.equal(refused.status, 3, where);
  assert.equal(refused.answer.status, 'refused', where);
  assert.equal(refused.error.code, 'file-foreign', where);
  assert.ok(refused.error.where.includes(home.at(at)), where);
  assert.deepEqual(without(home.picture(), before), before, where);
  fs.rmSync(home.at(at), { recursive: true });
  assert.equal(home.okstra('install').status, 0, where);
}

test('a home that is a file, or whose folder is: 69', (t) => {
  for (const at of ['.okstra', 'a']) {
    const home = new Home(t, at === 'a' ? { OKSTRA_HOME: 'a/b' } : {});
    home.write("a person's", at);
    const before = home.picture();
    const ended = home.okstra('install');
    assert.equal(ended.status, 69, ended.stderr);
    assert.equal(ended.error.code, 'home-not-writable');
    assert.deepEqual(home.picture(), before);
  }
});

// The home itself may be there after a refusal: it has to be, for the lock.
function without(now, before) {
  return Object.fromEntries(Object.entries(now).filter(([name]) => name in before || !name.startsWith('.okstra')));
}

test("a file of the person's at a path that a later version brings is not touched either", (t) => {
  const home = new Home(t);
  home.okstra('install');
  const record = home.record('agents');
  record.files = record.files.filter((one) => !one.path.endsWith('codex-worker.md'));
  home.write(JSON.stringify(record), '.okstra', 'installed-agents.json');
  home.write('their own', '.claude', 'agents', 'codex-worker.md');
  const before = home.picture();
  assert.equal(home.okstra('install').status, 3);
  assert.deepEqual(home.picture(), before);
  home.okstra('uninstall');
  assert.equal(home.read('.claude', 'agents', 'codex-worker.md'), 'their own');
});

test('a damaged record, or one of a newer okstra: 65, nothing touched', (t) => {
  const home = new Home(t);
  home.okstra('install');
  const whole = home.record('skills');
  const wrong = ['', '{', '[]', 'null', { ...whole, schema: 'installed-skills/2' }, { ...whole, files: [{ path: 'relative' }] }, { ...whole, folders: 1 }, { ...whole, token: '../..' }];
  for (const one of wrong) {
    home.write(typeof one === 'string' ? one : JSON.stringify(one), '.okstra', 'installed-skills.json');
    const before = home.picture();
    for (const command of ['install', 'uninstall']) {
      const refused = home.okstra(command);
      assert.equal(refused.status, 65, JSON.stringify(one));
      assert.equal(refused.error.code, 'state-unreadable');
      assert.deepEqual(home.picture(), before);
    }
  }
});

test('no Python that serves: 69 with a way on, nothing left', (t) => {
  const home = new Home(t);
  const cases = [
    [{ OKSTRA_PYTHON: NOWHERE }, [], /OKSTRA_PYTHON names does not run as a Python/],
    [{}, ['--python', NOWHERE], /--python names does not run as a Python/],
    [{ OKSTRA_PYTHON: '', PATH: NOWHERE }, [], /no Python 3.10 or newer/],
    [{ OKSTRA_PYTHON: '', PATH: fakePython(home, '3.9.1') }, [], /no Python 3.10 or newer/],
  ];
  const before = home.picture();
  for (const [environment, flags, message] of cases) {
    const wrong = new Home(t, { ...environment });
    const ended = wrong.okstra('install', ...flags);
    assert.equal(ended.status, 69, ended.stderr);
    assert.equal(ended.error.code, 'dependency-missing');
    assert.match(ended.error.message, message);
    assert.match(ended.stderr, /^okstra: error: .*\n {2}where: .*\n {2}try: /);
    assert.ok(!fs.existsSync(wrong.at('.claude')));
  }
  assert.deepEqual(home.picture(), before);
});

test('a Python without the venv module is named, with the package that brings it', (t) => {
  const home = new Home(t);
  const bare = new Home(t, { OKSTRA_PYTHON: '', PATH: fakePython(home, '3.12.1', { venv: false }) });
  const ended = bare.okstra('install');
  assert.equal(ended.status, 69);
  assert.match(ended.error.where, /without the venv module/);
  assert.match(ended.error.try, /python3-venv/);
});

test('no index that can be reached: 69, the words of pip, a way on without it; no half environment stays', { timeout: 120_000 }, (t) => {
  const nobody = 'http://127.0.0.1:1/simple';
  const deaf = { PIP_INDEX_URL: nobody, PIP_EXTRA_INDEX_URL: '', PIP_FIND_LINKS: '', PIP_RETRIES: '0', PIP_CONFIG_FILE: '/dev/null', PIP_NO_CACHE_DIR: '1' };
  const home = new Home(t, { OKSTRA_PYTHON: '', ...deaf });
  const ended = home.okstra('install');
  assert.equal(ended.status, 69, ended.stderr);
  assert.match(ended.error.message, /pip could not fetch okstra's packages/);
  assert.match(ended.error.try, /okstra install --python PATH/);
  assert.deepEqual(fs.readdirSync(home.at('.okstra', 'venvs')), []);
  assert.ok(!fs.existsSync(home.at('.claude')));
  assert.equal(home.okstra('uninstall').status, 0);
  assert.deepEqual(home.picture('.cache', '.rustup'), {});
});

test('wrong words on the command line: 2', (t) => {
  const home = new Home(t);
  for (const args of [['install', '--lnik'], ['install', '--purge'], ['uninstall', '--link'], ['install', '--target', 'codex'], ['install', '--python'], ['install', '--json=1'], ['install', 'more']]) {
    const ended = home.okstra(...args);
    assert.equal(ended.status, 2, args.join(' '));
    assert.equal(ended.error.code, 'usage');
  }
  assert.deepEqual(home.picture(), {});
});

test('help names every flag', (t) => {
  const home = new Home(t);
  for (const name of ['install', 'uninstall']) {
    const help = home.okstra(name, '--help').answer.unreadable;
    assert.match(help, /--dry-run .*\n.*--json/);
  }
});

// A folder for the PATH with a python3 that answers okstra's question as such a Python would.
function fakePython(home, version, { venv = true } = {}) {
  const enough = Number(version.split('.')[1]) >= 10;
  const answer = JSON.stringify({ version, enough, venv, missing: ['plumbum'], path: '/usr/bin/python3' });
  const file = home.write(`#!/bin/sh\necho '${answer}'\n`, `bin-${version}`, 'python3');
  fs.chmodSync(file, 0o755);
  return path.dirname(file);
}

test('the codes that install prints are the ones of the documentation', async () => {
  const { EXIT_STATUS } = await import('../../src/errors.js');
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'reference', 'errors.md'), 'utf8');
  for (const [code, status] of Object.entries(EXIT_STATUS)) assert.match(page, new RegExp(`\\| \`${code}\` \\| ${status} \\|`));
  const used = fs.readdirSync(path.join(ROOT, 'src')).flatMap((name) => [...fs.readFileSync(path.join(ROOT, 'src', name), 'utf8').matchAll(/new OkstraError\(\s*'([^']+)'/g)].map(([, code]) => code));
  assert.deepEqual([...new Set(used)].filter((code) => !EXIT_STATUS[code]), []);
});

test('a skill folder that is a link to somebody else is not written through', (t) => {
  const home = new Home(t);
  home.write('mine', 'elsewhere', 'notes.md');
  fs.mkdirSync(home.at('.claude', 'skills'), { recursive: true });
  fs.symlinkSync(home.at('elsewhere'), path.dirname(home.skill('okstra-run')));
  const before = home.picture();
  const refused = home.okstra('install');
  assert.deepEqual([refused.status, refused.error.code], [3, 'file-foreign']);
  assert.deepEqual(without(home.picture(), before), before);
});

test('a worker of this home neither installs nor uninstalls, with a core and without one; a dry run may look', (t) => {
  const home = new Home(t);
  home.okstra('install');
  const before = home.picture();
  home.environment.OKSTRA_WORKER_HOME = home.at('.okstra');
  for (const python of [home.environment.OKSTRA_PYTHON, NOWHERE]) {
    home.environment.OKSTRA_PYTHON = python;
    for (const words of [['install'], ['uninstall'], ['uninstall', '--purge', '--yes']]) {
      const refused = home.okstra(...words);
      assert.equal(refused.status, 3, refused.stderr);
      assert.equal(refused.error.code, 'worker-may-not');
      assert.ok(refused.error.try.includes(`okstra ${words[0]}`), refused.stderr);
    }
    assert.equal(home.okstra('uninstall', '--dry-run').status, 0);
  }
  assert.deepEqual(home.picture(), before);
  home.environment.OKSTRA_WORKER_HOME = home.at('another');
  assert.equal(home.okstra('uninstall').status, 0);
});
