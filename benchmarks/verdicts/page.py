"""docs/verdicts.md: one row for each suite, and what each said in its own words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import NamedTuple

from benchmarks.verdicts.derived import Shown
from evals.models import DEFAULT_MODEL
from reports.markup import table, words
from reports.numbers import bounds, duration, score, signed, signed_bounds
from tuning.gate.decision_table import RULES
from tuning.gate.rules import judge_cost
from tuning.records import Decision, Outcome, ShipDecision, TrialLine, Verdict

HEAD = [
    "Suite",
    "The gate",
    "Best prompt, dev",
    "Trained anyway, sealed cases",
    "Then",
    "Right?",
    "Took",
]
SENTENCE = 1200
PAYS = next(rule.title for rule in RULES if rule.judge is judge_cost)


class Judged(NamedTuple):
    """Whether the gate was right, by what training did: in a word, and why."""

    said: str
    why: str


def page(shown: Sequence[Shown], missing: Sequence[str] = ()) -> str:
    """All that was measured as Markdown, and the names of the suites that were not."""
    parts = [*_opening(), _matrix(shown)]
    if missing:
        parts.append(f"Not run yet, as they are now: {', '.join(map(words, missing))}.")
    return "\n\n".join([*parts, *(_suite(one) for one in shown)]) + "\n"


def _opening() -> Iterator[str]:
    yield "# Every verdict, and what then happened"
    for paragraph in (
        f"""Written by `python -m benchmarks.verdicts`, which runs every shipped suite with the
        embedded model ({DEFAULT_MODEL}): the suite's prompts on dev, the gate's verdict, and then a
        training whatever the gate said, by `--override` where it stayed shut, judged on the sealed
        cases. So a reader sees whether the gate was right. What was run is stored beside the
        command; a test derives the verdicts from it anew.""",
        """Scores are of the primary metric, with 95 % intervals (over clusters where cases have
        them). *Trained anyway* compares the best prompt before with the adapter after; its interval
        is that of the verdict. One training each. What another model or other prompts would do is
        not said here.""",
    ):
        yield fill(" ".join(paragraph.split()), 100, break_on_hyphens=False)


def _matrix(shown: Sequence[Shown]) -> str:
    return table(HEAD, [_row(one) for one in shown], numeric_from=len(HEAD)).rstrip()


def _row(one: Shown) -> list[str]:
    leader = leader_of(one.decision)
    return [
        f"[{words(one.suite.name)}](#{one.suite.name})",
        f"`{one.decision.verdict}`",
        f"{words(leader.label)}: {score(leader.score.estimate)} ({bounds(leader.score)})",
        _trained(one.shipping),
        f"`{one.shipping.verdict}`" if one.shipping else "not trained",
        _judged(one).said,
        duration(sum(phase.seconds for phase in one.job.phases)),
    ]


def _trained(shipping: ShipDecision | None) -> str:
    sides = shipping.compared if shipping else None
    if sides is None:
        return "no sealed case was run"
    return (
        f"{score(sides.before.estimate)} → {score(sides.after.estimate)}, "
        f"{signed(sides.gain.estimate)} ({signed_bounds(sides.gain)})"
    )


def leader_of(decision: Decision) -> TrialLine:
    """The trial that leads."""
    return next(trial for trial in decision.trials if trial.run_id == decision.leader)


def judge(gate: Verdict, then: Outcome | None, *, gained: bool = False) -> Judged:
    """Whether what followed bears the gate out. An adapter that ships is a gain worth having.

    `gained`: the gain that is asked for is shown, whatever became of the guards.
    """
    if then is None:
        return Judged("open", "nothing was trained")
    ships = then == "ship_adapter"
    if gate == "fine_tune" and gained and not ships:
        lost = "too much else was lost" if then == "reject_adapter" else "a guard is not settled"
        return Judged("in part", f"the gain that was promised is there, and {lost}")
    if gate == "fine_tune":
        why = "an adapter was promised, and it ships" if ships else "an adapter was promised"
        return Judged("yes" if ships else "no", why)
    if gate in {"use_retrieval", "prompt_suffices"}:
        why = "training does it, too" if ships else "training does not do it"
        return Judged("no" if ships else "yes", why)
    why = "it asks for cheaper steps before it says whether to train"
    return Judged("open", f"{why}; training {'would have shipped' if ships else 'would not ship'}")


def _judged(one: Shown) -> Judged:
    ship = one.shipping
    gain = ship.sealed.gain if ship and ship.compared else None
    gained = bool(ship and gain and gain.low > 0 and gain.estimate >= ship.min_gain)
    return judge(one.decision.verdict, ship.verdict if ship else None, gained=gained)


def _suite(one: Shown) -> str:
    return "\n".join(_of_suite(one))


def _of_suite(one: Shown) -> Iterator[str]:
    yield f"## {one.suite.name}\n"
    yield f"{words(one.suite.task)}\n"
    yield f"- **Gate**: `{one.decision.verdict}`. {words(one.decision.sentence, SENTENCE)}"
    if one.shipping:
        override = " (by override)" if one.job.override else ""
        said = f"`{one.shipping.verdict}`{override}. {words(one.shipping.sentence, SENTENCE)}"
        yield f"- **Training**: {said}"
    if one.suite.operation.calls_per_month:
        cost = next(rule for rule in one.decision.rules if rule.title == PAYS)
        yield f"- **Cost**: {words(cost.evidence, SENTENCE)}"
    judged = _judged(one)
    yield f"- **Was the gate right?** {judged.said}: {judged.why}."
    took = {phase.name: phase.seconds for phase in one.job.phases}
    parts = ", ".join(f"{words(name)} {duration(seconds)}" for name, seconds in took.items())
    yield f"- **Took** {duration(sum(took.values()))}: {parts}."
    yield ""
    yield _trials(one.decision).rstrip()


def _trials(decision: Decision) -> str:
    rows = [
        [words(trial.label), score(trial.score.estimate), bounds(trial.score)]
        for trial in decision.trials
    ]
    return table(["Prompt", "Score on dev", "95 % interval"], rows)
