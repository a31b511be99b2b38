"""How prompting was tried: every candidate with its numbers, and the two pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evals.records import Run
from evals.regression.wording import repeats_said
from reports import numbers
from reports.charts import Forest, ForestRow, Mark, Reference, forest
from reports.estimates import mean_of
from reports.excerpts import Excerpt, excerpt
from reports.payback import thousand_said
from reports.plots import Attempt, Plot, plateau
from reports.rounds import RoundsView, rounds_view
from reports.stored import NotRun, dev_runs, is_named
from reports.stronger import StrongerView, stronger_view
from tuning.records import Decision, Interval, JobRecord, TrialLine

MOST_DRAWN = 40
MOST_TEMPLATE = 20_000  # characters
SAMENESS = ("cases", "errors", "votes")


@dataclass(frozen=True)
class TrialRow:
    """One candidate's line in the table; texts are ready to show."""

    label: str
    round_name: str
    score: str
    bounds: str
    gain: str
    gain_bounds: str
    standing: str
    cases: str
    errors: str
    prompt_tokens: str
    seconds: str
    run_id: str
    thousand: str = ""
    completion_tokens: str = numbers.NOTHING
    votes: str = "1"


@dataclass(frozen=True)
class PromptView:
    """A prompt's template, and the labels of the candidates that it was tried as."""

    name: str
    source: Excerpt
    used_by: str


@dataclass(frozen=True)
class Columns:
    """Which columns tell candidates apart; `same` says the rest once, of all of them."""

    votes: bool = True
    cases: bool = True
    errors: bool = True
    same: str = ""


@dataclass(frozen=True)
class AttemptsView:
    """All tried candidates, best first. `provisional` where the gate refused to judge.

    Those that were stopped early stand last and are not drawn: their scores are of fewer cases.
    """

    provisional: bool
    sentence: str
    standing: str
    rows: tuple[TrialRow, ...]
    forest: Forest | None
    forest_hidden: int
    plateau: Plot | None
    priced: bool = False
    stronger: StrongerView | None = None
    rounds: RoundsView | None = None
    prompts: tuple[PromptView, ...] = ()
    columns: Columns = Columns()


def attempts_view(job: JobRecord) -> AttemptsView | NotRun:
    """The candidates as the gate saw them, or as their runs say where it has not been asked."""
    trials = _trials(job)
    if not trials:
        return NotRun("No prompt has been tried on dev cases", f"tunegate run {job.suite}")
    ranked = ranked_trials(job)
    scored = [trial for trial in ranked if _drawable(trial)]
    drawn = [trial for trial in scored if not trial.stopped]
    rows = tuple(_row(job, trial) for trial in ranked)
    return AttemptsView(
        provisional=_is_provisional(job.decision),
        sentence=f"{_sentence(job, trials)}{_stopped(trials)}{_steadiness(job)}",
        standing=job.decision.provisional if job.decision else "",
        rows=rows,
        forest=_forest(job, drawn[:MOST_DRAWN]) if drawn else None,
        forest_hidden=len(scored) - len(drawn[:MOST_DRAWN]),
        plateau=_plateau(job.decision) if job.decision and drawn else None,
        priced=any(trial.cost and trial.cost.thousand is not None for trial in ranked),
        stronger=stronger_view(job),
        rounds=rounds_view(job.decision.rounds) if job.decision else None,
        prompts=_prompts(job, ranked),
        columns=_columns(rows),
    )


def _prompts(job: JobRecord, ranked: Sequence[TrialLine]) -> tuple[PromptView, ...]:
    """Every prompt once, in the order of the best candidate that it was used by."""
    used: dict[tuple[str, str], list[str]] = {}
    for trial in ranked:
        if (source := job.templates.get(trial.run_id)) is not None:
            name = job.runs[trial.run_id].candidate.prompt
            used.setdefault((name, source), []).append(trial.label)
    return tuple(
        PromptView(name, excerpt(source, MOST_TEMPLATE), ", ".join(labels))
        for (name, source), labels in used.items()
    )


def _columns(rows: tuple[TrialRow, ...]) -> Columns:
    """Columns for what differs, and a sentence for what does not."""
    cases, errors, votes = ({getattr(row, of) for row in rows} for of in SAMENESS)
    said = [f"on {one} cases" for one in cases if len(cases) == 1]
    said += ["no errors" if one == "0" else f"{one} errors" for one in errors if len(errors) == 1]
    said += [f"votes: {one}" for one in votes if len(votes) == 1 and one != "1"]
    return Columns(
        votes=len(votes) > 1,
        cases=len(cases) > 1,
        errors=len(errors) > 1,
        same=f" Each: {', '.join(said)}." if said else "",
    )


def _trials(job: JobRecord) -> tuple[TrialLine, ...]:
    return job.decision.trials if job.decision else _from_runs(job)


def ranked_trials(job: JobRecord) -> list[TrialLine]:
    """Every tried candidate, best first; those that were stopped early and failed ones last."""
    return sorted(
        _trials(job),
        key=lambda t: (t.stopped, not t.cases, -t.score.estimate, t.prompt_tokens, t.round_index),
    )


def _is_provisional(decision: Decision | None) -> bool:
    """A ranking is provisional where the verdict does not rest on it."""
    return decision is None or decision.verdict in ("fix_evals", "more_cases", "prompt_more")


def _from_runs(job: JobRecord) -> tuple[TrialLine, ...]:
    lines = []
    for run in dev_runs(job):
        interval = mean_of(run)
        if interval:
            lines.append(_line(run, interval))
    return tuple(lines)


def _line(run: Run, interval: Interval) -> TrialLine:
    used = [r.output.prompt_tokens for r in run.results if not r.output.error]
    return TrialLine(
        run_id=run.id,
        label=run.candidate.label,
        round_index=0,
        family="",
        score=interval,
        cases=len(run.values()),
        errors=len(run.errors),
        prompt_tokens=sum(used) / len(used) if used else math.nan,
    )


def _steadiness(job: JobRecord) -> str:
    """How consistent the leader is over its repeats, where it has some."""
    said = repeats_said(job.over_repeats) if job.over_repeats else ""
    return f" The leader's repeats: {said[:1].lower()}{said[1:]}." if said else ""


def _stopped(trials: tuple[TrialLine, ...]) -> str:
    """How many were not run on all cases, and what their numbers are of."""
    stopped = [trial for trial in trials if trial.stopped]
    if not stopped:
        return ""
    tried = numbers.plural(len(stopped), "candidate")
    return (
        f" {tried} stopped early, shown to be worse than the leader of that moment: their "
        "numbers are of the first stage of the dev cases, and are not ranked."
    )


def _sentence(job: JobRecord, trials: tuple[TrialLine, ...]) -> str:
    tried = numbers.plural(len(trials), "candidate")
    if not job.decision:
        return f"{tried}, not judged yet. The ranking is provisional."
    rounds = numbers.plural(len({t.round_index for t in trials}), "round")
    if job.decision.plateau:
        return (
            f"{tried} in {rounds}: a plateau. No tried candidate is plausibly "
            f"{numbers.points(job.decision.min_gain)} better than the anchor."
        )
    if _is_provisional(job.decision):
        return f"{tried} in {rounds}, no plateau. The ranking is provisional."
    return f"{tried} in {rounds}."


def _roles(decision: Decision | None, trial: TrialLine) -> str:
    roles = (("leader", decision.leader), ("anchor", decision.anchor)) if decision else ()
    return ", ".join(role for role, name in roles if is_named(trial, name))


def _standing(decision: Decision | None, trial: TrialLine) -> str:
    words = [_roles(decision, trial)] if _roles(decision, trial) else []
    if trial.improved:
        words.append("improved")
    if trial.flat:
        words.append("flat")
    if trial.stopped:
        words.append(f"stopped after {_cases(decision, trial)} cases")
    return ", ".join(words)


def _cases(decision: Decision | None, trial: TrialLine) -> str:
    """How many cases have a score; of a stopped candidate, how many of dev it was run on."""
    if not trial.stopped or decision is None:
        return numbers.count(trial.cases)
    return f"{numbers.count(trial.cases + trial.errors)} of {numbers.count(decision.cases)}"


def _mark(roles: str) -> Mark:
    if "anchor" in roles:
        return "diamond"
    return "dot" if "leader" in roles else "ring"


def _round_name(trial: TrialLine) -> str:
    """`1. wording`; a candidate from before the declared rounds (index 0) has no number."""
    family = trial.family.replace("_", " ") or numbers.NOTHING
    return f"{trial.round_index}. {family}" if trial.round_index else family


def _row(job: JobRecord, trial: TrialLine) -> TrialRow:
    run = job.runs.get(trial.run_id)
    gain = trial.versus_anchor
    return TrialRow(
        label=trial.label,
        round_name=_round_name(trial),
        score=numbers.score(trial.score.estimate if trial.cases else None),
        bounds=numbers.bounds(trial.score if trial.cases and not few_clusters(job) else None),
        gain=numbers.signed(gain.estimate if gain else None),
        gain_bounds=numbers.signed_bounds(gain),
        standing=_standing(job.decision, trial),
        cases=_cases(job.decision, trial),
        errors=numbers.count(trial.errors),
        prompt_tokens=numbers.count(trial.prompt_tokens),
        seconds=numbers.duration(seconds_of(run)),
        run_id=trial.run_id,
        thousand=thousand_said(trial.cost),
        completion_tokens=numbers.count(completion_tokens_of(trial, run)),
        votes=numbers.count(run.candidate.technique.votes if run else trial.votes),
    )


def few_clusters(job: JobRecord) -> bool:
    """Whether the cases form too few clusters for an interval that holds."""
    return job.decision is not None and "few_clusters" in job.decision.flags


def completion_tokens_of(trial: TrialLine, run: Run | None) -> float | None:
    """Mean of a case; older verdicts do not hold it, their runs do."""
    if run and run.results:
        return sum(r.output.completion_tokens for r in run.results) / len(run.results)
    return trial.completion_tokens or None


def seconds_of(run: Run | None) -> float | None:
    """Wall time of a case, the mean; None where the run is not stored."""
    return run.seconds / len(run.results) if run and run.results else None


def _drawable(trial: TrialLine) -> bool:
    """Whether there is a score at all: a candidate whose every case failed has none."""
    score = trial.score
    return trial.cases > 0 and all(map(math.isfinite, (score.estimate, score.low, score.high)))


def _anchor_score(decision: Decision | None) -> float | None:
    for trial in decision.trials if decision else ():
        if decision and is_named(trial, decision.anchor):
            return trial.score.estimate
    return None


def _forest(job: JobRecord, trials: list[TrialLine]) -> Forest:
    rows = []
    for trial in trials:
        roles = _roles(job.decision, trial)
        score = trial.score
        rows.append(
            ForestRow(
                trial.label,
                numbers.score(score.estimate),
                score.estimate,
                score.low,
                score.high,
                mark=_mark(roles),
                note=roles,
                bounds=f"({numbers.bounds(score)})",
            )
        )
    lines = []
    anchor = _anchor_score(job.decision)
    if anchor is not None:
        lines.append(Reference(anchor, "anchor", "anchor"))
        if anchor + job.min_gain <= 1:
            lines.append(Reference(anchor + job.min_gain, f"anchor + {job.min_gain:g}", "gain"))
    if job.target is not None:
        lines.append(Reference(job.target, f"target {job.target:g}", "target"))
    description = "; ".join(
        f"{row.label}: {row.numbers} {row.bounds} {row.note}".strip() for row in rows
    )
    return forest(
        "candidates", f"Score ({job.primary}) of every tried candidate", description, rows, lines
    )


def _plateau(decision: Decision) -> Plot:
    names: dict[int, str] = {}
    for trial in decision.trials:
        names.setdefault(trial.round_index, _round_name(trial))
    order = sorted(names)  # a round may be missing where it was skipped
    attempts = [
        Attempt(
            order.index(trial.round_index),
            trial.score.estimate,
            trial.score.low,
            trial.score.high,
            _mark(_roles(decision, trial)),
            f"{trial.label}: {numbers.score(trial.score.estimate)}",
            _roles(decision, trial),
        )
        for trial in decision.trials
        if _drawable(trial) and not trial.stopped
    ]
    best = max(attempts, key=lambda a: a.estimate)
    return plateau(
        "plateau",
        "Scores over the rounds of prompting",
        f"Best score so far after the last round: {numbers.score(best.estimate)} ({best.title}). "
        f"The shaded band is less than {decision.min_gain:g} above the anchor.",
        attempts,
        [names[index] for index in order],
        anchor=_anchor_score(decision),
        min_gain=decision.min_gain,
        target=decision.target,
    )
