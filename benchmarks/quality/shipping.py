"""How often an adapter is shipped or rejected wrongly, and what looks at the sealed split cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.quality.cells import Experiment, Planned
from benchmarks.quality.paired import exact_rate
from benchmarks.quality.scores import Floats
from evals.stats import PairedDifference, one_sided_z
from tuning.gate.evidence import Arm
from tuning.shipping.judging import Guard, judge_adapter

ALPHA = 0.05
MIN_GAIN = 0.1
MARGIN = 0.1
LEADER_RATES = (0.3, 0.6, 0.85)
CASES = (50, 100, 250)
GUARD_CASES = (60, 150, 400)
LOOKS = 4

NARROW = "beside a bound other than 0 the test is only nearly at its level: see margin-pass"


def false_ship(quick: bool) -> Iterator[Planned]:
    """`ship_adapter` though the adapter gains nothing: `judge_adapter` at look 1 (alpha 0.025).

    One case in five comes out otherwise than with the leader. The guard suite loses nothing.
    """
    for rate in LEADER_RATES:
        for n in CASES[:2] if quick else CASES:
            yield Planned(
                "false-ship",
                {"leader's rate": rate, "true gain": 0.0, "n": n},
                partial(_verdicts, World(rate, 0.0, n), "ship_adapter"),
                trials=200 if quick else 1000,
                most=ALPHA / 2,
                errors_allowed=3,
            )


def ship_past_guard(quick: bool) -> Iterator[Planned]:
    """`ship_adapter` though the guard loses exactly its margin, the quality being beyond doubt."""
    for n in GUARD_CASES[:2] if quick else GUARD_CASES:
        for psi in (MARGIN, 0.2):
            yield Planned(
                "ship-past-guard",
                {"guard cases": n, "guard differs": psi},
                partial(_verdicts, World(0.6, 0.3, 250, -MARGIN, n, psi), "ship_adapter"),
                trials=200 if quick else 1000,
                most=ALPHA,
                errors_allowed=3,
                note=NARROW,
            )


def false_reject(quick: bool) -> Iterator[Planned]:
    """`reject_adapter` though the adapter gains twice what is asked for, and guards lose nothing.

    A gain of exactly min_gain is rejected about alpha often, and ships only half the time.
    """
    for gain in (MIN_GAIN, 2 * MIN_GAIN):
        for n in CASES[:2] if quick else CASES:
            yield Planned(
                "false-reject",
                {"true gain": gain, "n": n},
                partial(_verdicts, World(0.6, gain, n), "reject_adapter"),
                trials=200 if quick else 1000,
                most=ALPHA,
                errors_allowed=3,
                note="" if gain > MIN_GAIN else NARROW,
            )


def looks(quick: bool) -> Iterator[Planned]:
    """Some look ships though no adapter gains anything: a new adapter at each look, one split.

    With more cases noise rarely looks like min_gain, and is shipped more rarely still.
    """
    for rate in LEADER_RATES[1:]:
        for n in CASES[:1]:
            for last in (1, 2, LOOKS):
                yield Planned(
                    "looks",
                    {"leader's rate": rate, "looks": last, "n": n},
                    partial(_ever, World(rate, 0.0, n), last),
                    trials=200 if quick else 500,
                    most=ALPHA,
                    errors_allowed=3,
                )


def price_of_looks(_quick: bool) -> Iterator[Planned]:
    """How often a true gain of 0.1 or 0.15 ships (L > 0, and at least 0.1 seen), by look. Exact.

    Nothing is promised: this is what earlier looks cost. Of a true gain of exactly what is asked
    for, at least that much is seen every second time.
    """
    for gain in (MIN_GAIN, 1.5 * MIN_GAIN):
        for n in (100, 150, 250, 500):
            for look in range(1, LOOKS + 1):
                claim = partial(_ships, look)
                yield Planned(
                    "price-of-looks",
                    {"true gain": gain, "n": n, "look": look},
                    partial(_exact, n, 0.2, gain, claim),
                    trials=0,
                )


def _ships(look: int, pair: PairedDifference) -> bool:
    enough = pair.estimate >= MIN_GAIN - 1e-12
    return enough and pair.above(0.0, one_sided_z(ALPHA / 2**look))


def _exact(
    n: int,
    psi: float,
    gain: float,
    claim: Callable[[PairedDifference], bool],
    _generator: np.random.Generator,
    _trials: int,
) -> float:
    return exact_rate(n, psi, gain, claim)


@dataclass(frozen=True)
class World:
    """What is true of an adapter: its gain on the sealed split and on one guard suite.

    `differ` and `guard_differ` are the shares of cases that come out otherwise, `rate` the
    leader's, the base model's rate on the guard is 0.6.
    """

    rate: float
    gain: float
    n: int
    guard_gain: float = 0.0
    guard_n: int = 150
    guard_differ: float = 0.2

    @property
    def differ(self) -> float:
        """A fifth of the cases, or as many as the gain needs."""
        return max(0.2, self.gain)

    def sealed(self, generator: np.random.Generator) -> Floats:
        """Scores of the leader, shape (n,)."""
        return (generator.random(self.n) < self.rate).astype(float)

    def tuned(self, generator: np.random.Generator, leader: Floats) -> Floats:
        """Scores of the adapter on the same cases."""
        return changed(generator, leader, self.rate, self.gain, self.differ)

    def guard(self, generator: np.random.Generator) -> Guard:
        """The guard suite with both arms."""
        base = (generator.random(self.guard_n) < 0.6).astype(float)
        tuned = changed(generator, base, 0.6, self.guard_gain, self.guard_differ)
        return Guard("guard", _arm("base", base), _arm("tuned", tuned), MARGIN)


def changed(
    generator: np.random.Generator, before: Floats, rate: float, gain: float, differ: float
) -> Floats:
    """Right-or-wrong scores that differ from `before` on a share of cases, gaining `gain`."""
    wins, losses = (differ + gain) / 2, (differ - gain) / 2
    flips = np.where(before == 0, wins / (1 - rate), losses / rate)
    return np.where(generator.random(before.size) < flips, 1 - before, before)


def _verdicts(world: World, verdict: str, generator: np.random.Generator, trials: int) -> float:
    hits = 0
    for _ in range(trials):
        leader = world.sealed(generator)
        found = judge_adapter(
            _arm("leader", leader),
            _arm("adapter", world.tuned(generator, leader)),
            [world.guard(generator)],
            min_gain=MIN_GAIN,
            look=1,
            alpha=ALPHA,
        )
        hits += found.verdict == verdict
    return hits


def _ever(world: World, last: int, generator: np.random.Generator, trials: int) -> float:
    hits = 0
    for _ in range(trials):
        leader = world.sealed(generator)
        before = _arm("leader", leader)
        hits += any(
            judge_adapter(
                before,
                _arm("adapter", world.tuned(generator, leader)),
                [],
                min_gain=MIN_GAIN,
                look=look,
                alpha=ALPHA,
            ).verdict
            == "ship_adapter"
            for look in range(1, last + 1)
        )
    return hits


def _arm(name: str, scores: Floats) -> Arm:
    return Arm(name, {f"c{i:04d}": score for i, score in enumerate(scores.tolist())})


EXPERIMENTS: dict[str, Experiment] = {
    "false-ship": false_ship,
    "ship-past-guard": ship_past_guard,
    "false-reject": false_reject,
    "looks": looks,
    "price-of-looks": price_of_looks,
}
