"""Reasoning before the answer: how it is asked for, and how the answer is found in what came.

Works with any prompt of a suite: the request to think stands at the end of the user's last
message. What a model writes is hostile: every pattern here is bounded, and reads a text once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from evals.records import Case, FinishReason, Json, Message

MARK = "Answer:"

REQUEST = (
    "\n\nThink step by step first. Then write the final answer alone, after "
    f'"{MARK}" at the start of a new line.'
)
VERSION = ("reasoning@1", REQUEST, MARK)
"""Part of the identity of every candidate that reasons. The number stands for the extraction."""

# At the start of a line, whatever the case: "Answer:", "**Answer:**", "## Final answer:",
# "4. The answer is:". Groups: emphasis that opens before the word, and that closes after it.
_MARK = re.compile(
    r"^[ \t>#`]{0,8}(?:[-*+][ \t]{1,3})?(?:\d{1,2}[.)][ \t]{1,3})?([*_]{0,3})"
    r"(?:the[ ]{1,2})?(?:final[ ]{1,2})?answer(?:[ ]{1,2}is)?"
    r"([*_]{0,3})[ \t]{0,2}[:\uff1a]([*_]{0,3})",
    re.IGNORECASE | re.MULTILINE,
)

State = Literal["marked", "whole", "cut"]


class Found(NamedTuple):
    """The answer in what a model wrote, and how it was found.

    `marked`: it follows a mark. `whole`: there is none, so all is the answer. `cut`: there is
    none since the tokens ran out, so there is no answer.
    """

    answer: str
    state: State


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration whose answer stands as a reasoned one does: after the mark."""

    input: Mapping[str, Json]
    expected: Json
    answer: str


def reasoned(demonstrations: Sequence[Case]) -> tuple[Shown, ...]:
    """Demonstrations that show where the answer goes."""
    return tuple(Shown(each.input, each.expected, _marked(each.answer)) for each in demonstrations)


def ask_to_reason(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation with the request to think at the end of the user's last message.

    Replies that stand in it are demonstrations, perhaps the prompt's own, or such that do not
    use `demo.answer`: they get the mark where they have none.
    """
    *before, last = messages
    shown = (
        replace(each, content=_marked(each.content)) if each.role == "assistant" else each
        for each in before
    )
    return (*shown, replace(last, content=last.content + REQUEST))


def _marked(answer: str) -> str:
    return answer if _MARK.search(answer) else f"{MARK} {answer}"


def find_answer(text: str, finish: FinishReason) -> Found:
    """What follows the last mark that begins a line.

    Without any, a reply that came to its end is all answer: the model did not do as it was
    asked, and what it wrote is judged as it would be without reasoning. One that ran out of
    tokens has no answer: a scorer must find none in thoughts.
    """
    last = None
    for match in _MARK.finditer(text):
        last = match
    if last is None:
        return Found("", "cut") if finish == "length" else Found(text.strip(), "whole")
    answer = text[last.end() :].strip()
    opened, *closed = last.groups()
    return Found(_unwrapped(answer, opened) if opened and not any(closed) else answer, "marked")


def extract(text: str, finish: FinishReason, stop: Sequence[str]) -> str:
    """The answer, cut at the first of `stop`: what ends an answer may stand in thoughts."""
    answer = find_answer(text, finish).answer
    cuts = [at for each in stop if each and (at := answer.find(each)) >= 0]
    return answer[: min(cuts)] if cuts else answer


def _unwrapped(answer: str, emphasis: str) -> str:
    """An answer without the emphasis that closes on its first line, having opened before."""
    line, *rest = answer.split("\n", 1)
    if not line.rstrip().endswith(emphasis):
        return answer
    return "\n".join([line.rstrip().removesuffix(emphasis).rstrip(), *rest])
