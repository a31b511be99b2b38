"""Whether the chosen one of several trainings ships: a pure function over scores.

The trainings differ by seed alone. The first is the one that may ship; it was chosen without the
sealed split. It ships where two things hold:

- its own comparison ships it, exactly as if it were the only one (`tuning.shipping.judging`);
- a training at random gains: the mean over the trainings is above 0 for certain, at the same
  alpha, the variation between trainings counted (`evals.stats.repeated`); that it gains as much
  as is asked for is not implausible; and no other training loses too much on a guard, or
  on neutral text where a limit is stated, for certain.

Otherwise it is inconclusive, and says why. Further trainings can only keep an adapter from being
shipped: they ship none, and reject none, that would not be alone. So no error rate of one adapter
is exceeded, and both claims are made at the alpha of the look: the union of two tests that must
both hold needs no correction (Berger 1982).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evals.claims import check_gain, check_repeats
from evals.stats import one_sided_z, require_look
from tuning.forgetting.records import TextChange
from tuning.gate.evidence import Arm
from tuning.gate.sample import Sample
from tuning.records import Interval, SeedLine, Seeds, ShipDecision
from tuning.repeating.training import HeldOut
from tuning.repeating.wording import Recipe, blocked_by, mean_said, sentence_of, steps_of
from tuning.shipping.judging import CostRoute, Guard, judge_adapter


@dataclass(frozen=True)
class Contender:
    """One training as it is judged: its run on the sealed split, and what it forgets."""

    seed: int
    adapter: str
    after: Arm
    guards: tuple[Guard, ...]
    held_out: HeldOut | None = None
    text: TextChange | None = None


def judge_trainings(
    before: Arm,
    trainings: Sequence[Contender],
    *,
    min_gain: float,
    look: int,
    alpha: float = 0.05,
    clusters: Mapping[str, str | None] | None = None,
    cost: CostRoute | None = None,
    target: float | None = None,
    asked: str = "",
) -> ShipDecision:
    """Judge the first of several trainings; what is said of it is as of one adapter alone.

    `asked` is as there, of the first. Raises as `judge_adapter` does, and
    `StatisticsError` on fewer than two trainings.
    """
    look_alpha = alpha / 2 ** require_look(look, "look")
    alone = [
        judge_adapter(
            before,
            one.after,
            one.guards,
            min_gain=min_gain,
            look=look,
            alpha=alpha,
            clusters=clusters,
            cost=None if number else cost,
            target=None if number else target,
            asked=asked,
            text=one.text,
        )
        for number, one in enumerate(trainings)
    ]
    recipe = _recipe(
        before, trainings, alone, look_alpha=look_alpha, alpha=alpha, clusters=clusters, cost=cost
    )
    return _decided(alone[0], recipe, alpha)


def _recipe(
    before: Arm,
    trainings: Sequence[Contender],
    alone: Sequence[ShipDecision],
    *,
    look_alpha: float,
    alpha: float,
    clusters: Mapping[str, str | None] | None,
    cost: CostRoute | None,
) -> Recipe:
    """What all trainings say together; `alone` is what each would be decided by itself."""
    arms = [before, *(one.after for one in trainings)]
    sample, min_gain = Sample(arms, clusters or {}), alone[0].min_gain
    first = sample.pair(before, arms[1])
    assert first is not None  # it was judged, so some case is scored by both
    by_quality = check_gain(first, min_gain, alpha, look_alpha).result == "reached"
    claims = not sample.few_clusters and all(arm.usable for arm in arms)
    repeats = sample.repeats(before, arms[1:])
    floor = 0.0 if by_quality or cost is None else -cost.margin
    check = check_repeats(repeats, min_gain, alpha, look_alpha, floor=floor, claims=claims)
    lines = _lines(trainings, alone)
    return Recipe(check, repeats, lines, claims=claims, by_cost=not by_quality)


def _lines(trainings: Sequence[Contender], alone: Sequence[ShipDecision]) -> tuple[SeedLine, ...]:
    """The trainings in the order of their seeds."""
    lines = [
        SeedLine(
            seed=one.seed,
            adapter=one.adapter,
            run=one.after.run_id,
            held_out=one.held_out.value if one.held_out else None,
            held_out_of=one.held_out.of if one.held_out else "",
            score=decision.sealed.after,
            gain=decision.sealed.gain,
            guards=decision.guards,
            verdict=decision.verdict,
            chosen=number == 0,
            errors=len(one.after.errors),
            text=one.text,
        )
        for number, (one, decision) in enumerate(zip(trainings, alone, strict=True))
    ]
    return tuple(sorted(lines, key=lambda line: line.seed))


def _decided(own: ShipDecision, recipe: Recipe, alpha: float) -> ShipDecision:
    """The chosen adapter's own decision, with what the other trainings say."""
    ships = own.verdict == "ship_adapter"
    blocked = blocked_by(recipe) if ships else ()
    check, scored = recipe.check, recipe.repeats.scored
    these = [pair.cases for pair in (scored, recipe.repeats.against, recipe.repeats.favouring)]
    z_low, z = one_sided_z(own.alpha), one_sided_z(alpha)
    seeds = Seeds(
        lines=recipe.lines,
        gain=Interval(scored.estimate, check.low, check.high, 1 - alpha),
        gain_of_these=Interval(
            scored.estimate,
            min(pair.lower(z_low) for pair in these[:2]),
            max(pair.upper(z) for pair in these[::2]),
            1 - alpha,
        ),
        spread=scored.spread,
        spread_own=scored.spread_of_trainings,
        sentence=mean_said(recipe),
        blocked=blocked,
    )
    changed = replace(
        own,
        sentence=sentence_of(own, recipe, blocked),
        reasons=(*own.reasons, seeds.sentence, *blocked),
        seeds=seeds,
    )
    if not blocked:
        return changed
    return replace(changed, verdict="inconclusive", next_steps=steps_of(recipe), cases_needed=None)
