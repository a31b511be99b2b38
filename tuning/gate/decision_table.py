"""The decision table: the rules in the order in which they are asked, with what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from evals.durations import limit_said, months_said
from evals.judges.records import JudgeStanding
from tuning.gate import rules
from tuning.gate.declared import UNHELD
from tuning.gate.evidence import Evidence, Policy
from tuning.gate.failing import document_steps, form_steps, structured_step
from tuning.gate.learning import falls_short
from tuning.gate.retrieval import judge_retrieval, retrieval_steps
from tuning.gate.rules import Answer
from tuning.gate.standing import Standing
from tuning.gate.wording import extension_step, gain_text, little_room, rounds_step
from tuning.records import StrongerLine, Verdict


class Rule(NamedTuple):
    """A row of the decision table. `on_plateau`: asked only once prompting has plateaued."""

    verdict: Verdict
    title: str
    judge: Callable[[Standing, Evidence, Policy], Answer]
    on_plateau: bool
    steps: tuple[str, ...]


RULES: tuple[Rule, ...] = (
    Rule(
        "fix_evals",
        "The evals themselves are faulty",
        rules.judge_sound,
        False,
        ("Run `tunegate check`, repair what it names, and evaluate again.",),
    ),
    Rule(
        "fine_tune",
        "Tuning pays for itself",
        rules.judge_cost,
        False,
        ("Train with a short prompt, and prove on the sealed split that quality holds.",),
    ),
    Rule(
        "prompt_suffices",
        "A prompt is good enough",
        rules.judge_suffices,
        False,
        ("Ship the leading prompt, and keep this suite running against it.",),
    ),
    Rule(
        "fix_evals",
        "The dev split is too small for any answer",
        rules.judge_too_small,
        False,
        (
            "Add dev cases; the ranking so far is provisional.",
            "Or state a larger min_gain, if only a larger gain is worth a fine-tune.",
        ),
    ),
    Rule(
        "try_stronger_model",
        "A stronger model does it by prompt",
        rules.judge_stronger,
        True,
        ("Compare the price of the stronger model with that of training and keeping an adapter.",),
    ),
    Rule(
        "use_retrieval",
        "Knowledge is missing, not behaviour",
        judge_retrieval,
        True,
        (),
    ),
    Rule(
        "collect_examples",
        "Too few examples to train on",
        rules.judge_collect,
        True,
        ("Collect clean training examples; failures of the leader show which kinds are missing.",),
    ),
    Rule(
        "fine_tune",
        "Behaviour is missing, and there is enough to learn it from",
        rules.judge_tune,
        True,
        ("Run `tunegate tune`; the adapter must beat the leader on the sealed split.",),
    ),
    Rule(
        "prompt_more",
        "Prompting is not exhausted",
        rules.judge_more_prompts,
        False,
        (),
    ),
    Rule(
        "more_cases",
        "Too few cases to tell",
        rules.judge_more_cases,
        False,
        ("Until then the leader is the best guess.",),
    ),
)


_FINISH = "Run `tunegate run`: it tries what the suite declares and was not tried."

_PROBE = (
    "Run `tunegate run`: it runs the leader once with each case's own documents in its prompt, "
    "which tells missing knowledge from missing behaviour."
)

_ELSEWHERE = (
    "This model's weights are not at hand, so it is not trained here. Ask the gate about a model "
    "that can be: `tunegate run SUITE --model hf:...`.",
    "Or have its provider train it, and evaluate what comes of it under its own name.",
)


def next_steps(
    index: int,
    standing: Standing,
    evidence: Evidence,
    policy: Policy,
    stronger: tuple[StrongerLine, ...] = (),
) -> tuple[str, ...]:
    """What a person does next under rule `index`; `stronger` are the models compared."""
    verdict = RULES[index].verdict
    steps = _first_steps(index, standing, evidence, policy)
    if RULES[index].judge is rules.judge_sound:
        repairs = steps if rules.soundness_faults(evidence) else []
        judged = [_judge_step(judge) for judge in evidence.judges if judge.blocks]
        steps = [*judged, *repairs]
    if verdict == "prompt_more":
        steps = _more_steps(standing, evidence, policy)
    if verdict == "more_cases":
        steps.insert(0, extension_step(policy))
    if verdict == "more_cases" and any(item.trial.arm.errors for item in standing.trials):
        steps.append(
            "Look at the cases that ended in errors: each counts against every claim, so fewer "
            "errors may decide without more cases."
        )
    if verdict == "use_retrieval":
        steps += retrieval_steps(standing, evidence)
    if RULES[index].on_plateau:
        steps += [
            f"{line.model} reaches the target by prompt: write its price into the list of prices "
            "(where it has one, its endpoint must count tokens), and ask the gate again."
            for line in stronger
            if line.reaches and line.max_cost is not None and line.cost is None
        ]
    if verdict == "fine_tune" and RULES[index].on_plateau:
        steps += _cost_steps(evidence)
    steps += _learning_steps(verdict, standing, evidence, policy)
    steps = [*document_steps(verdict, evidence.failures), *steps]
    steps += form_steps(verdict, evidence.failures, policy)
    if verdict == "fine_tune":
        steps += _untested_steps(RULES[index], evidence, policy)
    return tuple(steps)


def _untested_steps(rule: Rule, evidence: Evidence, policy: Policy) -> list[str]:
    """What may be cheaper than a fine-tune, and nobody has looked at."""
    steps = []
    if evidence.oracle_context is None:
        steps.append(
            "Whether knowledge is missing was not tested: if answers need facts that the "
            "prompts do not contain, try retrieval first."
        )
    if rule.on_plateau and not evidence.stronger_models and policy.target is not None:
        steps.append(
            "Whether a stronger model reaches the target by prompt was not tested: name one in "
            "`compare_models` of suite.yaml if you could use it, and run again."
        )
    return steps


def _more_steps(standing: Standing, evidence: Evidence, policy: Policy) -> list[str]:
    """What is missing before prompting is exhausted; on a plateau it is the probe alone."""
    if standing.plateau:
        return [_PROBE]
    wanted = _finishing(evidence) if standing.untried else []
    wanted += [structured_step(evidence.failures)] if standing.unconstrained else []
    return (wanted or [rounds_step(standing, policy)]) + [
        f"Still missing: {gap}." for gap in standing.gaps
    ]


def _finishing(evidence: Evidence) -> list[str]:
    """How the candidates come to be tried that are declared and were not."""
    left = {label for one in evidence.over_budget for label in one.labels}
    steps = [_FINISH] if set(evidence.untried) - left else []
    if evidence.unheld:
        steps.append(f"Where the model cannot be held to a structure, {UNHELD}.")
    if left:
        rounds = ", ".join(str(one.round_index) for one in evidence.over_budget)
        steps.append(
            f"Raise the budget of round {rounds} in the suite (`budget: {{tokens: ...}}`) and run "
            "it again: there is no plateau without what it declares."
        )
    return steps


def _first_steps(index: int, standing: Standing, evidence: Evidence, policy: Policy) -> list[str]:
    """The rule's own steps; of a fine-tune those that fit the model, and what comes before."""
    rule = RULES[index]
    if rule.verdict != "fine_tune":
        return list(rule.steps)
    steps = rule.steps if evidence.trainable else _ELSEWHERE
    steps = tuple(step.replace("SUITE", evidence.suite) for step in steps)
    unshown = evidence.failures.unshown_gain if evidence.failures else 0.0
    return [*(little_room(standing, policy, unshown) if rule.on_plateau else ()), *steps]


def _cost_steps(evidence: Evidence) -> list[str]:
    """What tuning for quality costs, where by cost alone it would not pay in the time stated."""
    cost = evidence.cost
    if cost is None or cost.missing:
        return []
    if cost.break_even_months is not None and cost.break_even_months <= cost.within_months:
        return []
    when = (
        "never pays for itself"
        if cost.break_even_months is None
        else "pays for itself after "
        f"{months_said(cost.break_even_months, cost.within_months)} and not within the "
        f"{limit_said(cost.within_months)} stated"
    )
    return [
        f"Mind the money: at {cost.calls_per_month:,} calls a month a tuned model {when}; the "
        f"quality must be worth it. {cost.figures}".rstrip()
    ]


def _learning_steps(
    verdict: Verdict, standing: Standing, evidence: Evidence, policy: Policy
) -> list[str]:
    """What the learning curve, or the lack of one, asks of a person."""
    wants_curve = evidence.learning is None and evidence.trainable and evidence.has_curve
    if verdict == "collect_examples" and wants_curve:
        return [
            f"`tunegate curve {evidence.suite}` measures how many more examples would buy how "
            "much: it trains on parts of those there are, and judges on dev."
        ]
    if verdict == "fine_tune" and falls_short(standing, evidence, policy):
        return [
            "An adapter of all the examples was measured on dev and gains less than "
            f"{gain_text(policy)} on the leader: collect more first, or spend a look at the sealed "
            "split on it."
        ]
    return []


def _judge_step(judge: JudgeStanding) -> str:
    """What would let a judge gate."""
    if judge.calibration is None:
        return f"{judge.name} of {judge.suite}: {judge.missing}."
    return (
        f"{judge.name} of {judge.suite}: improve its rubric or its model, or label more answers, "
        "until its agreement with people is shown; docs/judges.md says how."
    )
