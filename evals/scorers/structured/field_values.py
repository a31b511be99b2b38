"""When two values of a JSON field are equal: exactly, in normal form, or as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from evals.records import Json
from evals.scorers.normal import normalise
from evals.scorers.numbers import Number, near, number_of, numbers_in

MAX_NUMBER = 1_000  # characters of a text that may be a number

_WORDS = ("exact", "normalized", "numeric")


@dataclass(frozen=True)
class Alike:
    """When two values are equal: their forms, each made once of its value, are `same`."""

    form: Callable[[Json], Any]
    same: Callable[[Any, Any], bool]

    def __call__(self, wanted: Json, got: Json) -> bool:
        """Whether the value of the answer is as good as the one that is wanted."""
        return self.same(self.form(wanted), self.form(got))


def _exactly(wanted: Json, got: Json) -> bool:
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    return bool(wanted == got)


exactly = Alike(lambda value: value, _exactly)
"""The same JSON value: 1 is 1.0, and is neither true nor "1"."""

normally = Alike(lambda value: normalise(value) if isinstance(value, str) else value, _exactly)
"""Texts equal in normal form; other values exactly."""


def comparison(described: Json) -> Alike:
    """The comparison that a suite describes: a word, or {as: word, abs: ..., rel: ...}.

    Raises ValueError for anything else.
    """
    options = dict(described) if isinstance(described, Mapping) else {"as": described}
    word = options.pop("as", None)
    if word not in _WORDS:
        raise ValueError(f"expected {' or '.join(_WORDS)}, not {described!r:.80}")
    if word != "numeric":
        if options:
            raise ValueError(f"{word} takes no options, not {described!r:.80}")
        return normally if word == "normalized" else exactly
    absolute, relative = (_tolerance(options.pop(name, 0)) for name in ("abs", "rel"))
    if options:
        raise ValueError(f"numeric takes abs and rel, not {described!r:.80}")
    return Alike(_numbered, partial(_as_numbers, absolute=absolute, relative=relative))


def _numbered(value: Json) -> tuple[Number | None, Json]:
    return _number(value), value


def _as_numbers(
    wanted: tuple[Number | None, Json],
    got: tuple[Number | None, Json],
    absolute: float,
    relative: float,
) -> bool:
    """Numbers, or texts of one number each, within a tolerance; other values exactly."""
    first, second = wanted[0], got[0]
    if first is None or second is None:
        return _exactly(wanted[1], got[1])
    return near(first, second, absolute, relative)


def _number(value: Json) -> Number | None:
    if isinstance(value, str):
        found = numbers_in(value) if len(value) <= MAX_NUMBER else []
        return found[0] if len(found) == 1 and math.isfinite(found[0].value) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return number_of(value) if is_number else None


def _tolerance(value: Json) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise ValueError(f"a tolerance is a finite number of at least 0, not {value!r:.80}")
    return float(value)
