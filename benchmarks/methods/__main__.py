"""What each method of training does for the embedded model, on a shipped suite.

    python -m benchmarks.methods [--rows NAME ...] [--results FOLDER] [--ledger FOLDER] [-o FILE]

Each row is trained and asked in a process of its own, so that its peak memory is its own. What is
among the results in the same size is not measured again: delete its file to have that done. A row
that was killed goes on, where the ledger is the same. Rows that begin from another row's adapter
have that one trained again if the ledger is another. All rows take about two hours on two cores.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.methods.measuring import (
    RESULTS,
    Places,
    Size,
    describe,
    measure,
    parent_of,
    stored_result,
)
from benchmarks.methods.page import page
from benchmarks.methods.rows import ROWS, Row

SUITE = "query_assistant"
SIZE = Size(examples=400, epochs=2.0, dev=120, guard=120)


def main() -> None:
    """Measure what is missing, then print the page or write it."""
    options = _options()
    size = Size(options.examples, options.epochs, options.dev, options.guard)
    places = Places(options.results, options.ledger)
    if options.measure:
        measure(ROWS[options.measure], options.suite, places, size)
        return
    for row in missing_rows(options.rows, places, size):
        _in_its_own_process(row, options)
        found = stored_result(options.results, row, size)
        if found is None:
            print(f"{row.name}: ended without a result", file=sys.stderr)
        else:
            print(describe(found), file=sys.stderr, flush=True)
    known = {row.name: stored_result(options.results, row, size) for row in ROWS.values()}
    text = page({name: found for name, found in known.items() if found}, options.suite, size)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="*", choices=list(ROWS), default=list(ROWS), metavar="NAME")
    parser.add_argument("--suite", default=SUITE, help="of those that ship")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--ledger", type=Path, default=Path(".tunegate-methods"))
    parser.add_argument("--examples", type=int, default=SIZE.examples, help="train cases")
    parser.add_argument("--epochs", type=float, default=SIZE.epochs)
    parser.add_argument("--dev", type=int, default=SIZE.dev, help="dev cases asked")
    parser.add_argument("--guard", type=int, default=SIZE.guard, help="guard cases asked")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--measure", choices=list(ROWS), help=argparse.SUPPRESS)
    return parser.parse_args()


def missing_rows(names: Sequence[str], places: Places, size: Size) -> list[Row]:
    """The rows to measure, and those before them whose adapters they begin from and are missing."""
    missing = [
        row
        for row in ROWS.values()
        if row.name in names and stored_result(places.results, row, size) is None
    ]
    begun = [row for row in missing if row.begins and not parent_of(row, places, size)]
    parents = {row.begins for row in begun}
    return [row for row in ROWS.values() if row in missing or row.name in parents]


def _in_its_own_process(row: Row, options: argparse.Namespace) -> None:
    size = {"examples": 0, "epochs": 0, "dev": 0, "guard": 0}
    stated = [text for name in size for text in (f"--{name}", str(getattr(options, name)))]
    command = [sys.executable, "-m", "benchmarks.methods", "--measure", row.name]
    command += ["--suite", options.suite, "--results", str(options.results)]
    command += ["--ledger", str(options.ledger), *stated]
    subprocess.run(command, check=False)


if __name__ == "__main__":
    main()
