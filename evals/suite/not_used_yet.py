"""Keys that a suite may state and this version reads, checks, and then does nothing with.

One table, so that `check` and the documentation say the same: whoever begins to use a key
takes it out of here.
"""

from __future__ import annotations

from collections.abc import Iterable

from evals.records import Case
from evals.suite.section import Section

SUITE_KEYS: tuple[tuple[str, ...], ...] = ()
CASE_KEYS = ("documents",)
"""Of cases; used where the manifest states the key of the same name."""


def not_used_yet(top: Section, cases: Iterable[Case]) -> tuple[str, ...]:
    """Which of them a suite states: `section.key` of the manifest, `key (of cases)` of cases."""
    stated = [".".join(keys) for keys in SUITE_KEYS if _states(top, keys)]
    used = {key for case in cases for key in CASE_KEYS if getattr(case, key)}
    unread = [key for key in CASE_KEYS if key in used and not top.has(key)]
    return (*stated, *(f"{key} (of cases)" for key in unread))


def _states(top: Section, keys: tuple[str, ...]) -> bool:
    *outer, last = keys
    section = top
    for key in outer:
        section = section.section(key)
    return section.has(last)
