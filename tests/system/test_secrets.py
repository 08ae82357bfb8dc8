"""Keys are hidden whole and named; ordinary text is left alone, and costs no detector."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okstra_ctl.system.secrets import _DETECTORS, MARK, hide, hide_in_file, hide_in_log

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
    code = (
        "import sys; from okstra_ctl.system.secrets import hide; hide('x'); sys.exit('detect_secrets' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    hide(text)


def test_a_log_larger_than_any_file_of_okstras_own_is_gone_through_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    kind = "RSA PRIVATE " + "KEY"
    with path.open("wb") as file:
        file.write(f"first {SECRETS['aws']}\n".encode())
        file.write((b"x" * 1023 + b"\n") * (5 * 1024))
        file.write(f"-----BEGIN {kind}-----\n".encode())
        file.write((b"MIIB" * 255 + b"MII\n") * (9 * 1024))
        file.write(f"-----END {kind}-----\n".encode())
        file.write((b"x" * 1023 + b"\n") * (56 * 1024))
        file.write(b"last " + SECRETS["github"].encode())
    size = path.stat().st_size
    found = hide_in_log(str(path))
    assert size > 64 * 1024 * 1024
    assert found == {"AWS Access Key": 1, "private key": 1, "GitHub token": 1}
    text = path.read_bytes()
    assert text.startswith(b"first [hidden: AWS Access Key]\nxxx")
    assert text.endswith(b"xxx\nlast [hidden: GitHub token]")
    assert b"MII" not in text and b"[hidden: private key]\n" in text
    assert text.count(b"x\n") == (5 + 56) * 1024


def test_what_took_the_place_of_a_log_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    assert hide_in_log(str(path)) == {}
    assert os.listdir(tmp_path) == ["log.attempt-1"]


# A line for each detector that is asked, as its own documents show it.
KNOWN_FORMATS = (
    '"AKC' + 'a1B2c3D4e5F6g7"',
    "aws_secret_key = '" + "a1B2c3D4e5" * 4 + "'",
    "AccountKey=" + "lJzRc1YdHaAA2KCNJJ1tkYwF/+mKK6Ygw0NGe170Xu592euJv2wYUtBlV8z+qnlcNQSnIYVTkLWntUO1F8j8rQ" + "==",
    "https://someone:correct-horse@example.invalid",
    "cloudant_password = '" + "a1" * 32 + "'",
    "MTk4NjIyNDgzNDcxOTI1MjQ4" + ".Cl2FMQ." + "ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "glcbt-" + "a1B2c3D4e5F6g7H8i9J0",
    "ibm_cloud_api_key = '" + "a1B2c3D4e5F6" * 3 + "a1B2c3D4'",
    SECRETS["jwt"],
    "a1b2c3d4" * 4 + "-us12",
    "//registry.invalid/:_authToken=npm_" + "a1B2c3D4e5F6",
    "//registry.invalid/:_authToken=" + "743b294a-cd03-11ec-9d64-0242ac120002",
    "pypi-AgEIcHlwaS5vcmc" + "a1B2c3D4e5" * 8,
    "SG." + "a1B2c3D4e5F6g7H8i9J0k1" + "." + "a1B2c3D4e5" * 4 + "F6g",
    SECRETS["slack"],
    "https://hooks.slack.com/services/" + "Txxx/Bxxx/" + "a1B2c3D4",
    "sq0csp-" + "a1B2c3D4e5" * 4 + "F6g",
    "sk_live_" + "a1B2c3D4e5F6g7H8i9J0k1L2",
    "110201543:AA" + "HdqTcvCH1vGWJxfSeofSAs0K5PALDsa",
    "AC" + "a1b2c3d4" * 4,
)


@pytest.mark.parametrize("line", KNOWN_FORMATS)
def test_nothing_that_the_library_finds_by_itself_is_left(line: str) -> None:
    """Each beside a key that makes the line suspect, as the detectors see suspect lines alone."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import transient_settings

    line = f"{line} {SECRETS['github']}"
    plugins = [{"name": name} for name in (*_DETECTORS.values(), "JwtTokenDetector", "NpmDetector")]
    with transient_settings({"plugins_used": plugins}):
        secrets = {str(found.secret_value) for found in scan_line(line)}
    for text in (line, "y " * 30_000 + line, line + " y" * 30_000):
        hidden, _ = hide(text)
        assert [secret for secret in secrets if len(secret) > 5 and secret in hidden] == []


def test_the_lines_are_lines_that_the_library_knows() -> None:
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import transient_settings

    plugins = [{"name": name} for name in (*_DETECTORS.values(), "JwtTokenDetector", "NpmDetector")]
    with transient_settings({"plugins_used": plugins}):
        kinds = {found.type for line in KNOWN_FORMATS for found in scan_line(line)}
    assert len(kinds) >= 15


def test_what_stands_for_a_secret_is_none() -> None:
    for text in ("https://user:$PASSWORD@example.invalid", "https://user:${PASSWORD}@x", "https://user:{password}@x"):
        assert hide(text) == (text, {})


def test_a_secret_is_found_where_a_long_line_is_cut(tmp_path: Path) -> None:
    for place in range(32 * 1024 - 64, 32 * 1024 + 64, 7):
        text = f"{SECRETS['github']} " + "y" * place + f" https://someone:correct-horse@example.invalid {'z' * 40_000}"
        hidden, _ = hide(text)
        assert "correct-horse" not in hidden
        assert "zzz" in hidden


def test_many_lines_that_look_like_secrets_take_no_time_to_speak_of() -> None:
    """28 s of processor time before; the limit leaves a slow machine room, and the detectors' settings none."""
    lines = [f"key {number:06} {SECRETS['anthropic']}{number:06}" for number in range(20_000)]
    started = time.process_time()
    assert hide("\n".join(lines))[1] == {"Anthropic key": 20_000}
    assert hide("\n".join(lines[:1] * 100_000))[1] == {"Anthropic key": 100_000}
    assert time.process_time() - started < 8


@pytest.mark.parametrize("text", ["/", "eyJ", "a1", "://a:", "AKC "])
def test_a_long_line_takes_a_time_that_grows_with_its_length_alone(text: str) -> None:
    line = text * (500_000 // len(text)) + " " + SECRETS["anthropic"]
    started = time.process_time()
    assert hide(line)[1]["Anthropic key"] == 1
    assert time.process_time() - started < 5
