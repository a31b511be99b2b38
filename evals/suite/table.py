"""Tables with a header, read strictly: which delimiter, which columns, and each row's line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evals.errors import SuiteError, TunegateError
from evals.suite.section import suggestion
from evals.suite.source import BOM

MAX_CSV_BYTES = 256 << 20
NAMING = "name the columns with --input-column and --expected-column"
_DELIMITERS = (",", ";", "\t", "|")
UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Columns:
    """Which columns of a table mean what."""

    input: str = "input"
    expected: str = "expected"
    id: str | None = None
    cluster: str | None = None
    split: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """Every column that must be there."""
        optional = (self.id, self.cluster, self.split)
        return (self.input, self.expected, *(c for c in optional if c), *self.tags)


class Row(NamedTuple):
    """A record of the table by column, and the line it begins on."""

    line: int
    fields: dict[str, str]


def read_rows(
    path: Path,
    columns: Columns,
    *,
    blank_rows: bool = False,
    error: type[TunegateError] = SuiteError,
    naming: str = NAMING,
) -> Iterator[Row]:
    """The records of a table with their lines; the delimiter is the one that fits the header.

    Rows whose cells are all blank are left out, unless `blank_rows`: then only blank lines are.
    Raises `error` with the line; `naming` is its hint how other columns are named.
    """
    text = read_table(path, error=error)
    delimiter = _find_delimiter(text, path, columns, error, naming)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as cause:
            raise error(f"not valid CSV: {cause}", path=path, line=line) from None
        if fields is None:
            return
        if not header:
            header = [cell.strip() for cell in fields]
        elif (blank_rows and len(fields) > 1) or any(cell.strip() for cell in fields):
            if len(fields) != len(header):
                raise error(
                    f"expected {len(header)} fields, found {len(fields)}",
                    path=path,
                    line=line,
                    hint=f"fields are separated by {delimiter!r}; quote those that contain it",
                )
            yield Row(line, dict(zip(header, fields, strict=True)))


def read_table(path: Path, *, error: type[TunegateError] = SuiteError) -> str:
    """The text of a table: UTF-8, or UTF-16 with its mark. Raises `error` with the line."""
    if not path.is_file():
        raise error("is not a file" if path.exists() else "no such file", path=path)
    if path.stat().st_size > MAX_CSV_BYTES:
        raise error(f"larger than {MAX_CSV_BYTES} bytes", path=path)
    data = path.read_bytes()
    encoding = "utf-16" if data.startswith(UTF16) else "utf-8"
    data = data.removeprefix(BOM)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as cause:
        raise error(
            f"not valid {encoding.upper()}: byte 0x{data[cause.start]:02x}",
            path=path,
            line=data.count(b"\n", 0, cause.start) + 1,
            hint="save the table as UTF-8",
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise error("a NUL character: not a table", path=path, line=line)
    return text


def headers_of(text: str) -> Mapping[str, list[str]]:
    """The first line of a table as columns, by each delimiter with which it can be read."""
    headers: dict[str, list[str]] = {}
    for delimiter in _DELIMITERS:
        try:
            first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:
            continue  # with this delimiter the first line is no header; another may fit
        headers[delimiter] = [cell.strip() for cell in first]
    return headers


def _find_delimiter(
    text: str, path: Path, columns: Columns, error: type[TunegateError], naming: str
) -> str:
    headers = headers_of(text)
    for delimiter, header in headers.items():
        if set(columns.named) <= set(header):
            _refuse_repeated_columns(header, path, error)
            return delimiter
    likely = max(headers.values(), key=len, default=[])
    missing = next((column for column in columns.named if column not in likely), columns.input)
    close = suggestion(missing, [cell for cell in likely if cell])
    raise error(
        f"no column {missing!r} in the header",
        path=path,
        line=1,
        hint=f"{close}; {naming}" if close else naming,
    )


def _refuse_repeated_columns(header: Sequence[str], path: Path, error: type[TunegateError]) -> None:
    for i, column in enumerate(header):
        if column and column in header[:i]:
            raise error(f"column {column!r} appears twice", path=path, line=1)
