"""What `tune.together` says: with which prompts an adapter is tried on dev before it is judged.

tune: {together: best}           # the leader's, and its own with demonstrations; the default
tune: {together: all}            # every prompt that the search tried
tune: {together: [spec, rules]}  # these prompts of the suite
tune: {together: none}           # the prompt it was trained with, and no other
"""

from __future__ import annotations

from collections.abc import Iterable

from evals.suite.section import Section, suggestion
from evals.suite.spec import TOGETHER, TogetherSpec

KEY = "together"


def read_together(section: Section, prompts: Iterable[str]) -> TogetherSpec | None:
    """The setting; None where nothing is stated. Raises SuiteError for prompts that are none."""
    if not section.has(KEY):
        return None
    if not isinstance(section.values[KEY], list):
        if section.values[KEY] not in TOGETHER:
            section.expect(f"one of {', '.join(TOGETHER)}, or a list of prompts", KEY)
        return TogetherSpec(section.choice(KEY, TOGETHER, "best"))
    known = tuple(prompts)
    names = section.texts(KEY, at_least=1)
    for number, name in enumerate(names):
        if name not in known:
            section.fail(f"no prompt {name!r}", KEY, number, hint=suggestion(name, known))
    return TogetherSpec("best", names)
