"""The top of a report: what to do, how sure that is, and the decision table behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from evals.durations import after_said
from evals.records import Run
from evals.spending.wording import money_said
from reports import numbers
from reports.caveats import Caveat, caveats_of
from reports.cost import shown_payback
from reports.disclosure import Disclosure
from reports.stored import NotRun, dev_runs, sealed_runs
from tuning.records import Decision, JobRecord, Payback, RuleStatus, ShipDecision, TrainingEstimate

Tone = Literal["good", "go", "wait", "bad"]

HEADLINES: dict[str, tuple[str, Tone]] = {
    "ship_adapter": ("Ship the adapter", "good"),
    "reject_adapter": ("Do not ship the adapter", "bad"),
    "inconclusive": ("Not decided: the evidence is not enough", "wait"),
    "fix_evals": ("Fix the evals first", "bad"),
    "fine_tune": ("Fine-tune", "go"),
    "prompt_suffices": ("Prompting is enough", "good"),
    "try_stronger_model": ("Try the stronger model", "go"),
    "use_retrieval": ("Add retrieval", "go"),
    "collect_examples": ("Collect more examples", "wait"),
    "prompt_more": ("Keep improving the prompt", "wait"),
    "more_cases": ("Not decided: more cases are needed", "wait"),
}

SHORT = "Better than prompting, below the target"
"""What is said of an adapter that may ship and is not good enough."""

STATUSES: dict[RuleStatus, str] = {
    "applies": "applies",
    "does_not_apply": "does not apply",
    "not_tested": "not tested",
    "not_reached": "not reached",
}


@dataclass(frozen=True)
class Judgement:
    """One of the two decisions in words: before training, or after."""

    name: str
    verdict: str
    headline: str
    tone: Tone
    sentence: str


@dataclass(frozen=True)
class Tile:
    """A figure worth seeing first: what it is, its value, and what stands behind it."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class VerdictView:
    """The first screen. `earlier` is the gate's judgement where there is a later one."""

    main: Judgement
    earlier: Judgement | None
    next_steps: tuple[str, ...]
    override: str | None
    tiles: tuple[Tile, ...]
    caveats: tuple[Caveat, ...]


@dataclass(frozen=True)
class RuleView:
    """A row of the decision table."""

    title: str
    verdict: str
    status: RuleStatus
    status_label: str
    evidence: str


@dataclass(frozen=True)
class ReasonsView:
    """Why: the gate's rules in order, and what the verdict after training rests on."""

    rules: tuple[RuleView, ...]
    shipping: tuple[str, ...]


def verdict_view(job: JobRecord, told: Disclosure) -> VerdictView:
    """The verdict in a sentence, what to do next, and what to keep in mind."""
    gate = gate_judgement(job.decision) if job.decision else None
    steps = _next_steps(job)
    return VerdictView(
        main=judgement_of(job),
        earlier=gate if job.shipping else None,
        next_steps=steps,
        override=job.override,
        tiles=_tiles(job),
        caveats=caveats_of(job, told),
    )


def judgement_of(job: JobRecord) -> Judgement:
    """The last thing that was decided of a job."""
    if job.shipping:
        said = _judgement("After training", job.shipping)
        return replace(said, headline=SHORT, tone="wait") if falls_short(job) else said
    return gate_judgement(job.decision) if job.decision else _undecided(job)


def gate_judgement(decision: Decision) -> Judgement:
    """What the gate decided."""
    return _judgement("Gate", decision)


def falls_short(job: JobRecord) -> bool:
    """Whether an adapter that ships is surely below what the suite calls good enough."""
    ship = job.shipping
    if ship is None or ship.verdict != "ship_adapter" or not ship.compared or job.target is None:
        return False
    return ship.sealed.after.high < job.target


def reasons_view(job: JobRecord) -> ReasonsView | NotRun:
    """Every rule with its numbers, also those that did not apply or were not tested."""
    if not job.decision:
        return NotRun("The gate has not been asked yet", f"tunegate gate {job.suite}")
    rules = tuple(
        RuleView(
            rule.title,
            rule.verdict,
            rule.status,
            STATUSES[rule.status],
            rule.evidence or "no evidence",
        )
        for rule in job.decision.rules
    )
    return ReasonsView(rules, job.shipping.reasons if job.shipping else ())


def _judgement(name: str, decision: Decision | ShipDecision) -> Judgement:
    headline, tone = HEADLINES[decision.verdict]
    return Judgement(name, decision.verdict, headline, tone, decision.sentence)


def _undecided(job: JobRecord) -> Judgement:
    runs = len(dev_runs(job))
    stored = f"{numbers.plural(runs, 'run')} on dev cases {'is' if runs == 1 else 'are'} stored"
    sentence = f"{stored}; the gate has not judged them." if runs else "Nothing has been run yet."
    return Judgement("No decision", "none", "No verdict yet", "wait", sentence)


def _next_steps(job: JobRecord) -> tuple[str, ...]:
    if job.shipping:
        return job.shipping.next_steps
    if job.decision and not job.training:
        return job.decision.next_steps
    if job.decision:
        return (f"Judge the adapter on the sealed cases: tunegate run {job.suite}",)
    command = "gate" if dev_runs(job) else "run"
    return (f"Ask for a verdict: tunegate {command} {job.suite}",)


def _tiles(job: JobRecord) -> tuple[Tile, ...]:
    tiles: list[Tile] = []
    before, after = sealed_runs(job)
    ship = job.shipping
    if ship and ship.compared:
        tiles += _sealed_tiles(job.primary, ship)
    elif job.decision:
        tiles += _gate_tiles(job.decision)
    if before and after:
        lengths = [numbers.count(_prompt_tokens(run)) for run in (before, after)]
        tiles.append(Tile("prompt tokens a call", " → ".join(lengths), "best prompt → adapter"))
    elif job.decision and job.decision.would_train and not job.training:
        tiles.append(_expected(job.decision.would_train))
    if job.training:
        taken = numbers.duration(job.training.seconds)
        tiles.append(Tile("training took", taken, numbers.plural(job.training.examples, "example")))
    if payback := shown_payback(job):
        tiles.append(_paid(payback))
    return tuple(tiles)


def _paid(payback: Payback) -> Tile:
    value = after_said(payback.months)
    spent = money_said(payback.training, payback.currency)
    kind = ", by estimate" if payback.is_estimate else ""
    calls = f"{numbers.count(payback.calls_per_month)} calls a month"
    stale = "; but facts change often, and it would go stale" if payback.goes_stale else ""
    note = f"{calls}; a training costs {spent}{stale}"
    return Tile(f"tuning pays for itself{kind}", value, note)


def _expected(training: TrainingEstimate) -> Tile:
    taken = f"about {numbers.duration(training.seconds)}"
    return Tile("training would take", taken, f"at most {numbers.duration(training.most)}, here")


def _sealed_tiles(primary: str, ship: ShipDecision) -> list[Tile]:
    before, after, gained = ship.sealed
    change = f"{numbers.score(before.estimate)} → {numbers.score(after.estimate)}"
    gain = f"{numbers.signed(gained.estimate)}, from {numbers.signed_bounds(gained)}"
    compared = numbers.count(ship.wins + ship.losses + ship.ties)
    return [
        Tile(f"{primary}, sealed cases", change, gain),
        Tile("cases fixed / broken", f"{ship.wins} / {ship.losses}", f"of {compared} compared"),
    ]


def _gate_tiles(decision: Decision) -> list[Tile]:
    leader = next((t for t in decision.trials if decision.leader in (t.run_id, t.label)), None)
    tiles = []
    if leader:
        detail = f"{numbers.bounds(leader.score)}; {leader.label}"
        tiles.append(Tile("best prompt, dev cases", numbers.score(leader.score.estimate), detail))
    goal = f"smallest gain worth it: {numbers.score(decision.min_gain)}"
    if decision.target is not None:
        tiles.append(Tile("target", numbers.score(decision.target), goal))
    tried = len(decision.trials)
    rounds = len({t.round_index for t in decision.trials})
    tiles.append(Tile("prompts tried", str(tried), f"in {numbers.plural(rounds, 'round')}"))
    if decision.cases_needed:
        needed = numbers.count(decision.cases_needed)
        tiles.append(Tile("cases needed", needed, f"there are {numbers.count(decision.cases)}"))
    return tiles


def _prompt_tokens(run: Run) -> float:
    used = [r.output.prompt_tokens for r in run.results if not r.output.error]
    return sum(used) / len(used) if used else float("nan")
