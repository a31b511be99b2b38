"""The page: one table for each group of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill

from benchmarks.methods.measuring import Result, Shift
from benchmarks.methods.rows import FIRST, QUERIES, ROUTED, ROWS, SHORT, SIZES, TICKETS, Row
from evals.models import DEFAULT_MODEL
from reports.markup import table, words
from reports.numbers import bounds, duration, score, signed, signed_bounds
from tuning.records import Interval, TrainingRecord

HEAD = [
    "Training",
    "Score before",
    "Score after",
    "Change",
    "Guard change",
    "Rate",
    "Time",
    "Peak memory",
    "Trained numbers",
]
_MARKS = {"": "", FIRST: "*", SHORT: "†", ROUTED: "‡"}
_TITLES = {
    "method": "Methods",
    "weights": "Weights and variants",
    "rewards": "Learning from rewards and pairs, where right answers are drawn",
    "made to fail": "Made to fail",
}


def page(results: Mapping[str, Result]) -> str:
    """What was measured as Markdown; rows that were not are named with the reason."""
    return "\n".join((*_opening(), *_tables(results), *_not_measured(results), ""))


def _opening() -> Iterator[str]:
    main, routed = SIZES[QUERIES], SIZES[TICKETS]
    yield "# What each method does here"
    for paragraph in (
        f"""Written by `python -m benchmarks.methods`, which trains each row anew and asks anew: the
        embedded model ({DEFAULT_MODEL}) on `{QUERIES}`, {main.examples} of its train cases,
        {main.epochs:g} passes of supervised fine-tuning, {main.dev} cases of dev, and {main.guard}
        of the guard suite. Rows named *tickets* are of `{TICKETS}`: {routed.examples} train cases,
        {routed.dev} of dev, {routed.guard} of the guard suite (in both as it was before refusals
        and instructions joined it). One training each, one seed: how far two trainings of one kind
        differ is not in the intervals, which are 95 % over cases, each comparison taken alone.
        Changes are case by case. Two cores, float32, other work beside: times are rough.""",
        f"""Rows marked * begin from the adapter of `{FIRST}`, those marked † from that of
        `{SHORT}`, those marked ‡ from that of `{ROUTED}`, and *before* is that adapter's score. All
        others begin from the base, asked with the same prompt.""",
    ):
        yield "\n" + fill(" ".join(paragraph.split()), 100, break_on_hyphens=False)


def _tables(results: Mapping[str, Result]) -> Iterator[str]:
    for group, title in _TITLES.items():
        rows = [row for row in ROWS.values() if row.group == group]
        known = [(row, results[row.name]) for row in rows if row.name in results]
        measured = [(row, found) for row, found in known if not found.error]
        if measured:
            yield f"\n## {title}\n"
            yield table(HEAD, [_line(row, found) for row, found in measured]).rstrip()
            yield from _remarks(measured)


def _line(row: Row, found: Result) -> list[str]:
    training, shift, guard = found.training, found.score, found.guard
    assert training is not None
    assert shift is not None
    assert guard is not None
    return [
        words(row.name) + _MARKS[row.begins],
        _level(shift.before),
        _level(shift.after),
        _change(shift),
        _change(guard),
        _rate(training),
        duration(training.seconds),
        f"{training.peak_memory_mb / 1000:.1f} GB",
        f"{training.trained_parameters / 1e6:.2f} M",
    ]


def _level(one: Interval) -> str:
    return f"{score(one.estimate)} ({bounds(one)})"


def _change(shift: Shift) -> str:
    return f"{signed(shift.change.estimate)} ({signed_bounds(shift.change)})"


def _rate(training: TrainingRecord) -> str:
    settings = training.stages[-1].settings if training.stages else training.settings
    return f"{float(settings['learning_rate']):g}"


def _remarks(measured: Sequence[tuple[Row, Result]]) -> Iterator[str]:
    lines = []
    for row, found in measured:
        said = [*_about(row, found)]
        if said:
            lines.append(f"- **{words(row.name)}**: {'; '.join(said)}.")
    if lines:
        yield ""
        yield from lines


def _about(row: Row, found: Result) -> Iterator[str]:
    if row.about:
        yield row.about
    if found.reward:
        yield f"its reward went from {score(found.reward.before.estimate)} to " + (
            f"{score(found.reward.after.estimate)}, {_change(found.reward)}"
        )
    training = found.training
    assert training is not None
    last = training.stages[-1] if training.stages else None
    if last:
        yield f"{last.rows} rows, best at step {last.best_step}"
        yield from (
            f"{words(name)} {score(value)}"
            for name, value in last.measured.items()
            if isinstance(value, float) and name in _TOLD
        )
        yield from _drawn(last.measured)
    contradictions = [one for one in training.findings if one.code == "contradiction"]
    yield from (words(one.message, 160) for one in contradictions)
    failed = [proof for proof in training.proofs if not proof.passed]
    yield from (
        f"**refused**: the proof “{words(p.name)}” failed ({words(p.evidence)})" for p in failed
    )


def _drawn(measured: Mapping[str, object]) -> Iterator[str]:
    """The reward of the answers that were drawn while it learnt."""
    names = ("first", "last", "change", "low", "high")
    found = [measured.get(f"drawn_reward_{name}") for name in names]
    told = [value for value in found if isinstance(value, float)]
    if len(told) == len(names):
        first, last, *change = told
        rise = Interval(*change)
        yield f"reward of drawn answers {score(first)} to {score(last)}, " + (
            f"{signed(rise.estimate)} ({signed_bounds(rise)})"
        )


_TOLD = ("base_rate", "accuracy", "reward_accuracy")


def _not_measured(results: Mapping[str, Result]) -> Iterator[str]:
    failed = [found for found in results.values() if found.error]
    missing = [row for row in ROWS if row not in results]
    if not failed and not missing:
        return
    yield "\n## Not measured\n"
    yield from (f"- {words(one.row)}: {words(one.error)}" for one in failed)
    if missing:
        yield f"- not asked for: {'; '.join(map(words, missing))}"
