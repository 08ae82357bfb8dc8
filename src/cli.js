// From the command line to the answer.
import { helpOf, parse } from './arguments.js';
import { refuseWorkers } from './authority.js';
import { asOkstraError } from './errors.js';
import { install } from './install.js';
import { printError, printReply } from './reply.js';
import { catchSignals } from './stopping.js';
import { uninstall } from './uninstall.js';

const RUN = { install, uninstall };

export async function main(argv, environment) {
  const end = argv.indexOf('--');
  const asJson = (end < 0 ? argv : argv.slice(0, end)).includes('--json');
  const command = argv.find((word) => RUN[word]) ?? 'install';
  catchSignals();
  try {
    const { name, options } = parse(argv);
    if (options.help) {
      process.stdout.write(`${helpOf(name)}\n`);
      return 0;
    }
    refuseWorkers(name, options, environment);
    return printReply(name, await RUN[name](options, environment), asJson);
  } catch (error) {
    if (environment.OKSTRA_DEBUG === '1') process.stderr.write(`${error.stack}\n`);
    return printError(command, asOkstraError(error), asJson);
  }
}
