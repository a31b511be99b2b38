"""Whether the models of `compare_models` can be opened, as far as is known before any runs."""

from __future__ import annotations

from collections.abc import Iterator

from evals.errors import MissingExtraError, ModelError
from evals.models.names import check_model_name, is_hosted, require_local_extra
from evals.records import Finding
from evals.suite import Suite
from evals.suite.load import MANIFEST
from tunegate.evaluating import Evaluator
from tuning.stronger.found import compared_models


def refuse_unopenable(suite: Suite, model: str, evaluator: Evaluator) -> tuple[str, ...]:
    """Refuse models that cannot be opened, before an hour of search begins; what else to say.

    Raises ModelError or MissingExtraError for one that is not there or has no address or key,
    UsageError for one without a price where money is limited. Nothing is refused, or said,
    where there is no target: then none of them is run.
    """
    if suite.target is None:
        return ()
    said = []
    for name in compared_models(suite, model):
        _refuse(suite, name)
        evaluator.check_model(name)
        prices = evaluator.endpoints.budget.prices
        if suite.operation.max_cost is not None and prices.rate(name) is None:
            said.append(
                "whether it stays within operation.max_cost will not be known: "
                f"{prices.missing(name)}; {prices.how_to_add(name)}"
            )
    return tuple(said)


def _refuse(suite: Suite, name: str) -> None:
    try:
        check_openable(name)
    except (ModelError, MissingExtraError) as error:
        raise type(error)(
            f"{name} cannot be opened, and would be once prompting has plateaued: {error.message}",
            path=suite.root / MANIFEST,
            key="compare_models",
            hint=error.hint or "or take it out of compare_models",
        ) from error


def check_openable(name: str) -> None:
    """Raise where it is certain without opening it that a model cannot be opened here.

    ModelError for a name, a path, an endpoint's address or key; MissingExtraError where local
    models are not installed.
    """
    check_model_name(name)
    if not (is_hosted(name) or name.startswith("scripted:")):
        require_local_extra()


def compare_findings(suite: Suite) -> Iterator[Finding]:
    """What can be said of the models to compare on this machine, none of them opened.

    No finding is an error: elsewhere they may be at hand.
    """
    where = str(suite.root / MANIFEST)
    for name in suite.compare_models:
        try:
            check_openable(name)
        except (ModelError, MissingExtraError) as error:
            text = f"{name} of compare_models cannot be opened here: {error.message}"
            yield Finding("warning", "compare_model_closed", text, where)
        else:
            yield Finding("note", "compare_model", _known(name), where)


def _known(name: str) -> str:
    text = f"{name} of compare_models is at hand as far as can be known without opening it"
    if not is_hosted(name):
        return text
    from evals.models.hosted.model import check_hosted

    return f"{text}: it would be asked at {check_hosted(name).host}"
