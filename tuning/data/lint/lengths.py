"""How long the rows are, against what the model and the training take. Nothing is cut unsaid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from evals.records import Finding
from tuning.data.dataset import EncodedExample, Example
from tuning.data.lint.forms import Forms
from tuning.data.lint.rows import about, count_of, remark

# A row so many times as long as the middle one, and of so many characters, stands out.
_TIMES, _CHARACTERS = 20, 4_000


@dataclass(frozen=True)
class Lengths:
    """How long examples may be, in tokens, and what becomes of longer ones: by default refused.

    `cut` is how many prompts were cut before, so that they fit now.
    """

    limit: int
    leave_out_longer: bool = False
    truncate_longer: bool = False
    cut: int = 0


def within(encoded: EncodedExample, lengths: Lengths) -> bool:
    """Whether an example fits whole."""
    return encoded.tokens <= lengths.limit


def lint_lengths(
    examples: Sequence[Example], encoded: Sequence[EncodedExample], lengths: Lengths
) -> Iterator[Finding]:
    """Rows that are too long, rows that stand out, and the distribution."""
    long = _too_long(examples, encoded, lengths)
    if long:
        are, they = f"{len(long):,} examples are", "they are"
        if len(long) == 1:
            are, they = "1 example is", "it is"
        what = f"{are} longer than {lengths.limit:,} tokens"
        code, fate = "too_long", f"{they} not cut"
        if lengths.leave_out_longer:
            code, fate = "left_out", f"{they} left out"
        elif lengths.truncate_longer:
            code, fate = "truncated", f"{they} cut"
        found = about(code, what, long)
        yield replace(found, message=f"{found.message}; {fate}")
    yield from _huge(examples)
    kept = [each for each in encoded if not lengths.leave_out_longer or within(each, lengths)]
    if kept:
        yield _distribution(kept, lengths, len(long))


def lint_count(
    examples: Sequence[Example],
    encoded: Sequence[EncodedExample],
    lengths: Lengths,
    needed: int,
    forms: Forms,
) -> Iterator[Finding]:
    """Fewer different examples, of those that fit, than the suite wants."""
    long = [] if lengths.truncate_longer else _too_long(examples, encoded, lengths)
    left_out = {id(example) for example in long}
    usable = {forms.conversation(e.messages) for e in examples if id(e) not in left_out}
    if len(usable) < needed:
        have = count_of(len(usable), "different example")
        yield remark("too_few", f"{have}, and the suite wants at least {needed:,}")


def _too_long(
    examples: Sequence[Example], encoded: Sequence[EncodedExample], lengths: Lengths
) -> list[Example]:
    if not encoded:
        return []
    pairs = zip(examples, encoded, strict=True)
    return [example for example, item in pairs if not within(item, lengths)]


def _distribution(kept: Sequence[EncodedExample], lengths: Lengths, over: int) -> Finding:
    """Of the examples that are not left out."""
    tokens = sorted(item.tokens for item in kept)
    trained = sum(len(item.completion_ids) for item in kept)
    # The nearest rank: the least length that 95 of 100 rows do not exceed.
    high = tokens[-(-95 * len(tokens) // 100) - 1]
    more = f"{over:,} {'has' if over == 1 else 'have'} more"
    if lengths.leave_out_longer and over:
        more = f"{over:,} longer {'one is' if over == 1 else 'ones are'} left out"
    cut = "cut where longer" if lengths.truncate_longer and over else "nothing truncated"
    if lengths.cut:
        cut = f"{count_of(lengths.cut, 'prompt')} cut to fit"
    return remark(
        "lengths",
        f"{sum(tokens):,} tokens, {trained:,} of them trained; half of the examples have at most "
        f"{round(median(tokens)):,}, 95 % at most {high:,}; the longest example has "
        f"{tokens[-1]:,} of {lengths.limit:,}, {more}; {cut}",
    )


def _huge(examples: Sequence[Example]) -> Iterator[Finding]:
    sizes = [sum(len(message.content) for message in e.messages) + len(e.answer) for e in examples]
    least = max(_CHARACTERS, _TIMES * median(sizes)) if sizes else 0
    huge = [example for example, size in zip(examples, sizes, strict=True) if size > least]
    if huge:
        share = sum(size for size in sizes if size > least) / sum(sizes)
        text = f"{count_of(len(huge), 'example')} of over {least:,.0f} characters, {share:.0%} of "
        yield about("huge", f"{text}all that is read", huge)
