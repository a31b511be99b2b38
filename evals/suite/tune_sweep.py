"""`tune.sweep`: which learning rates, ranks and epochs a search of settings tries.

    tune:
      sweep: true                # ranges around the default
      sweep: {learning_rate: [5e-4, 1e-3, 2e-3], rank: [8, 16], budget: 20000, seed: 0}

Where lists are stated, only what has one is searched for.
"""

from __future__ import annotations

from typing import Any

from evals.suite.section import Section
from evals.suite.spec import SweepSpec

MOST_VALUES = 32
MOST_BUDGET = 10**9


def read_sweep(section: Section) -> SweepSpec | None:
    """The search that is stated; None where none is. Raises SuiteError with line and key."""
    stated = section.values.get("sweep")
    if isinstance(stated, bool):
        return SweepSpec() if stated else None
    if stated is None:
        return None
    if not isinstance(stated, dict):
        section.expect("true, or a mapping like {learning_rate: [5e-4, 1e-3]}", "sweep")
    inner = section.section("sweep")
    inner.only("learning_rate", "rank", "epochs", "budget", "seed")
    has = inner.has
    return SweepSpec(
        learning_rate=_numbers(inner, "learning_rate", above=0, below=1),
        rank=_checked(inner, "rank", inner.integers("rank", low=1, high=1024))
        if has("rank")
        else (),
        epochs=_numbers(inner, "epochs", above=0, at_most=1000),
        budget=inner.integer("budget", low=1, high=MOST_BUDGET) if has("budget") else None,
        seed=inner.integer("seed", high=2**31 - 1) if has("seed") else 0,
    )


def _numbers(section: Section, key: str, **bounds: float) -> tuple[float, ...]:
    """A list of distinct numbers within bounds; a single one counts as a list of one."""
    value: Any = section.values.get(key)
    if value is None:
        return ()
    if isinstance(value, list) and not value:
        section.expect("a list of numbers", key)
    items = value if isinstance(value, list) else [value]
    read = []
    for place, item in enumerate(items):
        at = (key, place) if isinstance(value, list) else (key,)
        one = Section(section.path, {key: item}, section.line_of(*at), section.at)
        read.append(one.number(key, **bounds))
        if read[-1] in read[:-1]:
            section.fail(f"{item!r} appears twice", *at)
    return _checked(section, key, tuple(read))


def _checked(section: Section, key: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(values) > MOST_VALUES:
        section.fail(f"{len(values)} values are too many: at most {MOST_VALUES}", key)
    return values
