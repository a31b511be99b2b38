from __future__ import annotations

from evals.records import Finding
from tuning.data.advice import advice_for


def test_too_few_examples_are_collected_before_the_bound_is_lowered() -> None:
    (line,) = advice_for([Finding("error", "too_few", "19 different prompts")])
    assert line.startswith("too_few: collect more")
    assert line.index("collect more") < line.index("tune.min_examples")
