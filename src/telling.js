// What install and uninstall answer.
const count = (files, action) => files.filter((one) => one.action === action).length;

export function installReply({ version, before, choice, files }, places, options) {
  const kept = files.filter(({ kept: name }) => name).map(({ path, kept: name }) => ({ path, kept: name }));
  const dry = Boolean(options['dry-run']);
  const data = {
    version,
    version_before: before,
    dry_run: dry,
    home: places.home,
    runtime: { action: choice.action, python: choice.python, venv: choice.venv, base: choice.base, extras: choice.extras },
    files,
    kept,
  };
  const tally = ['written', 'updated', 'removed', 'unchanged'].map((action) => `${count(files, action)} ${action}`).join(', ');
  const lines = [
    `okstra    ${version}${before && before !== version ? ` (before: ${before})` : ''}`,
    `python    ${choice.python} (${choice.action})`,
    ...(choice.extras.length ? [`with      ${choice.extras.join(', ')}`] : []),
    `files     ${tally}`,
  ];
  if (dry) lines.push(...files.filter(({ action }) => action !== 'unchanged').map(({ path, action }) => `          ${action} ${path}`), 'nothing was written (--dry-run)');
  return { data, text: lines.join('\n'), talk: kept.map(({ path, kept: name }) => `you had changed ${path}: your version is ${name}`) };
}

export function uninstallReply({ removed, kept, purged, left }, places, options) {
  const dry = Boolean(options['dry-run']);
  const data = { dry_run: dry, home: places.home, removed, kept, purged, left };
  const lines = [`removed   ${removed.length} file(s)`];
  if (purged.length) lines.push(...purged.map((name) => `purged    ${name}`));
  if (left.length) lines.push(`kept      ${left.join(', ')} in ${places.home}`);
  if (dry) lines.push('nothing was removed (--dry-run)');
  const talk = kept.map((path) => `you had changed ${path}: it stays`);
  if (options.purge) talk.push("the records of your runs stay, in your projects' .okstra folders; so do all branches");
  return { data, text: lines.join('\n'), talk };
}
