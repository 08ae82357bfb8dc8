// Install and uninstall killed at any moment, and two at once: the next one finishes, and nobody's file is lost.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Home, random, recorded } from './stand.js';

const TIMES = 15;

// A picture that two installs share: without the records, whose token is each install's own.
const settled = (home) => Object.fromEntries(Object.entries(home.picture('.okstra/.locks')).filter(([name]) => !/installed-/.test(name)));

function span(home, ...args) {
  const begun = Date.now();
  home.okstra(...args);
  return Date.now() - begun;
}

test('killed while it installs, at random moments: the next install finishes, uninstall leaves nothing', async (t) => {
  const below = random(t);
  const [model, home] = [new Home(t), new Home(t)];
  for (const one of [model, home]) one.write('mine', '.claude', 'skills', 'okstra-lead', 'notes.md');
  const length = span(model, 'install');
  const before = home.picture();
  let hits = 0;
  for (let round = 0; round < TIMES; round += 1) {
    const killed = await home.killed(Math.floor(length / 3) + below(length), 'install');
    hits += Number(killed);
    const next = home.okstra('install');
    assert.equal(next.status, 0, `round ${round}: ${next.stderr}`);
    assert.deepEqual(next.data.kept, [], `round ${round}: nobody had changed anything`);
    assert.deepEqual(settled(home), settled(model), `round ${round}`);
    assert.equal(home.okstra('uninstall').status, 0);
    assert.deepEqual(home.picture(), before, `round ${round}`);
  }
  t.diagnostic(`${hits} of ${TIMES} were killed at work`);
});

test('killed as soon as each of its files is there, or is gone: the next one finishes', async (t) => {
  const model = new Home(t);
  model.okstra('install');
  const records = ['runtime', 'skills', 'agents'].map((kind) => `.okstra/installed-${kind}.json`);
  const names = [...records, ...recorded(model).map((file) => path.relative(model.folder, file))];
  const whole = settled(model);
  const home = new Home(t);
  let hits = 0;
  for (const name of names) {
    hits += await killedWhen(home, () => fs.existsSync(home.at(name)), 'install');
    assert.equal(home.okstra('install').status, 0, name);
    assert.deepEqual(settled(home), whole, name);
    hits += await killedWhen(home, () => !fs.existsSync(home.at(name)), 'uninstall');
    assert.equal(home.okstra('uninstall').status, 0, name);
    assert.deepEqual(home.picture(), {}, name);
  }
  t.diagnostic(`${hits} of ${2 * names.length} were killed at work`);
});

// Kills the command at the moment when `happened`; answers 1 when it was still at work.
async function killedWhen(home, happened, ...args) {
  const child = home.start(...args);
  let over = false;
  const ended = new Promise((done) => child.on('close', (status, signal) => done(signal === 'SIGKILL' ? 1 : 0))).finally(() => (over = true));
  while (!over && !happened()) await new Promise((done) => setImmediate(done));
  child.kill('SIGKILL');
  return ended;
}

test('killed while it updates: no edit is lost, no file half written', async (t) => {
  const below = random(t);
  const home = new Home(t);
  const length = span(home, 'install');
  const ours = fs.readFileSync(home.skill('okstra-run'), 'utf8');
  for (let round = 0; round < TIMES; round += 1) {
    const edit = `edit ${round}`;
    fs.writeFileSync(home.skill('okstra-run'), edit);
    fs.rmSync(home.skill('okstra-setup'));
    await home.killed(Math.floor(length / 3) + below(length), 'install');
    const stands = fs.readFileSync(home.skill('okstra-run'), 'utf8');
    assert.ok([edit, ours].includes(stands), `round ${round}: ${stands}`);
    assert.equal(home.okstra('install').status, 0);
    const folder = fs.readdirSync(home.at('.claude', 'skills', 'okstra-run'));
    const kept = folder.map((name) => home.read('.claude', 'skills', 'okstra-run', name)).filter((text) => text === edit);
    assert.equal(kept.length, 1, `round ${round}: ${folder}`);
    assert.equal(fs.readFileSync(home.skill('okstra-run'), 'utf8'), ours);
    assert.deepEqual(folder.filter((name) => name.endsWith('.tmp')), []);
  }
});

test('killed while it uninstalls: the next one finishes', async (t) => {
  const below = random(t);
  const home = new Home(t);
  home.write('mine', '.claude', 'agents', 'mine.md');
  const before = home.picture();
  home.okstra('install');
  const length = span(home, 'uninstall');
  for (let round = 0; round < TIMES; round += 1) {
    home.okstra('install');
    await home.killed(Math.floor(length / 3) + below(length), 'uninstall');
    assert.equal(home.okstra('uninstall').status, 0);
    assert.deepEqual(home.picture(), before, `round ${round}`);
  }
});

test('eight at once: each ends well or says who is at work, and the end is one whole install', async (t) => {
  const home = new Home(t);
  const model = new Home(t);
  model.okstra('install');
  const ended = await Promise.all(
    Array.from({ length: 8 }, () => new Promise((done) => home.start('install').on('close', done))),
  );
  assert.ok(ended.every((status) => [0, 75].includes(status)), String(ended));
  assert.ok(ended.includes(0));
  assert.deepEqual(settled(home), settled(model));
  assert.deepEqual(fs.readdirSync(home.at('.okstra', '.locks', 'install')), []);
});

test('a lock of a process that lives makes the next one wait, then say so; a dead one none', (t) => {
  const home = new Home(t);
  home.okstra('install');
  const folder = home.at('.okstra', '.locks', 'install');
  fs.writeFileSync(`${folder}/999999999.aa.${'0'.repeat(8)}.bb`, ''); // another machine's: nobody here can tell
  const busy = home.okstra('install');
  assert.equal(busy.status, 75, busy.stderr);
  assert.equal(busy.error.code, 'busy');
  fs.rmSync(folder, { recursive: true });
  assert.equal(home.okstra('install').status, 0);
});

test('Ctrl-C while pip is at work: 130, and nothing half made stays', { timeout: 120_000 }, async (t) => {
  const home = new Home(t, { OKSTRA_PYTHON: '' });
  const child = home.start('install');
  const ended = new Promise((done) => child.on('close', done));
  while (!fs.existsSync(home.at('.okstra', 'venvs'))) await new Promise((done) => setTimeout(done, 20));
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.equal(home.okstra('uninstall').status, 0);
  assert.deepEqual(home.picture('.cache', '.rustup'), {});
});
