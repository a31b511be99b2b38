"""When two values of arguments are the same, for values that each meet many others."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from evals.records import Json
from evals.scorers.normal import normalise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Rule:
    """What makes two calls, and two values, the same."""

    arguments: Literal["exact", "subset", "names_only"] = "exact"
    ignore: frozenset[str] = frozenset()
    normalised: bool = False
    absolute: float = 0.0
    relative: float = 0.0


class _Form(NamedTuple):
    """What is compared of a value: the number of its skeleton, and the numbers within it.

    Values with the same skeleton are the same up to those numbers, which have a tolerance.
    """

    skeleton: int
    numbers: NDArray[np.float64] | None


class Values:
    """Compares JSON values by a rule: true is not 1, and 1 is 1.0.

    Each value is walked through once, however many it is compared with (with "subset": once
    for each of the structures that are expected of it). Keeps all it has seen.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._is_tolerant = rule.absolute > 0 or rule.relative > 0
        self._numbers: dict[Hashable, int] = {}
        # By the identity of a value, which is kept beside its form and so remains its own.
        self._forms: dict[tuple[int, int], tuple[Json, _Form]] = {}
        self._shapes: dict[int, tuple[Json, int]] = {}

    def same(self, expected: Json, got: Json) -> bool:
        """Whether the value of the answer is as good as the expected one."""
        wanted, found = self._form(expected), self._form(got)
        if wanted.skeleton != found.skeleton and self._rule.arguments == "subset":
            found = self._form(got, like=expected)
        if wanted.skeleton != found.skeleton:
            return False
        if wanted.numbers is None or found.numbers is None:
            return True
        return self._near(wanted.numbers, found.numbers)

    def _near(self, wanted: NDArray[np.float64], found: NDArray[np.float64]) -> bool:
        import numpy as np

        with np.errstate(over="ignore", under="ignore"):
            most = np.maximum(self._rule.absolute, self._rule.relative * np.abs(wanted))
            return bool(np.all(np.abs(wanted - found) <= most))

    def _form(self, value: Json, like: Json = None) -> _Form:
        """The form of a value, or of what it has in common with the structure of another."""
        shape = self._shape(like) if isinstance(like, Mapping | list | tuple) else -1
        key = (id(value), shape)
        if key not in self._forms:
            self._forms[key] = value, self._formed(value if shape < 0 else _common(value, like))
        return self._forms[key][1]

    def _formed(self, value: Json) -> _Form:
        numbers: list[float] = []
        skeleton = self._number(self._skeleton(value, numbers))
        if not numbers:
            return _Form(skeleton, None)
        import numpy as np

        return _Form(skeleton, np.array(numbers))

    def _shape(self, value: Json) -> int:
        if id(value) not in self._shapes:
            self._shapes[id(value)] = value, self._number(("shape", _shape_of(value)))
        return self._shapes[id(value)][1]

    def _number(self, key: Hashable) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _skeleton(self, value: Json, numbers: list[float]) -> Hashable:
        """What two values that are the same have in common; numbers with a tolerance are added."""
        if isinstance(value, Mapping):
            return "{", *((key, self._skeleton(value[key], numbers)) for key in sorted(value))
        if isinstance(value, list | tuple):
            return "[", *(self._skeleton(item, numbers) for item in value)
        if isinstance(value, str):
            return normalise(value) if self._rule.normalised else value
        if isinstance(value, bool):
            return "bool", value
        if self._is_tolerant and isinstance(value, int | float) and _is_finite(value):
            numbers.append(float(value))
            return ("number",)
        rest: Hashable = value  # 1 and 1.0 are equal, and so are their hashes
        return rest


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _shape_of(value: Json) -> Hashable:
    """The keys and lengths within a value."""
    if isinstance(value, Mapping):
        return "{", *((key, _shape_of(value[key])) for key in sorted(value))
    if isinstance(value, list | tuple):
        return "[", *map(_shape_of, value)
    return None


def _common(value: Any, like: Json) -> Json:
    """The value without the keys that `like` does not have at the same place."""
    if isinstance(value, Mapping) and isinstance(like, Mapping):
        return {key: _common(value[key], like[key]) for key in like if key in value}
    lists = isinstance(value, list | tuple) and isinstance(like, list | tuple)
    if lists and len(value) == len(like):
        return [_common(*pair) for pair in zip(value, like, strict=True)]
    return value
