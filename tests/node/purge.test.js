// `uninstall --purge` with real projects and worktrees: refused while work is on no branch; else the home is gone.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Home, PYTHON, ROOT, until } from './stand.js';

// A home with an installed okstra, a project, and the worktree of a task in it, whose run has ended (or is prepared).
function homeWithTask(t, ...how) {
  const home = new Home(t);
  assert.equal(home.okstra('install').status, 0);
  const project = home.at('project');
  home.write('one\n', 'project', 'code.txt');
  home.write('What breaks?\n', 'project', 'brief.md');
  const run = (program, ...args) => {
    const environment = { ...home.environment, GIT_CONFIG_GLOBAL: home.at('gitconfig') };
    const ended = spawnSync(program, args, { encoding: 'utf8', cwd: project, env: environment });
    assert.equal(ended.status, 0, `${program} ${args.join(' ')}: ${ended.stderr}`);
    return ended.stdout;
  };
  home.write('[user]\nname = A\nemail = a@example.org\n[init]\ndefaultBranch = main\n', 'gitconfig');
  run('git', 'init', '--quiet');
  run('git', 'add', '.');
  run('git', 'commit', '--quiet', '-m', 'one');
  const door = path.join(ROOT, 'bin', 'okstra');
  run(door, 'setup', '--project-id', 'demo', '--yes');
  const task = ['--task-type', 'error-analysis', '--task-group', 'g', '--task-id', 'T-1', '--task-brief', 'brief.md'];
  const led = how.length ? how : ['--provider', 'rehearsal', '--lead', 'auto', '--yes'];
  const prepared = JSON.parse(run(door, 'run', ...task, ...led, '--json'));
  return { home, project, run, door, tree: prepared.data.worktree.path };
}

function refused(home, code, ...args) {
  const before = home.picture('.okstra/worktrees/registry.lock');
  const ended = home.okstra('uninstall', '--purge', ...args);
  assert.equal(ended.status, 3, ended.stderr);
  assert.equal(ended.error.code, code);
  assert.equal(ended.answer.status, 'refused');
  assert.deepEqual(home.picture('.okstra/worktrees/registry.lock'), before);
  return ended;
}

test('without --purge worktrees, index and settings stay', (t) => {
  const { home, tree } = homeWithTask(t);
  home.write('{}', '.okstra', 'config.json');
  const ended = home.okstra('uninstall');
  assert.equal(ended.status, 0, ended.stderr);
  assert.ok(fs.existsSync(path.join(tree, 'code.txt')));
  for (const name of ['config.json', 'index.sqlite3', 'worktrees']) assert.ok(ended.data.left.includes(name), name);
  assert.ok(!fs.existsSync(home.at('.okstra', 'runtime')));
  assert.ok(!fs.existsSync(home.at('.claude')));
});

test('--purge takes the home away, and leaves branches and the records in the project', (t) => {
  const { home, run, tree } = homeWithTask(t);
  refused(home, 'not-confirmed');
  const dry = home.okstra('uninstall', '--purge', '--dry-run');
  assert.deepEqual(dry.data.purged, [tree]);
  assert.ok(fs.existsSync(tree));
  const ended = home.okstra('uninstall', '--purge', '--yes');
  assert.equal(ended.status, 0, ended.stderr);
  assert.ok(!fs.existsSync(home.at('.okstra')));
  assert.match(run('git', 'branch', '--list'), /fix-t-1/);
  assert.equal(run('git', 'worktree', 'list').trim().split('\n').length, 1);
  assert.ok(fs.existsSync(home.at('project', '.okstra', 'tasks')));
  assert.equal(home.okstra('uninstall', '--purge', '--yes').status, 0);
});

test('work that no branch keeps: refused, nothing touched, until it is committed', (t) => {
  const { home, run, tree } = homeWithTask(t);
  fs.writeFileSync(path.join(tree, 'new.txt'), 'untracked');
  assert.equal(refused(home, 'worktree-dirty', '--yes').error.where, tree);
  run('git', '-C', tree, 'add', 'new.txt');
  refused(home, 'worktree-dirty', '--yes');
  run('git', '-C', tree, 'commit', '--quiet', '-m', 'work');
  const kept = run('git', '-C', tree, 'rev-parse', 'HEAD').trim();
  run('git', '-C', tree, 'checkout', '--quiet', '--detach');
  run('git', '-C', tree, 'commit', '--quiet', '--allow-empty', '-m', 'on no branch');
  refused(home, 'commits-unreachable', '--yes');
  run('git', '-C', tree, 'checkout', '--quiet', 'fix-t-1');
  assert.equal(home.okstra('uninstall', '--purge', '--yes').status, 0);
  assert.equal(run('git', 'rev-parse', 'fix-t-1').trim(), kept);
});

test('a prepared run holds its worktree until it is given up', (t) => {
  const { home, run, door, tree } = homeWithTask(t, '--render-only');
  const { error } = refused(home, 'worktree-held', '--yes');
  assert.match(error.message, /error-analysis\/001 is prepared.*okstra worktree remove demo:g:T-1 --force/);
  assert.equal(error.where, tree);
  run(door, 'worktree', 'remove', 'demo:g:T-1', '--force');
  assert.equal(home.okstra('uninstall', '--purge', '--yes').status, 0);
});

// Python as okstra starts it, with `before` done ahead of every command that matches `pattern`.
function interpose(home, pattern, before) {
  const script = `#!/bin/sh\ncase "$*" in *"${pattern}"*) ${before};; esac\nexec '${PYTHON}' "$@"\n`;
  const file = home.write(script, 'python-in-between');
  fs.chmodSync(file, 0o755);
  home.environment.OKSTRA_PYTHON = file;
}

test('work that appears between the look and the removal: the core refuses, and purge stops there', (t) => {
  const { home, tree } = homeWithTask(t);
  interpose(home, 'worktree remove', `echo precious >'${tree}/late.txt'`);
  const ended = home.okstra('uninstall', '--purge', '--yes');
  assert.equal(ended.status, 3, ended.stderr);
  assert.equal(ended.error.code, 'worktree-held');
  assert.match(ended.error.message, /demo:g:T-1 was not removed: .*late.txt/);
  assert.equal(fs.readFileSync(path.join(tree, 'late.txt'), 'utf8'), 'precious\n');
  assert.ok(fs.existsSync(home.at('.okstra', 'worktrees', 'registry.json')));
});

test('a core that does not run, or refuses: nothing is purged, and it says why', (t) => {
  const { home, tree } = homeWithTask(t);
  const answer = JSON.stringify({ status: 'error', data: null, errors: [{ code: 'registry-unreadable', message: 'it is torn', try: 'mend it' }] });
  for (const [instead, message, hint] of [
    ['exit 1', /okstra does not run/, /okstra install/],
    ['echo Traceback; exit 1', /okstra does not run/, /okstra install/],
    [`echo '${answer}'; exit 65`, /it is torn/, /mend it/],
  ]) {
    interpose(home, ' gc ', instead);
    const before = home.picture('.okstra/worktrees/registry.lock');
    const { status, error } = home.okstra('uninstall', '--purge', '--yes');
    assert.equal(status, 69);
    assert.equal(error.code, 'dependency-missing');
    assert.match(error.message, message);
    assert.match(error.try, hint);
    assert.deepEqual(home.picture('.okstra/worktrees/registry.lock'), before);
  }
  interpose(home, 'worktree remove', 'exit 1');
  const ended = home.okstra('uninstall', '--purge', '--yes');
  assert.equal(ended.error.code, 'worktree-held');
  assert.ok(fs.existsSync(path.join(tree, 'code.txt')));
});

test('the worktrees of stages go before those of their tasks', (t) => {
  const { home, project, run, door, tree } = homeWithTask(t);
  const rows = '| Stage | Title | Depends on | Files | Steps | Exit check |\n|---|---|---|---|---|---|\n| 1 | Part | (none) | `part.txt` | 1 | `test -f part.txt` |\n';
  const section = '### 5.5.1 Stage 1: Part\n\n1. Write `part.txt`.\n\nTDD exemption: a text\n';
  home.write(`---\napproved: true\n---\n# Plan\n\n## 5.5 Stage Map\n\n${rows}\n${section}`, 'project', 'plan.md');
  run(door, 'plan', 'adopt', 'plan.md', '--task-key', 'demo:g:T-1');
  const [plan] = fs.readdirSync(path.join(project, '.okstra/tasks/g/t-1/runs/implementation-planning/reports')).filter((name) => name.endsWith('.md'));
  run(door, 'plan', 'approve', path.join(project, '.okstra/tasks/g/t-1/runs/implementation-planning/reports', plan), '--yes');
  const stage = JSON.parse(run(door, 'run', '--task-key', 'demo:g:T-1', '--task-type', 'implementation', '--render-only', '--json')).data;
  fs.writeFileSync(path.join(stage.worktree.path, 'part.txt'), 'a part\n');
  run('git', '-C', stage.worktree.path, 'add', 'part.txt');
  run('git', '-C', stage.worktree.path, 'commit', '--quiet', '-m', 'part');
  run(door, 'stage', 'done', '--run', stage.run_id);
  assert.ok(fs.existsSync(path.join(path.dirname(tree), 'proof', 'head')), 'a checkout of okstra\'s own');
  const ended = home.okstra('uninstall', '--purge', '--yes');
  assert.equal(ended.status, 0, ended.stderr);
  assert.deepEqual(ended.data.purged.slice(0, 2), [stage.worktree.path, tree]);
});

test('a folder among the worktrees that the registry does not know is never removed', (t) => {
  const { home } = homeWithTask(t);
  home.write('whose?', '.okstra', 'worktrees', 'demo', 'other', 'file.txt');
  refused(home, 'worktree-foreign', '--yes');
});

test("a home that is the person's own is not purged, nor what okstra does not know in its home", (t) => {
  const { home } = homeWithTask(t);
  home.write('theirs', '.okstra', 'notes.txt');
  const ended = home.okstra('uninstall', '--purge', '--yes');
  assert.deepEqual(ended.data.left, ['notes.txt']);
  const own = new Home(t);
  own.environment.OKSTRA_HOME = own.folder;
  own.okstra('install');
  own.write('theirs', 'archive', 'old.txt');
  refused(own, 'file-foreign', '--yes');
  assert.equal(own.okstra('uninstall').status, 0);
  assert.deepEqual(Object.keys(own.picture()), ['archive', 'archive/old.txt']);
});

test('while a run is at work nothing is taken from under it', async (t) => {
  const { home, door, run } = homeWithTask(t);
  // It waits where it is at work for as long as the test wants it to: at the first thing that its worker does.
  const go = home.at('go');
  const script = home.write(`[[part]]\nrole = "analyst"\nsteps = [{ run = "until [ -e '${go}' ]; do sleep 0.05; done" }]\n`, 'project', '.okstra', 'script.toml');
  fs.chmodSync(script, 0o600);
  const settings = JSON.parse(home.read('project', '.okstra', 'project.json'));
  home.write(JSON.stringify({ ...settings, providers: { rehearsal: { script: '.okstra/script.toml' } } }), 'project', '.okstra', 'project.json');
  run(door, 'trust', '--yes');
  const work = home.startRun(door, 'run', '--task-key', 'demo:g:T-1', '--task-type', 'error-analysis', '--provider', 'rehearsal', '--lead', 'auto', '--yes');
  try {
    const running = () => JSON.parse(run(door, 'list', '--status', 'running', '--json')).data.runs.length;
    await until(running);
    const ended = home.okstra('uninstall');
    assert.equal(ended.status, 3, ended.stderr);
    assert.equal(ended.error.code, 'run-alive');
  } finally {
    await work.stopped(go);
  }
});
