"""The plain lists of the report: risks, follow-up tasks, what was checked."""

from __future__ import annotations

from ...followups import numbered_follow_ups, spawn_command
from . import pieces
from .markup import Markup, tag
from .view import View


def risks(view: View) -> Markup:
    return pieces.section("risks", view.words("risks"), pieces.bullets(view.report["risks"], view.words))


def follow_ups(view: View) -> Markup:
    words, proposed = view.words, numbered_follow_ups(view.report)
    rows = [
        tag(
            "li",
            tag(
                "p",
                *(tag("code", item), " ", tag("b", one["title"]), " "),
                tag("span", words.phase(one["task_type"]), class_="muted"),
            ),
            pieces.prose(one["reason"], words),
        )
        for item, one in proposed
    ]
    if not rows:
        return pieces.section("follow-ups", words("follow_ups"), pieces.nothing(words))
    spawn = pieces.command(spawn_command(view.report["run_id"], proposed[0][0]), words, name="spawn-step")
    return pieces.section(
        "follow-ups",
        words("follow_ups"),
        tag("ul", rows, class_="plain-list"),
        tag("p", words("spawn"), class_="eyebrow"),
        spawn,
    )


def checked(view: View) -> Markup:
    words = view.words
    names = ("what", "how", "result")
    rows = [[pieces.prose(one[name], words) for name in names] for one in view.report["checked"]]
    header = [words(f"checked_{name}") for name in names]
    body = pieces.table(header, rows, label=words("checked")) if rows else pieces.nothing(words)
    return pieces.section("checked", words("checked"), body)
