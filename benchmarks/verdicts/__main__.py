"""The verdict on every shipped suite, and what training then did: docs/verdicts.md.

    python -m benchmarks.verdicts [--suites NAME ...] [--ledger FOLDER] [--stored FOLDER] [-o FILE]

Suites of which nothing is stored as they are now are run: verdict, training (by override where the
gate stays shut), sealed cases, guards. That takes 15 to 40 minutes each on two cores; what was
killed goes on. Without --suites nothing is run, and the page is made from what is stored.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from benchmarks.verdicts.compact import STORED, read, write
from benchmarks.verdicts.derived import Shown, show
from benchmarks.verdicts.page import page
from benchmarks.verdicts.running import PRICES, run_suite
from evals.ledger import Ledger
from evals.models import DEFAULT_MODEL
from evals.spending.prices import read_prices
from evals.suite import Suite, load_suite
from tunegate.shipped import shipped_root

PROJECT = shipped_root().parent


def main() -> None:
    """Run what is asked for and missing, then print the page or write it."""
    options = _options()
    for name in options.suites:
        suite = load_suite(shipped_root() / name)
        if read(options.stored, suite) is None:
            run_suite(name, options.ledger)
            _keep(suite, options)
    text = whole_page(options.stored)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


def whole_page(stored: Path) -> str:
    """The page of all that is stored."""
    shown = all_shown(stored)
    known = {one.suite.name for one in shown}
    return page(shown, [one.name for one in deciding_suites() if one.name not in known])


def all_shown(stored: Path) -> list[Shown]:
    """Every suite that was measured as it is now, with its verdicts derived anew."""
    prices = read_prices(PRICES)
    found = ((suite, read(stored, suite)) for suite in deciding_suites())
    return [show(one, suite, _guards(suite), prices) for suite, one in found if one]


def deciding_suites() -> list[Suite]:
    """The shipped suites that a verdict is about: those with something to train on."""
    folders = sorted(path.parent for path in shipped_root().glob("*/suite.yaml"))
    return [suite for suite in map(load_suite, folders) if suite.split("train")]


def _guards(suite: Suite) -> dict[str, Suite]:
    return {spec.suite: load_suite(shipped_root() / spec.suite) for spec in suite.guards}


def _keep(suite: Suite, options: argparse.Namespace) -> None:
    with closing(Ledger(options.ledger, read_only=True)) as ledger:
        write(options.stored, suite, DEFAULT_MODEL, ledger, PROJECT)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--suites", nargs="*", default=[], metavar="NAME", help="of those that ship"
    )
    parser.add_argument("--ledger", type=Path, default=Path(".tunegate-verdicts"))
    parser.add_argument("--stored", type=Path, default=STORED)
    parser.add_argument("-o", "--output", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
