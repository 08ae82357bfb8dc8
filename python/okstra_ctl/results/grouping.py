"""Which findings of different analysts are one: same file and overlapping lines, or the same claim (spec 5)."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence

from .convergence import Claim, Group
from .records import Evidence, Finding

_NO_WORD = re.compile(r"[^\w]+")


def group_findings(results: Mapping[str, Sequence[Finding]]) -> tuple[Group, ...]:
    """The groups, numbered in the order of the analysts (as given) and of their findings.

    A finding joins the first group whose founding finding says the same; one analyst's findings never share a
    group, and groups don't chain: what merely overlaps a later member founds its own.
    """
    members: list[list[Claim]] = []
    by_claim: dict[str, list[int]] = defaultdict(list)
    by_place: dict[str, list[tuple[int, Evidence]]] = defaultdict(list)
    for worker, findings in results.items():
        for finding in findings:
            claim = normalised(finding.claim)
            candidates = by_claim[claim] + [
                number
                for citation in _places(finding)
                for number, founding in by_place[citation.path]
                if _overlap(citation, founding)
            ]
            free = [number for number in candidates if all(one.worker != worker for one in members[number])]
            if free:
                members[min(free)].append(Claim(worker, finding))
                continue
            by_claim[claim].append(len(members))
            for citation in _places(finding):
                by_place[citation.path].append((len(members), citation))
            members.append([Claim(worker, finding)])
    return tuple(Group(f"G-{number:03d}", tuple(claims)) for number, claims in enumerate(members, 1))


def normalised(claim: str) -> str:
    """A claim without case, punctuation and spacing."""
    return _NO_WORD.sub(" ", unicodedata.normalize("NFKC", claim).casefold()).strip()


def _places(finding: Finding) -> list[Evidence]:
    return [line for line in finding.evidence if line.first]


def _overlap(one: Evidence, other: Evidence) -> bool:
    return one.first <= other.last and other.first <= one.last
