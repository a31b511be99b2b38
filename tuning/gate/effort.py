"""Whether enough was tried to claim a plateau, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evals.errors import StatisticsError
from tuning.gate.declared import UNHELD, named
from tuning.gate.evidence import OverBudget, Policy, Trial
from tuning.gate.judged import Judged, best_of
from tuning.records import FailureSummary


def families_of(trials: Sequence[Trial]) -> dict[int, str]:
    """The family of every round. Raises StatisticsError for a run twice, or a round of two."""
    families: dict[int, str] = {}
    seen: set[str] = set()
    for trial in trials:
        if trial.arm.run_id in seen:
            raise StatisticsError(f"run {trial.arm.run_id} occurs twice among the trials")
        seen.add(trial.arm.run_id)
        family = families.setdefault(trial.round_index, trial.family)
        if family != trial.family:
            raise StatisticsError(
                f"round {trial.round_index} mixes the families {family!r} and "
                f"{trial.family!r}; a round is one family of candidates"
            )
    return families


def _unsettled(judged: Sequence[Judged]) -> list[Judged]:
    """Stopped trials that are not flat, where nothing else stands in the way of a plateau.

    Only then would the rest of dev tell anything: where a whole trial is not flat there is no
    plateau, and what a stopped one may have gained on the anchor its leader gained, too.
    """
    compared = [item for item in judged if item.versus_anchor is not None]
    if not all(item.flat for item in compared if not item.trial.stopped):
        return []
    return [item for item in compared if item.trial.stopped and not item.flat]


def untried_gaps(
    labels: Sequence[str], over_budget: Sequence[OverBudget] = (), unheld: Sequence[str] = ()
) -> tuple[str, ...]:
    """The gaps that declared candidates leave which were not tried, by label; none without any.

    A search in progress could choose what is missing: a good late candidate, or poor early
    ones, which m counts. What a budget left out is missing no less, and says why; so is what a
    model may refuse to hold to a structure (`unheld`), with the way out.
    """
    left = {label for one in over_budget for label in one.labels}
    gaps = [
        f"round {one.round_index} ('{one.family}') has spent its budget of {one.budget:,} tokens "
        f"({one.spent:,}), so {_not_tried(one.labels, 'of its candidates')}"
        for one in over_budget
    ]
    if others := [label for label in labels if label not in left]:
        way = f" (where the model refuses {named(unheld)}: {UNHELD})" if unheld else ""
        gaps.insert(0, _not_tried(others, "declared candidates") + way)
    return tuple(gaps)


def _not_tried(labels: Sequence[str], what: str) -> str:
    """`2 declared candidates were not tried: 'a', 'b'`."""
    if len(labels) > 1:
        return f"{len(labels)} {what} were not tried: {named(labels)}"
    one = what if what.startswith("of") else what.removesuffix("s")
    return f"1 {one} was not tried: {named(labels)}"


def form_gap(failures: FailureSummary | None, policy: Policy) -> tuple[str, ...]:
    """The gap that the leader's form leaves; none where a constraint was tried or cannot be.

    Where its failures of form alone could hide a gain of `min_gain`, a constraint may bring what
    training would be paid for. Every such failure counts as if a constraint made it a full score:
    the most there can be, so that a gap is rather seen than not.
    """
    if failures is None or failures.structured != "untried":
        return ()
    if failures.form_gain < policy.min_gain - 1e-12:  # a mean of decimals may miss it by rounding
        return ()
    share = failures.form / failures.cases
    return (f"{share:.0%} of the cases fail by form alone, and no structured candidate was tried",)


def _told_apart(trials: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """The trials that ask something of their own, and those that ask what an earlier one asks.

    To try the same twice is no effort; that both are counted in m makes claims harder only.
    """
    own: list[Trial] = []
    repeated: list[Trial] = []
    seen: set[str] = set()
    for trial in trials:
        (repeated if trial.asked in seen else own).append(trial)
        seen |= {trial.asked} - {""}
    return own, repeated


def _repeated_text(repeated: Sequence[Trial]) -> str:
    """Which trials do not count, as an addition to a gap; empty without any."""
    if not repeated:
        return ""
    asks = "asks" if len(repeated) == 1 else "ask"
    labels = named([trial.label for trial in repeated])
    return f" (without {labels}, which {asks} exactly what an earlier one asks)"


def gaps_of(
    judged: Sequence[Judged], families: Mapping[int, str], policy: Policy
) -> tuple[str, ...]:
    """What effort lacks before a plateau may be claimed, as clauses."""
    usable, repeated = _told_apart([item.trial for item in judged if item.trial.arm.usable])
    but = _repeated_text(repeated)
    gaps = [
        f"'{item.trial.label}' ended in errors on {item.trial.arm.error_share:.0%} of the cases "
        "and has to be run again"
        for item in judged
        if not item.trial.arm.usable
    ]
    gaps += [
        f"'{item.trial.label}' was stopped early and is not shown to be flat on those "
        f"{len(item.trial.arm.cases)} cases: it has to be run on the rest"
        for item in _unsettled(judged)
    ]
    if len(usable) < policy.min_candidates:
        gaps.append(f"{len(usable)} of at least {policy.min_candidates} candidates were tried{but}")
    rounds = sorted(families)
    if len(rounds) < 3:
        gaps.append(
            f"{len(rounds)} of at least 3 rounds were tried (two of different families must "
            "follow the first)"
        )
        return tuple(gaps)
    if families[rounds[-1]] == families[rounds[-2]]:
        gaps.append(f"the last two rounds are of the same family, '{families[rounds[-1]]}'")
    for index in rounds[-2:]:
        tried = sum(trial.round_index == index for trial in usable)
        if tried < policy.min_per_round:
            gaps.append(
                f"round {index} ('{families[index]}') tried {tried} of at least "
                f"{policy.min_per_round} candidates"
                f"{_repeated_text([trial for trial in repeated if trial.round_index == index])}"
            )
    if best_of(item for item in judged if not item.in_window) is None:
        gaps.append("no usable candidate was tried before the last two rounds")
    return tuple(gaps)
