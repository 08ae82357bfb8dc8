"""What is asked of a page in a browser: does a text stick out, can it be read; and a text that tries its worst."""

from __future__ import annotations

HOSTILE = "</script><img src=x onerror=alert(1)> \u202e\x1b[31m " + "W" * 300 + " 한국어 " + "\u0627" * 40
# Relative luminance by WCAG 2; what lies behind a text is the nearest ancestor that paints a background.
CONTRAST = """
(() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (at) => {
    for (; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return getComputedStyle(document.documentElement).colorScheme && matchMedia("(prefers-color-scheme: dark)").matches
      ? [0, 0, 0] : [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
    if (!text || ["STYLE", "SCRIPT", "TITLE", "OPTION"].includes(at.tagName) || !at.getClientRects().length) continue;
    const style = getComputedStyle(at);
    const front = parse(at.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(front), light(behind(at))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${at.tagName}.${at.className} ${text.slice(0, 30)}`);
  }
  return [...new Set(found)];
})()
"""
OVERFLOWS = """
Array.from(document.querySelectorAll("body *"))
  .filter((at) => !at.closest(".scroll, pre, nav ul, svg, .skip, .hidden-label"))
  .filter((at) => at.getBoundingClientRect().right > innerWidth + 1)
  .map((at) => `${at.tagName}.${at.className}`).slice(0, 5)
"""
