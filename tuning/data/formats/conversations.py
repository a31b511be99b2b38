"""Between a row that holds a conversation and the examples that are trained on.

An example is one turn of the assistant with all before it as prompt. A conversation gives one
for each of its turns that is trained, and all of them together make the conversation again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from evals.records import Message
from tuning.data.dataset import Example


class Turn(NamedTuple):
    """One message; `trained` where it is the assistant's and to be learned."""

    message: Message
    trained: bool = False


class Origin(NamedTuple):
    """What tunegate itself noted of a trained turn: its example's id, who made it, if it ends."""

    id: str
    source: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row, whatever its format. `origins` has one entry for each trained turn, or none.

    `id` and `group` are None where the file does not say.
    """

    turns: tuple[Turn, ...]
    id: str | None = None
    group: str | None = None
    origins: tuple[Origin, ...] = ()


class RowName(NamedTuple):
    """What a row is called where it says nothing itself, where it stands, and its file."""

    id: str
    where: str
    source: str


def examples_of(conversation: Conversation, name: RowName) -> Iterator[Example]:
    """An example for each trained turn. `#2` in an id is the assistant's second turn, and so on.

    The prompts of a conversation share their messages; only the tuples that hold them grow.
    """
    messages = tuple(turn.message for turn in conversation.turns)
    row = conversation.id or name.id
    group = conversation.group or row
    spoken = trained = 0
    for n, turn in enumerate(conversation.turns):
        spoken += turn.message.role == "assistant"
        if not turn.trained:
            continue
        origin = Origin(row if spoken == 1 else f"{row}#{spoken}", name.source)
        stated = conversation.id or ""
        if conversation.origins:
            origin = conversation.origins[trained]
            stated = origin.id
        trained += 1
        yield Example(
            origin.id,
            messages[:n],
            turn.message.content,
            group,
            name.where,
            origin.whole,
            origin.source,
            stated,
        )


class Gathered:
    """A conversation made of examples again, and those examples in their order."""

    def __init__(self, first: Example) -> None:
        self.examples: list[Example] = []
        self._trained: set[int] = set()
        self.add(first)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Its messages; the answers of its examples are the trained ones."""
        return tuple(Turn(m, n in self._trained) for n, m in enumerate(self._messages))

    def goes_on_with(self, example: Example) -> bool:
        """Whether an example of the same group has all of this as the beginning of its prompt."""
        same = example.group == self.examples[-1].group
        return same and example.messages[: len(self._messages)] == self._messages

    def add(self, example: Example) -> None:
        """Take in an example with which this goes on."""
        self._messages = (*example.messages, Message("assistant", example.answer))
        self._trained.add(len(example.messages))
        self.examples.append(example)


def gather(examples: Iterable[Example]) -> Iterator[Gathered]:
    """Examples as conversations, in order: one that goes on where the one before it stops joins it.

    Reading what is written from them gives the same examples in the same order.
    """
    current: Gathered | None = None
    for example in examples:
        if current is not None and current.goes_on_with(example):
            current.add(example)
            continue
        if current is not None:
            yield current
        current = Gathered(example)
    if current is not None:
        yield current


def name_of(example: Example) -> str:
    """`id (file:line)`, as findings and errors call an example."""
    return f"{example.case_id} ({example.where})" if example.where else example.case_id
