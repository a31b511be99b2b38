"""The form that JSON answers share, as a schema that holds for every one of them.

What is derived may allow too much, and never too little: a constraint that forbids a right
answer is worse than none. So a key is demanded, and the type of a value stated, only where many
answers all have it; no set of keys is closed, no value is listed, and a number stays a number
whether or not it was whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from evals.records import Case, Json

LEAST_ANSWERS = 50
"""What fewer answers share may be chance: of what 50 of 50 have, at most 6 of 100 others lack it
(95%), of 300 of 300 at most 1."""
MOST_KEYS = 64
"""An object that shares more is likelier a table than a record; its keys are not demanded."""
MOST_LEVELS = 6
"""Below so many levels anything is allowed."""
_LONGEST_KEY = 100

FieldPath = tuple[str | int, ...]
Counts = Callable[[FieldPath], bool]
"""Whether anything at or below a path of a document is scored; -1 stands for every index."""

_TYPES: Mapping[type, str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "number",
    list: "array",
    str: "string",
    type(None): "null",
}


class Held(NamedTuple):
    """A value within a right answer to the case of number `answer`."""

    answer: int
    value: Json


def right_answers(cases: Iterable[Case], *, expected: bool) -> tuple[Held, ...]:
    """The JSON documents that are right answers to train and dev cases; none where one is none.

    Read as the JSON scorers read answers. With `expected` what a case expects is a right answer,
    too. None also where a held-out case is not answered by one written text: such cases are not
    held to a structure.
    """
    from evals.scorers.structured.json_schema import parse
    from evals.suite.cases import compact_json

    found: list[Held] = []
    for number, case in enumerate(cases):
        if not case.is_plain and case.split != "train":
            return ()
        if case.split == "test" or not case.is_plain:
            continue
        if case.expected is not None and compact_json(case.expected) == case.answer:
            found.append(Held(number, case.expected))  # as most cases are: nothing to read
            continue
        try:
            found.append(Held(number, parse(case.answer, code_fence=True)))
        except (ValueError, RecursionError):
            return ()
        if expected and case.expected is not None:
            found.append(Held(number, case.expected))
    return tuple(found)


def shared_schema(answers: Sequence[Held], counts: Counts) -> dict[str, Json] | None:
    """A schema that every answer satisfies; None where one is no object or array.

    Only keys that count are demanded: others need not be written to be right.
    """
    if not answers or not all(isinstance(each.value, dict | list) for each in answers):
        return None
    return {"type": _types(answers)} | dict(_inside(answers, counts, ()))


def shared_keys(schema: Mapping[str, Json]) -> tuple[str, ...]:
    """The keys that a schema of `shared_schema` demands of a whole answer."""
    return tuple(schema.get("required", ()))


def _schema(held: Sequence[Held], counts: Counts, at: FieldPath) -> dict[str, Json]:
    """What the values at one place share: {}, which allows all, where they are too few to tell."""
    if len({each.answer for each in held}) < LEAST_ANSWERS or len(at) > MOST_LEVELS:
        return {}
    return {"type": _types(held)} | dict(_inside(held, counts, at))


def _types(held: Sequence[Held]) -> Json:
    names = sorted({_TYPES[type(each.value)] for each in held})
    return names[0] if len(names) == 1 else names


def _inside(held: Sequence[Held], counts: Counts, at: FieldPath) -> Iterator[tuple[str, Json]]:
    """The keywords on what objects and arrays at one place hold."""
    objects = [each for each in held if isinstance(each.value, dict)]
    keys = _shared(objects, counts, at)
    if keys:
        inner = {
            key: [Held(each.answer, each.value[key]) for each in objects]  # all of them have it
            for key in keys
        }
        yield "properties", {key: _schema(inner[key], counts, (*at, key)) for key in keys}
        yield "required", list(keys)
    items = [
        Held(each.answer, item)
        for each in held
        if isinstance(each.value, list)
        for item in each.value
    ]
    if schema := _schema(items, counts, (*at, -1)):
        yield "items", schema


def _shared(objects: Sequence[Held], counts: Counts, at: FieldPath) -> tuple[str, ...]:
    """The plain keys that all objects have and that count, in the order most of them use."""
    if len({each.answer for each in objects}) < LEAST_ANSWERS:
        return ()
    shared = set(objects[0].value).intersection(*(each.value for each in objects[1:]))
    kept = {key for key in shared if _is_plain(key) and counts((*at, key))}
    if len(kept) > MOST_KEYS:
        return ()
    orders = Counter(tuple(key for key in each.value if key in kept) for each in objects)
    return orders.most_common(1)[0][0]  # of equals the first


def _is_plain(key: str) -> bool:
    """Whether every library writes the key as it stands."""
    return 0 < len(key) <= _LONGEST_KEY and key.isprintable() and not set(key) & set('"\\')
