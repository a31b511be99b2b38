"""People's labels for a judge: JSONL of the suite, one labelled answer a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from evals.records import Case, Json
from evals.suite.section import Section, suggestion
from evals.suite.source import read_jsonl

MAX_LABELS_BYTES = 64 << 20
KEYS = ("case", "input", "expected", "output", "label", "cluster", "who", "note")


class Label(NamedTuple):
    """An answer to a case and what a person said of it; labels of a cluster are not independent."""

    case: Case
    output: str
    label: str
    cluster: str | None


def read_labels(path: Path, cases: Sequence[Case], choices: Sequence[str]) -> tuple[Label, ...]:
    """The labels of a file; a line names a case by its id, or holds `input` and `expected`.

    The cluster is the line's own, else the case's; several labels of one case form one. `who`
    and `note` are for people. Raises SuiteError, with the line, for an unknown case, a label
    that is none of `choices`, and anything malformed.
    """
    by_id = {case.id: case for case in cases}
    return tuple(
        _label(Section(path, line.value, line.number), by_id, choices)
        for line in read_jsonl(path, max_bytes=MAX_LABELS_BYTES)
    )


def _label(row: Section, by_id: Mapping[str, Case], choices: Sequence[str]) -> Label:
    row.only(*KEYS)
    row.require("output", "label")
    output, said = row.values["output"], row.values["label"]
    if not isinstance(output, str):
        row.expect("the text that was judged", "output")
    if said not in choices or not isinstance(said, str):
        row.expect(f"one of {', '.join(choices)}", "label")
    case = _named(row, by_id) if row.has("case") else _inline(row)
    own = row.optional_text("cluster")
    return Label(case, output, said, own or case.cluster or case.id)


def _named(row: Section, by_id: Mapping[str, Case]) -> Case:
    for key in ("input", "expected"):
        if key in row.values:
            row.fail(f"{key!r} stands in the case: give either the case's id or both", key)
    identity = row.text("case")
    if identity not in by_id:
        row.fail(f"no case {identity!r}", "case", hint=suggestion(identity, by_id))
    return by_id[identity]


def _inline(row: Section) -> Case:
    row.require("input")
    given: Json = row.values["input"]
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, Mapping) or not given:
        row.expect('text or an object like {"text": "..."}', "input")
    expected = row.values.get("expected")
    answer = expected if isinstance(expected, str) else json.dumps(expected)
    return Case(f"line {row.line}", given, expected, answer, "train")
