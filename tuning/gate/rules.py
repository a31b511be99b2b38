"""The rules of the gate: what each asks of the evidence, and what it found.

Every rule answers also where it does not apply; `None` for `applies` means that what it
needs was not tested.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from evals.comparison import points
from evals.durations import limit_said, months_said
from evals.rounding import least_points, least_share, limit_share
from evals.stats import MIN_CLUSTERS
from tuning.gate.evidence import CostEvidence, Evidence, Policy
from tuning.gate.failing import failing_text
from tuning.gate.learning import learning_text
from tuning.gate.standing import Standing, cases_for_a_start, cases_to_decide
from tuning.gate.stronger import stronger_lines, stronger_text
from tuning.gate.wording import (
    as_sentence,
    certain_low,
    examples_text,
    gain_text,
    plateau_text,
    share,
    why_no_plateau,
)

_CLEAN = "No leaks between splits, no contradictory labels."

WAITS = (
    "Cases name documents, and giving each case its own was not tried yet: whether knowledge or "
    "behaviour is missing shows then."
)


class Answer(NamedTuple):
    """Whether a rule applies (None: not tested), and the sentence that says why."""

    applies: bool | None
    text: str


AUDIT = "The audit by a person"


def judge_sound(_: Standing, evidence: Evidence, __: Policy) -> Answer:
    """Whether the evals are at fault: self-test, audit, leaks, contradictions, judges."""
    soundness = evidence.soundness
    if faults := [*_judge_faults(evidence), *soundness_faults(evidence)]:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        return Answer(True, f"Fix the evals first: {'; '.join(faults[:3])}{more}.")
    judges = "".join(f" The {judge.sentence}." for judge in evidence.judges if judge.gates)
    if soundness is None:
        return Answer(None, f"Whether the evals are sound was not tested.{judges}")
    told = {True: "passed", None: "not tested"}
    self_test, audit = told[soundness.self_test_passed], told[soundness.audit_passed]
    if soundness.fresh and soundness.self_test_passed is None:
        self_test += " on the suite as it stands"
    checked = f"The scorer self-test: {self_test}. {AUDIT}: {audit}."
    if soundness.fresh:
        checked += (
            " The suite was looked through anew, since no stored check is of it as it stands."
        )
    if soundness.self_test_passed is None and soundness.audit_passed is None and not judges:
        known = "No leaks or contradictions are known."
        return Answer(None, f"{checked} {_CLEAN if soundness.fresh else known}")
    return Answer(False, f"{checked} {_CLEAN}{judges}")


def _judge_faults(evidence: Evidence) -> list[str]:
    """The models that judge, and are not shown to judge as people do."""
    return [
        f"a judge is not shown to agree with people ({judge.sentence})"
        for judge in evidence.judges
        if judge.blocks
    ]


def soundness_faults(evidence: Evidence) -> list[str]:
    """What `check` and the audit found wrong with the evals, gravest first."""
    faults: list[str] = []
    soundness = evidence.soundness
    if soundness is None:
        return faults
    if soundness.audit_passed is False:
        faults.append("the audit found scores that people judge wrong")
    if soundness.self_test_passed is False:
        faults.append("the scorer self-test failed")
    return faults + [found.message for found in soundness.findings if found.level == "error"]


def judge_cost(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    """Whether a tuned model with a short prompt pays for itself at near enough quality."""
    cost = evidence.cost
    if cost is None:
        return Answer(None, "Cost was not tested: no volume or no prices are stated.")
    if cost.missing:
        return Answer(None, f"Cost was not tested: {'; '.join(cost.missing)}.")
    figures = f" {cost.figures}" if cost.figures else ""
    if cost.break_even_months is None:
        months = f"{cost.calls_per_month:,} calls a month never pay for a tuned model"
        return Answer(False, f"{months} with a short prompt.{_volume_text(cost)}{figures}")
    months = (
        f"at {cost.calls_per_month:,} calls a month a tuned model breaks even after "
        f"{_months_text(cost)}"
    )
    obstacle = _cost_obstacle(cost, standing, evidence, policy)
    if obstacle:
        return Answer(False, f"{months[0].upper()}{months[1:]}, but {obstacle}.{figures}")
    assert policy.target is not None  # without one there is an obstacle
    low = least_share(certain_low(standing.leader, standing, policy), policy.target)
    near = (
        f"Quality is good enough or near it: at least {low} is certain of "
        f"'{standing.leader.trial.label}', and {100 * cost.max_loss:g} points may be missing "
        f"from the target of {limit_share(policy.target)}."
    )
    already = ""
    if certain_low(standing.leader, standing, policy) >= policy.target:
        already = " The leading prompt reaches the target as it is: cost is the only reason."
    return Answer(True, f"Fine-tune to cut cost: {months}. {near}{already}{figures}")


def _volume_text(cost: CostEvidence) -> str:
    """From how many calls a month it would pay in the time stated, where any number does."""
    if cost.break_even_calls is None:
        return ""
    return (
        f" It would within {limit_said(cost.within_months)} from about "
        f"{ceil(cost.break_even_calls):,} calls a month on."
    )


def _months_text(cost: CostEvidence) -> str:
    """Until when it breaks even, with the unfavourable end where it is estimated."""
    likely = months_said(cost.break_even_months, cost.within_months)
    if not cost.has_range:
        return likely
    if cost.latest_months is None:
        return f"{likely} (by estimate; perhaps never)"
    latest = months_said(cost.latest_months, cost.within_months)
    return f"{likely} (by estimate; {latest} at the unfavourable end)"


def _cost_obstacle(
    cost: CostEvidence, standing: Standing, evidence: Evidence, policy: Policy
) -> str | None:
    ends = [cost.break_even_months, *([cost.latest_months] if cost.has_range else [])]
    if any(months is None or months > cost.within_months for months in ends):
        return f"only {limit_said(cost.within_months)} are allowed"
    if cost.goes_stale:
        return (
            "the suite says that facts change often and not how often it would be trained anew "
            "(operation.retrain_months): a tuned model would go stale"
        )
    if policy.target is None:
        return "without a target nobody can say what is good enough"
    low = certain_low(standing.leader, standing, policy)
    enough = low > 0 and low >= policy.target - cost.max_loss
    if not enough or standing.sample.few_clusters:
        return (
            f"quality is not near the target of {limit_share(policy.target)}, of which "
            f"{100 * cost.max_loss:g} points may be missing (operation.max_loss): only "
            f"{least_share(low, policy.target)} is certain of '{standing.leader.trial.label}'"
        )
    if evidence.clean_examples < policy.min_examples:
        return examples_text(evidence, policy)
    return None


def judge_suffices(standing: Standing, _: Evidence, policy: Policy) -> Answer:
    """Whether the leader is certain of the target, or so good that no room is left."""
    leader, low = standing.leader, certain_low(standing.leader, standing, policy)
    assert leader.interval is not None  # a leader is usable
    scores = (
        f"'{leader.trial.label}' scores {share(leader.interval.estimate)} on the dev split, "
        f"and at least {least_share(low, policy.target)} is certain after allowing for "
        f"{standing.candidates} "
        f"{'tried' if standing.candidates == len(standing.trials) else 'planned'}"
    )
    if standing.sample.few_clusters:
        return Answer(False, f"{scores}, but there are too few independent clusters to trust it.")
    if policy.target is not None and low >= policy.target:
        return Answer(
            True,
            f"A prompt suffices: {scores}; the target of {limit_share(policy.target)} is reached.",
        )
    if low > 1 - policy.min_gain:
        return Answer(
            True, f"A prompt suffices: {scores}; no room is left for {gain_text(policy)} more."
        )
    target = (
        "no target is stated" if policy.target is None else f"target {limit_share(policy.target)}"
    )
    return Answer(False, f"{scores} ({target}).")


def judge_too_small(standing: Standing, _: Evidence, policy: Policy) -> Answer:
    """Whether the cases are so few that no result could ever be flat."""
    n, smallest = len(standing.sample), standing.smallest_n
    start = cases_for_a_start(standing, policy)
    if standing.sample.few_clusters:
        return Answer(
            True,
            f"The dev split is too small to decide anything: its {n} cases form only "
            f"{standing.sample.clusters} independent clusters, and at least {MIN_CLUSTERS} are "
            f"needed, with about {start} cases in all.",
        )
    if n < smallest:
        return Answer(
            True,
            f"The dev split is too small to decide anything: with {n} cases not even identical "
            f"results would rule out a gain of {gain_text(policy)}. That takes at least "
            f"{smallest}, and about {start} to decide reliably.",
        )
    return Answer(
        False,
        f"{n} cases can rule out a gain of {gain_text(policy)} (at least {smallest} are needed, "
        f"about {start} to do so reliably).",
    )


def judge_stronger(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    """Whether a model that the suite names reaches the target by the leader's prompt."""
    models = evidence.stronger_models
    if not models:
        return Answer(None, "No stronger model was tested: the suite names none to compare.")
    names = ", ".join(f"'{model.label}'" for model in models)
    if policy.target is None:
        text = "the suite states no target that a stronger model could reach"
        return Answer(None, f"Nothing was run on {names}: {text}.")
    lines = stronger_lines(standing, evidence, policy)
    if all(line.run_id is None for line in lines):
        when = "not run yet" if standing.plateau else "run once prompting has plateaued"
        return Answer(None, f"No stronger model was tested: {names}, {when}.")
    text = stronger_text(lines, standing, policy)
    if not standing.plateau:
        return Answer(False, f"No plateau yet. {text}")
    if reached := [line.model for line in lines if line.suffices]:
        shown = " and ".join(f"'{name}'" for name in reached)
        verb = "reaches" if len(reached) == 1 else "reach"
        return Answer(True, f"Try a stronger model: {shown} {verb} the target by prompt. {text}")
    return Answer(False, text)


def judge_collect(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    """Whether there are too few clean examples to train on, with what more would buy."""
    text = examples_text(evidence, policy)
    learned = learning_text(standing, evidence, policy)
    few = evidence.clean_examples < policy.min_examples
    if not standing.plateau:
        return Answer(False, f"No plateau yet; {text}.{learned}")
    if evidence.awaits_oracle:
        return Answer(False, f"{WAITS} {text[0].upper()}{text[1:]}.{learned}")
    if few:
        plateau = plateau_text(standing, policy)
        return Answer(True, f"{plateau} To fine-tune, {text}: collect more.{learned}")
    return Answer(False, f"{text[0].upper()}{text[1:]}.{learned}")


def judge_tune(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    """Whether prompting has plateaued, with nothing cheaper left."""
    if not standing.plateau:
        return Answer(False, f"Prompting has not plateaued: {why_no_plateau(standing, policy)}.")
    if evidence.awaits_oracle:
        return Answer(False, WAITS)
    plateau, examples = plateau_text(standing, policy), examples_text(evidence, policy)
    if evidence.clean_examples < policy.min_examples:
        return Answer(True, f"{plateau} But {examples}: too few to fine-tune on.")
    failing = failing_text(evidence.failures)
    return Answer(True, f"{plateau} Fine-tune: {examples}.{failing}")


def judge_more_prompts(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    """Whether the last two rounds improve, or too little was tried, documents among it."""
    if standing.plateau and evidence.awaits_oracle:
        return Answer(True, f"{plateau_text(standing, policy)} {WAITS}")
    if standing.plateau:
        return Answer(False, plateau_text(standing, policy))
    if standing.improved:
        best = max(standing.improved, key=lambda judged: judged.mean)
        assert best.versus_anchor is not None  # improved means: against an anchor
        assert standing.anchor is not None
        return Answer(
            True,
            f"Keep prompting: it still pays. '{best.trial.label}' gained "
            f"{points(best.versus_anchor.estimate)} on the best early prompt, "
            f"'{standing.anchor.trial.label}' (at least "
            f"{least_points(best.versus_anchor.lower(standing.levels.improve))} for certain).",
        )
    if standing.gaps:
        return Answer(True, f"Keep prompting: too little was tried. {as_sentence(standing.gaps)}")
    return Answer(False, "Enough was tried, and no improvement is shown in the last two rounds.")


def _next_level(policy: Policy) -> str:
    """At which alpha more cases are judged, where that is not this look's."""
    following = policy.following.look_alpha
    return "" if following == policy.look_alpha else f" at the next look's α of {following:.3g}"


def judge_more_cases(standing: Standing, _: Evidence, policy: Policy) -> Answer:
    """Whether it is neither flat nor improved."""
    if standing.plateau:
        return Answer(False, "The dev cases suffice: every tried prompt is shown to be flat.")
    if standing.improved:
        return Answer(False, "The dev cases suffice: an improvement is shown.")
    if standing.gaps:
        return Answer(False, "Whether the cases suffice shows once enough is tried.")
    needed = cases_to_decide(standing, policy.min_gain)
    n = len(standing.sample)
    cost = (
        f"About {needed} cases would decide{_next_level(policy)} (now {n})"
        if needed is not None
        else f"A gain so near {gain_text(policy)} would not be decided by any realistic number"
    )
    return Answer(
        True,
        f"More cases are needed: neither a plateau nor an improvement is shown, "
        f"{why_no_plateau(standing, policy)}. {cost}.",
    )
