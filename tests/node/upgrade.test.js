// A home into which 0.1.0 was installed, and today's okstra installed over it. tests/upgrade/make_home.sh made the home.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Home, PYTHON, ROOT, recorded } from './stand.js';

const KEPT = path.join(ROOT, 'tests', 'upgrade', 'home-0.1.0.tar.gz');

// The kept home, moved to where this test's is, in a folder with spaces, beside files of the person's own.
function old(t) {
  const home = new Home(t);
  home.folder = home.at('a home with spaces');
  home.environment.HOME = home.folder;
  home.write('mine\n', '.claude', 'skills', 'okstra-run', 'notes.md');
  home.write('mine\n', '.claude', 'skills', 'my-skill', 'SKILL.md');
  home.write('mine\n', '.claude', 'agents', 'my-worker.md');
  for (const one of ['.claude', '.claude/agents', '.claude/skills', '.claude/skills/okstra-run']) fs.chmodSync(home.at(one), 0o700); // tar would
  const before = home.picture();
  assert.equal(spawnSync('tar', ['-C', home.folder, '-xzf', KEPT]).status, 0);
  for (const kind of ['runtime', 'skills', 'agents']) {
    const record = home.at('.okstra', `installed-${kind}.json`);
    fs.writeFileSync(record, fs.readFileSync(record, 'utf8').replaceAll('@PLACE@', home.folder));
  }
  return { home, before };
}

test('what 0.1.0 installed is updated in place, and uninstall leaves the home as it was before 0.1.0', (t) => {
  const { home, before } = old(t);
  const then = recorded(home);
  const put = home.okstra('install');
  assert.equal(put.status, 0, put.stderr);
  assert.deepEqual(put.data.kept, []);
  assert.equal(home.read('.okstra', 'runtime'), `${PYTHON}\n`);
  const now = recorded(home);
  assert.deepEqual(then.filter((file) => !now.includes(file) && fs.existsSync(file)), [], 'files that only 0.1.0 had');
  const gone = home.okstra('uninstall');
  assert.equal(gone.status, 0, gone.stderr);
  assert.deepEqual(home.picture(), before);
});

test('uninstall without a new install first removes what 0.1.0 installed', (t) => {
  const { home, before } = old(t);
  const gone = home.okstra('uninstall');
  assert.equal(gone.status, 0, gone.stderr);
  assert.deepEqual(home.picture(), before);
});

test('a skill of 0.1.0 that the person edited is kept beside the new one, also by uninstall', (t) => {
  const { home, before } = old(t);
  const edited = `${fs.readFileSync(home.skill('okstra-run'), 'utf8')}# my own rule\n`;
  fs.writeFileSync(home.skill('okstra-run'), edited);
  assert.equal(home.okstra('install').status, 0);
  assert.ok(!fs.readFileSync(home.skill('okstra-run'), 'utf8').includes('my own rule'));
  assert.equal(home.okstra('uninstall').status, 0);
  assert.equal(fs.readFileSync(`${home.skill('okstra-run')}.user`, 'utf8'), edited);
  fs.rmSync(`${home.skill('okstra-run')}.user`);
  assert.deepEqual(home.picture(), before);
});
