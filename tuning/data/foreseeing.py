"""What training would refuse of a suite's files, told before anything is evaluated or decided."""

from __future__ import annotations

from collections.abc import Callable

from evals.records import Finding, first_error
from evals.suite.spec import Suite
from tuning.data.training_set import assemble, gather_examples


def foreseen(suite: Suite, prompt_of: Callable[[Suite], str]) -> tuple[Finding, ...]:
    """A warning of the errors that the training set has; none where the suite names no files.

    Warnings, because a verdict on prompting does not rest on them. `prompt_of` names the prompt
    that a suite is tuned with. The suite's scorers are not asked, and lengths need a model's
    tokenizer: of these nothing is said. Raises what reading a file raises.
    """
    if not suite.tune.data:
        return ()
    prompt = prompt_of(suite)
    error = first_error(assemble(suite, prompt, gather_examples(suite, prompt), None).findings)
    if error is None:
        return ()
    told = f"training would refuse the data: {error.message}; see `tunegate data`"
    return (Finding("warning", "training_data", told, error.where),)
