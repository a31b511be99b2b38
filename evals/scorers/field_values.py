"""When two values of a JSON field are equal: exactly, in normal form, or as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from evals.records import Json
from evals.scorers.normal import normalise
from evals.scorers.numbers import numbers_in

Alike = Callable[[Json, Json], bool]

MAX_NUMBER = 1_000  # characters of a text that may be a number

_WORDS = ("exact", "normalized", "numeric")


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
    return lambda wanted, got: _as_numbers(wanted, got, absolute, relative)


def exactly(wanted: Json, got: Json) -> bool:
    """The same JSON value: 1 is 1.0, and is neither true nor "1"."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    return bool(wanted == got)


def normally(wanted: Json, got: Json) -> bool:
    """Texts equal in normal form; other values exactly."""
    if isinstance(wanted, str) and isinstance(got, str):
        return normalise(wanted) == normalise(got)
    return exactly(wanted, got)


def _as_numbers(wanted: Json, got: Json, absolute: float, relative: float) -> bool:
    """Numbers, or texts of one number each, within a tolerance; other values exactly."""
    first, second = _number(wanted), _number(got)
    if first is None or second is None:
        return exactly(wanted, got)
    return first == second or abs(first - second) <= max(absolute, relative * abs(first))


def _number(value: Json) -> float | None:
    if isinstance(value, str):
        found = numbers_in(value) if len(value) <= MAX_NUMBER else []
        value = found[0] if len(found) == 1 else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _tolerance(value: Json) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:
        raise ValueError(f"a tolerance is a finite number of at least 0, not {value!r:.80}")
    return float(value)
