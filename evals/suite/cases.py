"""Cases from JSONL: read strictly, placed in splits, and unique over all files."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from evals.errors import SuiteError
from evals.records import SPLITS, Case, Json, SplitName, Turn
from evals.suite.section import Section, suggestion
from evals.suite.source import describe, read_jsonl
from evals.suite.splits import draw_split

MAX_ID_LENGTH = 200

KEYS = (
    "id",
    "input",
    "expected",
    "answer",
    "split",
    "cluster",
    "choices",
    "documents",
    "tags",
    "must_pass",
    "turns",
    "tools",
)


class CaseFile(NamedTuple):
    """A file of cases; `split` is set where the whole file is one split."""

    path: Path
    split: SplitName | None = None


def read_cases(
    files: Iterable[CaseFile],
    ratios: Mapping[SplitName, float] | None,
    tools: tuple[str, ...] = (),
) -> tuple[Case, ...]:
    """All cases of `files` in file order; a case without a split is drawn by `ratios`.

    `tools` are the names of the suite's tools.

    Raises SuiteError, with the line, for an invalid case, a file without cases, an id
    that appears twice, and an id or cluster in two splits.
    """
    cases: list[Case] = []
    for file in files:
        found = [
            parse_case(Section(file.path, line.value, line.number), file.split, ratios, tools)
            for line in read_jsonl(file.path)
        ]
        if not found:
            raise SuiteError(
                "holds no cases",
                path=file.path,
                hint='add lines like {"id": "t1", "input": {"text": "..."}, "expected": "..."}',
            )
        cases.extend(found)
    _refuse_repeated_ids(cases)
    _refuse_split_clusters(cases)
    return tuple(cases)


def parse_case(
    row: Section,
    file_split: SplitName | None,
    ratios: Mapping[SplitName, float] | None,
    tools: tuple[str, ...] = (),
) -> Case:
    """One case from one JSON object; see `Case` for what the fields mean."""
    row.only(*KEYS)
    row.require("id", "input")
    refuse_surrogates(row)
    identity = read_name(row, "id")
    cluster = read_name(row, "cluster") if row.has("cluster") else None
    choices = row.texts("choices", at_least=2) if row.has("choices") else ()
    if not row.has("expected") and not row.has("answer"):
        row.fail("key 'expected' is missing", hint="or give one full-mark output as 'answer'")
    expected = row.values.get("expected")
    if choices:
        row.require("expected")
        if expected not in choices:
            row.expect("one of the choices", "expected")
    return Case(
        id=identity,
        input=_input(row),
        expected=expected,
        answer=_answer(row, expected),
        split=_split(row, identity, cluster, file_split, ratios),
        cluster=cluster,
        choices=choices,
        documents=row.texts("documents"),
        tags=_tags(row),
        must_pass=row.flag("must_pass"),
        path=str(row.path),
        line=row.line,
        turns=_turns(row),
        tools=_tools(row, tools),
    )


def compact_json(value: Json) -> str:
    """JSON as a model would write it shortest: no spaces, non-ASCII letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def read_name(row: Section, key: str) -> str:
    """An id or a cluster: text of a bounded length, without control characters."""
    value = row.text(key)
    if len(value) > MAX_ID_LENGTH:
        row.fail(f"has {len(value)} characters, the limit is {MAX_ID_LENGTH}", key)
    for character in value:
        if unicodedata.category(character) in ("Cc", "Zl", "Zp"):
            row.fail(f"control character U+{ord(character):04X} in {describe(value)}", key)
    return value


def _input(row: Section) -> Mapping[str, Json]:
    value = row.values["input"]
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, dict) or not value:
        row.expect('text or an object like {"text": "..."}', "input")
    return value


def _answer(row: Section, expected: Json) -> str:
    if row.has("answer"):
        if not isinstance(row.values["answer"], str):
            row.expect("text: one full-mark output", "answer")
        return str(row.values["answer"])
    return expected if isinstance(expected, str) else compact_json(expected)


def _tags(row: Section) -> Mapping[str, str]:
    tags = row.section("tags")
    return {key: tags.text(key) for key in tags.values}


def _turns(row: Section) -> tuple[Turn, ...]:
    """What the user says after each reply, with what is expected of the next."""
    if row.has("choices") and row.has("turns"):
        row.fail("options are ranked once: a case with choices has no turns", "turns")
    return tuple(_turn(turn) for turn in row.sections("turns"))


def _turn(turn: Section) -> Turn:
    turn.only("user", "expected", "answer")
    user = turn.text("user")
    if not turn.has("expected") and not turn.has("answer"):
        turn.fail("key 'expected' is missing", hint="or give one full-mark reply as 'answer'")
    expected = turn.values.get("expected")
    return Turn(user, expected, _answer(turn, expected))


def _tools(row: Section, known: tuple[str, ...]) -> tuple[str, ...]:
    """The tools that the case offers: all of the suite's where it names none."""
    if row.has("choices"):
        if row.has("tools"):
            row.fail("options are ranked: a case with choices offers no tools", "tools")
        return ()
    if not row.has("tools"):
        return known
    named = row.texts("tools")
    for i, name in enumerate(named):
        if name not in known:
            row.fail(f"the suite has no tool {name!r}", "tools", i, hint=suggestion(name, known))
    return named


def _split(
    row: Section,
    identity: str,
    cluster: str | None,
    file_split: SplitName | None,
    ratios: Mapping[SplitName, float] | None,
) -> SplitName:
    if row.has("split"):
        stated = row.choice("split", SPLITS, "train")
        if file_split is not None and stated != file_split:
            row.fail(f"case says {stated!r}, but its file is the suite's {file_split!r}", "split")
        return stated
    if file_split is not None:
        return file_split
    if ratios is None:
        row.fail(
            f"case {identity!r} has no split and the suite states no shares",
            hint='add "split": "dev" to the case, or to suite.yaml: '
            "split: {train: 0.5, dev: 0.25, test: 0.25}",
        )
    return draw_split(identity, cluster, ratios)


def refuse_surrogates(row: Section) -> None:
    """Refuse values that hold half a character."""
    try:
        json.dumps(row.values, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as cause:
        half = ord(cause.object[cause.start])
        row.fail(f"lone surrogate \\u{half:04x}: half a character, no model can read it")


def _refuse_repeated_ids(cases: list[Case]) -> None:
    seen: dict[str, Case] = {}
    for case in cases:
        if (first := seen.setdefault(case.id, case)) is case:
            continue
        place = f"line {first.line}" if first.path == case.path else f"{first.path}:{first.line}"
        crossing = f" (in {first.split} there, in {case.split} here)"
        raise SuiteError(
            f"id {case.id!r} appears twice, first on {place}"
            + (crossing if first.split != case.split else ""),
            path=case.path,
            line=case.line,
            key="id",
            hint="ids are unique over all files of a suite",
        )


def _refuse_split_clusters(cases: list[Case]) -> None:
    seen: dict[str, Case] = {}
    for case in cases:
        if case.cluster is None:
            continue
        first = seen.setdefault(case.cluster, case)
        if first.split != case.split:
            raise SuiteError(
                f"cluster {case.cluster!r} is in {case.split} here and in {first.split} on "
                f"{first.path}:{first.line}",
                path=case.path,
                line=case.line,
                key="cluster",
                hint="a cluster's cases are not independent: keep all of them in one split",
            )
