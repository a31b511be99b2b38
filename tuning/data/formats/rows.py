"""The rows of a file, whatever it is stored as, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from evals.errors import TrainingError
from evals.suite.source import read_json_list, read_jsonl
from evals.suite.table import Columns, headers_of, read_rows, read_table
from tuning.data.formats.recognise import BY_COLUMN, IN_TABLES, Storage, shape_of, shape_with
from tuning.data.formats.shape import Fields, Shape
from tuning.data.formats.table import Columns as Named
from tuning.data.formats.table import shapes_of


class Row(NamedTuple):
    """A row, its line (of rows that have no lines their number, from 1), and what names it.

    `name` follows the file's name in an example's id: ":12" by line, "[11]" by place in a list.
    """

    line: int
    name: str
    fields: Fields


def read_lines(path: Path, storage: Storage) -> Iterator[Row]:
    """The rows of JSONL, or of one JSON list. Raises TrainingError with the line."""
    if storage == "jsonl":
        for number, value in read_jsonl(path, error=TrainingError):
            yield Row(number, f":{number}", value)
    else:
        for n, (number, value) in enumerate(read_json_list(path, error=TrainingError)):
            yield Row(number, f"[{n}]", value)


def read_cells(path: Path, shape: Shape) -> Iterator[Row]:
    """The rows of a table that has the columns of `shape`; blank ones too."""
    first, second, *others = shape.needs
    columns = Columns(first, second, tags=tuple(others))
    rows = read_rows(path, columns, blank_rows=True, error=TrainingError, naming=BY_COLUMN)
    for line, fields in rows:
        yield Row(line, f":{line}", fields)


def shape_of_table(path: Path, columns: Named | None) -> Shape:
    """The shape of a table by its header, with whichever delimiter gives a known one.

    `columns` are those that are named, if any.
    """
    shapes = shapes_of(columns) if columns else IN_TABLES
    headers = headers_of(read_table(path, error=TrainingError))
    fitting = [h for h in headers.values() if any(shape.fits(h) for shape in shapes)]
    likely = fitting[0] if fitting else max(headers.values(), key=len, default=[])
    return shape_with(columns, likely, path) if columns else shape_of(likely, IN_TABLES, path)
