"""The verdict as data, what limits it, and the decision table behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from evals.judges.records import JudgeStanding
from evals.records import Finding
from evals.stats.power import POWER
from reports.caveats import FLAGS, detectable_gain, errors_by_split
from reports.data.measures import taken
from reports.disclosure import Disclosure
from reports.stored import sealed_runs
from reports.verdict import (
    Tone,
    falls_short,
    gate_judgement,
    judgement_of,
    verdict_view,
)
from tuning.records import Decision, JobRecord, Outcome, RuleStatus, Verdict

Stage = Literal["none", "gate", "after_training"]


@dataclass(frozen=True)
class VerdictData:
    """The last thing that was decided, what to do next, and what limits the claim."""

    code: Annotated[
        Verdict | Outcome | Literal["none"], "The verdict; none: nothing is decided yet"
    ]
    stage: Annotated[Stage, "Who decided: nobody yet, the gate, or the verdict after training"]
    headline: Annotated[str, "The verdict in a few words"]
    tone: Annotated[Tone, "How to colour it: good, go, wait or bad"]
    sentence: Annotated[str, "The verdict in a sentence"]
    below_target: Annotated[
        bool, "True where an adapter that ships is surely below the suite's target"
    ]
    next_steps: Annotated[tuple[str, ...], "What to do next, each a sentence or a command"]
    override: Annotated[str | None, "Why somebody overrode the gate; null where nobody did"]
    gate: Annotated[GateVerdict | None, "The gate's own verdict; null where it was not asked"]
    cases_needed: Annotated[
        int | None, "Cases that would settle an undecided verdict; null where not known"
    ]
    sealed_split: Annotated[SealedSplit, "What was done with the sealed split"]
    errors: Annotated[
        tuple[SplitErrors, ...], "Results without a score, of the runs that decide, by split"
    ]
    detectable_gain: Annotated[
        DetectableGain | None, "What the sealed cases could have shown; null where not compared"
    ]
    not_tested: Annotated[tuple[str, ...], "Titles of rules for which nothing was run"]
    flags: Annotated[tuple[Flag, ...], "What the gate noticed about its own evidence"]
    left_out: Annotated[tuple[str, ...], "Stored runs that the verdict does not rest on"]
    caveats: Annotated[tuple[Caveat, ...], "All that limits the claim, in sentences"]


@dataclass(frozen=True)
class GateVerdict:
    """The gate's verdict before training."""

    code: Annotated[Verdict, "The verdict"]
    headline: Annotated[str, "The verdict in a few words"]
    tone: Annotated[Tone, "How to colour it"]
    sentence: Annotated[str, "The verdict in a sentence"]
    would_train: Annotated[
        TrainingTime | None, "What training would take here; null: the gate is shut, or not timed"
    ]


@dataclass(frozen=True)
class TrainingTime:
    """What a training would take on the machine of the dev runs, by estimate."""

    seconds: Annotated[float, "Seconds that are likely"]
    most: Annotated[float, "Seconds that are reckoned with"]
    basis: Annotated[str, "How that is known"]


@dataclass(frozen=True)
class SealedSplit:
    """The sealed split: whether it was run, looked at and judged."""

    was_run: Annotated[bool, "Whether any candidate was run on it"]
    look: Annotated[int | None, "The number of the look that the verdict used; null: none"]
    alpha: Annotated[
        float | None, "One-sided error rate that this look may use; null where there was none"
    ]
    texts_shown: Annotated[bool, "Whether this report shows its texts, which is a look of its own"]


@dataclass(frozen=True)
class SplitErrors:
    """Results without a score: neither right nor wrong."""

    split: Annotated[Literal["dev", "test"], "The split; test is the sealed one"]
    results: Annotated[int, "Results of all runs that decide"]
    without_score: Annotated[int, "How many of them have no output or no score"]


@dataclass(frozen=True)
class DetectableGain:
    """The smallest true gain that the sealed cases find."""

    gain: Annotated[float, "The gain, a difference of mean scores"]
    power: Annotated[float, "How often it is found, a share"]
    cases: Annotated[int, "Sealed cases compared"]


@dataclass(frozen=True)
class Flag:
    """Something that the gate noticed."""

    code: Annotated[str, "A stable word"]
    meaning: Annotated[str, "What it means, in a sentence"]


@dataclass(frozen=True)
class Caveat:
    """One thing that limits the claim."""

    label: Annotated[str, "What it is about"]
    text: Annotated[str, "What it says"]


@dataclass(frozen=True)
class WhyData:
    """Why: the gate's numbers, its rules in order, and the reasons after training."""

    gate: Annotated[GateNumbers | None, "What the gate went by; null where it was not asked"]
    rules: Annotated[tuple[Rule, ...], "The decision table; the first rule that applies decides"]
    after_training: Annotated[tuple[str, ...], "What the verdict after training rests on"]


@dataclass(frozen=True)
class GateNumbers:
    """The numbers that the gate went by."""

    leader: Annotated[str, "Run of the best tried candidate on dev"]
    anchor: Annotated[str | None, "Run that plateau and improvement are judged against; null: none"]
    plateau: Annotated[bool, "Whether prompting has run out"]
    cases: Annotated[int, "Dev cases"]
    cases_needed: Annotated[int | None, "Dev cases that would settle it; null where not known"]
    min_gain: Annotated[float, "Smallest gain worth a fine-tune, a difference of mean scores"]
    target: Annotated[float | None, "Mean score that is good enough; null: none is stated"]
    alpha: Annotated[float, "One-sided error rate of the gate's claims, before corrections"]
    dev_look: Annotated[
        int | None, "The number of this look at dev; null where the gate could not have opened"
    ]
    provisional: Annotated[str | None, "Who leads and how sure that is, in a sentence"]
    stated: Annotated[
        str | None, "The line of suite.yaml that states the leader; null where none can"
    ]


@dataclass(frozen=True)
class Rule:
    """A row of the decision table."""

    code: Annotated[str, "The verdict that it stands for"]
    title: Annotated[str, "What it asks"]
    status: Annotated[
        RuleStatus, "not_reached: an earlier rule applied; not_tested: nothing was run for it"
    ]
    evidence: Annotated[str | None, "What was found, in a sentence; null: nothing"]


@dataclass(frozen=True)
class Judge:
    """A model that judges, and how far it agrees with people."""

    suite: Annotated[str, "The suite or guard that it judges for"]
    metric: Annotated[str, "The metric that it gives"]
    name: Annotated[str, "Where it stands in the metric's options"]
    model: Annotated[str, "The judging model"]
    gates: Annotated[bool, "Whether a verdict rests on it; else its scores are only shown"]
    may_gate: Annotated[bool, "Whether its agreement with people is shown as demanded"]
    sentence: Annotated[str, "What is known of it, in a sentence"]
    calibration: Annotated[
        JudgeCalibration | None, "The judge against people's labels; null: not measured"
    ]


@dataclass(frozen=True)
class JudgeCalibration:
    """A judge held against people's labels."""

    demanded: Annotated[float, "Kappa that `least` must reach"]
    weights: Annotated[str, "How near misses count: none, linear or quadratic"]
    labels: Annotated[int, "Answers with a label by people"]
    clusters: Annotated[int | None, "Independent clusters of them; null: every label is one"]
    agreement: Annotated[float, "Share of labels that the judge gives as people do"]
    kappa: Annotated[float | None, "Cohen's kappa; null where undefined"]
    low: Annotated[float | None, "Lower end of its two-sided 95 % interval"]
    high: Annotated[float | None, "Upper end of its two-sided 95 % interval"]
    least: Annotated[float | None, "Its one-sided 95 % lower bound"]
    labels_needed: Annotated[int | None, "About how many labels would do; null: no number would"]
    choices: Annotated[tuple[str, ...], "The labels, in the order of the confusion's rows"]
    confusion: Annotated[
        tuple[tuple[int, ...], ...],
        "Counts: a row for each label by people, a column for each by the judge, a last column "
        "for replies that could not be read",
    ]


@dataclass(frozen=True)
class Check:
    """Something that was found in the suite or its training data."""

    level: Annotated[Literal["error", "warning", "note"], "An error refuses, others inform"]
    code: Annotated[str, "A stable word for what was found"]
    message: Annotated[str, "What was found; left out where it may quote what may not be told"]
    where: Annotated[str | None, "File and line; null where there is none"]
    rows: Annotated[tuple[str, ...], "All that it is about, as id or id (file:line)"]
    allowed: Annotated[bool, "An error that the suite's owners let pass"]


def verdict_data(job: JobRecord, told: Disclosure) -> VerdictData:
    """The verdict of a job whose texts were withheld already."""
    main, decision = judgement_of(job), job.decision
    stage: Stage = "after_training" if job.shipping else "gate" if decision else "none"
    last = job.shipping or decision
    view = verdict_view(job, told)
    return taken(
        VerdictData,
        main,
        code=main.verdict,
        stage=stage,
        below_target=falls_short(job),
        next_steps=view.next_steps,
        override=job.override,
        gate=_gate(decision) if decision else None,
        cases_needed=last.cases_needed if last else None,
        sealed_split=_sealed(job, told),
        errors=tuple(SplitErrors(*line) for line in errors_by_split(job)),
        detectable_gain=_detectable(job),
        not_tested=tuple(r.title for r in decision.rules if r.status == "not_tested")
        if decision
        else (),
        flags=tuple(Flag(code, FLAGS.get(code, code)) for code in decision.flags)
        if decision
        else (),
        left_out=decision.left_out if decision else (),
        caveats=tuple(Caveat(each.label, each.text) for each in view.caveats),
    )


def _gate(decision: Decision) -> GateVerdict:
    said, time = gate_judgement(decision), decision.would_train
    expected = TrainingTime(time.seconds, time.most, time.basis) if time else None
    return taken(GateVerdict, said, code=said.verdict, would_train=expected)


def _sealed(job: JobRecord, told: Disclosure) -> SealedSplit:
    judged = job.shipping if job.shipping and job.shipping.look else None
    return SealedSplit(
        was_run=any(sealed_runs(job)),
        look=judged.look if judged else None,
        alpha=judged.alpha if judged else None,
        texts_shown=any(run is not None and not told.is_quiet(run) for run in sealed_runs(job)),
    )


def _detectable(job: JobRecord) -> DetectableGain | None:
    found = detectable_gain(job)
    return DetectableGain(found.gain, POWER, found.cases) if found else None


def why_data(job: JobRecord) -> WhyData:
    """The decision table, and the reasons after training."""
    decision = job.decision
    rules = decision.rules if decision else ()
    return WhyData(
        gate=_numbers(decision) if decision else None,
        rules=tuple(taken(Rule, rule, code=rule.verdict) for rule in rules),
        after_training=job.shipping.reasons if job.shipping else (),
    )


def _numbers(decision: Decision) -> GateNumbers:
    return taken(GateNumbers, decision, dev_look=decision.dev_look or None)


def judges_data(job: JobRecord) -> tuple[Judge, ...]:
    """The models that judge for the suite and its guards."""
    return tuple(map(_judge, job.decision.judges if job.decision else ()))


def _judge(standing: JudgeStanding) -> Judge:
    found = standing.calibration
    return taken(Judge, standing, calibration=taken(JudgeCalibration, found) if found else None)


def check_data(finding: Finding) -> Check:
    """One finding."""
    return taken(Check, finding)
