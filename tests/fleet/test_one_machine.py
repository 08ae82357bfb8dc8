"""Who has one machine pays nothing for fleets."""

from __future__ import annotations

import subprocess
import sys

from support.sealed import ROOT

_CALL = f"""
import sys
sys.path.insert(0, {str(ROOT / "python")!r})
from okstra_ctl import cli
from okstra_ctl.command_table import find
from okstra_ctl.options import build_parser
for name in ("run", "batch", "resume", "integrate", "stage", "status", "work", "fleet"):
    build_parser(find(name))
import okstra_ctl.lead.conductor, okstra_ctl.prepare.prepare, okstra_ctl.stages.integrate
print(*sorted(name for name in sys.modules if name.startswith("okstra_ctl.fleet.")))
print(*sorted(sys.modules.keys() & {{"distributed", "dask", "tornado", "cryptography"}}))
"""


def test_no_command_but_those_of_a_fleet_loads_its_modules_or_packages() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", _CALL], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
