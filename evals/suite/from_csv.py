"""A suite from the table a team already has."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

from evals.errors import SuiteError, TunegateError
from evals.fingerprint import fingerprint
from evals.records import SPLITS, Finding, Json, SplitName
from evals.suite.cases import MAX_ID_LENGTH
from evals.suite.folding import fold, loosen
from evals.suite.scaffold import check_name, example_prompts, write_suite, yaml_name
from evals.suite.section import suggestion
from evals.suite.source import BOM
from evals.suite.splits import draw_split

MAX_CSV_BYTES = 256 << 20
MAX_LABELS = 50
ROWS_PER_LABEL = 4
SHARES: Mapping[SplitName, float] = {"train": 0.5, "dev": 0.25, "test": 0.25}
_DELIMITERS = (",", ";", "\t", "|")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class CsvSuite(NamedTuple):
    """The files written, and what was odd in the table, with its lines."""

    paths: list[Path]
    findings: tuple[Finding, ...]


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


def init_from_csv(
    target: Path,
    name: str,
    csv_path: Path,
    *,
    input_column: str = "input",
    expected_column: str = "expected",
    id_column: str | None = None,
    cluster_column: str | None = None,
    split_column: str | None = None,
    tag_columns: Sequence[str] = (),
    task: str = "Give the expected answer.",
) -> CsvSuite:
    """Write a suite into folder `target` from a table with a header.

    UTF-8 (or UTF-16 with a byte order mark), separated by comma, semicolon, tab or bar.
    Few distinct expected values become labels. Rows that are blank, lack an input or an
    expected value, or repeat another are left out and reported. Without `id_column` an
    id is made from the content, so that it does not depend on the order of rows.

    Raises SuiteError with the line for a table that cannot be read, a missing column, a
    row with too few or many fields, a repeated id, and a table without a usable row;
    UsageError where a file would be overwritten.
    """
    check_name(name)
    columns = Columns(
        input_column, expected_column, id_column, cluster_column, split_column, tuple(tag_columns)
    )
    table = _Table(csv_path, columns)
    for row in read_rows(csv_path, columns):
        table.add(row)
    if not table.cases:
        raise SuiteError("holds no row with an input and an expected value", path=csv_path)
    contents = {
        "cases.jsonl": "".join(json.dumps(c, ensure_ascii=False) + "\n" for c in table.cases),
        "suite.yaml": _manifest(name, task, table),
        "README.md": f"# {name}\n\nMade from `{csv_path.name}` by `tunegate init --from`.\n",
        **_prompts(bool(table.labels())),
    }
    return CsvSuite(write_suite(target, contents), tuple(table.findings))


def read_rows(
    path: Path,
    columns: Columns,
    *,
    blank_rows: bool = False,
    error: type[TunegateError] = SuiteError,
) -> Iterator[Row]:
    """The records of a table with their lines; the delimiter is the one that fits the header.

    Rows whose cells are all blank are left out, unless `blank_rows`: then only blank lines are.
    Raises `error` with the line.
    """
    text = read_table(path, error=error)
    delimiter = _find_delimiter(text, path, columns, error)
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
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8"
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


def _find_delimiter(text: str, path: Path, columns: Columns, error: type[TunegateError]) -> str:
    headers = headers_of(text)
    for delimiter, header in headers.items():
        if set(columns.named) <= set(header):
            _refuse_repeated_columns(header, path, error)
            return delimiter
    likely = max(headers.values(), key=len, default=[])
    missing = next((column for column in columns.named if column not in likely), columns.input)
    close = suggestion(missing, [cell for cell in likely if cell])
    naming = "name the columns with --input-column and --expected-column"
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


@dataclass
class _Table:
    """Cases gathered from rows, and what was odd."""

    path: Path
    columns: Columns
    cases: list[dict[str, Json]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Keep a row as a case, or report why not."""
        text = row.fields[self.columns.input].strip()
        expected = row.fields[self.columns.expected].strip()
        for column, value in ((self.columns.input, text), (self.columns.expected, expected)):
            if not value:
                self._report(row, "empty", f"nothing in column {column!r}; left out")
                return
        line, known = self.inputs.setdefault(loosen(fold(text)), (row.line, expected))
        if line != row.line and known == expected:
            self._report(row, "duplicate", f"repeats line {line}; left out")
            return
        if line != row.line:
            said = f"same input as line {line}, which expects {known[:40]!r}, not {expected[:40]!r}"
            self._report(row, "contradiction", f"{said}; kept: correct one of them")
        self.cases.append(self._case(row, text, expected))

    def _case(self, row: Row, text: str, expected: str) -> dict[str, Json]:
        columns, fields = self.columns, row.fields
        identity = fields[columns.id].strip() if columns.id else f"c-{fingerprint(text, expected)}"
        self._check_name(row, identity, columns.id)
        first = self.ids.setdefault(identity, row.line)
        if first != row.line:
            self._fail(row, f"id {identity!r} appears twice, first on line {first}", columns.id)
        case: dict[str, Json] = {"id": identity, "input": {"text": text}, "expected": expected}
        if columns.cluster and (cluster := fields[columns.cluster].strip()):
            self._check_name(row, cluster, columns.cluster)
            case["cluster"] = cluster
        if columns.split:
            case["split"] = fields[columns.split].strip()
            if case["split"] not in SPLITS:
                said = f"expected one of {', '.join(SPLITS)}, found {case['split']!r}"
                self._fail(row, said, columns.split)
        tags = {tag: fields[tag].strip() for tag in columns.tags if fields[tag].strip()}
        return {**case, "tags": tags} if tags else case

    def _check_name(self, row: Row, name: str, column: str | None) -> None:
        if not name or len(name) > MAX_ID_LENGTH or not name.isprintable():
            self._fail(row, f"{name[:40]!r} cannot name a case or cluster", column)

    def labels(self) -> list[str]:
        """The distinct expected values where they look like labels, else nothing."""
        from evals.scorers.normal import normalise

        values = sorted({case["expected"] for case in self.cases})
        few = 2 <= len(values) <= min(MAX_LABELS, len(self.cases) // ROWS_PER_LABEL)
        short = all(len(value) <= 40 and value.isprintable() for value in values)
        distinct = len({normalise(value) for value in values}) == len(values)
        return values if few and short and distinct else []

    def train_size(self) -> int:
        """How many cases will be in train."""
        return sum(
            (case.get("split") or draw_split(case["id"], case.get("cluster"), SHARES)) == "train"
            for case in self.cases
        )

    def _report(self, row: Row, code: str, message: str) -> None:
        level: Literal["error", "warning"] = "error" if code == "contradiction" else "warning"
        self.findings.append(Finding(level, code, message, f"{self.path}:{row.line}"))

    def _fail(self, row: Row, message: str, column: str | None) -> NoReturn:
        raise SuiteError(message, path=self.path, line=row.line, key=column)


def _manifest(name: str, task: str, table: _Table) -> str:
    labels = table.labels()
    longest = max(len(case["expected"]) for case in table.cases)
    # A token is rarely shorter than two characters; the rest is room to be wrong in.
    tokens = min(2048, max(16, longest // 2 + 16))
    metric = "label@1, labels: " + _flow(labels) if labels else "normalized@1"
    lines = [
        "format: 1",
        f"name: {yaml_name(name)}",
        f"task: {_flow(task)}",
        "cases: cases.jsonl",
    ]
    if not table.columns.split:
        lines.append(f"split: {{{', '.join(f'{k}: {v:g}' for k, v in SHARES.items())}}}")
    lines += [
        "prompts: {terse: prompts/terse.j2, instructed: prompts/instructed.j2}",
        f"decoding: {{max_tokens: {tokens}}}",
        "metrics:",
        f"  accuracy: {{scorer: {metric}}}",
        "primary: accuracy",
        "# target: 0.90  # good enough to ship by prompt alone",
        "min_gain: 0.10",
        "rounds:",
        "  - {family: wording, prompts: [terse, instructed]}",
    ]
    shots = [k for k in (4, 8) if k <= table.train_size()]
    if shots:
        lines += [
            f"  - {{family: {family}, prompts: [terse, instructed], k: {_flow(shots)}}}"
            for family in ("few_shot", "nearest")
        ]
    tagged = {tag for case in table.cases for tag in case.get("tags", ())}
    if tagged:
        lines.append(f"slices: {_flow([t for t in table.columns.tags if t in tagged])}")
    return "\n".join(lines) + "\n"


def _flow(value: Json) -> str:
    """A value as JSON, which is YAML too."""
    return json.dumps(value, ensure_ascii=False)


def _prompts(labelled: bool) -> Mapping[str, str]:
    """The example's terse prompt, and one with room for the rules of the task."""
    shots = example_prompts()["prompts/terse.j2"].split("{% endmessage %}\n", 1)[1]
    answer = 'one of: {{ labels | join(", ") }}' if labelled else "the answer only"
    systems = {
        "terse": f"Answer with {answer}.",
        "instructed": "Read the input and give the answer that is expected.\n"
        "{# Describe the task here: what each answer means, the rules, the hard cases. #}\n"
        f"Answer with {answer}, without explanation.",
    }
    return {
        f"prompts/{name}.j2": f'{{% message "system" %}}\n{text}\n{{% endmessage %}}\n{shots}'
        for name, text in systems.items()
    }
