"""`--lead auto`: okstra leads a run itself, in plain deterministic code. In the order of a run:

- `workplace`: makes sure that the run's worktree exists and that this process is its user;
- `conductor`: takes the lead, runs the steps below, gives the lead back; `context`: what every step needs to know;
- `phases`: which steps a task type takes; for a stage `implementation`, for release-handoff `handoff`;
- `analysis`: the analysts' results; `converge`: rounds of verdicts on their findings (asked by `questions`);
- `assignments`, `dispatch`, `drops`, `dispatch_log`: one request to a worker, its start, its result, its record;
- `draft`, `report_writer`: the report from okstra's records, then the writer's words; `planning`: the plan's gate;
- `finish`: usage, manifest, task records, index;
- beside a run: `interactive` (`--lead claude`), `worker` (one worker for such a lead), `wait`, `resuming` (whom a
  resume asks), `batch` and `waves` (several runs at once).

Every step looks at the disk first: what has valid output there is not done again. So `okstra resume` just runs the same
steps once more, and a `kill -9` costs at most the work of the workers it hit.
"""
