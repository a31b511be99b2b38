"""The top of a report: what to do, how sure that is, and the decision table behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from evals.errors import StatisticsError
from evals.records import Run
from evals.stats import smallest_detectable_gain
from reports import numbers
from reports.disclosure import Disclosure
from reports.stored import NotRun, dev_runs, sealed_runs
from tuning.gate.rules import AUDIT
from tuning.records import Decision, JobRecord, RuleStatus, ShipDecision, TrainingEstimate

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

FLAGS = {
    "errors": (
        "some tried candidates have cases without a score; the gate's bounds take the worst case "
        "of each"
    ),
    "few_clusters": "the cases form too few independent clusters to claim anything",
    "floor": "every prompt scores near zero, where flatness is cheap",
    "leader_moved": (
        "the best prompt was found after the one that the plateau is judged against, the anchor"
    ),
}

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
class Caveat:
    """One part of the honesty line."""

    label: str
    text: str


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
        caveats=_caveats(job, told),
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
    return tuple(tiles)


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


def _caveats(job: JobRecord, told: Disclosure) -> tuple[Caveat, ...]:
    """The honesty line: everything that limits what the verdict can claim."""
    caveats = [Caveat("Sealed split", _looks(job, told)), Caveat("Errors", _errors(job))]
    if open_parts := _inconclusive(job):
        caveats.append(Caveat("Undecided", "; ".join(open_parts)))
    if job.decision:
        if untested := _untested(job.decision):
            caveats.append(Caveat("Not tested, whether", "; ".join(untested)))
        caveats += [Caveat("Left out", text) for text in job.decision.left_out]
        caveats += [Caveat("Flag", FLAGS.get(flag, flag)) for flag in job.decision.flags]
    if detectable := _detectable(job):
        caveats.append(Caveat("Could have seen", detectable))
    caveats += [Caveat(f"Check: {f.level}", f.message) for f in job.checks if f.level != "note"]
    caveats.append(Caveat("Scope", "claims are about the prompts that were tried, no others"))
    return tuple(caveats)


def _untested(decision: Decision) -> list[str]:
    """What nobody looked at, as clauses."""
    found = [_as_clause(r.title) for r in decision.rules if r.status == "not_tested"]
    if any(f"{AUDIT}: not tested" in rule.evidence for rule in decision.rules):
        found.append("a person who reads the cases finds their labels right (audit)")
    return found


def _as_clause(title: str) -> str:
    """A rule's title inside a sentence."""
    return title[0].lower() + title[1:]


def _looks(job: JobRecord, told: Disclosure) -> str:
    if not job.shipping or not job.shipping.look:
        opened = any(sealed_runs(job))
        return "run, not judged yet" if opened else "not looked at"
    look, alpha = job.shipping.look, job.shipping.alpha
    shown = told.texts and told.sealed
    outputs = "shows its outputs, so it counts as opened" if shown else "does not show its outputs"
    chance = f"at most {numbers.level(alpha)} of such looks find a gain where there is none"
    return f"look {look}; {chance} (\u03b1 = {numbers.decimal(alpha)}); this report {outputs}"


class ErrorCount(NamedTuple):
    """How many results of a split have no score."""

    split: Literal["dev", "test"]
    results: int
    without_score: int


def errors_by_split(job: JobRecord) -> tuple[ErrorCount, ...]:
    """Errors of the runs that decide, the sealed split first: neither right nor wrong."""
    sealed = [run for run in sealed_runs(job) if run]
    found = (_count_errors("test", sealed), _count_errors("dev", dev_runs(job)))
    return tuple(each for each in found if each.results)


def _count_errors(split: Literal["dev", "test"], runs: Sequence[Run]) -> ErrorCount:
    results = sum(len(run.results) for run in runs)
    return ErrorCount(split, results, sum(len(run.errors) for run in runs))


def _errors(job: JobRecord) -> str:
    parts = [
        f"{numbers.count(each.without_score)} of {numbers.count(each.results)} "
        f"{'sealed' if each.split == 'test' else each.split} results"
        for each in errors_by_split(job)
    ]
    if not parts:
        return "nothing was run"
    return f"no output or no score in {' and '.join(parts)}"


def _inconclusive(job: JobRecord) -> list[str]:
    parts = []
    if job.shipping and job.shipping.verdict == "inconclusive":
        parts.append("the verdict on the adapter" + _needed(job.shipping.cases_needed))
    elif job.decision and job.decision.verdict == "more_cases" and not job.shipping:
        parts.append("the gate" + _needed(job.decision.cases_needed))
    guards = job.shipping.guards if job.shipping else ()
    open_guards = [g for g in guards if g.result == "inconclusive"]
    return parts + [f"guard {g.suite}" + _needed(g.cases_needed) for g in open_guards]


def _needed(cases: int | None) -> str:
    return f" ({numbers.count(cases)} cases needed)" if cases else ""


class Detectable(NamedTuple):
    """The smallest true gain that so many sealed cases find 8 times in 10."""

    gain: float
    cases: int


def detectable_gain(job: JobRecord) -> Detectable | None:
    """What the sealed cases find, from the discordance seen; None where nothing was compared."""
    ship = job.shipping
    compared = ship.wins + ship.losses + ship.ties if ship else 0
    if not ship or not compared:
        return None
    discordance = max(ship.wins + ship.losses, 1) / compared
    try:
        gain = smallest_detectable_gain(compared, discordance, ship.alpha)
    except StatisticsError:
        return None
    return Detectable(gain, compared)


def _detectable(job: JobRecord) -> str:
    found = detectable_gain(job)
    if found is None:
        return ""
    return (
        f"a true gain of {numbers.score(found.gain)} is found 8 times in 10 with "
        f"{numbers.count(found.cases)} sealed cases"
    )
