"""Cases that repeat, contradict each other, or leak from one split into another.

Three forms of an input are compared: *folded* and *loose* (`evals.suite.folding`), and *near*
(`evals.suite.nearness`); and across splits the question alone (`evals.suite.questions`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from evals.fingerprint import canonical_json
from evals.records import SPLITS, Case, Finding, Json
from evals.suite.folding import comparable, fold, loosen
from evals.suite.nearness import NEAR, NearIndex, weigh
from evals.suite.questions import Questions

__all__ = ["NearPair", "find_duplicates", "near_duplicates"]

MAX_NAMED = 5
MAX_FINDINGS = 20
# Pairs kept in memory; a suite beyond that is one template repeated.
MAX_PAIRS = 200_000


class NearPair(NamedTuple):
    """Two cases by index, `first < second`, and the cosine similarity of their inputs."""

    first: int
    second: int
    similarity: float


def find_duplicates(cases: Sequence[Case], *, near: float = NEAR) -> tuple[Finding, ...]:
    """Findings on repeated inputs, in the order errors, warnings, notes.

    Errors: the same input with different expected values (`contradiction`), the same
    input in two splits (`leak`). Warnings: the same input twice in a split
    (`duplicate`), near-duplicates across splits (`near_leak`), and inputs that differ in
    punctuation alone but in what is expected too (`punctuation`), and the same question in two
    splits beside another row number or id (`same_question`). Notes: near-duplicates
    within a split (`near_duplicate`). At most `MAX_FINDINGS` of each are spelled out.
    """
    folded = [fold(comparable(case)) for case in cases]
    loose = [loosen(text) for text in folded]
    findings: list[Finding] = []
    for group in _groups(folded):
        findings.extend(_judge_group([cases[i] for i in group], strict=True))
    for group in _groups(loose):
        firsts = {folded[i]: i for i in reversed(group)}  # equal ones were judged above
        findings.extend(_judge_group([cases[i] for i in sorted(firsts.values())], strict=False))
    findings.extend(_judge_questions(cases, loose))
    firsts = {text: i for i, text in reversed(list(enumerate(loose)))}
    rest = sorted(firsts.values())
    pairs = near_duplicates([folded[i] for i in rest], near)
    findings.extend(_judge_near([cases[i] for i in rest], pairs))
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(_limited(findings), key=lambda finding: order[finding.level]))


def _limited(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The first `MAX_FINDINGS` of each code, and how many more there are."""
    counts: Counter[str] = Counter()
    levels: dict[str, Finding] = {}
    for finding in findings:
        counts[finding.code] += 1
        levels[finding.code] = finding
        if counts[finding.code] <= MAX_FINDINGS:
            yield finding
    for code, count in counts.items():
        if count > MAX_FINDINGS:
            yield replace(levels[code], message=f"and {count - MAX_FINDINGS} more", where="")


def _groups(texts: Sequence[str]) -> Iterator[list[int]]:
    """Indices of equal texts, where there are at least two."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, text in enumerate(texts):
        found[text].append(index)
    return (group for group in found.values() if len(group) > 1)


def _judge_group(group: Sequence[Case], *, strict: bool) -> Iterator[Finding]:
    """A finding for each case but the first, against the earlier one it clashes with most.

    It is compared with one earlier case of each (split, expected), which keeps it linear.
    """
    met: dict[tuple[str, str], Case] = {}
    for case in group:
        split, expected = key = (case.split, fold(_as_text(case.expected)))
        if met:
            other = max(met, key=lambda earlier: (earlier[1] != expected, earlier[0] != split))
            yield _same_input(met[other], case, other[1] == expected, strict=strict)
        met.setdefault(key, case)


def _judge_questions(cases: Sequence[Case], loose: Sequence[str]) -> Iterator[Finding]:
    """Plain cases of two splits that read the same but for what stands beside the question.

    Each is named once, with the first of another split.
    """
    questions = Questions(cases)
    firsts: dict[str, dict[str, int]] = defaultdict(dict)
    for place, case in enumerate(cases):
        text = questions.of(case) if case.is_plain else ""
        if not text:
            continue
        others = (at for split, at in firsts[text].items() if split != case.split)
        first = next((at for at in others if loose[at] != loose[place]), None)
        firsts[text].setdefault(case.split, place)
        if first is not None:
            yield _same_question(cases[first], case)


def _same_question(first: Case, case: Case) -> Finding:
    names = sorted({*first.input, *case.input})
    missing = object()
    differing = [
        name for name in names if first.input.get(name, missing) != case.input.get(name, missing)
    ]
    return Finding(
        "warning",
        "same_question",
        f"{case.id!r} ({case.split}) and {first.id!r} ({first.split}, {_where(first)}) read the "
        f"same but for {', '.join(differing[:MAX_NAMED])}",
        _where(case),
    )


def _same_input(first: Case, case: Case, agree: bool, *, strict: bool) -> Finding:
    who = f"{case.id!r} ({case.split}) and {first.id!r} ({first.split}, {_where(first)})"
    same = "the same input" if strict else "the same input but for punctuation"
    if not agree:
        return Finding(
            "error" if strict else "warning",
            "contradiction" if strict else "punctuation",
            f"{who} have {same} and expect {_short(case.expected)} and {_short(first.expected)}",
            _where(case),
        )
    if first.split != case.split:
        return Finding("error", "leak", f"{who} have {same} in two splits", _where(case))
    return Finding("warning", "duplicate", f"{who} have {same}", _where(case))


def near_duplicates(texts: Sequence[str], threshold: float) -> list[NearPair]:
    """Pairs whose similarity is at least `threshold`, most alike first; none twice.

    At most `MAX_PAIRS` are kept.
    """
    weights = weigh(texts) if len(texts) > 1 else None
    if weights is None:
        return []
    found: list[NearPair] = []
    for near in NearIndex(weights.rows, threshold).pairs(weights.rows):
        keep = near.columns > near.rows
        pairs = zip(near.rows[keep], near.columns[keep], near.cosines[keep], strict=True)
        found.extend(
            NearPair(int(row), int(column), min(1.0, float(value)))
            for row, column, value in islice(pairs, MAX_PAIRS - len(found))
        )
        if len(found) == MAX_PAIRS:
            break
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def _judge_near(cases: Sequence[Case], pairs: Iterable[NearPair]) -> Iterator[Finding]:
    """One finding for each pair of splits, with the closest examples."""
    by_splits: dict[tuple[str, ...], list[NearPair]] = defaultdict(list)
    for pair in pairs:
        splits = {cases[pair.first].split, cases[pair.second].split}
        by_splits[tuple(split for split in SPLITS if split in splits)].append(pair)
    for pair_of_splits, found in by_splits.items():
        agreeing = sum(cases[pair.first].expected == cases[pair.second].expected for pair in found)
        named = "; ".join(
            f"{cases[pair.first].id!r} ~ {cases[pair.second].id!r} {pair.similarity:.2f}"
            for pair in found[:MAX_NAMED]
        )
        count = f"at least {len(found)}" if len(found) >= MAX_PAIRS else str(len(found))
        text = f"{count} pairs of near-duplicates, {agreeing} of them expecting the same: {named}"
        more = ", ..." if len(found) > MAX_NAMED else ""
        if len(pair_of_splits) == 1:
            yield Finding("note", "near_duplicate", f"within {pair_of_splits[0]}: {text}{more}")
        else:
            yield Finding(
                "warning", "near_leak", f"between {' and '.join(pair_of_splits)}: {text}{more}"
            )


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else canonical_json(value)


def _short(value: Json) -> str:
    text = _as_text(value)
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _where(case: Case) -> str:
    return f"{case.path}:{case.line}"
