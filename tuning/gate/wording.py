"""Numbers of the gate in words that a person who knows no statistics can read."""

from __future__ import annotations

from evals.rounding import most_points
from tuning.gate.evidence import Evidence, LeftOut, Policy
from tuning.gate.judged import Judged
from tuning.gate.standing import Standing


def share(value: float) -> str:
    """A score for a sentence: two decimals, a third where two would say 0 or 1 falsely."""
    text = f"{value:.2f}"
    return f"{value:.3f}" if text in {"0.00", "1.00"} and value not in {0.0, 1.0} else text


def plateau_text(standing: Standing, policy: Policy) -> str:
    """The plateau in one or two sentences; only where there is one."""
    anchor = standing.anchor
    assert anchor is not None  # no plateau without
    assert anchor.interval is not None
    leader = standing.leader
    text = (
        f"Prompting has plateaued: none of the {len(standing.trials)} tried prompts is plausibly "
        f"{gain_text(policy)} better than the best early one, '{anchor.trial.label}' "
        f"({share(anchor.interval.estimate)})."
    )
    if stopped := standing.stopped:
        early = f"{len(stopped[0].trial.arm.cases)} of {len(standing.sample)}"
        text += f" Stopped early, and flat on {early} cases: {len(stopped)}."
    if leader.trial is not anchor.trial:
        text += f" The best is now '{leader.trial.label}' ({share(leader.mean)})."
    return text


def why_no_plateau(standing: Standing, policy: Policy) -> str:
    """What stands in the way of a plateau, as a clause."""
    if standing.gaps:
        return "; ".join(standing.gaps)
    open_trials = [
        (
            judged.versus_anchor.upper(standing.z_of(judged.trial)),
            judged,
            judged.versus_anchor.errors,
        )
        for judged in standing.trials
        if judged.versus_anchor is not None and not judged.flat
    ]
    anchor = standing.anchor
    if anchor is None or not open_trials:
        return "a candidate could not be compared with the best early one"
    upper, furthest, errors = max(open_trials, key=lambda found: found[0])
    asked = "; ".join(filter(None, [f"asked: below {gain_text(policy)}", errors_text(errors)]))
    others = f", and {len(open_trials) - 1} more likewise" if len(open_trials) > 1 else ""
    return (
        f"'{furthest.trial.label}' could still be up to {most_points(upper, '-')} points better "
        f"than the best early one, '{anchor.trial.label}' ({asked}){others}"
    )


def certain_low(judged: Judged, standing: Standing, policy: Policy) -> float:
    """One-sided lower bound of a score at alpha / M: the leader was picked from M.

    M counts what is planned, too: the search asks after every round, and stops where the
    answer is yes. Errors count as wrong answers here.
    """
    level = 1 - 2 * policy.look_alpha / standing.candidates
    bounds = standing.sample.bounds(judged.trial.arm, level)
    return 0.0 if bounds is None else bounds.low


def errors_text(errors: int) -> str:
    """How bounds treat so many cases without a score, as a clause; empty without any."""
    return f"bounded by the worst case of {plural(errors, 'case')} with errors" if errors else ""


def examples_text(evidence: Evidence, policy: Policy) -> str:
    """How many clean training examples there are, as a clause."""
    return (
        f"there are {evidence.clean_examples} clean training examples "
        f"(at least {policy.min_examples} are asked for)"
    )


def left_out_texts(left_out: LeftOut) -> tuple[str, ...]:
    """One sentence for each kind of stored run that the verdict does not rest on."""
    texts = []
    if left_out.other_weights:
        others = plural(left_out.fingerprints, "other model fingerprint")
        texts.append(
            f"{plural(left_out.other_weights, 'run')} of {others} left out: this verdict is of "
            f"{left_out.fingerprint} alone."
        )
    if left_out.other_judges:
        texts.append(
            f"{plural(left_out.other_judges, 'run')} judged by other models left out: what judges "
            "has changed since, behind the same name."
        )
    if left_out.other_constraints:
        texts.append(
            f"{plural(left_out.other_constraints, 'run')} held to a structure by another "
            "constraint library left out, or by another version of it."
        )
    if left_out.stage_one:
        were = "candidate was" if left_out.stage_one == 1 else "candidates were"
        texts.append(
            f"{left_out.stage_one} {were} stopped early and left out: the suite does not allow "
            "early stop (search.early_stop) any more."
        )
    if left_out.older_suite:
        texts.append(
            f"{plural(left_out.older_suite, 'run')} of older versions of the suite left out: "
            "their prompt, cases, scoring or decoding has changed."
        )
    return tuple(texts)


def little_room(standing: Standing, policy: Policy, unshown: float = 0.0) -> tuple[str, ...]:
    """A step to take before training where the leader leaves less than the gain asked for.

    `unshown` is what failures about documents lack of the mean score that no adapter is shown.
    """
    room = 1 - standing.leader.mean - unshown
    apart = " apart from those failures about documents" if unshown else ""
    if room >= policy.min_gain - 1e-9:
        return ()
    return (
        f"At most {most_points(room, '-')} points are left on these cases{apart}, and an adapter "
        f"must gain {100 * policy.min_gain:g}: more dev cases may show that the prompt suffices. "
        "Or state a smaller min_gain, if less is worth a fine-tune.",
    )


def changed_text(policy: Policy) -> str:
    """Sentences on what alpha is left after changes of dev, and which declaration stands."""
    text = _withdrawn_text(policy)
    if not policy.undeclared:
        return text
    return (
        f"{text} The dev split changed {plural(policy.undeclared, 'time')} after a verdict "
        "without being declared before the first: everything here is claimed at "
        f"α = {policy.look_alpha:g}."
    )


def _withdrawn_text(policy: Policy) -> str:
    stated, stands = policy.stated_extensions, policy.declared_extensions
    if stated is None or stated == stands:
        return ""
    now = plural(stated, "extension") if stated else "no extension"
    then = plural(stands, "extension") if stands else "none"
    return (
        f" The suite declares {now} of dev now (search.dev_extensions), but {then} at the first "
        f"look at these cases. That stands, since alpha was spent by it: this look claims at "
        f"α = {policy.look_alpha:.3g}."
    )


def extension_step(policy: Policy) -> str:
    """How dev may grow now, and what the next look will cost."""
    if policy.look <= policy.declared_extensions:
        told = "that the suite declares"
        if policy.stated_extensions not in {None, policy.declared_extensions}:
            told = "that were declared before the first look"
        return f"Add dev cases: extension {policy.look} of {policy.declared_extensions} {told}."
    return (
        f"Add dev cases. No further extension was declared before the first verdict, so the next "
        f"one claims at α = {policy.following.look_alpha:g}; or collect a new dev split."
    )


def rounds_step(standing: Standing, policy: Policy) -> str:
    """What is still to be tried: after a late gain the rounds that would show its plateau."""
    if not standing.improved:
        return "Add a round of another family to the suite, and run it."
    best = max(standing.improved, key=lambda judged: judged.mean)
    later = any(item.trial.round_index > best.trial.round_index for item in standing.trials)
    rounds = (
        "one more round, of another family than the last,"
        if later
        else "two more rounds, of different families,"
    )
    return (
        f"Add {rounds} to the suite, each with at least 2 candidates, and run it. Where then no "
        f"candidate, old or new, is plausibly {gain_text(policy)} better than "
        f"'{best.trial.label}', prompting has plateaued."
    )


def plural(count: int, what: str) -> str:
    """A count with its noun: "1 case", "2 cases"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def gain_text(policy: Policy) -> str:
    """The smallest gain worth a fine-tune: "10 points"."""
    return f"{100 * policy.min_gain:g} points"


def as_sentence(parts: tuple[str, ...]) -> str:
    """Clauses joined into one sentence."""
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."
