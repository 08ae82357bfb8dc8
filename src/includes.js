// Puts shared text into a skill: a line `{{> includes/NAME.md}}` stands for skills/includes/NAME.md.
import { readAsset } from './places.js';

const INCLUDE = /^\{\{> (includes\/[a-z-]+\.md)\}\}$/gm;
const VERSION = '{{OKSTRA_VERSION}}';

// The whole text, and whether anything had to be put in. Includes hold no includes.
export function expand(text, version) {
  const whole = text.replace(INCLUDE, (_, name) => readAsset('skills', name).trimEnd()).replaceAll(VERSION, version);
  return { text: whole, changed: whole !== text };
}
