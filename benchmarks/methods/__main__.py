"""What each method of training does for the embedded model, on shipped suites.

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
    Result,
    describe,
    measure,
    parent_of,
    stored_result,
)
from benchmarks.methods.page import page
from benchmarks.methods.rows import ROWS, SIZES, Row


def main() -> None:
    """Measure what is missing, then print the page or write it."""
    options = _options()
    places = Places(options.results, options.ledger)
    if options.measure:
        row = ROWS[options.measure]
        measure(row, places, SIZES[row.suite])
        return
    for row in missing_rows(options.rows, places):
        _in_its_own_process(row, options)
        found = stored_result(options.results, row, SIZES[row.suite])
        if found is None:
            print(f"{row.name}: ended without a result", file=sys.stderr)
        else:
            print(describe(found), file=sys.stderr, flush=True)
    text = page(known_results(options.results))
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="*", choices=list(ROWS), default=list(ROWS), metavar="NAME")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--ledger", type=Path, default=Path(".tunegate-methods"))
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--measure", choices=list(ROWS), help=argparse.SUPPRESS)
    return parser.parse_args()


def known_results(results: Path) -> dict[str, Result]:
    """What was measured of each row, in the order of the rows."""
    known = {row.name: stored_result(results, row, SIZES[row.suite]) for row in ROWS.values()}
    return {name: found for name, found in known.items() if found}


def missing_rows(names: Sequence[str], places: Places) -> list[Row]:
    """The rows to measure, and those before them whose adapters they begin from and are missing."""
    known = known_results(places.results)
    missing = [row for row in ROWS.values() if row.name in names and row.name not in known]
    begun = [row for row in missing if row.begins and not parent_of(row, places, SIZES[row.suite])]
    parents = {row.begins for row in begun}
    return [row for row in ROWS.values() if row in missing or row.name in parents]


def _in_its_own_process(row: Row, options: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "benchmarks.methods", "--measure", row.name]
    command += ["--results", str(options.results), "--ledger", str(options.ledger)]
    subprocess.run(command, check=False)


if __name__ == "__main__":
    main()
