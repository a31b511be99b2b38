"""Is knowledge missing: the leader with each case's own documents, and what retrieval finds."""

from __future__ import annotations

from evals.claims import reaches
from evals.comparison import points
from evals.retrieval.recall import Recall
from evals.rounding import least_points, most_points
from evals.stats import BoundedDifference, one_sided_z
from tuning.gate.evidence import Evidence, Policy
from tuning.gate.failing import wrong_content_text
from tuning.gate.rules import Answer
from tuning.gate.standing import Standing
from tuning.gate.wording import gain_text
from tuning.records import Interval, OracleLine

WELL_FOUND = 0.95
"""From this recall on it is not the finding that keeps answers from being as good."""


def judge_retrieval(standing: Standing, evidence: Evidence, policy: Policy) -> Answer:
    """Whether each case's own documents gain enough: knowledge is missing, or not found."""
    facts = evidence.facts_change
    change = "" if facts is None else f" The suite says that facts change: {facts}."
    if evidence.oracle_context is None:
        return Answer(None, f"{_untested(standing, evidence)}{change}")
    pair = standing.sample.pair(standing.leader.trial.arm, evidence.oracle_context)
    if pair is None or not evidence.oracle_context.usable:
        errors, cases = len(evidence.oracle_context.errors), len(standing.sample)
        return Answer(
            False,
            f"With its own documents too many cases ended in errors ({errors} of {cases}): they "
            f"may be too long for the model.{change}",
        )
    gained = _gained(pair, policy)
    text = f"{_measured(pair, standing, evidence, policy)}{change}"
    if not standing.plateau:
        return Answer(False, f"No plateau yet. {text}")
    wrong = wrong_content_text(evidence.failures)
    return Answer(gained, f"Use retrieval: {text}{wrong}" if gained else text)


def _gained(pair: BoundedDifference, policy: Policy) -> bool:
    return pair.above(0.0, one_sided_z(policy.look_alpha)) and reaches(pair, policy.min_gain)


def _untested(standing: Standing, evidence: Evidence) -> str:
    text = "Giving each case its own documents was not tested"
    if not evidence.names_documents:
        return f"{text}."
    return f"{text}: {'not run yet' if standing.plateau else 'run once prompting has plateaued'}."


def _measured(
    pair: BoundedDifference, standing: Standing, evidence: Evidence, policy: Policy
) -> str:
    """What the probe showed, and of whom: in one to three sentences."""
    z = one_sided_z(policy.look_alpha)
    leading = leading_recall(standing, evidence)
    what = "knowledge is missing" if leading is None else "retrieval does not give what it could"
    text = (
        f"Given each case's own documents, the leader gains {points(pair.estimate)} (at least "
        f"{least_points(pair.lower(z))} for certain); {gain_text(policy)} would say that {what}."
    )
    if not _gained(pair, policy) and pair.upper(z) >= policy.min_gain:
        text += f" That much is not ruled out: it could be {most_points(pair.upper(z))}."
    if evidence.without_documents:
        cases = f"{evidence.without_documents} of {len(standing.sample)} cases"
        text += f" {cases} name no documents, and were shown none."
    return text + _found_text(standing, evidence)


def _found_text(standing: Standing, evidence: Evidence) -> str:
    """What retrieval finds of the documents that are needed, where it was tried."""
    leading = leading_recall(standing, evidence)
    if leading is not None:
        return f" The leader retrieves: {leading.sentence}."
    if best := best_recall(evidence):
        return f" Retrieval was tried and does not lead: '{best.label}', {best.sentence}."
    return ""


def leading_recall(standing: Standing, evidence: Evidence) -> Recall | None:
    """The recall of the leader; None where it retrieves nothing."""
    leader = standing.leader.trial.arm.run_id
    return next((recall for recall in evidence.recalls if recall.run_id == leader), None)


def best_recall(evidence: Evidence) -> Recall | None:
    """The highest recall of a trial; of equals that with fewer pieces."""
    return max(evidence.recalls, key=lambda found: (found.recall.mean, -found.pieces), default=None)


def retrieval_steps(standing: Standing, evidence: Evidence) -> list[str]:
    """What to do where each case's own documents gain: retrieve, or retrieve better."""
    steps = [_retrieval_step(standing, evidence)]
    if evidence.facts_change == "often":
        steps.append("The facts change often: a tuned model would go stale, an index does not.")
    return steps


def _retrieval_step(standing: Standing, evidence: Evidence) -> str:
    known = leading_recall(standing, evidence) or best_recall(evidence)
    if known is None:
        return (
            "Add a retrieval round to the suite (family: retrieval, prompts, documents: [2, 4]), "
            "and run it: what it retrieves joins the candidates, and the gate is asked again."
        )
    recall = f"{known.recall.name} is {known.recall.mean:.2f}"
    if known.recall.mean < WELL_FOUND:
        return (
            f"Improve retrieval: {recall} ('{known.label}'), so what is needed is often not shown. "
            "Try more documents, other sizes of pieces (retrieval.chunk_words), titles that say "
            "what a document is of, or documents in the words that people ask with."
        )
    return (
        f"What is needed is found ({recall}, '{known.label}') and still not used as well as alone: "
        "show fewer documents or smaller pieces, or have a prompt place them itself "
        "(`documents` in its template)."
    )


def oracle_line(standing: Standing, evidence: Evidence, policy: Policy) -> OracleLine | None:
    """The probe as a record; None where it was not run."""
    arm = evidence.oracle_context
    if arm is None:
        return None
    z = one_sided_z(policy.look_alpha)
    found = standing.sample.interval(arm)
    pair = standing.sample.pair(standing.leader.trial.arm, arm)
    level = 1 - policy.look_alpha
    return OracleLine(
        run_id=arm.run_id,
        label=standing.leader.trial.label,
        score=None if found is None else Interval(found.estimate, found.low, found.high),
        difference=(
            None if pair is None else Interval(pair.estimate, pair.lower(z), pair.upper(z), level)
        ),
        cases=len(arm.scores),
        errors=len(arm.errors),
        without=evidence.without_documents,
    )
