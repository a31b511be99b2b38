"""Plain results, one case a line or row: JSONL, and CSV with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NamedTuple

from evals.errors import RecordError
from evals.imports.reading import (
    MAX_CASES,
    MAX_FILE_BYTES,
    Place,
    amount,
    parse,
    read_document,
    shortened,
    text_of,
)
from evals.imports.records import ImportedCase, ImportedResults
from evals.records import Json
from evals.suite.source import BOM, MAX_LINE_BYTES, describe

FORMAT = "plain"
DELIMITERS = ",;\t"
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Fields:
    """What the columns of a CSV file, or the keys of a JSONL line, are called."""

    id: str = "id"
    scores: tuple[str, ...] = ("score",)
    output: str = "output"
    input: str = "input"
    expected: str = "expected"
    cluster: str = "cluster"
    error: str = "error"
    seconds: str = "seconds"


class _Row(NamedTuple):
    line: int
    values: Mapping[str, Json]


def read_jsonl(path: Path, fields: Fields) -> tuple[ImportedResults, ...]:
    """JSONL: `id`, and `score` or `scores` (several by name) or `error`, and what else is there.

    A name with dots that is no key itself leads into objects: `model_a.score`. A metric that is
    found so is called by the last part, so that results that stand side by side compare.
    """
    rows = _lines(path)
    named = [*(name for name in astuple(fields) if isinstance(name, str)), *fields.scores]
    if any("." in name for name in named):
        rows = (_unfolded(row, fields, Place(path, line=row.line)) for row in rows)
    return _results(path, fields, rows)


def read_csv(path: Path, fields: Fields) -> tuple[ImportedResults, ...]:
    """CSV with a header (comma, semicolon or tab); an empty cell is nothing."""
    return _results(path, fields, _rows(path, fields))


def find_delimiter(header: str, fields: Fields) -> str | None:
    """The delimiter with which a header names the id and something to import, or None."""
    wanted = {*fields.scores, fields.error}
    for delimiter in DELIMITERS:
        names = _header(header, delimiter)
        if fields.id in names and wanted & set(names):
            return delimiter
    return None


def _results(path: Path, fields: Fields, rows: Iterator[_Row]) -> tuple[ImportedResults, ...]:
    cases: list[ImportedCase] = []
    lines: dict[str, int] = {}
    for row in rows:
        case = _case(row.values, fields, Place(path, line=row.line))
        if case.id in lines:
            Place(path, line=row.line).fail(
                f"id {case.id!r} appears twice, first on line {lines[case.id]}",
                fields.id,
                "average repeats beforehand, or give each its own file",
            )
        if len(cases) >= MAX_CASES:
            raise RecordError(f"more than {MAX_CASES} cases", path=path, line=row.line)
        lines[case.id] = row.line
        cases.append(case)
    if not cases:
        raise RecordError("the file holds no results", path=path)
    return (
        ImportedResults(
            format=FORMAT,
            candidate=path.stem,
            model=path.stem,
            cases=tuple(cases),
            primary=_primary(cases, fields) if len(fields.scores) > 1 else None,
        ),
    )


def _primary(cases: Sequence[ImportedCase], fields: Fields) -> str:
    """The first metric that was named, as it is called in the results."""
    first = fields.scores[0]
    called = {name for case in cases for name in case.scores}
    return first if first in called else _last(first)


def _unfolded(row: _Row, fields: Fields, place: Place) -> _Row:
    """The row with what dotted names lead to under those names; scores under their last part."""
    found = dict(row.values)
    for name in (field for field in astuple(fields) if isinstance(field, str)):
        if "." in name and name not in row.values:
            found[name] = _reached(row.values, name)
    dotted = [name for name in fields.scores if "." in name and name not in row.values]
    named = found.get("scores") or {}
    if dotted and isinstance(named, Mapping):  # anything else is refused where scores are read
        reached = {_last(name): _reached(row.values, name) for name in dotted}
        lasts = [*named, *map(_last, dotted)]
        if twice := next((name for name in reached if lasts.count(name) > 1), None):
            place.fail(
                f"two scores would be called {twice!r}",
                next(name for name in dotted if _last(name) == twice),
                "import them one after the other, each with a --name",
            )
        found["scores"] = {**named, **reached}
    return _Row(row.line, found)


def _reached(values: Json, name: str) -> Json:
    for part in name.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _case(values: Mapping[str, Json], fields: Fields, place: Place) -> ImportedCase:
    if values.get(fields.id) is None:
        place.fail("no id", fields.id, "name the key or column with --id-column")
    scores = _scores(values, fields, place)
    error = values.get(fields.error)
    if error is not None and (not isinstance(error, str) or not error.strip()):
        place.fail(f"expected text, found {describe(error)}", fields.error)
    if error and scores:
        place.fail("both a score and an error; a case has one of them", fields.error)
    if not error and not scores:
        place.fail(
            "no score, and no error that says why",
            fields.scores[0],
            "name the key or column with --score-column",
        )
    cluster = values.get(fields.cluster)
    return ImportedCase(
        id=place.name(values[fields.id], fields.id),
        scores=scores,
        output=text_of(place.plain(values.get(fields.output), fields.output)),
        input=place.input(values.get(fields.input), fields.input),
        expected=place.plain(values.get(fields.expected), fields.expected),
        cluster=None if cluster is None else place.name(cluster, fields.cluster),
        error=shortened(error) if error else None,
        seconds=amount(values.get(fields.seconds)),
        line=place.line,
    )


def _scores(values: Mapping[str, Json], fields: Fields, place: Place) -> Mapping[str, float]:
    stated = {name: values[name] for name in fields.scores if values.get(name) is not None}
    stated |= {
        place.name(name, "scores"): value
        for name, value in place.mapping(values.get("scores"), "scores").items()
        if value is not None
    }
    for name, value in stated.items():
        if not isinstance(value, int | float):
            place.fail(f"the score is {describe(value)}, not a number", name)
        if not 0 <= value <= 1:
            place.fail(f"the score is {value!r:.40}; scores lie between 0 and 1", name)
    return {name: float(value) for name, value in stated.items()}


def _lines(path: Path) -> Iterator[_Row]:
    _check_size(path)
    with path.open("rb") as handle:
        number = 0
        while raw := handle.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(raw) > MAX_LINE_BYTES:
                raise RecordError(
                    f"line is longer than {MAX_LINE_BYTES} bytes", path=path, line=number
                )
            raw = raw.removeprefix(BOM) if number == 1 else raw
            if raw.strip():
                yield _Row(number, _object(raw, path, number))


def read_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The objects of a JSONL file with their line numbers, lazily. Raises RecordError."""
    yield from _lines(path)


def _object(raw: bytes, path: Path, number: int) -> Mapping[str, Json]:
    try:
        text = raw.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as cause:
        said = f"not valid UTF-8: byte 0x{raw[cause.start]:02x}"
        raise RecordError(said, path=path, line=number) from None
    value = parse(text, path, number)
    if not isinstance(value, dict):
        raise RecordError(
            f"expected a JSON object, found {describe(value)}", path=path, line=number
        )
    return value


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise RecordError(f"file has {size} bytes, the limit is {MAX_FILE_BYTES}", path=path)


def _rows(path: Path, fields: Fields) -> Iterator[_Row]:
    text = read_document(path)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise RecordError("a NUL character: not a table", path=path, line=line)
    header = text.splitlines()[0] if text.strip() else ""
    delimiter = find_delimiter(header, fields)
    if delimiter is None:
        raise RecordError(
            f"the header names no columns {fields.id!r} and {fields.scores[0]!r}",
            path=path,
            line=1,
            hint="name them with --id-column and --score-column",
        )
    names = _header(header, delimiter)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise RecordError(f"column {twice!r} appears twice", path=path, line=1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        next(reader)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _Row(reader.line_num, _named(cells, names, fields, path, reader.line_num))
    except csv.Error as cause:
        raise RecordError(f"not a table: {cause}", path=path, line=reader.line_num) from None


def _header(header: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error:
        return []


def _named(
    cells: list[str], names: list[str], fields: Fields, path: Path, line: int
) -> Mapping[str, Json]:
    """A row by column; empty cells are left out, and scores become numbers."""
    if len(cells) != len(names):
        said = f"{len(cells)} cells under {len(names)} columns"
        raise RecordError(said, path=path, line=line)
    row: dict[str, Json] = {}
    for name, cell in zip(names, cells, strict=True):
        numeric = name in fields.scores or name == fields.seconds
        if cell.strip() and name != "scores":  # a JSONL key; a column of that name is text
            row[name] = _number(cell.strip()) if numeric else cell
    return row


def _number(cell: str) -> Json:
    if cell.lower() in _TRUTH:
        return _TRUTH[cell.lower()]
    try:
        return float(cell)
    except ValueError:
        return cell
