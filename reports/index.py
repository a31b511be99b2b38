"""All suites of a ledger on one page: what each verdict is, and how scores went over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evals.records import Run
from reports import numbers
from reports.estimates import mean_of
from reports.stored import mean_score
from reports.verdict import Tone, judgement_of
from tuning.records import JobRecord

MOST_POINTS = 60
"""Runs that a line over time shows: the newest."""


@dataclass(frozen=True)
class Point:
    """One run on a line over time: percent across, pixels down."""

    x: str
    y: str


@dataclass(frozen=True)
class RunRow:
    """A run in the table behind a line."""

    when: str
    candidate: str
    split: str
    score: str
    bounds: str
    cases: str
    errors: str


@dataclass(frozen=True)
class SuiteRow:
    """A suite on a model. `link` leads to its report; empty where there is none.

    `line` are its runs on dev, oldest first, and `best` the best of them so far.
    """

    suite: str
    model: str
    anchor: str
    link: str
    verdict: str
    headline: str
    tone: Tone
    leader: str
    score: str
    bounds: str
    sealed: str
    sealed_gain: str
    newest: str
    line: tuple[Point, ...]
    best: tuple[tuple[Point, Point], ...]
    told: str
    runs: tuple[RunRow, ...]
    runs_hidden: int


@dataclass(frozen=True)
class IndexView:
    """Every suite of a ledger, those with a verdict first."""

    suites: tuple[SuiteRow, ...]
    runs: str


HEIGHT = 40
"""Pixels of a line over time, marks included."""


def index_view(
    runs: Mapping[tuple[str, str], Sequence[Run]],
    jobs: Mapping[tuple[str, str], JobRecord],
    links: Mapping[str, str],
) -> IndexView:
    """`runs` by suite and model, oldest first; `jobs` where there are any; `links` by suite."""
    ordered = sorted(runs, key=lambda pair: (pair not in jobs, pair))
    rows = [
        _row(pair, number, runs[pair], jobs.get(pair), links.get(pair[0], ""))
        for number, pair in enumerate(ordered, 1)
    ]
    return IndexView(tuple(rows), numbers.plural(sum(map(len, runs.values())), "stored run"))


def _row(
    pair: tuple[str, str], number: int, runs: Sequence[Run], job: JobRecord | None, link: str
) -> SuiteRow:
    dev = [run for run in runs if run.split == "dev" and run.values()]
    best = max(dev, key=mean_score, default=None)
    interval = mean_of(best) if best else None
    said = judgement_of(job) if job else None
    sealed, gained = _sealed(job)
    points = _points([mean_score(run) for run in dev[-MOST_POINTS:]])
    shown = list(reversed(runs))[:MOST_POINTS]
    return SuiteRow(
        suite=pair[0],
        model=pair[1],
        anchor=f"suite-{number}",
        link=link if job else "",
        verdict=said.verdict if said else "",
        headline=said.headline if said else "No verdict",
        tone=said.tone if said else "wait",
        leader=best.candidate.label if best else numbers.NOTHING,
        score=numbers.score(interval.estimate if interval else None),
        bounds=numbers.bounds(interval),
        sealed=sealed,
        sealed_gain=gained,
        newest=runs[-1].created[:10],
        line=points,
        best=_best(points),
        told=_told(dev),
        runs=tuple(map(_run, shown)),
        runs_hidden=len(runs) - len(shown),
    )


def _sealed(job: JobRecord | None) -> tuple[str, str]:
    """The sealed scores before and after, and the gain's bounds; a dash where nobody looked."""
    if job is None or job.shipping is None or job.shipping.compared is None:
        return numbers.NOTHING, ""
    before, after, gain = job.shipping.sealed
    change = f"{numbers.score(before.estimate)} \u2192 {numbers.score(after.estimate)}"
    return change, numbers.signed_bounds(gain)


def _points(means: Sequence[float]) -> tuple[Point, ...]:
    """Scores from 0 to 1, evenly spaced over time; one alone stands at the right."""
    last = max(1, len(means) - 1)
    places = range(len(means)) if len(means) > 1 else [1]
    return tuple(
        Point(f"{4 + 92 * place / last:.2f}%", f"{4 + (HEIGHT - 8) * (1 - mean):.1f}")
        for place, mean in zip(places, means, strict=False)
    )


def _best(points: Sequence[Point]) -> tuple[tuple[Point, Point], ...]:
    """The best score so far as stretches of a stair."""
    stretches: list[tuple[Point, Point]] = []
    for here, there in pairwise(points):
        y = min(float(here.y), float(stretches[-1][1].y) if stretches else float(HEIGHT))
        stretches.append((Point(here.x, f"{y:.1f}"), Point(there.x, f"{y:.1f}")))
    return tuple(stretches)


def _told(dev: Sequence[Run]) -> str:
    if not dev:
        return "No run on dev."
    means = [mean_score(run) for run in dev]
    first, best = numbers.score(means[0]), numbers.score(max(means))
    return f"{numbers.plural(len(dev), 'run')} on dev: the first scored {first}, the best {best}."


def _run(run: Run) -> RunRow:
    interval = mean_of(run)
    return RunRow(
        when=run.created,
        candidate=run.candidate.label,
        split="sealed" if run.split == "test" else run.split,
        score=numbers.score(interval.estimate if interval else None),
        bounds=numbers.bounds(interval),
        cases=numbers.count(len(run.results)),
        errors=numbers.count(len(run.errors)),
    )
