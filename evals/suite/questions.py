"""The question of a case without what merely stands beside it: row numbers, ids, timestamps.

Two cases with the same question are the same to a reader, whatever a row number says, and however
little of a short text is left in common by its pieces.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from evals.records import Case, Json
from evals.suite.folding import bare, input_text

MIN_CHARACTERS = 8
"""A question has so many, bare, or is no more than a label."""

# A text that many cases share, with different answers, is an instruction and not the question.
_FEW, _SHARE = 5, 50

# One word of ASCII (an id, a date, a label), or no letter at all.
_BESIDE = re.compile(r"\s*(?:[!-~]{0,64}|[\W\d_]*)\s*")


class Questions:
    """The questions of a suite's cases, by what they have in common."""

    def __init__(self, pool: Sequence[Case]) -> None:
        inputs: dict[str, set[str]] = defaultdict(set)
        answers: dict[str, set[str]] = defaultdict(set)
        for case in pool:
            if text := question_of(case):
                inputs[text].add(bare(input_text(case)))
                answers[text].add(case.answer)
        many = max(_FEW, len(pool) // _SHARE)
        self._instructions = {
            text for text, found in inputs.items() if len(found) > many and len(answers[text]) > 1
        }

    def of(self, case: Case) -> str:
        """The bare question of a case of the suite or another; "" where none is known."""
        text = question_of(case)
        return "" if text in self._instructions else text


def question_of(case: Case) -> str:
    """The bare form of a case's texts, in order of keys, without those that stand beside others.

    Numbers, and single words of ASCII, stand beside; where nothing else is there the longest text
    is the question. Empty where that is short.
    """
    texts = list(_texts(case.input))
    kept = [text for text in texts if not _BESIDE.fullmatch(text)]
    found = bare("\n".join(kept)) if kept else bare(max(texts, key=len, default=""))
    return found if len(found) >= MIN_CHARACTERS else ""


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _texts(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
