"""`json_fields@1`: a JSON document compared with the expected one, field by field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice

from evals.records import Case, Json, Part, Score
from evals.scorers.options import Options
from evals.scorers.plain import PlainScorer, case_error, shown
from evals.scorers.protocol import Scorer
from evals.scorers.structured.alignment import aligned
from evals.scorers.structured.field_paths import Path, fits, leaves, read, written
from evals.scorers.structured.field_values import Alike, comparison, exactly
from evals.scorers.structured.json_schema import parse
from evals.scorers.wire import MAX_PART_TEXT

MAX_FIELDS = 500  # of the expected document and of the answer: both fit into a score's parts
MAX_TOLD = 3  # fields that a reason names

Leaves = dict[Path, Json]


def json_fields(options: Options) -> Scorer:
    """`json_fields@1`: the F1 over the fields of the answer's one JSON document.

    A field is a value that holds no other, named by its path: `team`, `items[0].sku`. Right
    fields are those at the same path that compare as equal; a wrong one counts against both
    precision and recall, a missing one against recall, an extra one against precision.

    Options: `fields` (patterns such as `team` or `items[].sku`: only these and what is below
    them count; default all), `ignore_extra` (default false), `lists` ("index": elements are
    compared at their places; "any_order": each with the one that it shares most with),
    `compare` ({pattern: "exact", "normalized", "numeric" or {as: numeric, abs: ..., rel: ...}};
    `"*"` for all others; default exact), `code_fence` (default true).
    Kinds: "not_json", "too_many_fields", "missing_fields", "extra_fields", "wrong_fields".
    """
    rules = _Rules(
        patterns=_patterns(options),
        ignore_extra=options.flag("ignore_extra", default=False),
        any_order=options.one_of("lists", ("index", "any_order"), default="index") == "any_order",
        compare=_comparisons(options),
    )
    fence = options.flag("code_fence", default=True)

    def wanted_of(case: Case) -> Leaves:
        if len(list(islice(leaves(case.expected), MAX_FIELDS + 1))) > MAX_FIELDS:
            raise case_error(case, f"expected has more than {MAX_FIELDS} fields")
        wanted = rules.chosen(case.expected)
        if not wanted:  # any answer without these fields would be full marks
            names = ", ".join(map(written, rules.patterns))
            raise case_error(
                case,
                f'expected has none of the fields that count ("fields": {names[:200]})',
                hint="correct the names, or state the field with the value null",
            )
        return wanted

    def judge(case: Case, text: str) -> Score:
        wanted = wanted_of(case)
        try:
            document = parse(text, code_fence=fence, unique_keys=True)
        except ValueError as error:
            return _unread(wanted, str(error), "not_json")
        if len(list(islice(leaves(document), MAX_FIELDS + 1))) > MAX_FIELDS:
            reason = f"more than the {MAX_FIELDS} fields that are compared"
            return _unread(wanted, reason, "too_many_fields")
        if rules.any_order:
            document = aligned(case.expected, document, rules.alike_if_chosen)
        return _judged(wanted, rules.chosen(document), rules)

    return PlainScorer(judge, wanted_of)


@dataclass(frozen=True)
class _Rules:
    """Which fields count, and when two values are equal."""

    patterns: tuple[Path, ...]
    ignore_extra: bool
    any_order: bool
    compare: tuple[tuple[Path, Alike], ...]

    def chosen(self, document: Json) -> Leaves:
        """The document's fields that count."""
        return {path: value for path, value in leaves(document) if self.counts(path)}

    def counts(self, path: Path) -> bool:
        """Whether the field at this path counts."""
        return not self.patterns or any(fits(pattern, path) for pattern in self.patterns)

    def alike(self, path: Path) -> Alike:
        """How this field is compared: as the first pattern that fits says."""
        return next((alike for pattern, alike in self.compare if fits(pattern, path)), exactly)

    def alike_if_chosen(self, path: Path) -> Alike:
        """`alike`; fields that do not count are never equal: no reason to pair elements."""
        return self.alike(path) if self.counts(path) else _never


def _judged(wanted: Leaves, found: Leaves, rules: _Rules) -> Score:
    """F1 = 2 right / (expected fields + fields of the answer)."""
    parts, wrong, missing = [], [], []
    for path, value in wanted.items():
        got = _text(found[path]) if path in found else None
        right = got is not None and rules.alike(path)(value, found[path])
        parts.append(_part(path, float(right), _text(value), got))
        if got is None:
            missing.append(f"{_name(path)} is missing")
        elif not right:
            wrong.append(f"{_name(path)} is {shown(got)}, expected {shown(_text(value))}")
    unasked = [path for path in found if path not in wanted and not rules.ignore_extra]
    parts += [_part(path, 0.0, None, _text(found[path])) for path in unasked]
    extra = [f"{_name(path)} is not expected" for path in unasked]
    faults = wrong + missing + extra
    if not faults:
        return Score(1.0, parts=tuple(parts))
    kind = "wrong_fields" if wrong else "missing_fields" if missing else "extra_fields"
    more = f"; and {len(faults) - MAX_TOLD} more" if len(faults) > MAX_TOLD else ""
    right_ones = len(wanted) - len(wrong) - len(missing)
    answered = len(wanted) - len(missing) + len(extra)
    value = 2 * right_ones / (len(wanted) + answered)
    return Score(value, "; ".join(faults[:MAX_TOLD]) + more, kind, tuple(parts))


_never = Alike(lambda _: None, lambda _wanted, _got: False)


def _unread(wanted: Leaves, reason: str, kind: str) -> Score:
    """The score of an answer without fields: every expected one is missing."""
    parts = tuple(_part(path, 0.0, _text(value), None) for path, value in wanted.items())
    return Score(0.0, reason, kind, parts)


def _part(path: Path, value: float, expected: str | None, got: str | None) -> Part:
    cut = [text and text[:MAX_PART_TEXT] for text in (expected, got)]
    return Part("field", written(path)[:MAX_PART_TEXT], value, *cut)


def _text(value: Json) -> str:
    """A field's value as JSON on one line; what a list became when it was aligned is none."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _name(path: Path) -> str:
    return ascii(written(path)[:MAX_PART_TEXT])[1:-1]


def _patterns(options: Options) -> tuple[Path, ...]:
    if not options.has("fields"):
        return ()
    return tuple(_read(options, "fields", text) for text in options.texts("fields"))


def _comparisons(options: Options) -> tuple[tuple[Path, Alike], ...]:
    """Patterns with their comparisons, as the suite orders them; `*` fits all, and is last."""
    if not options.has("compare"):
        return ()
    given = options.mapping("compare", "a mapping from fields to comparisons")
    found: list[tuple[Path, Alike]] = []
    for text, described in sorted(given.items(), key=lambda item: item[0] == "*"):
        try:
            alike = comparison(described)
        except ValueError as error:
            raise options.error(str(error), key=f"compare.{text}") from error
        found.append((() if text == "*" else _read(options, "compare", text), alike))
    return tuple(found)


def _read(options: Options, key: str, text: str) -> Path:
    try:
        return read(text)
    except ValueError as error:
        raise options.error(
            f"{text!r:.80} is {error}", key=key, hint='such as team, items[].sku or ["odd key"]'
        ) from error
