"""`make mutants`: puts small faults into the modules that decide, one at a time, and runs their tests.

A seeded sample over all mutants: `--count 500 --seed 1`. First a module's quick tests run, then, where they pass, its
long ones. What no test sees is printed, unless `equivalent.tsv` says why it changes nothing that anybody can see.
Exit 0 when at least `--goal` percent of the others were seen, else 1.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from mutants.deciding import DECIDING, Tests  # noqa: E402 (the path stands above)
from mutants.mutation import Mutant, mutants_of  # noqa: E402

SEEN, SURVIVED, EQUIVALENT = "seen", "survived", "equivalent"
_LIMIT_SECONDS = 600
_EQUIVALENT = Path(__file__).with_name("equivalent.tsv")
_FOLDERS = ("bin", "lib", "python", "prompts", "templates", "schemas", "skills", "agents", "validators", "tests")
_FILES = ("pyproject.toml", "package.json", "README.md", "okstra.sh")


class Case(NamedTuple):
    module: str
    mutant: Mutant

    def row(self) -> str:
        """As it stands in equivalent.tsv: the line's text, since line numbers move."""
        source = (ROOT / "python/okstra_ctl" / self.module).read_text(encoding="utf-8")
        text = source.splitlines()[self.mutant.line - 1].strip()
        return "\t".join((self.module, text, repr(self.mutant.old), repr(self.mutant.new)))


def sample(count: int, seed: int, modules: Iterable[str] = DECIDING) -> list[Case]:
    """A seeded sample of the mutants of these modules, in their order; all of them where there are not as many."""
    cases = []
    for module in sorted(modules):
        text = (ROOT / "python/okstra_ctl" / module).read_text(encoding="utf-8")
        cases += [Case(module, mutant) for mutant in mutants_of(text)]
    chosen = sorted(random.Random(seed).sample(range(len(cases)), min(count, len(cases))))
    return [cases[number] for number in chosen]


class Copy:
    """A copy of the checkout in which one fault at a time is planted. Only one thread uses it at a time."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for name in _FOLDERS:
            if (ROOT / name).is_dir():
                skipped = shutil.ignore_patterns("__pycache__", "clients")
                shutil.copytree(ROOT / name, place / name, symlinks=True, ignore=skipped)
        for name in _FILES:
            if (ROOT / name).is_file():
                shutil.copy2(ROOT / name, place / name)

    def sees(self, case: Case, tests: Tests, *, quick: bool) -> bool:
        """Whether a test fails, or doesn't end, with the fault in place."""
        path = self._place / "python/okstra_ctl" / case.module
        sound = path.read_bytes()
        path.write_text(case.mutant.applied_to(sound.decode()), encoding="utf-8")
        try:
            return not self.passes(tests.quick) or (not quick and bool(tests.long) and not self.passes(tests.long))
        finally:
            path.write_bytes(sound)

    def passes(self, paths: Sequence[str]) -> bool:
        home = Path(tempfile.mkdtemp(dir=self._place))
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "OKSTRA_HOME": str(home / ".okstra"),
            "PYTHONPATH": str(self._place / "python"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TMPDIR": str(home),
        }
        command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *paths]
        try:
            ended = subprocess.run(
                command, cwd=self._place, env=environment, capture_output=True, timeout=_LIMIT_SECONDS
            )
        except subprocess.TimeoutExpired:
            return False
        finally:
            shutil.rmtree(home, ignore_errors=True)
        if ended.returncode not in (0, 1, 2):  # 2: the module can't even be imported
            said = (ended.stdout + ended.stderr).decode(errors="replace")
            raise SystemExit(f"mutants: pytest can't run: {said}")
        return ended.returncode == 0


def play(cases: Sequence[Case], jobs: int, *, quick: bool = False, show: bool = True) -> list[tuple[Case, str]]:
    """Each case with SEEN, SURVIVED or EQUIVALENT. Raises SystemExit when the tests fail without a fault."""
    equivalent = _read_equivalent()
    results: dict[Case, str] = {}
    with tempfile.TemporaryDirectory(prefix="okstra-mutants-") as folder:
        local = threading.local()

        def one(case: Case) -> None:
            if case.row() in equivalent:
                results[case] = EQUIVALENT
                return
            if not hasattr(local, "copy"):
                place = Path(tempfile.mkdtemp(dir=folder))
                local.copy = Copy(place)
            results[case] = SEEN if local.copy.sees(case, DECIDING[case.module], quick=quick) else SURVIVED
            if show:
                print(f"{len(results):4} of {len(cases)}  {results[case]:10} {case.module}:{case.mutant}", flush=True)

        sound = Copy(Path(tempfile.mkdtemp(dir=folder)))
        for tests in sorted({DECIDING[case.module].quick for case in cases}):
            if not sound.passes(tests):
                raise SystemExit(f"mutants: {' '.join(tests)} fail without a fault")
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, cases))
    return [(case, results[case]) for case in cases]


def _read_equivalent() -> set[str]:
    """The rows without their last column, the reason."""
    lines = _EQUIVALENT.read_text(encoding="utf-8").splitlines() if _EQUIVALENT.exists() else []
    return {line.rpartition("\t")[0] for line in lines if line and not line.startswith("#")}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--goal", type=float, default=95.0)
    parser.add_argument("--module", action="append", choices=sorted(DECIDING), help="these modules only")
    parser.add_argument("--quick", action="store_true", help="without the long tests")
    args = parser.parse_args()
    results = play(sample(args.count, args.seed, args.module or DECIDING), args.jobs, quick=args.quick)
    survivors = [case for case, result in results if result == SURVIVED]
    counted = sum(1 for _, result in results if result != EQUIVALENT)
    seen = counted - len(survivors)
    percent = 100 * seen / counted if counted else 100.0
    print(f"\n{len(results)} mutants, {len(results) - counted} equivalent; {seen} of {counted} seen ({percent:.1f} %)")
    for case in survivors:
        print(f"  survived  {case.module}:{case.mutant}")
    return 0 if percent >= args.goal else 1


if __name__ == "__main__":
    sys.exit(main())
