"""Which variables of the environment reach what runs inside. A list of secrets to leave out would miss the unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_NAMES_TEXT = """
    PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM COLORTERM COLUMNS LINES NO_COLOR FORCE_COLOR CI EDITOR PAGER
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
    SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
    NODE_ENV NODE_OPTIONS NODE_PATH NVM_DIR NVM_BIN PNPM_HOME BUN_INSTALL DENO_DIR VOLTA_HOME COREPACK_HOME
    VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV PYENV_ROOT PIPX_HOME UV_CACHE_DIR
    JAVA_HOME GRADLE_USER_HOME MAVEN_OPTS GOPATH GOROOT GOFLAGS GOPROXY GOCACHE GOMODCACHE CGO_ENABLED
    CARGO_HOME CARGO_TARGET_DIR RUSTUP_HOME RUSTFLAGS RBENV_ROOT GEM_HOME GEM_PATH BUNDLE_PATH
    DOTNET_ROOT SDKROOT DEVELOPER_DIR ANDROID_HOME LD_LIBRARY_PATH PKG_CONFIG_PATH CC CXX CFLAGS CXXFLAGS LDFLAGS
    MAKEFLAGS SOURCE_DATE_EPOCH XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME IS_SANDBOX
    TRACEPARENT TRACESTATE
"""
_NAMES = frozenset(_NAMES_TEXT.split())
_STARTS = ("LC_", "OKSTRA_", "PYTHON", "NIX_")
_GIT = re.compile(r"GIT_(?!ASKPASS|SSH|PROXY_COMMAND)[A-Z0-9_]+\Z")
_CLIENTS = {
    "claude": ("ANTHROPIC_", "CLAUDE_", "API_TIMEOUT_MS", "DISABLE_", "MAX_", "BASH_", "MCP_"),
    "codex": ("OPENAI_", "CODEX_"),
    "gemini": ("GEMINI_", "GOOGLE_"),
}
_CLOUDS = {  # whose login a client needs only when it is switched to that cloud
    "CLAUDE_CODE_USE_BEDROCK": ("AWS_",),
    "CLAUDE_CODE_USE_VERTEX": ("GOOGLE_", "CLOUD_ML_", "VERTEX_"),
}
TEMPORARY = "/tmp"


def inside(environment: Mapping[str, str], client: str, named: Iterable[str] = ()) -> dict[str, str]:
    """The variables that go in. `named` are further ones: those of the person's settings, a provider's own."""
    starts = (*_STARTS, *_CLIENTS.get(client, ()))
    for switch, clouds in _CLOUDS.items():
        starts += clouds if client == "claude" and environment.get(switch) else ()
    chosen = _NAMES.union(named)
    kept = {
        name: value
        for name, value in environment.items()
        if name in chosen or name.startswith(starts) or _GIT.match(name)
    }
    return {**kept, "TMPDIR": TEMPORARY}
