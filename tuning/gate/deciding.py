"""The gate: a pure function from evidence and policy to a verdict, with every reason shown.

The rules stand in `tuning.gate.rules`, their order in `tuning.gate.decision_table`; the first that
applies is the verdict. No clock, no file, no model.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from tuning.gate.decision_table import RULES, next_steps
from tuning.gate.evidence import Evidence, Policy
from tuning.gate.judged import Judged
from tuning.gate.retrieval import oracle_line
from tuning.gate.rules import Answer
from tuning.gate.standing import Standing, cases_for_a_start, cases_to_decide, find_standing
from tuning.gate.stronger import stronger_lines
from tuning.gate.wording import changed_text, left_out_texts, plural, share
from tuning.intervals import interval_of
from tuning.records import Decision, Interval, RuleLine, RuleStatus, TrialLine, Verdict

__all__ = ["Evidence", "Policy", "decide"]


class _Ruling(NamedTuple):
    """The rows of the decision table, and the first that applies."""

    lines: tuple[RuleLine, ...]
    row: int
    answer: Answer


def decide(evidence: Evidence, policy: Policy) -> Decision:
    """What to do next, and why.

    Raises `NothingRunError` without trials or cases, `StatisticsError` where trials do not
    cover the same cases, a run occurs twice, a round mixes families or a score is invalid,
    and `InfrastructureError` where every trial has too many errors to be judged.
    """
    policy = replace(policy, look=evidence.dev_look)
    standing = find_standing(evidence, policy)
    ruling = _rule(standing, evidence, policy)
    stronger = stronger_lines(standing, evidence, policy)
    rule = RULES[ruling.row]
    flags = _flags(standing, policy)
    sentence = ruling.answer.text
    if "floor" in flags and rule.on_plateau:
        sentence += (
            f" Every tried prompt scores below {share(policy.min_gain)}: flatness is cheap near "
            "zero, so make sure that the model, the prompts and the scorer can do the task at all."
        )
    sentence += changed_text(policy)
    return Decision(
        verdict=rule.verdict,
        sentence=sentence,
        next_steps=next_steps(ruling.row, standing, evidence, policy, stronger),
        rules=ruling.lines,
        trials=_trial_lines(standing, policy),
        leader=standing.leader.trial.arm.run_id,
        anchor=None if standing.anchor is None else standing.anchor.trial.arm.run_id,
        plateau=standing.plateau,
        flags=flags,
        cases=len(standing.sample),
        cases_needed=_cases_needed(rule.verdict, standing, policy),
        min_gain=policy.min_gain,
        target=policy.target,
        alpha=policy.look_alpha,
        provisional=_provisional(standing),
        left_out=left_out_texts(evidence.left_out),
        judges=evidence.judges,
        dev_look=policy.look if _could_open(rule.verdict, standing) else 0,
        stronger=stronger,
        recalls=evidence.recalls,
        oracle=oracle_line(standing, evidence, policy),
        failures=evidence.failures,
    )


def _could_open(verdict: Verdict, standing: Standing) -> bool:
    """Whether the gate is open, or was kept shut by the scores alone.

    Declared candidates that are missing do not make it less of a look, nor that no constraint was
    tried: enough others were tried for their scores to tell whether more cases are wanted.
    """
    gaps = len(standing.gaps) - len(standing.untried) - len(standing.unconstrained)
    return verdict == "fine_tune" or (verdict != "fix_evals" and not gaps)


def _rule(standing: Standing, evidence: Evidence, policy: Policy) -> _Ruling:
    lines: list[RuleLine] = []
    first: tuple[int, Answer] | None = None
    for index, rule in enumerate(RULES):
        answer = rule.judge(standing, evidence, policy)
        status: RuleStatus
        if answer.applies is None:
            status = "not_tested"
        elif first is not None:
            status = "not_reached"
        elif answer.applies:
            status = "applies"
            first = index, answer
        else:
            status = "does_not_apply"
        lines.append(RuleLine(rule.verdict, rule.title, status, answer.text))
    assert (
        first is not None
    )  # the last two rules apply where no plateau is, `fine_tune` where one is
    return _Ruling(tuple(lines), *first)


def _cases_needed(verdict: Verdict, standing: Standing, policy: Policy) -> int | None:
    if standing.too_small:
        return cases_for_a_start(standing, policy)
    return cases_to_decide(standing, policy.min_gain) if verdict == "more_cases" else None


def _flags(standing: Standing, policy: Policy) -> tuple[str, ...]:
    flags: list[str] = []
    found = [
        standing.samples.of(judged.trial).bounds(judged.trial.arm) for judged in standing.trials
    ]
    if all(bounds.high < policy.min_gain for bounds in found if bounds is not None):
        flags.append("floor")
    if any(judged.trial.arm.errors for judged in standing.trials):
        flags.append("errors")
    if standing.anchor is not None and standing.leader.trial is not standing.anchor.trial:
        flags.append("leader_moved")
    if standing.sample.few_clusters:
        flags.append("few_clusters")
    if policy.undeclared:
        flags.append("changed")
    return tuple(flags)


def _trial_lines(standing: Standing, policy: Policy) -> tuple[TrialLine, ...]:
    def rank(judged: Judged) -> tuple[bool, bool, float, float]:
        trial = judged.trial
        return (trial.stopped, not trial.arm.usable, -judged.mean, trial.prompt_tokens)

    return tuple(
        _trial_line(judged, standing, policy) for judged in sorted(standing.trials, key=rank)
    )


def _trial_line(judged: Judged, standing: Standing, policy: Policy) -> TrialLine:
    trial, interval, pair = judged.trial, judged.interval, judged.versus_anchor
    # Where no case has a score nothing is known, and the bounds say so.
    score = interval_of(interval) if interval else Interval(0.0, 0.0, 1.0)
    versus = None
    if pair is not None:
        low, high = pair.lower(standing.levels.improve), pair.upper(standing.z_of(trial))
        versus = Interval(pair.estimate, low, high, 1 - policy.look_alpha)
    return TrialLine(
        run_id=trial.arm.run_id,
        label=trial.label,
        round_index=trial.round_index,
        family=trial.family,
        score=score,
        cases=len(trial.arm.scores),
        errors=len(trial.arm.errors),
        prompt_tokens=trial.prompt_tokens,
        versus_anchor=versus,
        flat=judged.flat,
        improved=judged.improved,
        stopped=trial.stopped,
        wins=None if pair is None else pair.scored.wins,
        losses=None if pair is None else pair.scored.losses,
    )


def _provisional(standing: Standing) -> str:
    """Who leads and how sure: the leader against the best of the others, paired."""
    leader = standing.leader
    assert leader.interval is not None  # usable, so some case has a score
    interval = f"95% interval {share(leader.interval.low)} to {share(leader.interval.high)}, "
    if standing.sample.few_clusters:
        interval = "too few clusters for an interval, "
    text = (
        f"'{leader.trial.label}' leads so far with {share(leader.interval.estimate)} "
        f"({interval}{plural(leader.interval.n, 'case')})."
    )
    others = [
        judged
        for judged in standing.trials
        if judged.trial is not leader.trial and judged.trial.arm.usable and not judged.trial.stopped
    ]
    if not others and standing.stopped:
        return f"{text} All others were stopped early."
    if not others:
        return f"{text} Nothing else was tried that it can be compared with."
    second = min(others, key=lambda judged: (-judged.mean, judged.trial.prompt_tokens))
    pair = standing.sample.pair(second.trial.arm, leader.trial.arm)
    if pair is None:
        return text
    low, high = pair.interval()
    sure = (
        "taken alone that is a clear lead"
        if low > 0 and not standing.sample.few_clusters
        else "which of the two is better is not settled"
    )
    return (
        f"{text} It is {100 * pair.estimate:.1f} points above the next, '{second.trial.label}' "
        f"({share(second.mean)}; 95% interval of the difference {100 * low:+.1f} to "
        f"{100 * high:+.1f}): {sure}."
    )
