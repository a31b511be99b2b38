"""Typed reading of one mapping of a file: every complaint names file, line and key."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from evals.errors import SuiteError
from evals.records import Json
from evals.suite.source import Position, describe, dotted

Choice = TypeVar("Choice", bound=str)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the closest known word, else the known words."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(words[:20]) + (", ..." if len(words) > 20 else "")
    return f"known: {shown}" if words else "none are known here"


@dataclass(frozen=True)
class Section:
    """A mapping with the place it was read from.

    `lines` maps positions in the file to lines; where it knows none (JSONL), `line` is
    the line of everything in here.
    """

    path: Path
    values: Mapping[str, Json]
    line: int
    at: Position = ()
    lines: Mapping[Position, int] = field(default_factory=dict)

    def line_of(self, *keys: str | int) -> int:
        """The line of a key or item in here; of the nearest enclosing one where unknown."""
        for length in range(len(keys), 0, -1):
            if (line := self.lines.get((*self.at, *keys[:length]))) is not None:
                return line
        return self.line

    def fail(self, message: str, *keys: str | int, hint: str | None = None) -> NoReturn:
        """Raise SuiteError at a key or item in here."""
        raise SuiteError(
            message,
            path=self.path,
            line=self.line_of(*keys),
            key=dotted((*self.at, *keys)) or None,
            hint=hint,
        )

    def expect(self, wanted: str, *keys: str | int) -> NoReturn:
        """Raise SuiteError: `wanted` was expected at a key, something else stands there."""
        value: Any = self.values
        for key in keys:
            value = value[key]
        self.fail(f"expected {wanted}, found {describe(value)}", *keys)

    def only(self, *known: str) -> None:
        """Refuse keys other than `known`, with the closest of them as a suggestion."""
        for key in self.values:
            if key not in known:
                missing = [k for k in known if k not in self.values]
                self.fail(f"unknown key {key!r}", key, hint=suggestion(key, missing or known))

    def require(self, *keys: str) -> None:
        """Refuse where one of `keys` is missing."""
        for key in keys:
            if key not in self.values:
                self.fail(f"key {key!r} is missing")

    def checked_name(self, name: str, *keys: str | int) -> str:
        """`name`, proved to be fit for file names and tables."""
        if not NAME.fullmatch(name):
            self.fail(
                f"{describe(name)} is not a name",
                *keys,
                hint="letters, digits, '_', '-' and '.', beginning with a letter or digit",
            )
        return name

    def has(self, key: str) -> bool:
        """Whether the key is there with a value other than null."""
        return self.values.get(key) is not None

    def text(self, key: str) -> str:
        """Text with something in it."""
        self.require(key)
        value = self.values[key]
        if not isinstance(value, str) or not value.strip():
            self.expect("text", key)
        return value

    def optional_text(self, key: str) -> str | None:
        """Text, or None where the key is absent or null."""
        return self.text(key) if self.has(key) else None

    def choice(self, key: str, options: tuple[Choice, ...], default: Choice) -> Choice:
        """One of `options`."""
        if not self.has(key):
            return default
        for option in options:
            if self.values[key] == option:
                return option
        return self.expect(f"one of {', '.join(options)}", key)

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.expect("true or false", key)
        return value

    def number(
        self,
        key: str,
        *,
        above: float | None = None,
        at_least: float | None = None,
        below: float | None = None,
        at_most: float | None = None,
    ) -> float:
        """A finite number within the stated bounds."""
        self.require(key)
        value = _finite(self.values[key])
        ok = value is not None and all(
            (
                above is None or value > above,
                at_least is None or value >= at_least,
                below is None or value < below,
                at_most is None or value <= at_most,
            )
        )
        if value is None or not ok:
            bounds = {"above": above, "at least": at_least, "below": below, "at most": at_most}
            said = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
            self.expect(" ".join(["a number", " and ".join(said)]).strip(), key)
        return value

    def integer(self, key: str, *, low: int = 0, high: int = 10**12) -> int:
        """A whole number from `low` to `high`."""
        self.require(key)
        return self._integer(self.values[key], low, high, key)

    def integers(self, key: str, *, low: int, high: int) -> tuple[int, ...]:
        """A list of distinct whole numbers; a single one counts as a list of one."""
        value = self.values.get(key)
        if isinstance(value, int):
            return (self._integer(value, low, high, key),)
        if not isinstance(value, list) or not value:
            self.expect("a list of whole numbers", key)
        result = tuple(self._integer(item, low, high, key, i) for i, item in enumerate(value))
        return self._distinct(result, key)

    def texts(self, key: str, *, at_least: int = 0) -> tuple[str, ...]:
        """A list of distinct non-empty texts; empty where the key is absent."""
        value = self.values.get(key)
        if value is None and at_least == 0:
            return ()
        if not isinstance(value, list) or len(value) < at_least:
            self.expect(f"a list of {f'at least {at_least} ' if at_least else ''}texts", key)
        for i, item in enumerate(value):
            if not isinstance(item, str) or not item:
                self.expect("text", key, i)
        return self._distinct(tuple(value), key)

    def section(self, key: str) -> Section:
        """The mapping under a key; an empty one where the key is absent or null."""
        value = self.values.get(key)
        return self._inner({} if value is None else value, key)

    def sections(self, key: str) -> tuple[Section, ...]:
        """The mappings in the list under a key; empty where the key is absent."""
        value = self.values.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.expect("a list", key)
        return tuple(self._inner(item, key, i) for i, item in enumerate(value))

    def _inner(self, value: Json, *keys: str | int) -> Section:
        if not isinstance(value, Mapping):
            self.expect("a mapping", *keys)
        return Section(self.path, value, self.line_of(*keys), (*self.at, *keys), self.lines)

    def _integer(self, value: Json, low: int, high: int, *keys: str | int) -> int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            self.expect(f"a whole number from {low} to {high}", *keys)
        return int(value)

    def _distinct(self, values: tuple[Any, ...], key: str) -> tuple[Any, ...]:
        for i, item in enumerate(values):
            if item in values[:i]:
                self.fail(f"{describe(item)} appears twice", key, i)
        return values


def _finite(value: Json) -> float | None:
    """A number as a float; None for what is none, or too large to be one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
