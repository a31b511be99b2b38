"""What a format of training data is made of: how a row is read, and what it can hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from evals.imports.reading import Place
from evals.records import Json
from tuning.data.formats.conversations import Conversation, Gathered

Fields = Mapping[str, Json]


@dataclass(frozen=True)
class Shape:
    """How a row is told from others by its keys, and read.

    A row has all keys of `needs` and none of `unless`; `optional` are read where they are there.
    `read` raises the error of the place for a row that cannot be read.
    """

    name: str
    needs: tuple[str, ...]
    read: Callable[[Fields, Place], Conversation]
    optional: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    @property
    def reads(self) -> frozenset[str]:
        """All keys that mean something here."""
        return frozenset((*self.needs, *self.optional))

    def fits(self, keys: Iterable[str]) -> bool:
        """Whether rows with these keys are of this shape."""
        found = set(keys)
        return found.issuperset(self.needs) and found.isdisjoint(self.unless)


@dataclass(frozen=True)
class Writer:
    """How conversations become rows. `whole_conversations` where one row holds several answers.

    `obstacle` says why a conversation cannot be held ("several turns"), or None.
    """

    whole_conversations: bool
    obstacle: Callable[[Gathered], str | None]
    rows: Callable[[Iterable[Gathered]], Iterator[Fields]]


def prompt_of(unit: Gathered) -> tuple[str, str] | None:
    """System and user text of a conversation of one question; None where it is anything else.

    An empty system message is not the same as none, and such rows cannot tell them apart.
    """
    *before, answer = unit.turns
    messages = [turn.message for turn in before]
    system = ""
    if messages and messages[0].role == "system" and messages[0].content:
        system, messages = messages[0].content, messages[1:]
    if len(messages) != 1 or messages[0].role != "user" or not answer.trained:
        return None
    return system, messages[0].content


def one_question(unit: Gathered) -> str | None:
    """The obstacle of formats that hold one question, its answer and perhaps a system text."""
    return None if prompt_of(unit) else "a prompt that is not one question of the user"
