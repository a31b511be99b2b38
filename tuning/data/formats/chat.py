"""Chat JSONL as OpenAI's fine-tuning takes it, and as TRL reads `messages`.

`{"messages": [{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]}`;
an assistant's message with `"weight": 0` is read and not learned. tunegate's own key says which
example each learned message was; OpenAI's service refuses keys that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from evals.errors import RecordError
from evals.imports.reading import Place
from evals.records import Json
from tuning.data.formats.conversations import Conversation, Gathered, Origin, Turn
from tuning.data.formats.messages import CHAT, read_messages, write_messages
from tuning.data.formats.shape import Fields, Shape, Writer

KEY = "tunegate"
DRAWN_FROM = "drawn"
"""Where an answer was drawn from, for people: `tuning.data.sampled` writes it."""
MAX_NAME = 1000
"""Characters of an id, a group or a source: longer than a file's name can be."""


def _read(values: Fields, place: Place) -> Conversation:
    turns = read_messages(values["messages"], "messages", place, CHAT)
    if values.get(KEY) is None:
        return Conversation(turns)
    noted = place.mapping(values[KEY], KEY)
    _only(noted, ("group", "turns", DRAWN_FROM), KEY, place)
    origins = tuple(
        _origin(item, place) for item in place.items(noted.get("turns"), f"{KEY}.turns")
    )
    trained = sum(turn.trained for turn in turns)
    if len(origins) != trained:
        said = f"names {len(origins)} examples, and {trained} messages are trained"
        place.fail(said, f"{KEY}.turns", "take the key out, or give an entry for each")
    group = place.name(noted.get("group"), f"{KEY}.group", MAX_NAME)
    return Conversation(turns, group=group, origins=origins)


def _origin(item: Json, place: Place) -> Origin:
    key = f"{KEY}.turns"
    noted = place.mapping(item, key)
    _only(noted, ("id", "source", "whole"), key, place)
    whole = noted.get("whole", True)
    if not isinstance(whole, bool):
        place.fail("expected true or false", f"{key}.whole")
    identity = place.name(noted.get("id"), f"{key}.id", MAX_NAME)
    return Origin(identity, place.name(noted.get("source"), f"{key}.source", MAX_NAME), whole)


def _only(noted: Fields, known: tuple[str, ...], key: str, place: Place) -> None:
    for other in noted:
        if other not in known:
            place.fail(f"unknown key {other[:40]!r}", key, f"known are {', '.join(known)}")


def _obstacle(unit: Gathered) -> str | None:
    if not all(example.whole for example in unit.examples):
        return "an answer that is only the beginning of one (needs provenance)"
    return None


def _unnameable(unit: Gathered) -> str | None:
    place = Place(Path(KEY))
    try:
        for example in unit.examples:
            for name in (example.case_id, example.group, example.source):
                place.name(name, KEY, MAX_NAME)
    except RecordError:
        return "an id, group or source that is empty, too long or has control characters"
    return None


def _rows(units: Iterable[Gathered]) -> Iterator[Fields]:
    for unit in units:
        yield {"messages": _messages(unit.turns)}


def _rows_with_provenance(units: Iterable[Gathered]) -> Iterator[Fields]:
    for unit in units:
        noted: dict[str, Json] = {
            "group": unit.examples[0].group,
            "turns": [
                {"id": e.case_id, "source": e.source} | ({} if e.whole else {"whole": False})
                for e in unit.examples
            ],
        }
        yield {"messages": _messages(unit.turns), KEY: noted}


def _messages(turns: tuple[Turn, ...]) -> list[dict[str, Json]]:
    written = write_messages(turns, CHAT)
    for message, turn in zip(written, turns, strict=True):
        if turn.message.role == "assistant" and not turn.trained:
            message["weight"] = 0
    return written


SHAPE = Shape("chat", ("messages",), _read, optional=(KEY,))
WRITER = Writer(True, _obstacle, _rows)
WRITER_WITH_PROVENANCE = Writer(True, _unnameable, _rows_with_provenance)
