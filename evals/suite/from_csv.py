"""A suite from the table a team already has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, NoReturn

from evals.errors import SuiteError
from evals.fingerprint import fingerprint
from evals.records import SPLITS, Finding, Json, SplitName
from evals.suite.cases import MAX_ID_LENGTH
from evals.suite.folding import fold, loosen
from evals.suite.scaffold import check_name, example_prompts, write_suite, yaml_name
from evals.suite.splits import draw_split
from evals.suite.table import Columns, Row, read_rows

MAX_LABELS = 50
ROWS_PER_LABEL = 4
SHARES: Mapping[SplitName, float] = {"train": 0.5, "dev": 0.25, "test": 0.25}


class CsvSuite(NamedTuple):
    """The files written, and what was odd in the table, with its lines."""

    paths: list[Path]
    findings: tuple[Finding, ...]


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
