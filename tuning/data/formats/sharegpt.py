"""ShareGPT: `{"conversations": [{"from": "human", "value": "..."}, {"from": "gpt", ...}]}`.

A `system` beside the conversation is read as its first message, as LLaMA-Factory does, and a
`weight` of 0 keeps an answer from being learned, as in OpenHermes. Not every trainer heeds such
weights, so none is written: what is not to be learned cannot be held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evals.imports.reading import Place
from evals.records import Message
from tuning.data.formats.conversations import Conversation, Gathered, Turn
from tuning.data.formats.messages import SHAREGPT, optional_text, read_messages, write_messages
from tuning.data.formats.shape import Fields, Shape, Writer


def _read(values: Fields, place: Place) -> Conversation:
    turns = read_messages(values["conversations"], "conversations", place, SHAREGPT)
    if system := optional_text(values.get("system"), "system", place):
        if turns[0].message.role == "system":
            place.fail("a system text beside a conversation that begins with one", "system")
        turns = (Turn(Message("system", system)), *turns)
    return Conversation(turns)


def _obstacle(unit: Gathered) -> str | None:
    if not all(example.whole for example in unit.examples):
        return "an answer that is only the beginning of one"
    if any(t.message.role == "assistant" and not t.trained for t in unit.turns):
        return "an answer in its prompt that is not learned itself"
    return None


def _rows(units: Iterable[Gathered]) -> Iterator[Fields]:
    for unit in units:
        yield {"conversations": write_messages(unit.turns, SHAREGPT)}


SHAPE = Shape("sharegpt", ("conversations",), _read, optional=("system",))
WRITER = Writer(True, _obstacle, _rows)
