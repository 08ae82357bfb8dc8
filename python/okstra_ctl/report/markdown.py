"""The report as markdown, from its data alone (docs/formats.md)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..tasks.titles import report_title
from ..usage.tokens import model_header, model_rows, usage_header, usage_notes, usage_rows
from .followup_rules import numbered_follow_ups, spawn_command
from .marks import in_order, mark_word
from .now import Now, asks_approval, date_text, now_facts
from .outcome import failure_reasons, isolation_commands, overrules_in, voices_lines
from .parts import Field, plan_lines
from .safe_markdown import block, cell, code, inline

_MOST_LINES = 10
Report = Mapping[str, Any]
Labels = Mapping[str, str]


def render_markdown(report: Report, fields: Sequence[Field], labels: Labels, now: Now | None = None) -> str:
    """`fields` are those of the phase's own part; `labels` the words of the report's language. A plan is approved as it
    is, so it does not show what came after: its page does."""
    title = labels[f"phase_{report['task_type']}"]
    is_plan = report["task_type"] == "implementation-planning"
    lines = [
        *(["---", "approved: false", f"task-key: {report['task_key']}", "---"] if is_plan else []),
        f"# {title}: {inline(report_title(report))}",
        "",
        *([f"> {labels['rehearsal']}", ""] if report["rehearsal"] else []),
        *_head(report, labels),
        *_author(report, labels),
        *_verdict(report["verdict"], report, labels, None if is_plan else now),
        *_execution(report, labels),
        *_isolation(report["isolation"], labels),
        *_findings(report["findings"], labels),
        *_proofs(report.get("proofs", ()), labels),
        *_bullets(f"## 4. {labels['risks']}", report["risks"], labels),
        *(_plan(report, fields, labels, title) if is_plan else _phase(report, fields, labels, title)),
        *_clarifications(report["clarifications"], labels),
        *_follow_ups(report, labels),
        *_table(f"## 8. {labels['checked']}", report["checked"], _checked_columns(labels), labels),
        *_usage(report["usage"], labels),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _head(report: Report, labels: Labels) -> Iterator[str]:
    yield f"- {labels['task']}: {code(report['task_key'])}"
    if report.get("at"):
        yield f"- {labels['date']}: {date_text(report['at'])}"
    if report.get("request"):
        yield f"- {labels['request']}: {cell(report['request'])}"
    yield ""


def _author(report: Report, labels: Labels) -> Iterator[str]:
    if report["author"]["reason"]:
        yield f"> {labels['author_lead']} {cell(report['author']['reason'])}"
        yield ""


def _verdict(verdict: Mapping[str, Any], report: Report, labels: Labels, now: Now | None) -> Iterator[str]:
    yield f"## 1. {labels['verdict']}: {code(verdict['token'])}"
    yield ""
    yield block(verdict["conclusion"])
    yield ""
    if verdict["direction"]:
        yield f"- {labels['direction']}: {cell(verdict['direction'])}"
    yield f"- {labels['commit']}: `{report['commit'] or '-'}`"
    step = now.next if now else verdict["next_step"]
    yield f"- {labels['next_step']}: {code(step) if step else labels['nothing_left']}"
    if asks_approval(verdict, now):
        yield f"- {labels['approval_needed']}"
    yield from (f"- {labels['failed_because']} {cell(reason)}" for reason in failure_reasons(report))
    if now:
        facts = "; ".join(f"{name}: {value}" for name, value in now_facts(now, labels))
        yield f"- {labels['now']} ({date_text(now.at)}): {cell(facts)}"
    yield ""


def _execution(report: Report, labels: Labels) -> Iterator[str]:
    yield f"## 2. {labels['execution']}"
    yield ""
    columns = ("worker", "role", "model", "outcome", "answer", "findings_count")
    yield _row(labels[name] for name in columns)
    yield _row("---" for _ in columns)
    for one in report["execution"]:
        model = one["model_observed"] or f"{one['model']} ({labels['unknown']})"
        answer = " ".join(part for part in (one["state"] or "-", one["verdict"], one["note"]) if part)
        outcome = one["outcome"] + (f" ({labels['again_at']} {one['again_at']})" if one.get("again_at") else "")
        yield _row((one["worker"], one["role"], model, outcome, answer, one["findings"]))
    yield ""
    for name, gate in report["gates"].items():
        yield f"- {labels['gates']}, {name}: **{gate['gate']}**" + (f" ({cell(gate['note'])})" if gate["note"] else "")
    yield from (f"- {cell(line)}" for line in voices_lines(report, labels))
    for word in overrules_in(report):
        yield f"- {labels['overruled']} ({word['at']}): {cell(word['why'])}"
    yield ""


def _isolation(isolation: Mapping[str, Any], labels: Labels) -> Iterator[str]:
    if isolation["breaches"]:
        yield f"### {labels['isolation']}"
        yield ""
        yield from (_change(one, labels) for one in isolation["breaches"])
        yield ""
    if isolation.get("notes"):
        yield f"### {labels['notes']}"
        yield ""
        yield labels["notes_explained"]
        yield ""
        yield from (_change(one, labels) for one in isolation["notes"])
        yield ""


def _change(one: Mapping[str, Any], labels: Labels) -> str:
    author = f", {labels['author_of_change']} {cell(one['author'])}" if one.get("author") else ""
    commands = "".join(f" {labels[name]}: {code(command)}" for name, command in isolation_commands(one))
    return f"- **{one['kind']}** {code(one['what'])}{author}: {cell(one['detail'])}.{commands}"


def _findings(findings: Sequence[Mapping[str, Any]], labels: Labels) -> Iterator[str]:
    yield f"## 3. {labels['findings']}"
    yield ""
    if not findings:
        yield labels["no_findings"]
        yield ""
    for one in in_order(findings):
        yield f"### {one['id']} [{one['severity']}] {cell(one['title'])}"
        yield ""
        if mark_word(one):
            yield f"- {labels['mark']}: **{labels[f'word_{mark_word(one)}']}**"
        yield f"- {labels['claim']}: {cell(one['claim'])}"
        closed = f", {labels['closed_by']} {cell(one['closed_by'])}" if one["closed_by"] else ""
        yield f"- {labels['status']}: **{one['class']}**, {one['status']}{closed}"
        raised = ", ".join(cell(f"{claim['worker']} ({claim['finding']})") for claim in one["raised_by"])
        yield f"- {labels['raised_by']}: {raised}"
        yield f"- {labels['evidence_status']}: {one['evidence_status']}"
        for line in one["evidence"]:
            yield f"- {labels['evidence']}: {evidence_text(line)}{_found(line)}"
            yield from _output(line, labels)
        for ballot in one["verdicts"]:
            basis = f" ({ballot['basis']})" if ballot["basis"] else ""
            shown = "".join(f"; {evidence_text(line)}{_found(line)}" for line in ballot["evidence"])
            yield f"- {ballot['worker']}: {ballot['verdict']}{basis}, {cell(ballot['reason'])}{shown}"
        yield ""


def _proofs(proofs: Sequence[Mapping[str, Any]], labels: Labels) -> Iterator[str]:
    if not proofs:
        return
    yield f"### {labels['proofs']}"
    yield ""
    yield labels["proofs_note"]
    yield ""
    for one in proofs:
        mark = labels[f"word_{one['mark']}"]
        title = f"{one['finding']} [{one['severity']}] {cell(one['title'])}"
        yield f"- **{mark}**, {one['status']}: {title} ({code(one['run_id'])})"
        for row in one["commands"]:
            turn = f"{labels['before']}: {cell(row['before'])}; {labels['after']}: {cell(row['after'])}"
            yield f"  - {code(row['command'])} {turn}"
    yield ""


def _found(line: Mapping[str, Any]) -> str:
    """What a program found of a line of evidence."""
    if "status" not in line:
        return ""
    where = f" at line {line['found_lines'][0]}" if line["status"] == "moved" and line["found_lines"] else ""
    note = f": {cell(line['note'])}" if line["note"] else ""
    return f" ({line['status']}{where}{note})"


def _output(line: Mapping[str, Any], labels: Labels) -> Iterator[str]:
    """The last lines that a cited command printed when okstra ran it, each as code: nothing in them is markup."""
    printed = str(line.get("output", "")).rstrip().split("\n")[-_MOST_LINES:]
    if any(printed):
        yield f"  - {labels['output']}:"
        yield from (f"    - {code(text)}" for text in printed if text.strip())


def evidence_text(line: Mapping[str, Any]) -> str:
    if "command" in line:
        return f"{code(line['command'])} exit {line['exit']}"
    first, last = line["lines"] or (0, 0)
    place = f"{line['path']}:{first}" + (f"-{last}" if last != first else "") if first else line["path"]
    return cell(place) + (f" {code(line['quote'])}" if line["quote"] else "")


def _phase(report: Report, fields: Sequence[Field], labels: Labels, title: str) -> Iterator[str]:
    yield f"## 5. {title}"
    yield ""
    for field in fields:
        yield from _field(report["phase"], field, labels)
    if report["commits"]:
        yield f"### {labels['commits']}"
        yield ""
        yield from (f"- `{one['commit'][:12]}` {cell(one['subject'])}" for one in report["commits"])
        yield ""
    if report["steps"]:
        yield f"### {labels['steps']}"
        yield ""
        for step in report["steps"]:
            notes = [cell(step["note"])] if step["note"] else []
            shown = "; ".join([*(evidence_text(line) for line in step["evidence"]), *notes])
            yield f"{step['step']}. {labels['done' if step['done'] else 'skipped']}: {shown}"
        yield ""


def _plan(report: Report, fields: Sequence[Field], labels: Labels, title: str) -> Iterator[str]:
    yield f"## 5. {title}"
    yield ""
    for field in fields:
        if field.name != "stages":
            yield from _field(report["phase"], field, labels)
    yield from plan_lines(report["phase"].get("stages", []))


def _field(phase: Mapping[str, Any], field: Field, labels: Labels) -> Iterator[str]:
    value = phase.get(field.name)
    yield f"### {labels.get(f'field_{field.name}', field.title)}"
    yield ""
    if not field.is_list:
        yield block(value or labels["none"])
    elif not value:
        yield labels["none"]
    elif field.items:
        yield _row(labels.get(f"column_{item}", item) for item in field.items)
        yield _row("---" for _ in field.items)
        for one in value:
            yield _row(_plain(one.get(name, ""), labels) for name in field.items)
    else:
        yield from (f"- {cell(one)}" for one in value)
    yield ""


def _plain(value: object, labels: Labels) -> object:
    if isinstance(value, bool):
        return labels["chosen"] if value else ""
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _clarifications(rows: Sequence[Mapping[str, Any]], labels: Labels) -> Iterator[str]:
    yield f"## 6. {labels['clarifications']}"
    yield ""
    if not rows:
        yield labels["none"]
    else:
        yield _row(labels[name] for name in ("id", "question", "status", "blocks", "answer_column"))
        yield _row("---" for _ in range(5))
        for row in rows:
            yield _row(row[name] for name in ("id", "question", "status", "blocks", "answer"))
    yield ""


def _bullets(heading: str, items: Sequence[str], labels: Labels) -> Iterator[str]:
    yield heading
    yield ""
    yield from (f"- {cell(item)}" for item in items)
    if not items:
        yield labels["none"]
    yield ""


def _follow_ups(report: Report, labels: Labels) -> Iterator[str]:
    rows = [{"id": item, **one} for item, one in numbered_follow_ups(report)]
    columns = {
        "id": labels["id"],
        "title": labels["column_title"],
        "task_type": labels["column_task_type"],
        "reason": labels["column_reason"],
    }
    yield from _table(f"## 7. {labels['follow_ups']}", rows, columns, labels)
    if rows:
        yield f"{labels['spawn']} `{spawn_command(report['run_id'], rows[0]['id'])}`"
        yield ""


def _checked_columns(labels: Labels) -> Mapping[str, str]:
    return {name: labels[f"checked_{name}"] for name in ("what", "how", "result")}


def _table(
    heading: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], labels: Labels
) -> Iterator[str]:
    yield heading
    yield ""
    if rows:
        yield _row(columns.values())
        yield _row("---" for _ in columns)
        yield from (_row(row[name] for name in columns) for row in rows)
    else:
        yield labels["none"]
    yield ""


def _usage(usage: Mapping[str, Any] | None, labels: Labels) -> Iterator[str]:
    yield f"## 9. {labels['usage']}"
    yield ""
    if usage is None:
        yield labels["unknown"]
        return
    yield from _plain_table(usage_header(labels), usage_rows(usage, labels))
    models = list(model_rows(usage, labels))
    if len(models) > 1:
        yield ""
        yield from _plain_table(model_header(labels), models)
    for note in usage_notes(usage, labels):
        yield ""
        yield note


def _plain_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(header)
    yield _row("---" for _ in header)
    yield from (_row(row) for row in rows)


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(cell(one) for one in cells) + " |"
