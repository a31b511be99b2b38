"""What is wrong with training data: found before a minute of training is spent on it.

An `error` refuses the training, a `warning` is shown, a `note` informs. Nothing is ever
truncated: an example that is too long is refused, or left out where that was allowed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from evals.approach import PLAIN, Technique
from evals.errors import TrainingError
from evals.records import Case, Finding, Message
from evals.suite.folding import comparable, fold, loosen
from evals.suite.spec import Suite
from tuning.data.dataset import EncodedExample, Example, render, where_of

K = TypeVar("K")
Accepts = Callable[[Case, str], bool]

_NAMED = 5
_IMBALANCE = 0.8


@dataclass(frozen=True)
class Lengths:
    """How long examples may be, and whether longer ones are left out instead of refused."""

    limit: int
    leave_out_longer: bool = False


def lint_examples(
    suite: Suite,
    prompt: str,
    examples: Sequence[Example],
    encoded: Sequence[EncodedExample],
    lengths: Lengths,
    *,
    accepts: Accepts | None = None,
    technique: Technique = PLAIN,
) -> tuple[Finding, ...]:
    """All findings on examples built from `suite` with `prompt` and `technique`, errors first.

    `accepts` says whether the suite's own scorer gives an answer full marks for its case.
    """
    cases = {case.id: case for case in suite.split("train")}
    findings = [
        *_blank_answers(examples),
        *_repeats(examples),
        *_leaks(suite, prompt, examples, technique),
        *_lengths(examples, encoded, lengths),
        *(_rejected(examples, cases, accepts) if accepts else ()),
        *_too_few(examples, encoded, lengths, suite.tune.min_examples),
        *_imbalance(examples),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.level]))


def refuse_errors(findings: Iterable[Finding]) -> None:
    """Raise TrainingError where any finding is an error, naming the first with its rows."""
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        more = f"; and {len(errors) - 1} more faults" if len(errors) > 1 else ""
        raise TrainingError(
            f"the training data is refused: {errors[0].message}{more}",
            path=errors[0].where or None,
            hint="fix the cases it names and train again",
        )


def within(encoded: EncodedExample, lengths: Lengths) -> bool:
    """Whether an example fits whole."""
    return encoded.tokens <= lengths.limit


def _blank_answers(examples: Sequence[Example]) -> Iterator[Finding]:
    blank = [example for example in examples if not example.answer.strip()]
    if blank:
        message = f"{len(blank)} answers are empty: {_names(blank)}"
        yield Finding("error", "empty_answer", message, blank[0].where)


def _repeats(examples: Sequence[Example]) -> Iterator[Finding]:
    """Contradictions: the same messages with different answers; else duplicates."""
    for same in _grouped(examples, lambda e: _text(e.messages)):
        if len({example.answer for example in same}) > 1:
            message = f"the same prompt has different answers: {_names(same)}"
            yield Finding("error", "contradiction", message, same[1].where)
    repeated = [
        same[1:]
        for same in _grouped(examples, lambda e: _text(e.messages))
        if len({example.answer for example in same}) == 1
    ]
    extra = [example for same in repeated for example in same]
    if extra:
        message = f"{len(extra)} examples repeat an earlier one: {_names(extra)}"
        yield Finding("warning", "duplicate", message, extra[0].where)


def _leaks(
    suite: Suite, prompt: str, examples: Sequence[Example], technique: Technique
) -> Iterator[Finding]:
    """Train cases that are also in dev or test: the same input, or the same once rendered."""
    sealed = [case for case in suite.cases if case.split != "train"]
    inputs = {loosen(fold(comparable(case))): case for case in sealed}
    prompts = {_text(m): i for i, m in render(suite, prompt, sealed, technique).items()}
    by_id = {case.id: case for case in suite.cases}
    for example in examples:
        found = inputs.get(loosen(fold(comparable(by_id[example.case_id]))))
        if found is None and (other := prompts.get(_text(example.messages))) is not None:
            found = by_id[other]
        if found is not None:
            message = f"train case {example.case_id} is also {found.split} case {found.id}"
            place = f" ({where_of(found)})" if found.path else ""
            yield Finding("error", "leak", message + place, example.where)


def _lengths(
    examples: Sequence[Example], encoded: Sequence[EncodedExample], lengths: Lengths
) -> Iterator[Finding]:
    by_id = {example.case_id: example for example in examples}
    long = [by_id[item.case_id] for item in encoded if not within(item, lengths)]
    if long:
        what = f"{len(long)} examples are longer than {lengths.limit} tokens: {_names(long)}"
        if lengths.leave_out_longer:
            yield Finding("warning", "left_out", f"{what}; they are left out", long[0].where)
        else:
            yield Finding("error", "too_long", f"{what}; nothing is truncated", long[0].where)
    if encoded:
        longest = max(item.tokens for item in encoded)
        total = sum(item.tokens for item in encoded)
        trained = sum(len(item.completion_ids) for item in encoded)
        yield Finding(
            "note",
            "lengths",
            f"{total:,} tokens, {trained:,} of them trained; "
            f"the longest example has {longest:,} of {lengths.limit:,}; nothing truncated",
        )


def _rejected(
    examples: Sequence[Example], cases: Mapping[str, Case], accepts: Accepts
) -> Iterator[Finding]:
    wrong = [e for e in examples if not accepts(cases[e.case_id], e.answer)]
    if wrong:
        message = f"the suite's own scorer rejects {len(wrong)} answers: {_names(wrong)}"
        yield Finding("error", "rejected_answer", message, wrong[0].where)


def _too_few(
    examples: Sequence[Example],
    encoded: Sequence[EncodedExample],
    lengths: Lengths,
    needed: int,
) -> Iterator[Finding]:
    fitting = {item.case_id for item in encoded if within(item, lengths)}
    usable = {_text(e.messages) for e in examples if e.case_id in fitting}
    if len(usable) < needed:
        message = f"{len(usable)} different examples, and the suite wants at least {needed}"
        yield Finding("error", "too_few", message)


def _imbalance(examples: Sequence[Example]) -> Iterator[Finding]:
    """Note an answer that most examples share: a model can learn it and nothing else."""
    if not examples:
        return
    answer, count = Counter(example.answer for example in examples).most_common(1)[0]
    share = count / len(examples)
    if share > _IMBALANCE:
        message = f"{share:.0%} of the answers are the same: {answer[:60]!r}"
        yield Finding("warning", "imbalance", message)


def _grouped(examples: Iterable[Example], key: Callable[[Example], K]) -> list[list[Example]]:
    groups: dict[K, list[Example]] = defaultdict(list)
    for example in examples:
        groups[key(example)].append(example)
    return [group for group in groups.values() if len(group) > 1]


def _text(messages: Iterable[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((message.role, fold(message.content)) for message in messages)


def _names(examples: Sequence[Example]) -> str:
    named = ", ".join(
        f"{e.case_id} ({e.where})" if e.where else e.case_id for e in examples[:_NAMED]
    )
    rest = len(examples) - _NAMED
    return f"{named} and {rest} more" if rest > 0 else named
