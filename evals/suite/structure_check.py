"""Whether the right answers hold to a suite's structure: a constraint that forbids one is a fault.

Without the library that enforces structures, schemas, regular expressions and choices are
still checked; a grammar then is not, and a note says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Literal

from evals.errors import ModelError, ScorerError
from evals.records import Case, Finding, Json, Output
from evals.suite.spec import MetricSpec, Structure, Suite

MAX_ANSWERS = 1000
"""Of each of train and dev so many right answers are tried, spread evenly."""
_TOLD = 3
SECONDS, EACH = 10.0, 1.0
"""All right answers together are tried for so long, and one of them."""

Holds = Callable[[str, float], str | None]
"""Why a text does not hold to a structure, or None; TimeoutError where it is not known in time."""


class _Time:
    """How long there is to try answers, and how many were."""

    def __init__(self) -> None:
        self.asked = self.tried = 0
        self._end = monotonic() + SECONDS

    def of(self, holds: Holds, text: str) -> str | None:
        """What `holds` says of an answer; None also where there was no time to find out."""
        self.asked += 1
        now = monotonic()
        if now >= self._end:
            return None
        try:
            why = holds(text, min(now + EACH, self._end))
        except TimeoutError:
            return None
        self.tried += 1
        return why


def lint_structure(suite: Suite) -> Iterator[Finding]:
    """What is to be said of the suite's structure; nothing where it has none."""
    form = suite.structure
    if form is None:
        return
    used = _used(suite)
    where = f"{suite.root / 'suite.yaml'}" + (f":{form.line}" if form.line else "")
    yield Finding("note", "structure", f"answers can be held to {form.source}", where)
    if used and suite.decoding.stop and suite.decoding.schema is not None:
        text = "decoding.stop is also looked for inside of answers held to decoding.schema"
        yield Finding("warning", "stop_in_structure", text, where)
    fault = _unenforceable(form)
    if fault is not None:
        level: Literal["error", "note"] = "error" if form.stated or used else "note"
        said = f"{fault.message} ({fault.hint})" if fault.hint else fault.message
        yield Finding(level, "structure_not_enforced", said, where)
        return
    yield from _lint_answers(suite, form, where)


def _used(suite: Suite) -> bool:
    """Whether anything the suite declares holds answers to its structure."""
    asked = (a.technique.structured for one in suite.rounds for a in one.approaches)
    return suite.decoding.schema is not None or any(asked)


def _unenforceable(form: Structure) -> ModelError | None:
    """Why the library cannot enforce the structure; None without the library, too."""
    from evals.models.constrained import Form, library_version

    if not library_version():
        return None
    from evals.models.guidance import fault_of

    return fault_of(Form(form.schema, form.grammar, form.regex), "structure")


def _lint_answers(suite: Suite, form: Structure, where: str) -> Iterator[Finding]:
    if form.choices and not form.stated:
        return  # labels: the scorer itself takes nothing else as a full mark
    cases = [case for split in ("train", "dev") for case in _spread(suite, split)]
    if form.grammar and not form.choices and not _can_accept():
        text = "the right answers were not tried on the grammar: pip install 'tunegate[structured]'"
        yield Finding("note", "structure_not_tried", text, where)
        return
    time = _Time()
    broken = list(_broken(suite, form, cases, time))
    if time.tried < time.asked:
        text = (
            f"{time.tried} of {time.asked} right answers were tried on the structure within "
            f"{SECONDS:g} s, {EACH:g} s each: what can be read in many ways is slow for models too"
        )
        yield Finding("warning", "structure_slow", text, where)
    for case, why in broken[:_TOLD]:
        text = f"the structure forbids the right answer of case {case.id!r}: {why}"
        place = f"{case.path}:{case.line}" if case.path else where
        yield Finding("error", "structure_forbids_answer", text, place)
    if len(broken) > _TOLD:
        text = f"the structure forbids {len(broken)} right answers of {len(cases)} that were tried"
        yield Finding("error", "structure_forbids_answer", text, where)
    if not broken and form.schema is not None and _can_accept():
        yield from _lint_writing(form, cases, where)


def _spread(suite: Suite, split: str) -> list[Case]:
    """Cases with a written answer, at most `MAX_ANSWERS`, evenly spread over the split."""
    cases = [c for c in suite.cases if c.split == split and not (c.choices or c.tools)]
    step = -(-len(cases) // MAX_ANSWERS) or 1
    return cases[::step]


def _answers(case: Case) -> list[str]:
    return [case.answer, *(turn.answer for turn in case.turns)]


def _broken(
    suite: Suite, form: Structure, cases: Sequence[Case], time: _Time
) -> Iterator[tuple[Case, str]]:
    """Cases with a right answer that does not hold to the structure, each with why."""
    if form.schema is not None:
        yield from _broken_by_schema(suite, form.schema, cases, time)
        return
    holds = _holder(form)
    for case in cases:
        whys = (time.of(holds, answer.strip()) for answer in _answers(case))
        if why := next(filter(None, whys), None):
            yield case, why


def _holder(form: Structure) -> Holds:
    if form.choices:
        return lambda text, _: None if text in form.choices else f"{_short(text)} is no choice"
    if _can_accept():
        accepts = _acceptor(form)
        return lambda text, until: (
            None if accepts(text, until) else f"{_short(text)} cannot be written"
        )
    import regex

    pattern = regex.compile(form.regex)

    def matches(text: str, until: float) -> str | None:
        left = max(0.01, until - monotonic())
        try:
            found = pattern.fullmatch(text, timeout=left)
        except TimeoutError:
            if left < 0.9 * EACH:  # the time of all answers ran out, not this one's
                raise
            return f"{_short(text)} was not matched within {EACH:g} s"
        return None if found else f"{_short(text)} does not match"

    return matches


def _broken_by_schema(
    suite: Suite, schema: Json, cases: Sequence[Case], time: _Time
) -> Iterator[tuple[Case, str]]:
    """In the scorer's worker process: patterns of a schema may backtrack without end."""
    from evals.scorers.registry import build_scorer

    spec = MetricSpec("structure", "json_schema@1", {"schema": schema})
    scorer = build_scorer(spec, suite.root)
    try:
        for case in cases:
            for answer in _answers(case):
                if why := time.of(partial(_unlike, scorer, case), answer):
                    yield case, why
                    break
    finally:
        scorer.close()


def _unlike(
    scorer: Callable[[Case, Output], object], case: Case, answer: str, _until: float
) -> str | None:
    """The scorer's worker has a limit of its own for each answer."""
    try:
        score = scorer(case, Output(answer, "stop"))
    except ScorerError as error:
        return error.message
    value, reason = getattr(score, "value", 0.0), getattr(score, "reason", "")
    return None if value >= 1.0 else str(reason)


def _lint_writing(form: Structure, cases: Sequence[Case], where: str) -> Iterator[Finding]:
    """Valid answers that are written otherwise than a constrained model writes its own.

    Keys stand in the schema's order, with no line breaks between them. A scorer that compares
    values does not care; one that compares texts does.
    """
    accepts = _acceptor(form)
    unlike: list[Case] = []
    never: list[Case] = []
    end = monotonic() + SECONDS
    for case in cases:
        try:
            kinds = {_writing(accepts, form, answer, end) for answer in _answers(case)}
        except TimeoutError:
            break
        if "never" in kinds:
            never.append(case)
        elif "unlike" in kinds:
            unlike.append(case)
    if never:
        text = (
            f"{len(never)} right answers could not be written under the structure although they "
            f"satisfy its schema, first that of case {never[0].id!r}"
        )
        yield Finding("warning", "structure_bars_answer", text, where)
    if unlike:
        text = (
            f"{len(unlike)} of {len(cases)} right answers order or space their keys otherwise than "
            "answers under the structure will: a scorer must compare values, not texts"
        )
        yield Finding("note", "structure_writes_otherwise", text, where)


def _writing(
    accepts: Callable[[str, float], bool], form: Structure, answer: str, end: float
) -> str:
    """Whether a constrained model could write a valid answer: as it stands, unlike it, never."""
    from evals.scorers.structured.json_schema import parse

    if accepts(answer.strip(), end):
        return "same"
    value = in_order(parse(answer, code_fence=True), form.schema, form.schema)
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # as libraries write it
    return "unlike" if accepts(text, end) else "never"


def in_order(value: Json, schema: Json, root: Json, depth: int = 0) -> Json:
    """A document with its keys in the order that its schema states, as far as that is plain."""
    schema = _resolved(schema, root)
    if depth > 64 or not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        items = schema.get("items")
        return [in_order(item, items, root, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties")
    known = known if isinstance(known, Mapping) else {}
    names = [name for name in known if name in value]
    names += [name for name in value if name not in known]
    return {name: in_order(value[name], known.get(name), root, depth + 1) for name in names}


def _resolved(schema: Json, root: Json) -> Json:
    """A schema behind a reference inside of `root` to one of its definitions."""
    for _ in range(16):
        target = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(target, str) or not target.startswith("#"):
            break
        schema = root
        for part in target[1:].strip("/").split("/"):
            if part:
                schema = schema.get(part) if isinstance(schema, Mapping) else None
    return schema


def _can_accept() -> bool:
    from evals.models.constrained import library_version

    return bool(library_version())


def _acceptor(form: Structure) -> Callable[[str, float], bool]:
    from evals.models.constrained import Form
    from evals.models.guidance import Acceptor

    return Acceptor(Form(form.schema, form.grammar, form.regex), key="structure").accepts


def _short(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:57] + "...")
