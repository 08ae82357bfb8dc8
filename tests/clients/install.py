"""Puts the pinned clients into `.clients/`, once: `python tests/clients/install.py`. Needs npm, and the registry."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".clients"
BIN = FOLDER / "node_modules" / ".bin"
PINNED = {
    "@anthropic-ai/claude-code": "2.1.330",
    "@openai/codex": "0.169.0",
    "@google/gemini-cli": "0.61.0",
    "opencode-ai": "1.18.33",
    "@agentclientprotocol/claude-agent-acp": "0.101.0",
    "@agentclientprotocol/codex-acp": "2.6.0",
}
NAMES = ("claude", "codex", "gemini")
"""Those that okstra has adapters for."""
AGENTS = ("opencode", "claude-agent-acp", "codex-acp")
"""Those that it speaks to by the Agent Client Protocol."""


def installed() -> bool:
    try:
        wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    except (OSError, ValueError, KeyError):
        return False
    return bool(wanted == PINNED) and all((BIN / name).exists() for name in (*NAMES, *AGENTS))


def main() -> int:
    if installed():
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("okstra: error: the real clients come from npm, which is not on the PATH", file=sys.stderr)
        print("  try: install Node.js 20 or newer", file=sys.stderr)
        return 69
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "package.json").write_text(json.dumps({"name": "clients", "private": True}))
    print("fetching the clients from npm (about 2 GB, a minute)", file=sys.stderr)
    packages = [f"{name}@{version}" for name, version in PINNED.items()]
    argv = [npm, "install", "--save-exact", "--no-audit", "--no-fund", "--loglevel=error", *packages]
    if subprocess.run(argv, cwd=FOLDER).returncode or not installed():
        print("okstra: error: npm could not fetch the clients; the tests with real clients can't run", file=sys.stderr)
        print("  try: look at npm's words above; a registry must be reachable", file=sys.stderr)
        return 69
    return 0


if __name__ == "__main__":
    sys.exit(main())
