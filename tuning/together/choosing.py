"""From a trained adapter to the prompt it is judged with: run on dev, compare, choose, keep.

Everything is found in the ledger where it was made before, so a job that was killed goes on with
what is missing. The sealed split is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evals.errors import UnansweredError
from evals.ledger import Ledger
from evals.looks import was_taken
from evals.models.protocol import AdaptableModel
from evals.records import Candidate, Run
from evals.spending.prices import Prices
from evals.suite.spec import Suite
from tuning.cost.after import cost_route, measured_payback
from tuning.evaluating import Evaluate
from tuning.gate.evidence import arm_of, clusters_of, trial_of
from tuning.records import Decision, TrainingRecord
from tuning.shipping.sealed import pair_fingerprint
from tuning.together.asking import SHOWN, Way, ways_to_ask
from tuning.together.records import Together
from tuning.together.rule import Asked, choose, may_be_beaten
from tuning.together.telling import Tried, together_of

TOGETHER = "together"
"""The kind of the ledger's documents: one choice for each leader and adapter."""

Find = Callable[[Candidate], Run | None]
"""The stored dev run of a candidate, or None."""


class Chosen(NamedTuple):
    """The candidate to be judged, what was tried beside it (None: nothing), and how long it took.

    `seconds` are of all runs, whenever they were made.
    """

    candidate: Candidate
    record: Together | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Desk:
    """What a choice is made with. `find` finds what the base model answered on dev.

    `looks` is the file in which looks at the sealed split are counted.
    """

    suite: Suite
    model: AdaptableModel
    ledger: Ledger
    looks: Path
    evaluate: Evaluate
    find: Find
    prices: Prices


def choose_candidate(desk: Desk, decision: Decision, training: TrainingRecord) -> Chosen:
    """Try the adapter with several prompts on dev, and choose the one that is judged.

    An adapter that was judged with its training prompt before other prompts were tried stays
    judged so, unless the suite states `tune.together`: another would take another look. Raises
    what `ways_to_ask` and `evaluate` raise.
    """
    leading = desk.ledger.run(decision.leader)
    leader = leading.candidate
    ranked = [
        desk.ledger.run(line.run_id).candidate for line in decision.trials if not line.stopped
    ]
    ways = ways_to_ask(desk.suite, desk.model, leader, ranked, training)
    trained, pair = ways[0].candidate, pair_fingerprint(leader, ways[0].candidate)
    if len(ways) == 1 or _judged_before(desk, pair):
        return Chosen(trained)
    runs = [_judged(desk, leading, one, training) for one in _run_all(desk, ways)]
    made = [(one, one.run) for one in runs if one.run is not None]
    asked = [Asked(arm_of(run), _tokens(run), one.open) for one, run in made]
    best, run = made[choose(asked, clusters_of(leading))]
    record = together_of(runs, run)
    desk.ledger.store(TOGETHER, pair, record, created=max(each.created for _, each in made))
    return Chosen(best.way.candidate, record, sum(each.seconds for _, each in made))


def chosen_from(ledger: Ledger) -> frozenset[str]:
    """Every run that was made to choose an adapter's prompt: nobody asked for one of them."""
    found = (ledger.load(TOGETHER, key, Together) for key in ledger.documents(TOGETHER))
    return frozenset(line.run_id for one in found if one for line in one.lines if line.run_id)


def _judged_before(desk: Desk, pair: str) -> bool:
    """Whether the training prompt was judged, and nothing was ever chosen."""
    stored = desk.ledger.load(TOGETHER, pair, Together)
    if desk.suite.tune.together is not None or stored is not None:
        return False
    return was_taken(desk.looks, desk.suite.split("test"), pair)


def _run_all(desk: Desk, ways: Sequence[Way]) -> list[Tried]:
    """The training prompt first; the others where they could still be chosen before it."""
    first = desk.evaluate(desk.suite, ways[0].candidate, "dev", _label(ways[0]))
    tokens, room = _tokens(first), may_be_beaten(arm_of(first), clusters_of(first))
    runs = [Tried(ways[0], first, desk.find(ways[0].base))]
    for way in ways[1:]:
        base = desk.find(way.base)
        if not room and _is_longer(way, base, tokens):
            runs.append(Tried(way, None, base, "its training prompt leaves it nothing to gain"))
        else:
            runs.append(_run(desk, way, base))
    return runs


def _is_longer(way: Way, base: Run | None, tokens: float) -> bool:
    """Whether a prompt takes at least so many tokens, as far as that is known beforehand."""
    if base is None:
        return way.why == SHOWN
    return _tokens(base) >= tokens


def _run(desk: Desk, way: Way, base: Run | None) -> Tried:
    try:
        return Tried(way, desk.evaluate(desk.suite, way.candidate, "dev", _label(way)), base)
    except UnansweredError as error:
        if error.transient:  # left out now and tried later, it could be chosen after a look
            raise
        # Of no use, and no reason not to judge the others.
        return Tried(way, None, base, error.message)


def _label(way: Way) -> str:
    return f"dev with the adapter: {way.label}"


def _judged(desk: Desk, leader: Run, one: Tried, training: TrainingRecord) -> Tried:
    """With whether it could ship, as dev has it."""
    if one.run is None:
        return one
    could = _gains(desk, leader, one.run) or _pays(desk, leader, one.run, training)
    return one._replace(open=could)


def _tokens(run: Run) -> float:
    return trial_of(run, 0, "").prompt_tokens


def _gains(desk: Desk, leader: Run, run: Run) -> bool:
    """Whether it gains on dev what the sealed split will ask for."""
    return round(_mean(run) - _mean(leader) - desk.suite.min_gain, 12) >= 0


def _pays(desk: Desk, leader: Run, run: Run, training: TrainingRecord) -> bool:
    """Whether it could ship for cost, as dev has it: it pays, and is near leader and target."""
    operation, target = desk.suite.operation, desk.suite.target
    standing = measured_payback(leader, run, training, operation, desk.prices)
    route = cost_route(standing, operation)
    if route is None or not route.break_even_met or target is None:
        return False
    return _mean(run) > max(_mean(leader), target) - route.margin


def _mean(run: Run) -> float:
    values = run.values()
    return sum(values.values()) / len(values) if values else 0.0
