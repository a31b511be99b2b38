"""The tool calls of an output: those an endpoint gave as such, else those in its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from evals.records import Json, Output
from evals.scorers.structured.fence import unfenced
from evals.scorers.structured.json_schema import MAX_CHARACTERS, parse

MAX_CALLS = 100
_OPEN, _CLOSE = "<tool_call>", "</tool_call>"


@dataclass(frozen=True)
class Call:
    """One call. `arguments` is None where they are not a JSON object; `fault` then says why."""

    name: str
    arguments: Mapping[str, Json] | None = field(default_factory=dict)
    fault: str = ""


class CallsError(ValueError):
    """Text that is meant as calls and cannot be read as such."""


def calls_of(output: Output) -> list[Call]:
    """The calls of an output, in order; none where it is prose.

    In a text these are one JSON document (perhaps in a code fence), or what stands in
    <tool_call> tags. Raises CallsError for what begins as JSON, or as such a tag, and is not,
    and for an object with a key that stands twice.
    """
    if output.tool_calls:
        found = [_call(one.name, one.arguments) for one in output.tool_calls[: MAX_CALLS + 1]]
    else:
        found = _calls_in(output.text or "")
    if len(found) > MAX_CALLS:
        raise CallsError(f"there are more than {MAX_CALLS} calls")
    return found


def _calls_in(text: str) -> list[Call]:
    if len(text) > MAX_CHARACTERS:
        raise CallsError(f"the answer has more than {MAX_CHARACTERS} characters")
    found: list[Call] = []
    if _OPEN in text:
        for inside in _tagged(text):
            found += _calls_from(_json(inside))
            if len(found) > MAX_CALLS:
                break
        return found
    bare = unfenced(text, "json", "tool_call", "tool_code").strip()
    return _calls_from(_json(bare)) if bare[:1] in {"{", "["} else []


def _tagged(text: str) -> Iterator[str]:
    """What stands in each pair of tags; a last tag may be left open, where an answer was cut."""
    start = text.find(_OPEN)
    while start >= 0:
        start += len(_OPEN)
        end = text.find(_CLOSE, start)
        yield unfenced(text[start : end if end >= 0 else len(text)], "json")
        start = text.find(_OPEN, end) if end >= 0 else -1


def _json(text: str) -> Json:
    try:
        return parse(text, code_fence=False, unique_keys=True)
    except ValueError as error:
        raise CallsError(str(error)) from error


def _calls_from(document: Json) -> list[Call]:
    """The calls in a document: an object with a name, a list of such, or {"tool_calls": [...]}."""
    if isinstance(document, dict) and isinstance(document.get("tool_calls"), list):
        document = document["tool_calls"]
    items = document if isinstance(document, list) else [document]
    return [call for item in items[: MAX_CALLS + 1] if (call := _from_object(item)) is not None]


def _from_object(item: Json) -> Call | None:
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("function"), dict):  # {"type": "function", "function": {...}}
        item = item["function"]
    name = item.get("name", item.get("function"))
    if not isinstance(name, str) or not name:
        return None
    return _call(name, item.get("arguments", item.get("parameters", {})))


def _arguments(text: str) -> Json:
    """What stands in a text. A key that stands twice is refused: which value counts is unknown."""
    return parse(text, code_fence=False, unique_keys=True) if text.strip() else {}


def _call(name: str, arguments: Json) -> Call:
    if isinstance(arguments, str):
        try:
            arguments = _arguments(arguments)
        except ValueError as error:
            return Call(name, None, str(error))
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, Mapping):
        return Call(name, None, "its arguments are not an object")
    return Call(name, arguments)
