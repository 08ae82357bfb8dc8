// What install leaves, once and twice, with a person's files there before and a person's edits since.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Home, PYTHON, ROOT, picture, recorded } from './stand.js';

const sha = (text) => crypto.createHash('sha256').update(text).digest('hex');

test('install, then uninstall: the home is as it was', (t) => {
  const home = new Home(t);
  home.write('mine', '.claude', 'skills', 'okstra-run', 'notes.md');
  home.write('mine', '.claude', 'agents', 'my-worker.md');
  home.write('{}', '.claude', 'settings.json');
  const before = home.picture();
  const put = home.okstra('install');
  assert.equal(put.status, 0, put.stderr);
  assert.ok(put.data.files.length > 12);
  assert.ok(put.data.files.every((one) => one.action === 'written'));
  assert.ok(recorded(home).every((file) => fs.existsSync(file)));
  assert.equal(home.read('.okstra', 'runtime'), `${PYTHON}\n`);
  fs.mkdirSync(path.join(home.folder, '.okstra', 'worktrees'), { recursive: true }); // as a first command leaves it
  const gone = home.okstra('uninstall');
  assert.equal(gone.status, 0, gone.stderr);
  assert.equal(gone.data.removed.length, put.data.files.length);
  assert.deepEqual(home.picture(), before);
});

test('an empty home is empty again', (t) => {
  const home = new Home(t, {});
  assert.equal(home.okstra('install', '--target', 'all').status, 0);
  assert.equal(home.okstra('uninstall').status, 0);
  assert.deepEqual(home.picture(), {});
  assert.equal(home.okstra('uninstall').status, 0);
  assert.deepEqual(home.picture(), {});
});

test('a second install writes nothing', (t) => {
  const home = new Home(t);
  home.okstra('install');
  const times = () => recorded(home).map((file) => fs.statSync(file).mtimeNs ?? fs.statSync(file).mtimeMs);
  const [before, timesBefore] = [home.picture(), times()];
  const again = home.okstra('install');
  assert.equal(again.status, 0, again.stderr);
  assert.ok(again.data.files.every((one) => one.action === 'unchanged'));
  assert.equal(again.data.runtime.action, 'kept');
  assert.deepEqual([home.picture(), times()], [before, timesBefore]);
});

test('one file that is gone or old is written, and no other', (t) => {
  const home = new Home(t);
  home.okstra('install');
  const before = home.picture();
  fs.rmSync(home.skill('okstra-run'));
  const again = home.okstra('install');
  assert.deepEqual(again.data.files.filter((one) => one.action !== 'unchanged').map((one) => one.path), [home.skill('okstra-run')]);
  const tokenless = (one) => Object.fromEntries(Object.entries(one).filter(([name]) => !name.includes('installed-')));
  assert.deepEqual(tokenless(home.picture()), tokenless(before));
});

test("what the person changed is kept beside, each version once, and uninstall leaves their version", (t) => {
  const home = new Home(t);
  home.okstra('install');
  const file = home.skill('okstra-run');
  const ours = fs.readFileSync(file, 'utf8');
  for (const text of ['first edit', 'second edit', 'first edit']) {
    fs.writeFileSync(file, text);
    const again = home.okstra('install');
    assert.equal(again.status, 0);
    assert.match(again.stderr, /you had changed .*okstra-run/);
    assert.equal(again.data.kept.length, 1);
    assert.equal(fs.readFileSync(again.data.kept[0].kept, 'utf8'), text);
    assert.equal(fs.readFileSync(file, 'utf8'), ours);
  }
  assert.deepEqual(fs.readdirSync(path.dirname(file)).sort(), ['SKILL.md', 'SKILL.md.user', 'SKILL.md.user-2']);
  fs.writeFileSync(file, 'third edit');
  const gone = home.okstra('uninstall');
  assert.deepEqual(gone.data.kept, [file]);
  assert.match(gone.stderr, /it stays/);
  assert.deepEqual(Object.keys(home.picture()).filter((name) => name.includes('.md')), [
    '.claude/skills/okstra-run/SKILL.md',
    '.claude/skills/okstra-run/SKILL.md.user',
    '.claude/skills/okstra-run/SKILL.md.user-2',
  ]);
});

test('a link that the person put in place of a skill is kept beside as a link', (t) => {
  const home = new Home(t);
  home.okstra('install');
  const own = home.write('my own', 'dotfiles', 'run.md');
  fs.rmSync(home.skill('okstra-run'));
  fs.symlinkSync(own, home.skill('okstra-run'));
  const again = home.okstra('install');
  assert.equal(fs.readlinkSync(again.data.kept[0].kept), own);
  assert.equal(fs.readFileSync(own, 'utf8'), 'my own');
  assert.ok(fs.lstatSync(home.skill('okstra-run')).isFile());
});

test('an older install is brought up to date: changed files updated, files of old removed, edits kept', (t) => {
  const home = new Home(t);
  home.okstra('install');
  const now = home.picture();
  const record = home.record('skills');
  const old = (text) => ({ path: home.write(text, '.claude', 'skills', 'okstra-old', `${text}.md`), sha256: sha(text) });
  record.files.push(old('untouched'), { ...old('edited'), sha256: sha('what it was') });
  fs.writeFileSync(home.skill('okstra-run'), 'version 0.0.9');
  record.files.find((one) => one.path === home.skill('okstra-run')).sha256 = sha('version 0.0.9');
  record.folders.push(home.at('.claude', 'skills', 'okstra-old'));
  record.version = '0.0.9';
  home.write(JSON.stringify(record), '.okstra', 'installed-skills.json');
  home.write(JSON.stringify({ ...home.record('runtime'), version: '0.0.9' }), '.okstra', 'installed-runtime.json');
  const again = home.okstra('install');
  assert.equal(again.status, 0, again.stderr);
  assert.deepEqual([again.data.version_before, again.data.version], ['0.0.9', home.record('runtime').version]);
  assert.equal(home.record('skills').state, 'complete');
  const actions = Object.fromEntries(again.data.files.map((one) => [path.basename(path.dirname(one.path)) + '/' + path.basename(one.path), one.action]));
  assert.equal(actions['okstra-run/SKILL.md'], 'updated');
  assert.equal(actions['okstra-old/untouched.md'], 'removed');
  assert.equal(actions['okstra-old/edited.md'], 'removed');
  assert.equal(home.read('.claude', 'skills', 'okstra-old', 'edited.md.user'), 'edited');
  const left = Object.fromEntries(Object.entries(home.picture()).filter(([name]) => !name.includes('installed-') && !name.includes('okstra-old')));
  assert.deepEqual(left, Object.fromEntries(Object.entries(now).filter(([name]) => !name.includes('installed-'))));
});

test('--target all serves other agents too, and stays in force', (t) => {
  const home = new Home(t);
  home.okstra('install', '--target', 'all');
  const shared = home.at('.agents', 'skills');
  assert.deepEqual(picture(shared), picture(home.at('.claude', 'skills')));
  fs.rmSync(path.join(shared, 'okstra-run', 'SKILL.md'));
  home.okstra('install');
  assert.ok(fs.existsSync(path.join(shared, 'okstra-run', 'SKILL.md')));
});

test('CLAUDE_CONFIG_DIR and OKSTRA_HOME move everything', (t) => {
  const home = new Home(t);
  Object.assign(home.environment, { CLAUDE_CONFIG_DIR: home.at('c'), OKSTRA_HOME: home.at('a', 'b', 'o') });
  assert.equal(home.okstra('install').status, 0);
  assert.deepEqual(fs.readdirSync(home.folder).sort(), ['a', 'c']);
  assert.ok(fs.existsSync(home.at('c', 'agents', 'codex-worker.md')));
  home.okstra('uninstall');
  assert.deepEqual(home.picture(), {});
});

test('--dry-run writes nothing and says the same', (t) => {
  const home = new Home(t);
  const dry = home.okstra('install', '--dry-run');
  assert.equal(dry.status, 0, dry.stderr);
  assert.deepEqual(home.picture(), {});
  assert.deepEqual(dry.data.files, home.okstra('install').data.files);
  const before = home.picture();
  const planned = home.okstra('uninstall', '--dry-run');
  assert.deepEqual(home.picture(), before);
  assert.deepEqual(planned.data.removed, home.okstra('uninstall').data.removed);
});

test('--link makes links where a file is what it will be, and copies where text has to be put in', (t) => {
  const home = new Home(t);
  assert.equal(home.okstra('install', '--link').status, 0);
  assert.equal(fs.readlinkSync(home.skill('okstra-convergence')), path.join(ROOT, 'skills', 'okstra-convergence', 'SKILL.md'));
  assert.ok(fs.lstatSync(home.skill('okstra-run')).isFile());
  assert.ok(home.okstra('install', '--link').data.files.every((one) => one.action === 'unchanged'));
  assert.equal(home.okstra('install').status, 0);
  assert.ok(fs.lstatSync(home.skill('okstra-convergence')).isFile());
  home.okstra('install', '--link');
  home.okstra('uninstall');
  assert.deepEqual(home.picture(), {});
});

test('no file that is installed holds a placeholder or an include', (t) => {
  const home = new Home(t);
  home.okstra('install');
  for (const file of recorded(home)) assert.doesNotMatch(fs.readFileSync(file, 'utf8'), /\{\{/, file);
});
