"""What a project's files propose for its settings."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from okstra_ctl.settings.detect import Found, Proposal, propose

JEST = '{"scripts": {"test": "jest"}}'


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, Proposal()),
        ({"pyproject.toml": "[tool.pytest]"}, Proposal(("python3 -m pytest -q",))),
        ({"pyproject.toml": "pytest", "uv.lock": ""}, Proposal(("uv run pytest -q",), ("uv sync --frozen",))),
        ({"pyproject.toml": "pytest", "poetry.lock": ""}, Proposal(("poetry run pytest -q",), ("poetry install",))),
        ({"pyproject.toml": "[project]"}, Proposal()),
        ({"setup.py": "", "conftest.py": ""}, Proposal(("python3 -m pytest -q",))),
        ({"package.json": JEST, "package-lock.json": ""}, Proposal(("npm test",), ("npm ci",))),
        ({"package.json": JEST, "pnpm-lock.yaml": ""}, Proposal(("pnpm test",), ("pnpm install --frozen-lockfile",))),
        ({"package.json": JEST, "yarn.lock": ""}, Proposal(("yarn test",), ("yarn install --frozen-lockfile",))),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, Proposal()),
        ({"package.json": "{"}, Proposal()),
        ({"package.json": '{"scripts": []}'}, Proposal()),
        ({"Cargo.toml": "", "go.mod": ""}, Proposal(("cargo test", "go test ./..."))),
        ({"Cargo.toml": "", "Makefile": "all:\n\ntest: all\n\tcargo test\n"}, Proposal(("make test",))),
        ({"Makefile": "tests:\n"}, Proposal()),
        ({".env": "", ".env.local": "", ".env.example": "", ".envrc": ""}, Proposal((), (), (".env", ".env.local"))),
        ({".worktreeinclude": "# ours\ncerts/dev.pem\n*.key\n/etc\n../x\n"}, Proposal((), (), ("certs/dev.pem",))),
    ],
)
def test_what_is_proposed(files: Mapping[str, str], wanted: Proposal) -> None:
    assert propose(Found(frozenset(files), files)) == wanted
