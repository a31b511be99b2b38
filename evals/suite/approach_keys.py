"""The keys of `suite.yaml` that say how a prompt is used."""

from __future__ import annotations

from collections.abc import Iterable

from evals.approach import Approach
from evals.stated import (
    MAX_DEMONSTRATIONS,
    MAX_DOCUMENTS,
    MAX_TOKENS,
    MAX_VOTES,
    SHOWN,
    Stated,
)
from evals.suite.section import Section

APPROACH_KEYS = (
    *SHOWN,
    "demonstrations",
    "reasoning",
    "max_tokens",
    "votes",
    "temperature",
    "structured",
    "documents",
)


def read_approach(section: Section) -> Approach | None:
    """What a section states of an approach; None where nothing. Raises SuiteError."""
    stated = Stated(
        shown=read_shown(section, SHOWN),
        demonstrations=section.texts("demonstrations"),
        reasoning=section.flag("reasoning"),
        votes=_count(section, "votes", 2, MAX_VOTES),
        temperature=(
            section.number("temperature", above=0, at_most=2)
            if section.has("temperature")
            else None
        ),
        structured=section.flag("structured"),
        documents=_count(section, "documents", 1, MAX_DOCUMENTS),
        max_tokens=_count(section, "max_tokens", 1, MAX_TOKENS),
    )
    if found := stated.conflict():
        section.fail(found[1], found[0])
    return stated.approach


def read_shown(section: Section, names: Iterable[str]) -> dict[str, int]:
    """How many demonstrations a section shows, by the way they are chosen."""
    return {
        name: section.integer(name, low=1, high=MAX_DEMONSTRATIONS)
        for name in names
        if section.has(name)
    }


def _count(section: Section, key: str, low: int, high: int) -> int | None:
    return section.integer(key, low=low, high=high) if section.has(key) else None
