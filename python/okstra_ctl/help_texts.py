"""What help, the manual page and the reference say beside the flags: examples of commands, topics, environment, files.
A test parses every example."""

from __future__ import annotations

from collections.abc import Mapping

# By command: words of a command line without the program, and what they do.
EXAMPLES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "init": (("init", "look at this repository, ask once"), ("init --yes", "the same without a question")),
    "demo": (("demo", "a whole task, in a minute, without an account"),),
    "setup": (("setup --project-id shop --yes", "register a project in a script"),),
    "trust": (("trust --show", "what the project's settings would run"), ("trust", "look, and answer")),
    "check-project": (("doctor --project", "what is wrong here, and how to mend it"),),
    "agents": (("agents --installed", "what could work here, and with which model"),),
    "doctor": (("doctor", "this machine"), ("doctor --providers", "the agents' clients, in full")),
    "completion": (("completion bash", "print the script; see docs/how-to/settings-and-notes.md"),),
    "config": (
        ("config", "every setting, where its value comes from, and what it means"),
        ("config set maxParallelWorkers 2", "change one"),
        ('config set --project qaCommands "pytest -q"', "one of the project"),
    ),
    "notify": (("config set notify ntfy://my-topic", "where messages go"), ("notify test", "send one now")),
    "memory": (
        ('memory add --title "Ports" --text "Tests take 8080."', "keep a note"),
        ("memory search port", "find it again"),
    ),
    "brief": (
        ('brief new --title "Sessions end" --task-key shop:auth:LOGIN-7', "make a task's brief"),
        ("brief check .", "of the worktree's task: is anything missing?"),
    ),
    "run": (
        ('run "crash when the list is empty"', "begin a task with a sentence"),
        ("run --task-key LOGIN-7 --task-type implementation --stage auto", "build the next stage"),
        ("run --task-key LOGIN-7 --provider rehearsal --yes", "try a phase without an account"),
        ("run --task-key LOGIN-7 --budget 5", "stop when 5 US dollars are spent"),
        ("run --again LOGIN-7/stage-2", "the same stage once more"),
    ),
    "review": (
        ("review", "what HEAD has since it left the main branch"),
        ("review --pr 12 --post", "a pull request; asks before it posts"),
        ("review origin/main...HEAD --sarif out.sarif --yes", "in CI"),
    ),
    "next": (
        ("next", "show the next step of the task you are at, ask, do it"),
        ("next LOGIN-7 --approve", "approve its plan, if that comes next"),
        ("next LOGIN-7 --push", "push its branch, if that comes next"),
        ("next --all", "what is left of all open tasks, in rounds"),
    ),
    "batch": (("work --runs runs.txt --jobs 3", "three runs at once"),),
    "remote": (
        ("remote use origin", "share the claims of this project's stages by that remote"),
        ("remote check", "try each step on it"),
    ),
    "task": (("task fetch demo:core:T-1", "a task that another machine shares, into this clone"),),
    "mcp": (("mcp", "what an MCP client's settings name as the server's command"),),
    "fleet": (
        ("fleet init fleet.toml", "the file, and certificates for the machines"),
        ("fleet up fleet.toml", "start its scheduler, and the nodes of this machine"),
        ("fleet status", "what is placed, and what became of it"),
    ),
    "work": (
        ("work demo:core:T-1", "stage after stage, merged in between"),
        ("work demo:core:T-1 --jobs 2 --job ci-3 --until idle", "two at once, until none is ready"),
        ("work --runs runs.txt --jobs 3", "the runs of a file, three at once"),
    ),
    "rerun": (("run --again LOGIN-7/stage-2", "the same stage once more"),),
    "resume": (
        ("resume LOGIN-7", "go on with its latest run"),
        ("resume LOGIN-7/planning --budget 10", "with more money"),
    ),
    "wait": (("wait LOGIN-7 --timeout 600", "ten minutes at most"),),
    "check": (("check run LOGIN-7", "a run's whole record"), ("check evidence LOGIN-7", "everything that it cites")),
    "seal": (("seal verify LOGIN-7/planning", "is it as it was sealed?"),),
    "report": (("report find --task-key LOGIN-7", "where its reports are"),),
    "status": (("status", "what is in progress, the most urgent first"),),
    "board": (("board", "live, at the terminal"), ("board --html board.html", "as a page")),
    "schedule": (("next --all", "what is left to do, in rounds"),),
    "projects": (("projects", "where okstra has run"),),
    "backfill": (("reconcile --done-rows --dry-run", "which rows are missing"),),
    "list": (("list --limit 10", "the newest ten"), ("list --since 2d --project shop", "of one project, lately")),
    "show": (
        ("show LOGIN-7", "a task"),
        ("show LOGIN-7/stage-2", "its run of stage 2"),
        ("show --errors --since 1w", "what went wrong this week"),
    ),
    "diff": (("diff LOGIN-7", "all that a task changed"), ("diff LOGIN-7 --stage 2 --stat", "a stage, in short")),
    "cd": (("cd LOGIN-7", "where its worktree is"),),
    "drop": (("drop LOGIN-7", "nobody wants it any more; branches and records stay"),),
    "restore": (("restore LOGIN-7", "it is wanted again"),),
    "open": (("open LOGIN-7", "its latest report in the browser"),),
    "history": (("history LOGIN-7", "what happened to a task"),),
    "time-summary": (("usage --time --by phase", "how long runs took"),),
    "quota": (("quota", "all that is known"), ("quota codex --json", "one provider, for a script")),
    "usage": (
        ("usage LOGIN-7", "what a task has cost"),
        ("usage", "all tasks"),
        ("usage --time --by day", "how long runs took"),
    ),
    "error-log": (("show --errors --since 1w", "what went wrong this week"),),
    "followups": (("followups list", "what reports propose"),),
    "paths": (("paths LOGIN-7 --shell", "as shell variables"),),
    "plan": (
        ("plan new LOGIN-7", "begin one by hand"),
        ("plan show LOGIN-7", "the plan as a graph"),
        ("plan check LOGIN-7", "does it keep the rules?"),
        ("plan approve LOGIN-7", "say yes to it"),
    ),
    "stage": (("stage list LOGIN-7", "which stage is ready, at work, done"),),
    "integrate": (
        ("integrate LOGIN-7 --forecast", "which stages would conflict"),
        ("integrate LOGIN-7", "merge those that are done"),
    ),
    "handoff": (
        ("handoff LOGIN-7", "pick the steps from a list"),
        ("handoff LOGIN-7 --pr --base main", "push it and open a pull request"),
    ),
    "pr": (
        ("pr sync LOGIN-7", "review comments and red checks become a fix"),
        ("pr sync LOGIN-7 --reply", "answer the threads of what was mended"),
    ),
    "worktree": (("worktree list", "every worktree"), ("worktree restore LOGIN-7", "one that was removed")),
    "reconcile": (("reconcile", "what dead runs left"), ("reconcile --apply", "repair it")),
    "gc": (("gc --dry-run", "what would go"), ("gc", "remove what is safe to remove")),
}

ENVIRONMENT: Mapping[str, str] = {
    "OKSTRA_HOME": "okstra's home, instead of ~/.okstra",
    "OKSTRA_PYTHON": "the Python that runs okstra, instead of the one recorded at install",
    "OKSTRA_DEBUG": "1: a bug shows its traceback",
    "OKSTRA_TEMPLATE_CACHE": "a folder of your own for compiled page templates, where many runs are led",
    "OKSTRA_TRUST": "1: run the commands of project.json unasked, as --trust",
    "OKSTRA_SANDBOX": "how workers are contained, as --sandbox",
    "OKSTRA_WORKTREE_SYNC_DIRS": "files and folders that a new worktree gets, colon-separated",
    "OKSTRA_DEFAULT_<SLOT>_MODEL": "the model of a slot, where neither flag nor config.json names one",
    "NO_COLOR": "no colours; --no-color for once",
    "PAGER": "what shows lists longer than the terminal (default: less -FRX); empty or cat: nothing",
    "FORCE_COLOR": "colours also where output is no terminal; --color=always for once",
    "COLUMNS": "how wide output may be, instead of the terminal's width",
}
# What okstra sets for others. A test compares both tables with the variables that the code names.
SET_FOR_OTHERS: Mapping[str, str] = {
    "OKSTRA_HOME, OKSTRA_PYTHON": "workers: okstra's home and its Python, where they were set for okstra",
    "OKSTRA_WORKER, OKSTRA_WORKER_HOME, OKSTRA_WORKER_RUN": "workers, checks and set-up commands: the mark by which "
    "okstra refuses them what changes something",
    "OKSTRA_WORKER_ID, OKSTRA_ROLE": "workers: which one of the run it is, and its role",
    "OKSTRA_RUN_ID, OKSTRA_TASK_KEY, OKSTRA_PHASE, OKSTRA_STAGE, OKSTRA_ATTEMPT, OKSTRA_COMMIT": "workers: what they "
    "work on",
    "OKSTRA_ROUND, OKSTRA_ITEMS": "workers: which round it is, and the items that are asked about, one a line",
    "OKSTRA_STEPS, OKSTRA_FILES": "executors: their stage's steps by number, and its files; one a line",
    "OKSTRA_RESULT, OKSTRA_AUDIT, OKSTRA_DRAFT": "workers: where they leave their result, their audit and, who writes "
    "the report, its draft",
    "OKSTRA_ACCESS, OKSTRA_MODEL": "commands of `providers.NAME`: read or edit, and the model",
    "OKSTRA_ACP, OKSTRA_AGENT_ENDPOINT": "agents of the Agent Client Protocol: okstra's own",
    "OKSTRA_GUARD_REPO, OKSTRA_GUARD_REF, OKSTRA_GUARD_HOOKS, OKSTRA_GUARD_RULES, OKSTRA_GUARD_LOG": "the git hooks of "
    "a run: okstra's own",
    "OKSTRA_JOB": "what `okstra work` starts: the job's name, by which a stage is taken up again",
    "OKSTRA_TASK_KEY, OKSTRA_TASK_STAGE, OKSTRA_TASK_WORKTREE, OKSTRA_TASK_BRANCH, OKSTRA_TASK_PROJECT": "printed by "
    "`okstra cd --env`",
    "OKSTRA_WORKTREES, OKSTRA_REGISTRY": "printed by `okstra paths`, with `OKSTRA_HOME`",
}
FILES: Mapping[str, str] = {
    "<project>/.okstra/project.json": "the project's settings",
    "<project>/.okstra/tasks/": "tasks: manifests, prompts, results, reports, ledgers",
    "~/.okstra/config.json": "a person's settings",
    "~/.okstra/worktrees/": "the worktrees, and registry.json: who holds which",
    "~/.okstra/index.sqlite3": "the index that okstra list reads",
}
SCRIPTING = """\
  --json        one JSON object on stdout, also for failures
  --yes         skip questions; it approves and pushes nothing
  --no-input    never ask, not even at a terminal
  --quiet, -q   no messages but errors on stderr
  -             as a file: stdin

Results go to stdout, messages to stderr. Without a terminal okstra never asks.
Codes of errors are stable words; exit statuses: okstra help exit-codes

  $ okstra list --json | jq -r '.data.runs[].run_id'
  $ cd "$(okstra worktree lookup LOGIN-7)"
  $ eval "$(okstra paths LOGIN-7 --shell)"
"""
