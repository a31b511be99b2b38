"""The rows of the decision table, in their order: what each asks, and what it found.

Every rule answers also where it does not apply; `None` for `applies` means that what it
needs was not tested.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from evals.comparison import points
from evals.stats import MIN_CLUSTERS, one_sided_z
from tuning.evidence import CostEvidence, Evidence, Policy
from tuning.records import Verdict
from tuning.standing import Judged, Standing, cases_for_a_start, cases_to_decide


class Answer(NamedTuple):
    """Whether a rule applies (None: not tested), and the sentence that says why."""

    applies: bool | None
    text: str


class Rule(NamedTuple):
    """A row of the decision table. `on_plateau`: asked only once prompting has plateaued."""

    verdict: Verdict
    title: str
    judge: Callable[[Standing, Evidence, Policy], Answer]
    on_plateau: bool
    steps: tuple[str, ...]


def share(value: float) -> str:
    """A score for a sentence: two decimals, a third where two would say 0 or 1 falsely."""
    text = f"{value:.2f}"
    return f"{value:.3f}" if text in {"0.00", "1.00"} and value not in {0.0, 1.0} else text


def next_steps(index: int, standing: Standing, evidence: Evidence) -> tuple[str, ...]:
    """What a person does next under rule `index`."""
    steps = list(RULES[index].steps)
    verdict = RULES[index].verdict
    if verdict == "prompt_more":
        steps += [f"Still missing: {gap}." for gap in standing.gaps]
    if verdict == "use_retrieval" and evidence.facts_change == "often":
        steps.append("The facts change often: a tuned model would go stale, an index does not.")
    if verdict == "fine_tune" and evidence.oracle_context is None:
        steps.append(
            "Whether knowledge is missing was not tested: if answers need facts that the "
            "prompts do not contain, try retrieval first."
        )
    return tuple(steps)


def _sound(_: Standing, evidence: Evidence, __: Policy) -> Answer:
    soundness = evidence.soundness
    if soundness is None:
        return Answer(None, "Whether the evals are sound was not tested.")
    faults = [finding.message for finding in soundness.findings if finding.level == "error"]
    if soundness.self_test_passed is False:
        faults.insert(0, "the scorer self-test failed")
    if soundness.audit_passed is False:
        faults.insert(0, "the audit found scores that people judge wrong")
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        return Answer(True, f"Fix the evals first: {'; '.join(faults[:3])}{more}.")
    told = {True: "passed", None: "not tested"}
    self_test, audit = told[soundness.self_test_passed], told[soundness.audit_passed]
    checked = f"The scorer self-test: {self_test}. The audit by a person: {audit}."
    if soundness.self_test_passed is None and soundness.audit_passed is None:
        return Answer(None, f"{checked} No leaks or contradictions are known.")
    return Answer(False, f"{checked} No leaks between splits, no contradictory labels.")


def _cost(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    cost = evidence.cost
    if cost is None:
        return Answer(None, "Cost was not tested: no volume or no prices are stated.")
    if cost.break_even_months is None:
        months = f"{cost.calls_per_month:,} calls a month never pay for a tuned model"
        return Answer(False, f"{months} with a short prompt.")
    months = (
        f"at {cost.calls_per_month:,} calls a month a tuned model breaks even after "
        f"{cost.break_even_months:.1f} months"
    )
    obstacle = _cost_obstacle(cost, standing, evidence, policy)
    if obstacle:
        return Answer(False, f"{months[0].upper()}{months[1:]}, but {obstacle}.")
    return Answer(True, f"Fine-tune to cut cost: {months}, retraining included.")


def _cost_obstacle(
    cost: CostEvidence, standing: Standing, evidence: Evidence, policy: Policy
) -> str | None:
    if cost.break_even_months is None or cost.break_even_months > cost.within_months:
        return f"only {cost.within_months:g} are allowed"
    if policy.target is None:
        return "without a target nobody can say what is good enough"
    low = _certain_low(standing.leader, standing, policy)
    if low < policy.target - policy.min_gain or standing.sample.few_clusters:
        return (
            f"quality is not near the target of {share(policy.target)}: only {share(low)} is "
            f"certain of '{standing.leader.trial.label}'"
        )
    if evidence.clean_examples < policy.min_examples:
        return _examples(evidence, policy)
    return None


def _suffices(standing: Standing, _: Evidence, policy: Policy) -> Answer:
    leader, low = standing.leader, _certain_low(standing.leader, standing, policy)
    assert leader.interval is not None  # a leader is usable
    scores = (
        f"'{leader.trial.label}' scores {share(leader.interval.estimate)} on the dev split, and at "
        f"least {share(low)} is certain after allowing for {len(standing.trials)} tried"
    )
    if standing.sample.few_clusters:
        return Answer(False, f"{scores}, but there are too few independent clusters to trust it.")
    if policy.target is not None and low >= policy.target:
        return Answer(
            True, f"A prompt suffices: {scores}; the target of {share(policy.target)} is reached."
        )
    if low > 1 - policy.min_gain:
        return Answer(
            True, f"A prompt suffices: {scores}; no room is left for {_gain(policy)} more."
        )
    target = "no target is stated" if policy.target is None else f"target {share(policy.target)}"
    return Answer(False, f"{scores} ({target}).")


def _too_small(standing: Standing, _: Evidence, policy: Policy) -> Answer:
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
            f"results would rule out a gain of {_gain(policy)}. That takes at least {smallest}, "
            f"and about {start} to decide reliably.",
        )
    return Answer(
        False,
        f"{n} cases can rule out a gain of {_gain(policy)} (at least {smallest} are needed, about "
        f"{start} to do so reliably).",
    )


def _stronger(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    models = evidence.stronger_models
    if not models:
        return Answer(None, "No stronger model was tested.")
    if policy.target is None:
        return Answer(False, "Stronger models were run, but no target is stated to reach.")
    level = 1 - 2 * policy.look_alpha / len(models)
    said: list[str] = []
    reached = False
    for model in models:
        interval = standing.sample.interval(model.arm, level)
        if interval is None or not model.arm.usable:
            said.append(f"'{model.label}' ended in too many errors to be judged")
            continue
        affordable = {
            True: "",
            False: ", at a cost that is not accepted",
            None: ", cost not judged",
        }
        reached = reached or (interval.low >= policy.target and model.cost_acceptable is not False)
        said.append(
            f"'{model.label}' scores {share(interval.estimate)} by prompt, at least "
            f"{share(interval.low)} for certain{affordable[model.cost_acceptable]}"
        )
    text = f"{'; '.join(said)}; the target is {share(policy.target)}."
    if not standing.plateau:
        return Answer(False, f"No plateau yet. {text}")
    return Answer(reached, f"Try a stronger model: {text}" if reached else text)


def _retrieval(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    facts = evidence.facts_change
    change = "" if facts is None else f" The suite says that facts change: {facts}."
    if evidence.oracle_context is None:
        return Answer(None, f"Giving each case its own documents was not tested.{change}")
    pair = standing.sample.pair(standing.leader.trial.arm, evidence.oracle_context)
    if pair is None or not evidence.oracle_context.usable:
        return Answer(False, f"With its own documents too many cases ended in errors.{change}")
    z = one_sided_z(policy.look_alpha)
    gained = pair.above(0.0, z) and pair.estimate >= policy.min_gain - 1e-12
    text = (
        f"Given each case's own documents, the leader gains {points(pair.estimate)} (at least "
        f"{100 * pair.lower(z):+.1f} for certain); {_gain(policy)} would say that knowledge is "
        f"missing.{change}"
    )
    if not standing.plateau:
        return Answer(False, f"No plateau yet. {text}")
    return Answer(gained, f"Use retrieval: {text}" if gained else text)


def _collect(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    text = _examples(evidence, policy)
    few = evidence.clean_examples < policy.min_examples
    if not standing.plateau:
        return Answer(False, f"No plateau yet; {text}.")
    if few:
        return Answer(True, f"{_plateau(standing, policy)} To fine-tune, {text}: collect more.")
    return Answer(False, f"{text[0].upper()}{text[1:]}.")


def _tune(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    if not standing.plateau:
        return Answer(False, f"Prompting has not plateaued: {_why_no_plateau(standing, policy)}.")
    return Answer(True, f"{_plateau(standing, policy)} Fine-tune: {_examples(evidence, policy)}.")


def _more_prompts(standing: Standing, _: Evidence, policy: Policy) -> Answer:
    if standing.plateau:
        return Answer(False, _plateau(standing, policy))
    if standing.improved:
        best = max(standing.improved, key=lambda judged: judged.mean)
        assert best.versus_anchor is not None  # improved means: against an anchor
        assert standing.anchor is not None
        return Answer(
            True,
            f"Keep prompting: it still pays. '{best.trial.label}' gained "
            f"{points(best.versus_anchor.estimate)} on the best early prompt, "
            f"'{standing.anchor.trial.label}' (at least "
            f"{100 * best.versus_anchor.lower(standing.z_improve):+.1f} for certain).",
        )
    if standing.gaps:
        return Answer(True, f"Keep prompting: too little was tried. {_sentence(standing.gaps)}")
    return Answer(False, "Enough was tried, and nothing in the last two rounds improved.")


def _more_cases(standing: Standing, _: Evidence, policy: Policy) -> Answer:
    if standing.plateau:
        return Answer(False, "The cases suffice: every tried prompt is shown to be flat.")
    if standing.improved:
        return Answer(False, "The cases suffice: an improvement is shown.")
    if standing.gaps:
        return Answer(False, "Whether the cases suffice shows once enough is tried.")
    needed = cases_to_decide(standing, policy.min_gain)
    n = len(standing.sample)
    cost = (
        f"About {needed} cases would decide (now {n})"
        if needed is not None
        else f"The gain is so near {_gain(policy)} that no realistic number of cases would decide"
    )
    return Answer(
        True,
        f"More cases are needed: neither a plateau nor an improvement is shown, "
        f"{_why_no_plateau(standing, policy)}. {cost}.",
    )


def _plateau(standing: Standing, policy: Policy) -> str:
    anchor = standing.anchor
    assert anchor is not None  # no plateau without
    assert anchor.interval is not None
    leader = standing.leader
    text = (
        f"Prompting has plateaued: none of the {len(standing.trials)} tried prompts is plausibly "
        f"{_gain(policy)} better than the best early one, '{anchor.trial.label}' "
        f"({share(anchor.interval.estimate)})."
    )
    if leader.trial is not anchor.trial:
        text += f" The best is now '{leader.trial.label}' ({share(leader.mean)})."
    return text


def _why_no_plateau(standing: Standing, policy: Policy) -> str:
    if standing.gaps:
        return "; ".join(standing.gaps)
    open_trials = [
        (judged.versus_anchor.upper(standing.z_flat), judged)
        for judged in standing.trials
        if judged.versus_anchor is not None and not judged.flat
    ]
    anchor = standing.anchor
    if anchor is None or not open_trials:
        return "a candidate could not be compared with the best early one"
    upper, furthest = max(open_trials, key=lambda found: found[0])
    others = f", and {len(open_trials) - 1} more likewise" if len(open_trials) > 1 else ""
    return (
        f"'{furthest.trial.label}' could still be up to {100 * upper:.1f} points better than the "
        f"best early one, '{anchor.trial.label}' (asked: below {_gain(policy)}){others}"
    )


def _certain_low(judged: Judged, standing: Standing, policy: Policy) -> float:
    """One-sided lower bound of a score at alpha / M: the leader was picked from M."""
    level = 1 - 2 * policy.look_alpha / len(standing.trials)
    interval = standing.sample.interval(judged.trial.arm, level)
    return 0.0 if interval is None else interval.low


def _examples(evidence: Evidence, policy: Policy) -> str:
    return (
        f"there are {evidence.clean_examples} clean training examples "
        f"(at least {policy.min_examples} are asked for)"
    )


def _gain(policy: Policy) -> str:
    return f"{100 * policy.min_gain:g} points"


def _sentence(parts: tuple[str, ...]) -> str:
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


RULES: tuple[Rule, ...] = (
    Rule(
        "fix_evals",
        "The evals themselves are faulty",
        _sound,
        False,
        ("Run `tunegate check`, repair what it names, and evaluate again.",),
    ),
    Rule(
        "fine_tune",
        "Tuning pays for itself",
        _cost,
        False,
        ("Train with a short prompt, and prove on the sealed split that quality holds.",),
    ),
    Rule(
        "prompt_suffices",
        "A prompt is good enough",
        _suffices,
        False,
        ("Ship the leading prompt, and guard it in CI with `tunegate accept`.",),
    ),
    Rule(
        "fix_evals",
        "The dev split is too small for any answer",
        _too_small,
        False,
        (
            "Add dev cases; the ranking so far is provisional.",
            "Or state a larger min_gain, if only a larger gain is worth a fine-tune.",
        ),
    ),
    Rule(
        "try_stronger_model",
        "A stronger model does it by prompt",
        _stronger,
        True,
        ("Compare the price of the stronger model with that of training and keeping an adapter.",),
    ),
    Rule(
        "use_retrieval",
        "Knowledge is missing, not behaviour",
        _retrieval,
        True,
        ("Add a retrieval round to the suite, and ask the gate again.",),
    ),
    Rule(
        "collect_examples",
        "Too few examples to train on",
        _collect,
        True,
        ("Collect clean training examples; failures of the leader show which kinds are missing.",),
    ),
    Rule(
        "fine_tune",
        "Behaviour is missing, and there is enough to learn it from",
        _tune,
        True,
        ("Run `tunegate tune`; the adapter must beat the leader on the sealed split.",),
    ),
    Rule(
        "prompt_more",
        "Prompting is not exhausted",
        _more_prompts,
        False,
        ("Add a round of another family to the suite, and run it.",),
    ),
    Rule(
        "more_cases",
        "Too few cases to tell",
        _more_cases,
        False,
        (
            "Add dev cases, declared before looking again (at most two extensions).",
            "Until then the leader is the best guess.",
        ),
    ),
)
