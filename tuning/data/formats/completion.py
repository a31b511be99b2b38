"""Prompt and completion, as text or, as TRL has it, as lists of messages.

A prompt of text is one message of the user; the model's chat template is applied to it, as to
everything that is trained on here. Of the lists, the completion alone is learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evals.imports.reading import Place
from evals.records import Json, Message
from tuning.data.formats.conversations import Conversation, Gathered, Turn
from tuning.data.formats.messages import CHAT, read_messages, read_text, write_messages
from tuning.data.formats.shape import Fields, Shape, Writer


def _read(values: Fields, place: Place) -> Conversation:
    if str(values.get("label")).lower() in ("true", "false"):
        said = "completions labelled good or bad: the bad ones must not be learned"
        place.fail(said, "label", "keep the rows that are true, without the key")
    prompt, completion = values["prompt"], values["completion"]
    if isinstance(prompt, str) and isinstance(completion, str):
        question = Turn(Message("user", read_text(prompt, "prompt", place)))
        answer = Message("assistant", read_text(completion, "completion", place))
        return Conversation((question, Turn(answer, True)))
    if isinstance(prompt, str) or isinstance(completion, str):
        place.fail("prompt and completion are both text or both lists of messages", "completion")
    return _of_messages(prompt, completion, place)


def _of_messages(prompt: Json, completion: Json, place: Place) -> Conversation:
    before = read_messages(prompt, "prompt", place, CHAT) if prompt != [] else ()
    learned = read_messages(completion, "completion", place, CHAT)
    if len(learned) != 1 or learned[0].message.role != "assistant":
        place.fail("expected one message of the assistant", "completion")
    return Conversation((*(Turn(turn.message) for turn in before), *learned))


def _obstacle(unit: Gathered) -> str | None:
    return None if unit.examples[0].whole else "an answer that is only the beginning of one"


def _rows(units: Iterable[Gathered]) -> Iterator[Fields]:
    """Text where every prompt is one message of the user, else lists: a file has one kind."""
    held = list(units)
    plain = all([t.message.role for t in unit.turns] == ["user", "assistant"] for unit in held)
    return _texts(held) if plain else rows_of_messages(held)


def _texts(units: Iterable[Gathered]) -> Iterator[Fields]:
    for unit in units:
        question, answer = unit.turns
        yield {"prompt": question.message.content, "completion": answer.message.content}


def rows_of_messages(units: Iterable[Gathered]) -> Iterator[Fields]:
    """Rows with lists of messages, which hold any example that has an end."""
    for unit in units:
        *before, answer = unit.turns
        yield {
            "prompt": write_messages(before, CHAT),
            "completion": write_messages([answer], CHAT),
        }


SHAPE = Shape("completion", ("prompt", "completion"), _read, optional=("label",))
WRITER = Writer(False, _obstacle, _rows)
MESSAGES_WRITER = Writer(False, _obstacle, rows_of_messages)
