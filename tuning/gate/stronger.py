"""Other models with the leader's prompt: whether one reaches the target, and at what cost.

The prompt was chosen by another model's scores, but on the same cases, and models find the
same cases hard: what luck gave the chosen prompt there, another model shares in part. So the
bound allows for every prompt it was chosen from as well as for every model that is named.
"""

from __future__ import annotations

from evals.comparison import points
from evals.rounding import least_share, limit_share
from evals.spending.wording import money_said
from tuning.gate.evidence import Evidence, Policy, StrongerModel
from tuning.gate.standing import Standing
from tuning.gate.wording import errors_text, share
from tuning.records import Interval, StrongerLine


def stronger_lines(
    standing: Standing, evidence: Evidence, policy: Policy
) -> tuple[StrongerLine, ...]:
    """Every model that the suite names, in its order, judged where it was run.

    A model that was not run counts, too: which of them were must not move the bound.
    """
    models = evidence.stronger_models or ()
    tests = max(1, len(models)) * len(standing.trials)
    return tuple(_line(model, standing, policy, tests) for model in models)


def _line(model: StrongerModel, standing: Standing, policy: Policy, tests: int) -> StrongerLine:
    known = StrongerLine(
        model.label,
        cost=model.cost,
        max_cost=model.max_cost,
        currency=model.currency,
        cost_acceptable=model.cost_acceptable,
        left_out=model.left_out,
    )
    if model.arm is None:
        return known
    sample, arm = standing.sample, model.arm
    score, certain = sample.interval(arm), sample.bounds(arm, 1 - 2 * policy.look_alpha / tests)
    pair = sample.pair(standing.leader.trial.arm, arm)
    usable = arm.usable and not sample.few_clusters
    low = None if certain is None else certain.low
    return StrongerLine(
        model.label,
        run_id=arm.run_id,
        score=None if score is None else Interval(score.estimate, score.low, score.high),
        certain=low,
        difference=None if pair is None else Interval(pair.estimate, *pair.interval()),
        cases=len(arm.scores),
        errors=len(arm.errors),
        usable=usable,
        reaches=usable and low is not None and policy.target is not None and low >= policy.target,
        cost=known.cost,
        max_cost=known.max_cost,
        currency=known.currency,
        cost_acceptable=known.cost_acceptable,
        left_out=known.left_out,
    )


def stronger_text(lines: tuple[StrongerLine, ...], standing: Standing, policy: Policy) -> str:
    """What was found of the models that were run, in sentences."""
    assert policy.target is not None  # without one nobody asks
    found = [_said(line, standing, policy.target) for line in lines]
    tried = f"the {len(standing.trials)} prompts tried"
    if len(lines) > 1:
        tried += f" and the {len(lines)} models named"
    said = " ".join(f"{text}." for text in found)
    target = limit_share(policy.target)
    return f"{said} The target is {target}; what is certain allows for {tried}."


def _said(line: StrongerLine, standing: Standing, target: float) -> str:
    name = f"'{line.model}'"
    others = _others_text(line.left_out)
    if line.run_id is None:
        return f"{name} has not been run with this prompt{others}"
    if not line.usable or line.score is None or line.certain is None:
        total = line.cases + line.errors
        why = "has too few independent clusters"
        if line.errors:
            why = f"ended in errors on {line.errors} of {total} cases"
        return f"{name} {why} and cannot be judged{others}"
    errors = errors_text(line.errors)
    text = (
        f"{name} scores {share(line.score.estimate)} with the prompt "
        f"'{standing.leader.trial.label}', at least {least_share(line.certain, target)} for certain"
        f"{f' ({errors})' if errors else ''}"
    )
    if line.difference is not None:
        text += (
            f"; that is {points(line.difference.estimate)} against the model judged here (95% "
            f"interval {100 * line.difference.low:+.1f} to {100 * line.difference.high:+.1f})"
        )
    return f"{text}; {cost_text(line)}{others}"


def cost_text(line: StrongerLine) -> str:
    """What 1,000 calls cost, and whether that is accepted, as a clause."""
    if line.max_cost is None:
        if line.cost is None:
            return "its cost is not judged: the suite states no operation.max_cost"
        cost = money_said(line.cost, line.currency)
        return f"1,000 calls cost {cost}, not judged: the suite states no operation.max_cost"
    limit = money_said(line.max_cost, line.currency)
    if line.cost is None:
        return f"what 1,000 calls cost is not known, and at most {limit} is accepted"
    cost = money_said(line.cost, line.currency)
    if line.cost_acceptable:
        return f"1,000 calls cost {cost}, and {limit} is accepted"
    over = money_said(line.cost - line.max_cost, line.currency)
    return f"1,000 calls cost {cost}, {over} more than the {limit} that is accepted"


def _others_text(left_out: int) -> str:
    if not left_out:
        return ""
    runs = "1 run" if left_out == 1 else f"{left_out} runs"
    return f" ({runs} of other weights behind this name left out)"
