"""What `okstra doctor` asks of the clients: where a login can be, and which flags the adapters use."""

from __future__ import annotations

from typing import NamedTuple


class ClientFacts(NamedTuple):
    """`flags` stand in the answer of `help`. `status` is the client's own word on its login: exit status 0 is yes;
    empty where it has none, then `login_variables` and `login_files` (below the home) are looked for."""

    program: str
    package: str
    help: tuple[str, ...]
    flags: tuple[str, ...]
    status: tuple[str, ...] = ()
    login_variables: tuple[str, ...] = ()
    login_files: tuple[str, ...] = ()
    login: str = ""


CLIENTS = (
    ClientFacts(
        "claude",
        "@anthropic-ai/claude-code",
        ("--help",),
        ("--print", "--output-format", "--model", "--permission-mode", "--settings", "--add-dir"),
        status=("auth", "status"),
        login_variables=(
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
        ),
        login="run `claude` once and log in, or set ANTHROPIC_API_KEY",
    ),
    ClientFacts(
        "codex",
        "@openai/codex",
        ("exec", "--help"),
        ("--json", "--sandbox", "--cd", "--model", "--add-dir", "--skip-git-repo-check"),
        status=("login", "status"),
        login_variables=("CODEX_API_KEY",),
        login="codex login",
    ),
    ClientFacts(
        "gemini",
        "@google/gemini-cli",
        ("--help",),
        ("--output-format", "--model", "--skip-trust", "--approval-mode", "--admin-policy", "--include-directories"),
        login_variables=("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"),
        login_files=(".gemini/oauth_creds.json",),
        login="run `gemini` once and log in, or set GEMINI_API_KEY",
    ),
)


def sandboxed_commit(program: str, folders: tuple[str, ...]) -> tuple[str, ...]:
    """The command that commits inside the client's own sandbox, with these folders writable, and asks no model.

    Empty for a client that runs its commands without a sandbox. The folders lie in the system's folder of
    temporary files, which must not count as writable by itself.
    """
    if program != "codex":
        return ()
    roots = ", ".join(f'"{folder}"' for folder in folders)
    settings = (
        'sandbox_mode="workspace-write"',
        "sandbox_workspace_write.exclude_slash_tmp=true",
        "sandbox_workspace_write.exclude_tmpdir_env_var=true",
        f"sandbox_workspace_write.writable_roots=[{roots}]",
    )
    words = tuple(word for setting in settings for word in ("-c", setting))
    return ("codex", "sandbox", *words, "--", "git", "commit", "--quiet", "--allow-empty", "-m", "okstra doctor")
