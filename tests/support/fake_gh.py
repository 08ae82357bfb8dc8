"""A `gh` on the PATH that is logged in, knows one pull request, and records what it is asked to post."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from .okstra import Project

_PROGRAM = """#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
words, known = sys.argv[1:], json.loads((here / "known.json").read_text())
with open(here / "asked", "a") as file:
    file.write(json.dumps(words) + "\\n")
if words[:2] == ["auth", "status"]:
    sys.exit(0)
if words[:2] == ["pr", "view"]:
    if not known["view"]:
        sys.exit('no pull requests found for branch "x"')
    print(json.dumps(known["view"]))
elif words[:2] == ["pr", "create"]:
    print("https://example.test/pull/7")
elif words[:2] == ["run", "view"]:
    print(known["logs"][words[2]])
elif words[0] == "api" and words[-1].endswith("/permission"):
    print(json.dumps({{"permission": known["people"].get(words[-1].split("/")[-2], "none")}}))
elif words[0] == "api" and "POST" in words:
    body = words[-1].removeprefix("body=")
    known["comments"].append({{"id": 900 + len(known["comments"]), "in_reply_to_id": int(words[3].split("/")[-2]),
                              "user": {{"login": "me"}}, "body": body}})
    (here / "known.json").write_text(json.dumps(known))
    print("{{}}")
elif words[0] == "api" and words[-1].endswith("/comments"):
    print(json.dumps(known["comments"]))
else:
    sys.exit(f"what is {{words}}?")
"""


class FakeGh:
    """`known` is what GitHub has: `view` of the pull request, `comments` on lines, `people` with their permission,
    `logs` by workflow run. Call `save` after a change."""

    def __init__(self, project: Project) -> None:
        self._folder = project.repo.path.parent / "fake-gh"
        self._folder.mkdir()
        program = self._folder / "gh"
        program.write_text(_PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
        environment = project.okstra.environment
        environment["PATH"] = f"{self._folder}{os.pathsep}{environment['PATH']}"
        self.known: dict[str, Any] = {"view": {}, "comments": [], "people": {}, "logs": {}}
        self.save()

    def save(self) -> None:
        (self._folder / "known.json").write_text(json.dumps(self.known))

    @property
    def comments(self) -> list[dict[str, Any]]:
        """Comments on lines as they are now, with those that were posted."""
        found: list[dict[str, Any]] = json.loads((self._folder / "known.json").read_text())["comments"]
        return found

    @property
    def posted(self) -> list[dict[str, Any]]:
        return [one for one in self.comments if one["user"]["login"] == "me"]

    def open_pull_request(self, head: str) -> None:
        url = "https://example.test/pull/7"
        self.known["view"] = {"number": 7, "url": url, "state": "OPEN", "headRefOid": head, "comments": []}
        self.save()

    def comment(self, number: int, login: str, body: str, **more: Any) -> None:
        one = {"id": number, "user": {"login": login}, "body": body, "path": "new.py", "line": 1, **more}
        self.known["comments"].append(one)
        self.save()


def without_gh(project: Project, folder: Path) -> str:
    """A PATH on which everything is but gh."""
    folder.mkdir()
    for place in project.okstra.environment["PATH"].split(os.pathsep):
        for program in Path(place).iterdir() if os.path.isdir(place) else ():
            # What is already there may be a link to nothing here, which does not "exist".
            if program.name != "gh" and program.is_file() and not os.path.lexists(folder / program.name):
                (folder / program.name).symlink_to(program)
    return str(folder)
