"""What training would refuse of a suite's files, told before anything is evaluated or decided."""

from __future__ import annotations

from collections.abc import Callable

from evals.records import Finding
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
    found = assemble(suite, prompt, gather_examples(suite, prompt), None).findings
    errors = [finding for finding in found if finding.level == "error"]
    if not errors:
        return ()
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    told = f"training would refuse the data: {errors[0].message}{more}; see `tunegate data`"
    return (Finding("warning", "training_data", told, errors[0].where),)
