// `okstra install` and `okstra uninstall`. bin/okstra starts this file with the arguments as the person wrote them.
const major = Number(process.versions.node.split('.')[0]);
if (process.platform === 'win32') {
  process.stderr.write('okstra: error: okstra runs on Linux and macOS; on Windows it runs in WSL\n');
  process.stderr.write('  try: wsl --install, then install okstra inside: npm i -g okstra\n');
  process.exitCode = 69;
} else if (major < 18) {
  process.stderr.write(`okstra: error: okstra install needs Node.js 18 or newer, and this is ${process.version}\n`);
  process.stderr.write(`  where: ${process.execPath}\n  try: install Node.js 18 or newer\n`);
  process.exitCode = 69;
} else {
  // Imported late: an old Node must get as far as the message above.
  const { main } = await import('./cli.js');
  process.exitCode = await main(process.argv.slice(2), process.env);
}
