"""Lists of messages as several formats hold them, and text, read strictly.

What a message says beyond its role and text (tool calls, images, names) is refused and not
dropped: an example without it would teach something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from evals.imports.reading import Place
from evals.records import Json, Message
from evals.suite.source import Position, describe, dotted
from tuning.data.formats.conversations import Turn

MAX_MESSAGES = 1000
"""Of one conversation. Each turn's prompt holds all before it, so their number grows squared."""

Role = Literal["system", "user", "assistant"]


class Names(NamedTuple):
    """What the parts of a message are called in a format."""

    role: str
    content: str
    roles: Mapping[str, Role]


CHAT = Names(
    "role",
    "content",
    {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"},
)
SHAREGPT = Names(
    "from",
    "value",
    {
        "system": "system",
        "human": "user",
        "user": "user",
        "gpt": "assistant",
        "assistant": "assistant",
    },
)


def read_messages(value: Json, key: str, place: Place, names: Names) -> tuple[Turn, ...]:
    """A list of messages; the assistant's are trained unless their `weight` is 0."""
    items = _rows_of_columns(value)
    if not isinstance(items, list):
        place.fail(f"expected a list of messages, found {describe(items)}", key)
    if not items:
        place.fail("holds no message", key, "give at least one of the user and one to learn")
    if len(items) > MAX_MESSAGES:
        place.fail(f"holds {len(items)} messages, the limit is {MAX_MESSAGES}", key)
    return tuple(_turn(item, (key, n), place, names) for n, item in enumerate(items))


def read_text(value: Json, key: str | Position, place: Place) -> str:
    """Text, whole characters only; empty text is handed on, for the lint to report."""
    if not isinstance(value, str):
        hint = 'write "" where it is meant to be empty' if value is None else None
        place.fail(f"expected text, found {describe(value)}", _key(key), hint)
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as cause:
            half = ord(value[cause.start])
            said = f"lone surrogate \\u{half:04x}: half a character, no model can read it"
            place.fail(said, _key(key))
    return value


def optional_text(value: Json, key: str, place: Place) -> str:
    """Text that may be missing or null: then empty."""
    return "" if value is None else read_text(value, key, place)


def says_something(value: Json) -> bool:
    """Whether a key that is not read holds anything: null, "", [] and {} do not."""
    return value not in (None, "", [], {})


def refuse_keys(values: Mapping[str, Json], refused: Mapping[str, str], place: Place) -> None:
    """Refuse a row that says what an example cannot hold; `refused` has the reason by key."""
    for key, reason in refused.items():
        if key in values and says_something(values[key]):
            place.fail(reason, key, "take the row out, or say it in the messages' text")


def write_messages(turns: Sequence[Turn], names: Names) -> list[dict[str, Json]]:
    """Messages as a format has them; the first name of a role is the one that is written."""
    written = {role: name for name, role in reversed([*names.roles.items()])}
    return [
        {names.role: written[turn.message.role], names.content: turn.message.content}
        for turn in turns
    ]


def _turn(item: Json, at: Position, place: Place, names: Names) -> Turn:
    if not isinstance(item, dict):
        place.fail(f"expected a message, found {describe(item)}", dotted(at))
    for needed in (names.role, names.content):
        if needed not in item:
            said = f"key {needed!r} is missing"
            place.fail(said, dotted(at), f"a message has {names.role!r} and {names.content!r}")
    if len(item) > 2:
        _refuse_more(item, at, place, names)
    role = _role(item[names.role], (*at, names.role), place, names)
    content = _content(item[names.content], (*at, names.content), place)
    weight = _weight(item, role, at, place) if "weight" in item else 1
    return Turn(Message(role, content), role == "assistant" and weight == 1)


def _refuse_more(item: Mapping[str, Json], at: Position, place: Place, names: Names) -> None:
    for key, value in item.items():
        if key not in (names.role, names.content, "weight") and says_something(value):
            place.fail(
                f"key {key[:40]!r} is not trained on here: a message is its role and its text",
                dotted(at),
                "take the row out, or say it in the message's text",
            )


def _role(value: Json, at: Position, place: Place, names: Names) -> Role:
    role = names.roles.get(value) if isinstance(value, str) else None
    if role is None:
        tools = ("tool", "function", "function_call", "observation", "tool_call", "tool_response")
        place.fail(
            f"expected one of {', '.join(names.roles)}, found {describe(value)}",
            dotted(at),
            "tool calls are not trained on here: take the row out" if value in tools else None,
        )
    return role


def _content(value: Json, at: Position, place: Place) -> str:
    """Text; also the one text part by which some libraries hold it."""
    if isinstance(value, list):
        part = value[0] if len(value) == 1 else None
        if not isinstance(part, dict) or part.get("type") != "text":
            said = "expected text, found a list of parts: images and sound are not trained on here"
            place.fail(said, dotted(at), "a list of one text part is read as its text")
        value = part.get("text")
    return read_text(value, at, place)


def _weight(item: Mapping[str, Json], role: Role, at: Position, place: Place) -> int:
    value = item["weight"]
    if value is None:
        return 1
    if isinstance(value, bool) or value not in (0, 1):
        place.fail(f"expected 0 or 1, found {describe(value)}", dotted((*at, "weight")))
    if value == 1 and role != "assistant":
        said = f"a message of the {role} is never trained on: only the assistant's have a weight"
        place.fail(said, dotted((*at, "weight")))
    return int(value == 1)


def _rows_of_columns(value: Json) -> Json:
    """Messages that Arrow holds as columns, {"role": [...], "content": [...]}, as rows."""
    if not isinstance(value, dict) or not value:
        return value
    columns = list(value.values())
    if not all(isinstance(c, list) and len(c) == len(columns[0]) for c in columns):
        return value
    return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _key(at: str | Position) -> str:
    return at if isinstance(at, str) else dotted(at)
