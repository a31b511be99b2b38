"""What goes wrong with the leader, as the gate says it: form against knowledge."""

from __future__ import annotations

from tuning.gate.declared import UNHELD
from tuning.gate.evidence import Policy
from tuning.records import FailureSummary, Verdict

_STATE_STRUCTURE = (
    "State the form of an answer in the suite (`structure`: a JSON schema or a grammar), and add a "
    "round of family structured: what fails by form alone may need no training."
)
_STATE_FORM = (
    "Of {unknown} failing answers nothing says whether their form is right: name a metric that "
    "does (`form` in suite.yaml), so that form can be told from knowledge."
)
_UNSHOWN = (
    "{count} failures are in cases about documents that no train case is about and that an adapter "
    "would not be shown: training cannot teach what only those say, and at most {reach:.2f} is "
    "left to reach on these cases"
)
_CONSIDERED: frozenset[Verdict] = frozenset(
    {"fine_tune", "collect_examples", "prompt_more", "more_cases"}
)


def failing_text(failures: FailureSummary | None) -> str:
    """A sentence that tells the gap apart, with a space before it; nothing without failures."""
    if failures is None or not failures.failed:
        return ""
    wrong, unsure = _wrong(failures)
    rest = failures.failed - failures.form - wrong - unsure
    told = [f"{failures.form} {'are known to be' if unsure else 'are'} form"]
    told += [f"{wrong} wrong content"] if wrong or not unsure else []
    told += [f"{rest} of other kinds"] if rest else []
    told += [f"of {unsure} the form is not known"] if unsure else []
    return f" Of {failures.failed} failures of the leader {_listed(told)}.{_unshown(failures)}"


def _unshown(failures: FailureSummary) -> str:
    if not failures.unshown:
        return ""
    return f" {_UNSHOWN.format(count=failures.unshown, reach=1 - failures.unshown_gain)}."


def wrong_content_text(failures: FailureSummary | None) -> str:
    """How much of what fails is content, with a space before it; nothing without failures."""
    if failures is None or not failures.failed:
        return ""
    wrong, unsure = _wrong(failures)
    told = [f"{wrong} are wrong content"] if wrong or not unsure else []
    told += [f"{unsure} are wrong in content or form, which nothing tells apart"] if unsure else []
    return f" Of {failures.failed} failures of the leader {_listed(told)}."


def _wrong(failures: FailureSummary) -> tuple[int, int]:
    """How many are known to be wrong content, and how many may be that or wrong form."""
    counted = failures.counts.get("wrong_content", 0)
    unsure = min(counted, failures.form_unknown)
    return counted - unsure, unsure


def structured_step(failures: FailureSummary | None) -> str:
    """How a constraint comes to be tried where no candidate that is declared has one."""
    line, held_to = (failures.add_round, failures.held_to) if failures else ("", "")
    where = f", before the last two (`{line}`)" if line else ""
    step = (
        f"Add a round of family structured to the suite{where}, and run it: it holds answers to "
        f"{held_to or 'the form that the suite states'}."
    )
    return f"{step} Where the model cannot be held to it, {UNHELD}." if held_to else step


def document_steps(verdict: Verdict, failures: FailureSummary | None) -> tuple[str, ...]:
    """How what documents alone say comes to be learnt to be read, where training opens."""
    if verdict != "fine_tune" or failures is None or not failures.unshown:
        return ()
    return (
        f"State `tune: {{documents: 1}}` (or more) in suite.yaml before you train, for the "
        f"{failures.unshown} failures about documents: the adapter is then trained and asked with "
        "what is retrieved for each case, and can learn to use it.",
    )


def form_steps(
    verdict: Verdict, failures: FailureSummary | None, policy: Policy
) -> tuple[str, ...]:
    """What would tell, or end, failures of form that are worth a `min_gain`."""
    if failures is None or verdict not in _CONSIDERED:
        return ()
    steps = []
    if failures.structured == "no_structure" and failures.form_gain >= policy.min_gain:
        share = failures.form / failures.cases
        steps.append(f"{share:.0%} of the cases fail by form. {_STATE_STRUCTURE}")
    if failures.form_unknown / max(1, failures.cases) >= policy.min_gain:
        steps.append(_STATE_FORM.format(unknown=failures.form_unknown))
    return tuple(steps)


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 2 else parts)
