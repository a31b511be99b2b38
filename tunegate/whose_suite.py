"""The suite of a stored run, where nobody names it: by the run's name for it, or by its cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from evals.records import Case, Run
from evals.suite import Suite
from evals.suite.load import MANIFEST
from evals.suite.shipped import shipped_names
from tunegate.opening import open_suite
from tunegate.shipped import shipped_root


def suites_of(run: Run, cases: Iterable[Case]) -> Iterator[Suite]:
    """The suites of the run's name that are found: here, where its cases were read, shipped.

    Cases that several suites share are stored once, with the place of one of them: so the
    folders beside that are tried, too. Raises SuiteError for a suite that is there and faulty.
    """
    read = sorted({Path(case.path).parent for case in cases if case.path})
    folders = [Path(run.suite), *read, *(folder.parent / run.suite for folder in read)]
    places = [str(each) for each in dict.fromkeys(folders) if (each / MANIFEST).is_file()]
    places += [run.suite] if run.suite in shipped_names(shipped_root()) else []
    for place in dict.fromkeys(places):
        suite = open_suite(place).suite
        if suite.name == run.suite:
            yield suite
