"""The rules of what agents write, each with its id: one home for `check result`, the docs and the tests."""

from __future__ import annotations

RULES = {
    "R1": "the frontmatter names task-key, task-type, worker, provider, model and commit",
    "R2": "the sections stand there, each once, in their order",
    "R3": "no section `## 0. Reading Confirmation`: that belongs in the audit file",
    "R4": "a finding's heading is `### F-001 [severity] title`, numbers without gap or repeat",
    "R5": "a finding has one claim",
    "R6": "a finding has at least one line of evidence, and each can be read",
    "R7": "confidence is a number from 0 to 1",
    "R8": "a verdict is given, is one of those allowed, and agrees with the findings",
    "R9": "every item is answered exactly once, and nothing else is",
    "R10": "an answer gives a reason; DISAGREE gives its basis",
    "R11": "every step of the stage has its record, with a command and exit code or a reason why not",
    "R12": "the file is UTF-8 text, not empty, and not larger than 1 MB",
}
MAX_BYTES = 1024 * 1024
