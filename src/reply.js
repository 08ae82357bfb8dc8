// What a command answers: text for people, or one JSON object; errors in okstra's one form.
const REFUSED = 3;

const printable = (text) => text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '?');
const indented = (text) => printable(text).trimEnd().replaceAll('\n', '\n      | ');

export function say(text) {
  process.stderr.write(`okstra: ${printable(text)}\n`);
}

export function printReply(command, { data, text, talk = [] }, asJson) {
  if (asJson) envelope(command, 'ok', data, []);
  else process.stdout.write(`${printable(text)}\n`);
  talk.forEach(say);
  return 0;
}

export function printError(command, error, asJson) {
  if (asJson) envelope(command, error.status === REFUSED ? 'refused' : 'error', error.data, [error.asRecord()]);
  for (const [label, text] of [['okstra: error', error.message], ['  where', error.where], ['  try', error.hint]]) {
    if (text) process.stderr.write(`${label}: ${indented(text)}\n`);
  }
  return error.status;
}

function envelope(command, status, data, errors) {
  process.stdout.write(`${JSON.stringify({ okstra: `${command}/1`, status, data, errors })}\n`);
}
