"""The learning curve as evidence: what it says of collecting more examples.

It is told and never rules. A rule was tried: `collect_examples` in place of `fine_tune` where all
the examples certainly gain less than `min_gain` on the leader and twice as many certainly gain
that. With honest intervals it hardly ever applied (benchmarks/learning_curve.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from evals.ledger import Ledger
from evals.stats import BoundedDifference, one_sided_z
from evals.suite.spec import Suite
from tuning.gate.evidence import Evidence, LearningEvidence, Policy, arm_of
from tuning.gate.standing import Standing
from tuning.gate.tried import Tried
from tuning.gate.wording import gain_text
from tuning.learning.projecting import Ahead, examples_for
from tuning.learning.records import LearningCurve
from tuning.learning.stored import stored_curve
from tuning.learning.wording import bought_text, reach_text, target_text


def find_learning(
    suite: Suite, ledger: Ledger, model: str, tried: Sequence[Tried]
) -> LearningEvidence | None:
    """The stored curve of this suite, this model and this scoring, as tried; else None."""
    curve = stored_curve(ledger, suite, model)
    if curve is None or not tried:
        return None
    judged = tried[-1].run
    same = (judged.candidate.model_fingerprint, judged.scoring_fingerprint)
    if (curve.model_fingerprint, curve.scoring_fingerprint) != same:
        return None
    run = ledger.find_run(whole_run(curve, suite.tune.seed) or "")
    return LearningEvidence(curve, arm_of(run) if run else None)


def whole_run(curve: LearningCurve, seed: int) -> str | None:
    """The dev run of the adapter that `tune` makes: of all examples, at the suite's seed."""
    found = (p.run_id for p in curve.points if p.share == 1 and p.seed == seed)
    return next(found, None)


def falls_short(standing: Standing, evidence: Evidence, policy: Policy) -> bool:
    """Whether the adapter of all the examples certainly gains less than `min_gain` on dev.

    The leader was picked from M tried, so the bound is at alpha / M.
    """
    pair = _against_leader(standing, evidence)
    z = one_sided_z(policy.look_alpha / len(standing.trials))
    return pair is not None and pair.upper(z) < policy.min_gain


def learning_text(standing: Standing, evidence: Evidence, policy: Policy) -> str:
    """What the learning curve says, as sentences with a space before; empty without one."""
    if evidence.learning is None:
        return ""
    curve = evidence.learning.curve
    fit, pair = curve.fit, _against_leader(standing, evidence)
    texts = []
    if pair is not None:
        low, high = pair.interval()
        texts.append(
            f"On dev the adapter of all {curve.examples:,} examples stands "
            f"{100 * pair.estimate:+.1f} points to the leader (95% interval {100 * low:+.1f} to "
            f"{100 * high:+.1f})."
        )
    texts.append(f"The learning curve: {bought_text(fit) if fit.band else fit.sentence}")
    if pair is not None and fit.band:
        low, high = pair.interval()
        reach = examples_for(fit, policy.min_gain, Ahead(pair.estimate, low, high))
        texts.append(reach_text(fit, reach, f"{gain_text(policy)} above the leader"))
    if policy.target is not None:
        texts.append(target_text(curve, policy.target))
    return " " + " ".join(filter(None, texts))


def _against_leader(standing: Standing, evidence: Evidence) -> BoundedDifference | None:
    """The adapter of all examples minus the leader, paired; None where it cannot be told."""
    arm = evidence.learning.whole if evidence.learning else None
    if arm is None or not arm.usable or arm.cases != standing.leader.trial.arm.cases:
        return None
    return standing.sample.pair(standing.leader.trial.arm, arm)
