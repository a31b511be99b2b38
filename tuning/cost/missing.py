"""What is missing before anything can be said of cost, each with how to add it."""

from __future__ import annotations

from collections.abc import Iterator

from evals.models.names import is_hosted
from evals.spending.prices import LOCAL_FILE, Prices
from evals.suite.spec import OperationSpec


def missing_of(operation: OperationSpec, model: str, prices: Prices) -> tuple[str, ...]:
    """What the suite and the list of prices do not say; nothing is guessed in its place."""
    return tuple(_missing(operation, model, prices))


def _missing(operation: OperationSpec, model: str, prices: Prices) -> Iterator[str]:
    file = prices.path.name if prices.path else LOCAL_FILE
    if operation.calls_per_month is None:
        yield "no volume is stated (write operation: {calls_per_month: ...} into suite.yaml)"
    if is_hosted(model):
        yield (
            "what training costs is not known of a hosted model, whose weights are not at hand "
            "(ask about one that can be trained here, with --model hf:...)"
        )
        return
    if prices.rate(model) is None:
        yield (
            f"no price of a call of {model} is stated (write into {file} hours: "
            f'{{machine: ...}}, or under models: "{model}": {{input: ..., output: ...}})'
        )
    if prices.hours.to_train is None:
        yield f"no price of training is stated (write hours: {{training: ...}} into {file})"
    if operation.person_hours and prices.hours.person is None:
        yield (
            f"no price of people's work is stated (write hours: {{person: ...}} into {file}; the "
            f"suite says {operation.person_hours:g} hour(s) for each training)"
        )
