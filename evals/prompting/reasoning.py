"""Reasoning before the answer: how it is asked for, and how the answer is found in what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evals.records import Case, Json, Message

MARK = "Answer:"


@dataclass(frozen=True, slots=True)
class Shown:
    """A demonstration whose answer stands as a reasoned one does: after the mark."""

    input: Mapping[str, Json]
    expected: Json
    answer: str


def ask_to_reason(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation with the request to think first at the end of the user's last message."""
    *before, last = messages
    asked = (
        "\n\nThink step by step first. Then write the final answer alone, after "
        f'"{MARK}" at the start of a new line.'
    )
    return (*before, replace(last, content=last.content + asked))


def reasoned(demonstrations: Sequence[Case]) -> tuple[Shown, ...]:
    """Demonstrations that show where the answer goes."""
    return tuple(
        Shown(each.input, each.expected, f"{MARK} {each.answer}") for each in demonstrations
    )


def extract(text: str, stop: Sequence[str]) -> str:
    """The answer: what follows the last mark, cut at the first of `stop`; all without a mark."""
    _, mark, after = text.rpartition(MARK)
    answer = after.strip() if mark else text
    cuts = [at for each in stop if each and (at := answer.find(each)) >= 0]
    return answer[: min(cuts)] if cuts else answer
