"""Providers of the tests' own, each of its own family: a shell script that answers, or falls silent when told to."""

from __future__ import annotations

from collections.abc import Sequence

from .okstra import Project
from .rehearsal import install

VOICES = ("alpha", "beta", "gamma")
_CLIENT = r"""
for silent in $SILENT; do
  [ "$silent" = "$OKSTRA_WORKER_ID$OKSTRA_ROUND" ] && exit 1
done
head="---
task-key: $OKSTRA_TASK_KEY
task-type: $OKSTRA_PHASE
worker: $OKSTRA_WORKER_ID
provider: it
model: none
commit: none
verdict: pass
---"
if [ "$OKSTRA_ROLE" = executor ]; then
  mkdir -p "stage-$OKSTRA_STAGE"
  echo 'x = 1' >"stage-$OKSTRA_STAGE/it.py"
  git add -A && git commit -q -m 'feat: it'
fi
{
  printf '%s\n' "$head"
  if [ "$OKSTRA_ROLE" = executor ]; then
    printf '## 1. Steps\n'
    for step in $OKSTRA_STEPS; do printf '### Step %s done\n- evidence: command `true` exit 0\n' "$step"; done
    for title in '2. Deviations' '3. Risks' '4. Open questions'; do printf '## %s\n(none)\n' "$title"; done
  elif [ -n "$OKSTRA_ITEMS" ]; then
    printf '## Verdicts\n'
    for item in $OKSTRA_ITEMS; do printf '### %s AGREE\n- reason: so it is\n' "$item"; done
  else
    printf '## 1. Findings\n'
    case $OKSTRA_WORKER_ID in
      alpha) printf '### F-001 [low] It is so\n- claim: It is so.\n- evidence: README.md:1\n' ;;
      *) printf '(none)\n' ;;
    esac
    for title in '2. Evidence gaps' '3. Risks' '4. Open questions' '5. Recommendation'; do
      printf '## %s\n(none)\n' "$title"
    done
  fi
} >"$OKSTRA_RESULT"
"""


def install_voices(project: Project, names: Sequence[str], *, silent: str = "") -> None:
    """Makes these providers known; `alpha` raises a finding. `silent` names workers, with their round when it is
    only then that they fall silent (`beta1`)."""
    client = project.repo.path.parent / "client.sh"
    project.home.mkdir(exist_ok=True)
    client.write_text(_CLIENT)
    commands = {name: {"argv": ["sh", str(client), name], "env": {"SILENT": silent}, "family": name} for name in names}
    install(project, providers=commands)
