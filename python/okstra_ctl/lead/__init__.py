"""`--lead auto`: okstra leads a run itself, in plain deterministic code. In the order of a run:

- `context`: the run's worktree, of which this process is the user, and what every step needs to know;
- `conductor`: takes the lead, runs the steps below, gives the lead back;
- `phases`: which steps a task type takes; for a stage `implementation`, for release-handoff `handoff`;
- `analysis`: the analysts' results; `converge`: rounds of verdicts on their findings, and the plan's gate;
- `assignments`, `dispatch`, `result_folders`, `dispatch_log`: one request to a worker, its start, where it leaves its
  result, its record;
- `draft`, `report_writer`: the report from okstra's records, then the writer's words;
- `finish`: usage, manifest, task records, index;
- beside a run: `interactive` (`--lead claude`), `worker` (one worker for such a lead), `waves` (several runs at once).

Every step looks at the disk first: what has valid output there is not done again. So `okstra resume` just runs the same
steps once more, and a `kill -9` costs at most the work of the workers it hit.
"""
