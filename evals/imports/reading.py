"""Hostile files into plain values: sizes, nesting, names and numbers are bounded and checked."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from evals.errors import RecordError, TunegateError
from evals.records import Json
from evals.suite.cases import MAX_ID_LENGTH
from evals.suite.source import MAX_JSON_DEPTH, describe, read_text

MAX_FILE_BYTES = 256 << 20
MAX_CASES = 200_000
MAX_ERROR = 2_000
"""Characters that are kept of an error's message: harnesses store whole tracebacks there."""


def read_document(path: Path) -> str:
    """The whole file as text. Raises RecordError for one too large, missing or not UTF-8."""
    return read_text(path, max_bytes=MAX_FILE_BYTES, error=RecordError)


def parse(text: str, path: Path, line: int | None = None) -> Json:
    """JSON as harnesses write it: NaN and infinities are let in here, to be told later.

    Raises RecordError for anything malformed, keys that stand twice, and endless nesting.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise RecordError("nested too deeply", path=path, line=line) from None
    except json.JSONDecodeError as cause:
        line = (line or 1) + cause.lineno - 1
        said = f"not valid JSON: {cause.msg} at column {cause.colno}"
        raise RecordError(said, path=path, line=line) from None
    except ValueError as cause:  # an integer beyond the digit limit, a key that stands twice
        raise RecordError(f"not valid JSON: {cause}", path=path, line=line) from None


def _once(pairs: list[tuple[str, Json]]) -> Mapping[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} appears twice")
    return found


class Place:
    """Where in a file something was read, for errors: file, line, and which entry.

    `error` is what is raised there.
    """

    def __init__(
        self,
        path: Path,
        entry: str = "",
        line: int | None = None,
        error: type[TunegateError] = RecordError,
    ) -> None:
        self.path, self.entry, self.line, self.error = path, entry, line, error

    def fail(self, message: str, key: str | None = None, hint: str | None = None) -> NoReturn:
        """Raise an error here."""
        whole = f"{self.entry}: {message}" if self.entry else message
        raise self.error(whole, path=self.path, line=self.line, key=key, hint=hint)

    def mapping(self, value: Json, key: str) -> Mapping[str, Json]:
        """An object; an empty one where nothing is there."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(f"expected an object, found {describe(value)}", key)
        return value

    def items(self, value: Json, key: str) -> list[Json]:
        """A list; an empty one where nothing is there."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(f"expected a list, found {describe(value)}", key)
        return value

    def name(self, value: Json, key: str, limit: int = MAX_ID_LENGTH) -> str:
        """Text or an integer that can name a case or a cluster: at most `limit` characters."""
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.fail(f"expected text or a whole number, found {describe(value)}", key)
        text = str(value)
        if not text.strip() or len(text) > limit:
            self.fail(f"{describe(text)} is no name: from 1 to {limit} characters", key)
        for character in text:
            if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
                self.fail(f"control character U+{ord(character):04X} in {describe(text)}", key)
        return text

    def plain(self, value: Json, key: str, depth: int = 0) -> Json:
        """A value that can be stored and hashed: NaN and infinities become text."""
        if depth > MAX_JSON_DEPTH:
            self.fail(f"nested deeper than {MAX_JSON_DEPTH} levels", key)
        if isinstance(value, dict):
            return {k: self.plain(v, key, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self.plain(item, key, depth + 1) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        return value

    def input(self, value: Json, key: str = "input") -> Mapping[str, Json]:
        """What was asked, as a case's input: text goes under "text"."""
        found = self.plain(value, key)
        if isinstance(found, dict):
            return found
        return {} if found is None else {"text": found}


def text_of(value: Json) -> str | None:
    """An output as text: structured ones as JSON; None where nothing is there."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def number_of(value: Json) -> float:
    """A score as a number, whatever its size; NaN for what is no number."""
    if isinstance(value, float):
        return value
    if not isinstance(value, int):
        return math.nan
    if abs(value) > 1 << 60:  # a float of it could overflow
        return math.inf if value > 0 else -math.inf
    return float(value)


def amount(value: Json) -> float:
    """Seconds or tokens: a number from 0 to what can be believed, else 0."""
    found = number_of(value)
    return found if 0 <= found < 1e12 else 0.0


def shortened(text: str) -> str:
    """An error's message without the traceback behind it; never empty."""
    return text.strip()[:MAX_ERROR] or "an error without a message"
