// Builds the Claude Code plugin: the same skills and agents, put together. `node src/plugin.js FOLDER`.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { OkstraError, asOkstraError } from './errors.js';
import { makeFolders } from './files.js';
import { payload } from './payload.js';
import { packageVersion, readAsset } from './places.js';
import { printError } from './reply.js';

const MANIFEST = ['.claude-plugin', 'plugin.json'];

// Throws OkstraError (`file-foreign`) when something is in the folder already.
export function buildPlugin(folder) {
  if (fs.existsSync(folder) && fs.readdirSync(folder).length) {
    throw new OkstraError('file-foreign', 'the folder for the plugin is not empty', { where: folder, hint: 'name a new folder' });
  }
  const manifest = { ...JSON.parse(readAsset(...MANIFEST)), version: packageVersion() };
  const files = payload().map(({ kind, name, text }) => [path.join(kind, name), text]);
  files.push([path.join(...MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`]);
  files.push(['README.md', readAsset('.claude-plugin', 'README.md')], ['LICENSE', readAsset('LICENSE')]);
  for (const [name, text] of files) {
    makeFolders(path.dirname(path.join(folder, name)));
    fs.writeFileSync(path.join(folder, name), text);
  }
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const [folder = ''] = process.argv.slice(2);
    if (!folder) throw new OkstraError('usage', 'the folder for the plugin is not named', { hint: 'node src/plugin.js FOLDER' });
    buildPlugin(path.resolve(folder));
  } catch (error) {
    process.exitCode = printError('plugin', asOkstraError(error), false);
  }
}
