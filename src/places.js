// Where things are: this package, okstra's home, and the folders in which coding agents look.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { OkstraError } from './errors.js';

export const PACKAGE = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

export function packageVersion() {
  return JSON.parse(readAsset('package.json')).version;
}

export function readAsset(...parts) {
  const file = path.join(PACKAGE, ...parts);
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new OkstraError('assets-missing', `${parts.join('/')} can't be read: ${error.code}`, {
      where: file,
      hint: 'install the okstra package anew',
    });
  }
}

// `home` is okstra's; `claude` Claude Code's; `agents` the folder that other agents read. Throws `home-not-writable`.
export function locate(environment) {
  const user = environment.HOME || '';
  const absolute = (text) => path.resolve(text.replace(/^~(?=\/|$)/, user || '~'));
  if (!user && !(environment.OKSTRA_HOME && environment.CLAUDE_CONFIG_DIR)) {
    throw new OkstraError('home-not-writable', 'HOME is not set', { hint: 'set HOME, or OKSTRA_HOME and CLAUDE_CONFIG_DIR' });
  }
  const home = absolute(environment.OKSTRA_HOME || path.join(user, '.okstra'));
  const claude = absolute(environment.CLAUDE_CONFIG_DIR || path.join(user, '.claude'));
  return {
    user,
    home,
    claudeSkills: path.join(claude, 'skills'),
    claudeAgents: path.join(claude, 'agents'),
    sharedSkills: path.join(user || path.dirname(home), '.agents', 'skills'),
    runtime: path.join(home, 'runtime'),
    version: path.join(home, 'version'),
    venv: path.join(home, 'venv'),
    venvs: path.join(home, 'venvs'),
    locks: path.join(home, '.locks', 'install'),
    log: path.join(home, 'logs', 'install.log'),
    worktrees: path.join(home, 'worktrees'),
  };
}

// The folders of `file`, outermost first, that are not there yet.
export function missingFolders(file) {
  const missing = [];
  for (let folder = path.dirname(file); !fs.existsSync(folder); folder = path.dirname(folder)) missing.unshift(folder);
  return missing;
}

export function isBelow(file, folder) {
  return file.startsWith(folder + path.sep);
}
