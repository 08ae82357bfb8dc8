"""Signed commits, where a person's git asks for them."""

from __future__ import annotations

from .command import git, text

_TRUSTED, _OF_UNKNOWN_TRUST = "G", "U"


def merges_need_signatures(root: str) -> bool:
    """Whether `merge.verifySignatures` is set: then git merges no commit whose signature it can't verify."""
    answer = git(root, "config", "--type=bool", "--get", "merge.verifySignatures", ask=True)
    return answer.stdout.strip() == b"true"


def has_valid_signature(root: str, commit: str) -> bool:
    """Whether `git merge` would take the commit's signature: by a key of unknown trust only where the settings say
    which trust is enough."""
    verdict = text(git(root, "log", "-1", "--no-show-signature", "--format=%G?", commit, "--", ask=True).stdout).strip()
    lenient = git(root, "config", "--get", "gpg.minTrustLevel", ask=True).ok
    accepted = (_TRUSTED, _OF_UNKNOWN_TRUST) if lenient else (_TRUSTED,)
    return verdict in accepted and git(root, "verify-commit", commit, ask=True).ok
