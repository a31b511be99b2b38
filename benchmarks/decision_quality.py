"""How often tunegate's decisions are right, by simulation with known truth.

    python benchmarks/decision_quality.py [--quick] [--only NAME...] [--output FILE]

The table is written to docs/decision_quality.md, which also says what is measured and how. Exit
code 1 where a promise is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run by hand from a checkout: its own packages, no others

from benchmarks.quality.catalogue import catalogue  # noqa: E402
from benchmarks.quality.cells import Cell, Planned  # noqa: E402
from benchmarks.quality.page import missed, render  # noqa: E402
from benchmarks.quality.store import Store, fingerprint, key_of, seed_of  # noqa: E402

WORKERS = 2


def main() -> int:
    """Measure what is not yet measured, write the page; 1 where a promise is missed."""
    arguments = read_arguments()
    listed = catalogue()
    names = [name for name in listed if not arguments.only or name in arguments.only]
    results = measure(names, quick=arguments.quick)
    page = render(listed, results, quick=arguments.quick)
    if arguments.output:
        Path(arguments.output).write_text(page, encoding="utf-8")
    else:
        print(page)
    lines = missed(listed, results)
    for line in lines:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if lines else 0


def read_arguments() -> argparse.Namespace:
    """The command line. Only a whole run, with all trials, replaces the page of the docs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="far fewer trials, for a look")
    parser.add_argument("--only", nargs="+", default=[], choices=list(catalogue()), metavar="NAME")
    parser.add_argument("--output", help="where to write the page; printed for a partial run")
    arguments = parser.parse_args()
    if arguments.output is None and not arguments.quick and not arguments.only:
        arguments.output = str(ROOT / "docs" / "decision_quality.md")
    return arguments


# ------------------------------------------------------------------------------ measuring


class Part(NamedTuple):
    """What is measured at a time: the planned cell at a position, or all that is not planned."""

    name: str
    position: int


UNPLANNED = -1


def measure(names: list[str], *, quick: bool) -> dict[str, list[Cell]]:
    """All cells of these experiments, in the order planned, from two processes."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # each process has one core
    listed = catalogue()
    found: dict[Part, list[Cell]] = {}
    started = time.monotonic()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        # From here on the code must not change: each process read it when it began.
        sources = {name: fingerprint(listed[name].run) for name in names}
        surveys = {name: pool.submit(survey, name, quick, sources[name]) for name in names}
        parts: dict[Future[list[Cell]], Part] = {}
        for name, surveyed in surveys.items():
            found[Part(name, UNPLANNED)], planned = surveyed.result()
            for position in range(planned):
                part = Part(name, position)
                parts[pool.submit(measure_part, part, quick, sources[name])] = part
        for count, task in enumerate(as_completed(parts), start=1):
            found[parts[task]] = task.result()
            if count % 100 == 0 or count == len(parts):
                minutes = (time.monotonic() - started) / 60
                print(f"{count} of {len(parts)} cells, {minutes:.1f} minutes", file=sys.stderr)
    return {
        name: [cell for part in sorted(found) if part.name == name for cell in found[part]]
        for name in names
    }


def survey(name: str, quick: bool, source: str) -> tuple[list[Cell], int]:
    """The cells that an experiment measures at once, and how many it only plans."""
    key = key_of(None, name, quick, source)
    kept = Store().read(key)
    if kept:
        return kept, 0
    found = plan(name, quick)
    cells = [cell for cell in found if isinstance(cell, Cell)]
    if cells and len(cells) == len(found):
        Store().write(key, cells)
    return cells, len(found) - len(cells)


def measure_part(part: Part, quick: bool, source: str) -> list[Cell]:
    """One planned cell: from the store, or measured and stored."""
    planned = [cell for cell in plan(part.name, quick) if isinstance(cell, Planned)][part.position]
    key = key_of(planned, part.name, quick, source)
    if kept := Store().read(key):
        return [replace(kept[0], note=planned.note)]
    cell = planned.measure(seed_of(part.name, planned.setting))
    Store().write(key, [cell])
    return [cell]


@cache
def plan(name: str, quick: bool) -> tuple[Cell | Planned, ...]:
    """What an experiment returns, once in each process."""
    return tuple(catalogue()[name].run(quick))


if __name__ == "__main__":
    raise SystemExit(main())
