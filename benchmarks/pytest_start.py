"""What tunegate's plugin costs a test run that has nothing to do with it.

    python benchmarks/pytest_start.py [--runs 31]

Starts `pytest --collect-only` in an empty folder with the plugin and without, in turns, and
prints medians and the median of the paired differences. Installs nothing: the plugin is named
with `-p`, other plugins are left out, and bytecode is compiled before the first timed run.
Processor time is the steadier of the two on a machine that does other things as well.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BUDGET_MS = 20.0
WAYS = {"without": (), "with": ("-p", "tunegate.pytest_plugin")}


class Took(NamedTuple):
    """Milliseconds of one process: by the clock, and of processor time."""

    wall: float
    cpu: float


def start_pytest(folder: Path, way: str) -> Took:
    """How long one pytest takes from its start to its end."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *WAYS[way]]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else pytest compiles plugins every time
    before, began = _cpu_seconds(), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    took = Took(1000 * (time.perf_counter() - began), 1000 * (_cpu_seconds() - before))
    if done.returncode != 5:  # pytest's code for: no tests were collected
        raise SystemExit(done.stderr.decode() or done.stdout.decode())
    return took


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure in turns, each pair in both orders, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=31, help="timed runs of each way")
    runs = max(15, parser.parse_args().runs)
    found: dict[str, list[Took]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        for way in WAYS:
            start_pytest(Path(name), way)
        for number in range(runs):
            order = list(WAYS) if number % 2 else list(reversed(WAYS))
            for way in order:
                found[way].append(start_pytest(Path(name), way))
    print("| pytest --collect-only, empty project | median, ms | fastest, ms | processor, ms |")
    print("| --- | ---: | ---: | ---: |")
    for way, times in found.items():
        wall, cpu = [took.wall for took in times], [took.cpu for took in times]
        print(f"| {way} the plugin | {median(wall):.0f} | {min(wall):.0f} | {median(cpu):.0f} |")
    pairs = list(zip(found["without"], found["with"], strict=True))
    wall, cpu = ([getattr(b, of) - getattr(a, of) for a, b in pairs] for of in Took._fields)
    print(f"| difference, median of {runs} pairs | {median(wall):+.1f} | | {median(cpu):+.1f} |")
    print(f"\nThe budget is {BUDGET_MS:.0f} ms.")


if __name__ == "__main__":
    main()
