"""Making a prompt shorter, where a person chose that for rows which are too long.

Cut are, in this order: the oldest turns of the conversation, whole, until a user's turn begins
it; then the middle of the longest message that is left. The system message and the last message
stay, and the answer is never touched. A row that does not fit even so is not made to fit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evals.records import Message
from tuning.data.dataset import Example

CUT = " [...] "
"""What stands where the middle of a message was."""
KEPT = 80
"""Characters that stay at the beginning and at the end of a message that is cut."""

Count = Callable[[Example], int]
"""Tokens of a whole example, prompt and answer."""


def truncate(example: Example, limit: int, count: Count) -> Example | None:
    """The example with a prompt so short that all of it has at most `limit` tokens.

    None where that takes more than may be cut. Nothing is cut of one that fits.
    """
    shorter = example
    while count(shorter) > limit:
        turns = _without_oldest(shorter.messages)
        if turns is None:
            return _with_cut(shorter, limit, count)
        shorter = replace(shorter, messages=turns)
    return shorter


def _without_oldest(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The conversation without its oldest turns up to the next one of a user; None if it is one."""
    start = next((i for i, message in enumerate(messages) if message.role != "system"), 0)
    later = [i for i in range(start + 1, len(messages)) if messages[i].role == "user"]
    return (*messages[:start], *messages[later[0] :]) if later else None


def _with_cut(example: Example, limit: int, count: Count) -> Example | None:
    """The most of the longest message that fits, its beginning and end; found by halving."""
    longest = max(range(len(example.messages)), key=lambda i: len(example.messages[i].content))
    content = example.messages[longest].content
    if len(content) <= 2 * KEPT + len(CUT):
        return None

    def cut_to(kept: int) -> Example:
        text = content[: kept - kept // 2] + CUT + content[len(content) - kept // 2 :]
        message = replace(example.messages[longest], content=text)
        before, after = example.messages[:longest], example.messages[longest + 1 :]
        return replace(example, messages=(*before, message, *after))

    low, high = 2 * KEPT, len(content) - len(CUT) - 1
    if count(cut_to(low)) > limit:
        return None
    while low < high:  # `low` fits; tokens do not fall when more characters are kept, nearly
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(cut_to(middle)) <= limit else (low, middle - 1)
    return cut_to(low)
