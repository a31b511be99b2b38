"""Training examples from files: those that a suite names, and those that a person looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from evals.records import Finding
from evals.suite.spec import DataFile, Suite
from tuning.data.dataset import DRAWN, Example, answered_case
from tuning.data.formats import FORMATS, Columns, FormatName, Reading, read_data


class FileRows(NamedTuple):
    """The examples of all files, and what of the files is in none of them."""

    examples: tuple[Example, ...] = ()
    findings: tuple[Finding, ...] = ()


def read_files(suite: Suite, own: Mapping[str, Example], more: Iterable[DataFile] = ()) -> FileRows:
    """The examples of the files under `tune.data`, then of `more`, in the order of their rows.

    They are asked just as they stand. The path of one of `more` is seen from the working folder,
    that of the suite's own from the suite. `own` are the train cases as examples, by id: a row
    counts as another answer to a case only where it says so and asks exactly as the case is
    asked; otherwise it is a row of its file, whatever it calls itself. Raises what
    `tuning.data.formats` raises for a file that cannot be read.
    """
    taken = {case.id for case in suite.cases}
    examples: list[Example] = []
    findings: list[Finding] = []
    for name, reading in _readings(suite, more):
        findings += reading.findings
        for example in reading.examples:
            placed = _placed(example, name, own, taken)
            taken.add(placed.case_id)
            examples.append(placed)
    return FileRows(tuple(examples), tuple(findings))


def _readings(suite: Suite, more: Iterable[DataFile]) -> Iterator[tuple[str, Reading]]:
    """Every file with the name that its rows go by, no two the same."""
    names: set[str] = set()
    for file in suite.tune.data:
        names.add(file.path)
        yield file.path, _read(suite.root / file.path, file, file.path)
    for file in more:
        short = Path(file.path).name
        name = file.path if short in names else short
        names.add(name)
        yield name, _read(Path(file.path), file, name)


def _read(path: Path, file: DataFile, name: str) -> Reading:
    columns = Columns(**file.columns) if file.columns else None
    return read_data(path, _format(file), columns=columns, split=file.split, name=name)


def _format(file: DataFile) -> FormatName | None:
    return next((known for known in FORMATS if known == file.format), None)


def _placed(example: Example, name: str, own: Mapping[str, Example], taken: set[str]) -> Example:
    """A row with an id and a source that it may have."""
    sampled = example.source.startswith(DRAWN)
    claimed = answered_case(example)
    case = own.get(claimed)
    if sampled and case is not None and case.messages == example.messages:
        # Under the case's own id: its scorer judges this answer, and no other is contradicted.
        return replace(example, case_id=case.case_id, group=case.group)
    source = example.source if sampled else f"file {name}"
    if not taken.intersection((example.case_id, claimed)):
        return replace(example, source=source)
    identity = _free(f"{name}:{example.where.rpartition(':')[2]}", taken)
    alone = example.group == example.case_id
    return replace(
        example,
        case_id=identity,
        group=identity if alone else f"{name}: {example.group}",
        source=source,
        stated=claimed if sampled else example.stated,
    )


def _free(wanted: str, taken: set[str]) -> str:
    """The id, with a number where it is taken."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted} ({number})"
    return name
