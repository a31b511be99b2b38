"""Rows that repeat or contradict each other: exactly, by their spelling, and nearly.

Nearly: by `evals.suite.nearness`, the notion that `check` and demonstrations go by.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from evals.records import Case, Finding
from evals.suite.duplicates import MAX_PAIRS, near_duplicates
from evals.suite.nearness import NEAR
from tuning.data.dataset import Example
from tuning.data.lint.forms import Forms, frame_of, judging, without_frame
from tuning.data.lint.rows import NAMED, about, count_of, remark, row

K = TypeVar("K", bound=Hashable)

# Of a longer conversation its end is compared: what was asked last, and what came before.
_COMPARED = 4_000
_NUMBER = re.compile("[0-9]+")


class _Pair(NamedTuple):
    first: Example
    second: Example
    cosine: float

    def __str__(self) -> str:
        return f"{row(self.first)} ~ {row(self.second)} {self.cosine:.2f}"


def lint_repeats(
    examples: Sequence[Example], cases: Mapping[str, Case], forms: Forms
) -> Iterator[Finding]:
    """Duplicates and contradictions among prompts that are the same when folded, or nearly so."""
    firsts: list[Example] = []
    clashing: list[list[Example]] = []
    several: list[Example] = []
    repeated: list[Example] = []
    for same in _grouped(examples, [forms.conversation(e.messages) for e in examples]):
        firsts.append(same[0])
        seen: set[str] = set()
        for example in same:
            if example.answer in seen:
                repeated.append(example)
            seen.add(example.answer)
        if len(seen) > 1:
            if _of_one_case(same, cases):
                several.extend(same)
            else:
                clashing.append(same)
    if clashing:
        yield _contradictions(clashing)
    if repeated:
        again = {id(example) for example in repeated}
        repeated = [example for example in examples if id(example) in again]
        text = f"{count_of(len(repeated), 'example')} repeating an earlier one"
        yield about("duplicate", text, repeated)
    if several:
        text = f"{count_of(len(several), 'example')} with another answer to the same case"
        yield about("several_answers", text, several)
    yield from _near(firsts, forms)


def _contradictions(groups: Sequence[Sequence[Example]]) -> Finding:
    shown = [
        " and ".join(map(row, same[:NAMED])) + (" and others" if len(same) > NAMED else "")
        for same in groups
    ]
    text = f"the same prompt has different answers, {count_of(len(groups), 'time')}"
    return about("contradiction", text, [e for same in groups for e in same], shown=shown)


def _of_one_case(examples: Sequence[Example], cases: Mapping[str, Case]) -> bool:
    """Whether these are answers that were drawn for one case: a scorer has judged each."""
    return (
        len({example.case_id for example in examples}) == 1
        and judging(examples[0], cases) is not None
        and any(example.source != "suite" for example in examples)
    )


def _near(examples: Sequence[Example], forms: Forms) -> Iterator[Finding]:
    texts = _compared(examples, forms)
    by_text: dict[str, list[Example]] = defaultdict(list)
    for example, text in zip(examples, texts, strict=True):
        if text:
            by_text[text].append(example)
    distinct = list(by_text)
    found = near_duplicates(distinct, NEAR)
    pairs = [_Pair(group[0], other, 1.0) for group in by_text.values() for other in group[1:]] + [
        _Pair(by_text[distinct[first]][0], by_text[distinct[second]][0], cosine)
        for first, second, cosine in found
    ]
    pairs = [pair for pair in pairs if pair.first.group != pair.second.group]
    same = [pair for pair in pairs if _agree(pair, forms)]
    other = [pair for pair in pairs if not _agree(pair, forms) and _one_question(pair, forms)]
    if other:
        text = f"{count_of(len(other), 'pair')} of nearly the same prompts with different answers"
        yield about("near_contradiction", text, _rows_of(other), shown=list(map(str, other)))
    if same:
        text = f"{count_of(len(same), 'pair')} of near-duplicates with the same answer"
        yield about("near_duplicate", text, _rows_of(same), shown=list(map(str, same)))
    if len(found) >= MAX_PAIRS:
        text = f"more than {MAX_PAIRS:,} pairs of near-duplicates: only so many were looked at"
        yield remark("not_looked_for", text)


def _compared(examples: Sequence[Example], forms: Forms) -> list[str]:
    """What each prompt says beyond what nearly all of them say, by its end."""
    contents = [[message.content for message in example.messages] for example in examples]
    frame = frame_of(list(dict.fromkeys(c[-1] if c else "" for c in contents)))
    constant = _constant(contents)
    texts = []
    for said in contents:
        kept: list[str] = []
        size = 0
        for text in reversed(said):
            if text not in constant and size < _COMPARED:
                kept.append(forms.loose(without_frame(text, frame)))
                size += len(kept[-1])
        texts.append(" ".join(reversed(kept))[-_COMPARED:])
    return texts


def _constant(contents: Sequence[Sequence[str]]) -> frozenset[str]:
    """Messages that more than half of all prompts have in common."""
    counts: dict[str, int] = defaultdict(int)
    for said in contents:
        for text in set(said):
            counts[text] += 1
    return frozenset(text for text, count in counts.items() if count > max(2, len(contents) / 2))


def _agree(pair: _Pair, forms: Forms) -> bool:
    return forms.folded(pair.first.answer) == forms.folded(pair.second.answer)


def _one_question(pair: _Pair, forms: Forms) -> bool:
    """Whether two prompts differ in more than their numbers: 5 and 6 may well have two answers."""
    first, second = (
        _NUMBER.findall(" ".join(forms.folded(message.content) for message in each.messages))
        for each in (pair.first, pair.second)
    )
    return first == second


def _rows_of(pairs: Iterable[_Pair]) -> list[Example]:
    rows = {id(e): e for pair in pairs for e in (pair.first, pair.second)}
    return list(rows.values())


def _grouped(examples: Iterable[Example], keys: Iterable[K]) -> list[list[Example]]:
    groups: dict[K, list[Example]] = defaultdict(list)
    for example, key in zip(examples, keys, strict=True):
        groups[key].append(example)
    return list(groups.values())
