// A worker of okstra's neither installs nor uninstalls it. Who is one, the core knows.
import fs from 'node:fs';
import { core } from './core.js';
import { OkstraError } from './errors.js';
import { locate } from './places.js';

// Throws OkstraError (`worker-may-not`) for a command that would write, called from inside a worker.
export function refuseWorkers(name, options, environment) {
  if (options['dry-run']) return;
  const answer = core(['guard', 'verb', name, '--json'], environment);
  const asked = answer?.errors.find((error) => error.code === 'worker-may-not');
  const refusal = asked ?? (answer?.status === 'ok' ? null : withoutCore(name, environment));
  if (refusal) throw new OkstraError('worker-may-not', refusal.message, { where: refusal.where, hint: refusal.try });
}

// Where no core runs there is hardly a worker; one that is marked is refused all the same.
function withoutCore(name, environment) {
  const marked = environment.OKSTRA_WORKER_HOME;
  const { home } = locate(environment);
  if (!marked || real(marked) !== real(home)) return null;
  return {
    message: `\`okstra ${name}\` changes what okstra keeps, and this is inside a worker`,
    where: home,
    try: `leave \`okstra ${name}\` to the run's lead, or to the person`,
  };
}

function real(folder) {
  try {
    return fs.realpathSync(folder);
  } catch {
    return folder;
  }
}
