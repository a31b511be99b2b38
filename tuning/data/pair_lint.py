"""What is wrong with preference pairs: found before a minute of training is spent on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from evals.approach import PLAIN, Technique
from evals.records import Case, Finding, Message
from evals.suite.folding import fold
from evals.suite.spec import Suite
from tuning.data.dataset import where_of
from tuning.data.lint.forms import Forms, case_of
from tuning.data.lint.leaks import lint_leaks
from tuning.data.lint.sealed import Sealed
from tuning.data.lint.secrets import lint_secrets
from tuning.data.pairs import EncodedPair, Pair, as_examples

Value = Callable[[Case, str], float]
"""The suite's primary score of an answer to a case."""

_NAMED = 5


def lint_pairs(
    suite: Suite,
    prompt: str,
    pairs: Sequence[Pair],
    *,
    technique: Technique = PLAIN,
    value: Value | None = None,
    needed: int = 1,
) -> tuple[Finding, ...]:
    """All findings on pairs, errors first; `needed` is how many there must be at least.

    `value` scores the answers of pairs that belong to a train case.
    """
    cases = {case.id: case for case in suite.split("train")}
    findings = [
        *_blank(pairs),
        *_identical(pairs),
        *_contradictions(pairs),
        *_repeats(pairs),
        *_leaks(suite, prompt, pairs, technique),
        *(_rejected_is_better(pairs, cases, value) if value else ()),
        *too_few(pairs, needed),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.level]))


def too_few(pairs: Sequence[Pair], needed: int) -> Iterator[Finding]:
    """An error where there are fewer different pairs than are needed."""
    different = len({_identity(pair) for pair in pairs})
    if different < needed:
        said = f"{different} different pairs, and at least {needed} are needed"
        yield Finding("error", "too_few_pairs", said)


def too_long(
    pairs: Sequence[Pair], encoded: Sequence[EncodedPair], limit: int
) -> Iterator[Finding]:
    """An error that names the pairs of more than `limit` tokens: nothing is truncated."""
    long = [pair for pair, one in zip(pairs, encoded, strict=True) if one.longest > limit]
    if long:
        said = f"are longer than {limit:,} tokens; nothing is truncated"
        yield _about("error", "too_long", long, said)


def _blank(pairs: Sequence[Pair]) -> Iterator[Finding]:
    blank = [pair for pair in pairs if not pair.chosen.strip()]
    if blank:
        yield _about("error", "empty_answer", blank, "have an empty chosen answer")


def _identical(pairs: Sequence[Pair]) -> Iterator[Finding]:
    same = [pair for pair in pairs if pair.chosen.strip() == pair.rejected.strip()]
    if same:
        yield _about("error", "identical_pair", same, "have one answer as chosen and as rejected")


def _contradictions(pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Pairs of which others say the opposite, of the same prompt."""
    known = {_identity(pair) for pair in pairs}
    both = [pair for pair in pairs if _reversed(pair) in known and pair.chosen != pair.rejected]
    if both:
        yield _about("error", "contradicting_pair", both, "are the other way round elsewhere")


def _repeats(pairs: Sequence[Pair]) -> Iterator[Finding]:
    groups: dict[object, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[_identity(pair)].append(pair)
    again = [pair for group in groups.values() for pair in group[1:]]
    if again:
        yield _about("warning", "duplicate_pair", again, "repeat an earlier one")


def _leaks(
    suite: Suite, prompt: str, pairs: Sequence[Pair], technique: Technique
) -> Iterator[Finding]:
    """As of training examples (`tuning.data.lint.leaks`), of prompts and of both answers."""
    cases, forms = case_of(suite), Forms()
    # A pair whose prompt was rendered from its case is told apart by that from what files hold.
    placed = [
        pair
        if pair.source.startswith("file ") or pair.case_id not in cases
        else replace(pair, where=where_of(cases[pair.case_id]))
        for pair in pairs
    ]
    both = (*as_examples(placed), *as_examples(placed, rejected=True))
    yield from lint_leaks(both, Sealed(suite, prompt, technique, forms), cases, forms)
    yield from lint_secrets(both)


def _rejected_is_better(
    pairs: Sequence[Pair], cases: dict[str, Case], value: Value
) -> Iterator[Finding]:
    """Pairs of cases whose rejected answer the suite's own scorer prefers, or both alike."""
    better, alike = [], []
    for pair in pairs:
        case = cases.get(pair.case_id)
        if case is None:
            continue
        chosen, rejected = value(case, pair.chosen), value(case, pair.rejected)
        if rejected > chosen:
            better.append(pair)
        elif rejected == chosen:
            alike.append(pair)
    if better:
        said = "have a rejected answer that the suite's scorer prefers"
        yield _about("error", "scorer_prefers_rejected", better, said)
    if alike:
        said = "have two answers that the suite's scorer gives the same"
        yield _about("note", "scorer_sees_no_difference", alike, said)


def _identity(pair: Pair) -> tuple[object, ...]:
    return (_text(pair.messages), pair.chosen.strip(), pair.rejected.strip())


def _reversed(pair: Pair) -> tuple[object, ...]:
    return (_text(pair.messages), pair.rejected.strip(), pair.chosen.strip())


def _text(messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((message.role, fold(message.content)) for message in messages)


def _about(level: str, code: str, pairs: Sequence[Pair], said: str) -> Finding:
    named = ", ".join(_name(pair) for pair in pairs[:_NAMED])
    more = f" and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
    return _finding(level, code, pairs, f"{_count(pairs)} {said}: {named}{more}")


def _finding(level: str, code: str, pairs: Sequence[Pair], message: str) -> Finding:
    rows = tuple(_name(pair) for pair in pairs)
    return Finding(level, code, message, pairs[0].where, rows)  # type: ignore[arg-type]


def _count(pairs: Sequence[Pair]) -> str:
    return f"{len(pairs):,} of the pairs"


def _name(pair: Pair) -> str:
    return f"{pair.case_id} ({pair.where})" if pair.where else pair.case_id
