"""Keys are hidden whole and named; ordinary text is left alone, and costs no detector."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.edges.secret_files import hide_in_file
from okstra_ctl.edges.secrets import MARK, hide

# Put together here, so that no scanner of this repository takes them for leaks.
SECRETS = {
    "anthropic": "sk-" + "ant-api03-" + "abcdEFGH0123456789xyz",
    "openai": "sk-" + "proj-" + "abcdEFGH0123456789xyzABCD",
    "google": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "github": "ghp_" + "a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8",
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "gitlab": "glpat-" + "aBcDeFgHiJkLmNoPqRsT",
    "slack": "xoxb-" + "123456789012-abcdefghijkl",
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("frame", ["{}", "key = '{}'", "see {} and more", '{{"token":"{}"}}', "a\nexport X={}\nb"])
def test_a_key_is_hidden_whole(secret: str, frame: str) -> None:
    text, found = hide(frame.format(secret))
    assert secret not in text
    assert secret[8:] not in text
    assert MARK in text
    assert sum(found.values()) >= 1


def test_a_password_in_an_address_is_hidden() -> None:
    text, _ = hide("git clone https://someone:correct-horse@example.invalid/repo.git")
    assert "correct-horse" not in text
    assert "example.invalid" in text


def test_a_private_key_is_hidden_with_all_its_lines() -> None:
    kind = "RSA PRIVATE " + "KEY"
    text, found = hide(f"before\n-----BEGIN {kind}-----\nMIIB\nAAAA\n-----END {kind}-----\nafter")
    assert text == f"before\n{MARK}private key]\nafter"
    assert found == {"private key": 1}


@pytest.mark.parametrize(
    "text",
    [
        "commit 0123456789abcdef0123456789abcdef01234567",
        "task-key: shop:auth:T-1",
        "def ask_key(token): return task-force",
        "https://example.invalid/a:b@c",
        "risk-free desk-top",
        "",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert hide(text) == (text, {})


def test_a_file_without_secrets_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"plain \xff\n")
    before = path.stat().st_mtime_ns
    assert hide_in_file(str(path)) == {}
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"\xff " + SECRETS["aws"].encode())
    path.chmod(0o600)
    assert hide_in_file(str(path))
    assert path.read_bytes().startswith(b"\xff [hidden: ")
    assert path.stat().st_mode & 0o777 == 0o600


def test_many_threads_hide_as_well_as_one() -> None:
    text = "\n".join(f"line {number}: {secret}" for number, secret in enumerate([*SECRETS.values()] * 3))
    alone = hide(text)
    with ThreadPoolExecutor(max_workers=8) as pool:
        assert list(pool.map(hide, [text] * 16)) == [alone] * 16


def test_plain_text_loads_no_detector() -> None:
    code = "import sys; from okstra_ctl.edges.secrets import hide; hide('x'); sys.exit('detect_secrets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    hide(text)
