"""Text and JSONL read strictly, with the line of everything.

Files are untrusted: sizes and nesting are bounded, duplicate keys, non-finite numbers
and anything but UTF-8 are refused.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

from evals.errors import SuiteError, TunegateError
from evals.records import Json

MAX_JSONL_BYTES = 256 << 20
MAX_LINE_BYTES = 4 << 20
MAX_JSON_BYTES = 4 << 20
MAX_JSON_DEPTH = 64

BOM = b"\xef\xbb\xbf"
_GAP = re.compile(r"[ \t\r\n]*")

Position = tuple[str | int, ...]


class JsonLine(NamedTuple):
    """One object of a JSONL file and the 1-based line it stands on."""

    number: int
    value: dict[str, Json]


class JsonPlace(NamedTuple):
    """Where a value stands, and what is raised about it."""

    path: Path
    line: int
    error: type[TunegateError]


def read_text(path: Path, *, max_bytes: int, error: type[TunegateError] = SuiteError) -> str:
    """UTF-8 text of a regular file, without its byte order mark.

    Raises `error` where it is missing, not a regular file, too large, or not UTF-8.
    """
    data = _read_bytes(path, max_bytes, error)
    try:
        return data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError as cause:
        line = data.removeprefix(BOM).count(b"\n", 0, cause.start) + 1
        raise _not_utf8(path, line, cause, error) from None


def read_jsonl(
    path: Path,
    *,
    max_bytes: int = MAX_JSONL_BYTES,
    error: type[TunegateError] = SuiteError,
) -> Iterator[JsonLine]:
    """The objects of a JSONL file, lazily, with their lines; blank lines are skipped.

    A byte order mark is tolerated. Raises `error` with the line for malformed JSON, a
    value that is not an object, duplicate keys, NaN or infinite numbers, invalid UTF-8,
    and a line above `MAX_LINE_BYTES`.
    """
    _check_regular(path, max_bytes, error)
    with path.open("rb") as handle:
        number = 0
        while raw := handle.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(raw) > MAX_LINE_BYTES:
                raise error(f"line is longer than {MAX_LINE_BYTES} bytes", path=path, line=number)
            if number == 1:
                raw = raw.removeprefix(BOM)
            if raw.strip():
                yield JsonLine(number, _parse_line(raw, path, number, error))


def read_json_list(
    path: Path,
    *,
    max_bytes: int = MAX_JSONL_BYTES,
    error: type[TunegateError] = SuiteError,
) -> Iterator[JsonLine]:
    """The objects of a file that is one JSON list, lazily, with the line that each begins on.

    Read as strictly as `read_jsonl`, within the same limits. Raises `error` with the line.
    """
    text = read_text(path, max_bytes=max_bytes, error=error)
    decoder = json.JSONDecoder(
        parse_constant=_refuse_constant, parse_float=finite_float, object_pairs_hook=_unique_pairs
    )
    at = _after_gap(text, 0)
    if text[at : at + 1] != "[":
        raise error("expected a JSON list: [{...}, ...]", path=path, line=1)
    at, line, counted = _after_gap(text, at + 1), 1, 0
    more = text[at : at + 1] != "]"
    while more:
        line, counted = line + text.count("\n", counted, at), at
        value, at = _parse_item(decoder, text, at, JsonPlace(path, line, error))
        yield JsonLine(line, value)
        at = _after_gap(text, at)
        more = text[at : at + 1] == ","
        at = _after_gap(text, at + 1) if more else at
    if text[at : at + 1] != "]" or _after_gap(text, at + 1) != len(text):
        line = 1 + text.count("\n", 0, at)
        raise error("not valid JSON: expected , between objects and ] last", path=path, line=line)


def _after_gap(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at


def _parse_item(
    decoder: json.JSONDecoder, text: str, at: int, place: JsonPlace
) -> tuple[dict[str, Json], int]:
    """The object that begins at `at`, and where it ends."""
    path, line, error = place
    try:
        value, end = decoder.raw_decode(text, at)
        _check_depth(value)
    except RecursionError:
        said = f"not valid JSON: nested deeper than {MAX_JSON_DEPTH} levels"
        raise error(said, path=path, line=line) from None
    except json.JSONDecodeError as cause:
        said = f"not valid JSON: {cause.msg} at column {cause.colno}"
        raise error(said, path=path, line=cause.lineno) from None
    except ValueError as cause:
        raise error(f"not valid JSON: {cause}", path=path, line=line) from None
    if not isinstance(value, dict):
        raise error(f"expected a JSON object, found {describe(value)}", path=path, line=line)
    if end - at > MAX_LINE_BYTES:
        raise error(f"object is longer than {MAX_LINE_BYTES} characters", path=path, line=line)
    return value, end


def read_json(path: Path, *, error: type[TunegateError] = SuiteError) -> Json:
    """The one JSON document in a file, read as strictly as a line of `read_jsonl`."""
    text = read_text(path, max_bytes=MAX_JSON_BYTES, error=error)
    try:
        return parse_json(text)
    except json.JSONDecodeError as cause:
        raise error(f"not valid JSON: {cause.msg}", path=path, line=cause.lineno) from None
    except ValueError as cause:
        raise error(f"not valid JSON: {cause}", path=path) from None


def _parse_line(raw: bytes, path: Path, number: int, error: type[TunegateError]) -> dict[str, Json]:
    try:
        value = parse_json(raw.decode("utf-8"))
    except UnicodeDecodeError as cause:
        raise _not_utf8(path, number, cause, error) from None
    except json.JSONDecodeError as cause:
        raise error(
            f"not valid JSON: {cause.msg} at column {cause.colno}",
            path=path,
            line=number,
            hint="every line holds one JSON object",
        ) from None
    except ValueError as cause:
        raise error(f"not valid JSON: {cause}", path=path, line=number) from None
    if not isinstance(value, dict):
        raise error(
            f"expected a JSON object, found {describe(value)}",
            path=path,
            line=number,
            hint="every line holds one JSON object",
        )
    return value


def parse_json(text: str) -> Json:
    """Strict JSON: ValueError for duplicate keys, NaN, infinities and deep nesting."""
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=finite_float,
            object_pairs_hook=_unique_pairs,
        )
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_JSON_DEPTH} levels") from None
    _check_depth(value)
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def finite_float(text: str) -> float:
    """The number a text says; ValueError for one too large and for NaN."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"number {text[:30]} is too large")
    return value


def _unique_pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {key!r} appears twice")
            seen.add(key)
    return result


def _check_depth(value: Json) -> None:
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [
            item
            for outer in level
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_JSON_DEPTH} levels")


def describe(value: Json) -> str:
    """A value for an error message: its kind and, short, what it is."""
    if value is None:
        return "nothing (null)"
    kind = {bool: "boolean", int: "number", float: "number", str: "text"}.get(type(value))
    if value in ([], ()):
        return "an empty list"
    if kind is None:
        return "a list" if isinstance(value, list | tuple) else "an object"
    shown = repr(value) if isinstance(value, str) else json.dumps(value)
    return f"{kind} {shown if len(shown) <= 60 else shown[:57] + '...'}"


def _read_bytes(path: Path, max_bytes: int, error: type[TunegateError]) -> bytes:
    _check_regular(path, max_bytes, error)
    with path.open("rb") as handle:
        return handle.read(max_bytes)


def _check_regular(path: Path, max_bytes: int, error: type[TunegateError]) -> None:
    if path.is_dir():
        raise error("is a folder, expected a file", path=path)
    if not path.exists():
        raise error("no such file", path=path)
    if not path.is_file():
        raise error("not a regular file", path=path)
    size = path.stat().st_size
    if size > max_bytes:
        raise error(f"file has {size} bytes, the limit is {max_bytes}", path=path)


def _not_utf8(
    path: Path, line: int, cause: UnicodeDecodeError, error: type[TunegateError]
) -> TunegateError:
    byte = cause.object[cause.start]
    return error(
        f"not valid UTF-8: byte 0x{byte:02x}", path=path, line=line, hint="save it as UTF-8"
    )


def dotted(at: Position) -> str:
    """A position as people write it: `rounds[1].prompts`."""
    text = ""
    for part in at:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
