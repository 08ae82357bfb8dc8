// The two command lines: what they take, their help, and reading them.
import { OkstraError } from './errors.js';

const COMMON = {
  'dry-run': { help: 'write nothing; print what would be done' },
  json: { help: 'one JSON object on stdout, also for failures' },
  help: { help: 'show this' },
};

export const COMMANDS = {
  install: {
    summary: "Puts okstra's Python into its home, and its skills and agents where coding agents find them.",
    flags: {
      link: { help: 'for work on okstra itself: link into this checkout instead of copying' },
      target: { value: 'claude|all', help: 'for Claude Code, or also for agents that read ~/.agents (default: as before, else claude)' },
      python: { value: 'PATH', help: "a Python 3.10 or newer; used as it is when it has okstra's packages (default: OKSTRA_PYTHON, else found)" },
      with: { value: 'EXTRA,…', help: 'also the packages for agents of the Agent Client Protocol (acp), MCP clients (mcp), telemetry (otel), messages (notify) and so on; none takes them away (default: as before)' },
      ...COMMON,
    },
  },
  uninstall: {
    summary: 'Takes away what install wrote. What you changed stays, and so do runs, worktrees and settings.',
    flags: {
      purge: { help: "also the home's worktrees, settings and index; refused while a worktree holds work that no branch keeps" },
      yes: { help: 'do not ask: needed for --purge' },
      ...COMMON,
    },
  },
};

export function helpOf(name) {
  const { summary, flags } = COMMANDS[name];
  const rows = Object.entries(flags).map(([flag, { value, help }]) => [`--${flag}${value ? ` ${value}` : ''}`, help]);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return [`okstra ${name}: ${summary}`, '', ...rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`)].join('\n');
}

// The command and its options. Throws OkstraError (`usage`).
export function parse(argv) {
  const words = [...argv];
  const options = {};
  let name = '';
  while (words.length) {
    const word = words.shift();
    if (word === '--project-root') {
      words.shift(); // a flag of every command; these two don't look at a project
    } else if (!word.startsWith('-') && !name) {
      name = word;
    } else if (!word.startsWith('--project-root=')) {
      take(word, words, options, name);
    }
  }
  for (const flag of Object.keys(options)) {
    if (!COMMANDS[name].flags[flag]) throw usage(`okstra ${name} has no flag --${flag}`, name);
  }
  if (options.target && !['claude', 'all'].includes(options.target)) {
    throw usage(`--target is ${options.target}: it can be claude or all`, name);
  }
  return { name, options };
}

function take(word, words, options, name) {
  const [, flag = '', attached] = /^(?:--([a-z-]+)|-h)(?:=(.*))?$/s.exec(word) ?? [];
  const known = word === '-h' ? 'help' : flag;
  const form = Object.values(COMMANDS).map(({ flags }) => flags[known]).find(Boolean);
  if (!form) throw usage(`okstra ${name || 'install'} does not take ${word}`, name);
  if (!form.value && attached !== undefined) throw usage(`--${known} takes no value`, name);
  const value = form.value ? (attached ?? words.shift()) : true;
  if (!value || (attached === undefined && form.value && value.startsWith('-'))) throw usage(`--${known} needs a value: ${form.value}`, name);
  options[known] = value;
}

function usage(message, name) {
  return new OkstraError('usage', message, { hint: `okstra ${name || 'install'} --help` });
}
