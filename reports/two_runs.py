"""Two stored runs side by side as data for a page: no job, no gate, only what they scored."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from evals.comparison import Comparison
from evals.records import Case, Run
from reports import numbers
from reports.cases import CasesView, CaseView, Source, cases_of_runs
from reports.charts import Forest, Reference
from reports.cost import CostRow, call_costs
from reports.disclosure import Disclosure, bare_cases, quiet_run
from reports.estimates import Pair, pair_of
from reports.failures import FailuresView, failures_of
from reports.outcome import (
    MOST_SLICES,
    PairRow,
    gain_chart,
    metrics_of,
    pair_row,
    pairs_by_slice,
    slice_row,
)
from reports.verdict import Tile, Tone
from reports.views import first_cases
from tuning.intervals import Interval

MOST_VALUES = 12
"""A tag of more values cuts cases into no slices."""

_HEADLINES: dict[str, tuple[str, Tone]] = {
    "errors": ("Nothing is claimed: too many errors", "wait"),
    "fail": ("B is worse by more than the margin", "bad"),
    "not_reached": ("The gain asked for is ruled out", "bad"),
    "inconclusive": ("Not decided: the evidence is not enough", "wait"),
    "reached": ("B gains what was asked for", "good"),
    "pass": ("A loss beyond the margin is ruled out", "good"),
    "better": ("B is better than A", "good"),
    "worse": ("B is worse than A", "bad"),
    "none": ("No difference shown", "wait"),
}
"""What is said first: the first of these that was found."""


@dataclass(frozen=True)
class TwoRuns:
    """Everything that a comparison of two runs says, in the order in which it says it.

    `names` are the two sides, `asked` whether a margin or a gain was met, `left_out` which cases
    are not compared.
    """

    suite: str
    model: str
    headline: str
    tone: Tone
    sentence: str
    names: tuple[str, str]
    tiles: tuple[Tile, ...]
    asked: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    metrics: tuple[PairRow, ...]
    slices: tuple[PairRow, ...]
    slices_hidden: int
    chart: Forest
    costs: tuple[CostRow, ...]
    failures: FailuresView
    cases: tuple[CasesView, ...]
    first_cases: tuple[CaseView, ...]
    runs: tuple[tuple[str, str, str, str], ...]


def two_runs_view(
    runs: tuple[Run, Run],
    cases: Mapping[str, Case],
    found: Comparison,
    told: Disclosure,
    named: str = "",
) -> TwoRuns:
    """Compute the page's data. `found` is the comparison that is said; the rest is around it.

    `named` is how a person names the suite; empty: by its name.
    """
    cases = bare_cases(runs, cases, told)
    a, b = (quiet_run(run, told) for run in runs)
    names = (f"A: {a.candidate.label}", f"B: {b.candidate.label}")
    slices = pairs_by_slice(a, b, cases, slicing_tags(cases))
    pairs = {name: pair for name in metrics_of(a, b) if (pair := pair_of(a, b, name))}
    whole = pairs[b.primary] = compared_pair(found, pairs[b.primary])
    title, shown_slices = f"B minus A in {b.primary}", slices[:MOST_SLICES]
    drawn = [each.named for each in shown_slices]
    chart = gain_chart(title, ("all cases", whole), drawn, _lines(found))
    headline, tone = headline_of(found)
    unseal = shlex.join(["tunegate", "report", a.id, b.id, "--show-sealed"])
    source = Source(named or b.suite, cases, told, names, unseal)
    shown = cases_of_runs(source, (a, b), f"{a.split.capitalize()} cases of both runs")
    return TwoRuns(
        suite=b.suite,
        model=" and ".join(dict.fromkeys((a.candidate.model, b.candidate.model))),
        headline=headline,
        tone=tone,
        sentence=found.verdict,
        names=names,
        tiles=_tiles(found, b.primary),
        asked=tuple(_asked(found)),
        left_out=tuple(_left_out(found)),
        metrics=tuple(pair_row(name, pair) for name, pair in pairs.items()),
        slices=tuple(slice_row(each, a.split) for each in shown_slices),
        slices_hidden=max(0, len(slices) - MOST_SLICES),
        chart=chart,
        costs=call_costs(a, b) if is_measured(a) or is_measured(b) else (),
        failures=failures_of([a, b]),
        cases=(shown,),
        first_cases=first_cases((shown,)),
        runs=tuple(
            (run.id, run.candidate.label, run.split, run.candidate.fingerprint) for run in runs
        ),
    )


def is_measured(run: Run) -> bool:
    """Whether tokens or seconds are known: of imported results they may not be."""
    return any(r.output.prompt_tokens or r.output.seconds for r in run.results)


def compared_pair(found: Comparison, pair: Pair) -> Pair:
    """The pair with the comparison's own numbers."""
    gain = Interval(found.estimate, found.low, found.high, found.level)
    return pair._replace(
        difference=gain,
        wins=found.wins,
        losses=found.losses,
        ties=found.ties,
        cases=found.cases,
    )


def slicing_tags(cases: Mapping[str, Case]) -> list[str]:
    """Tags that cut the cases into a few parts."""
    values: dict[str, set[str]] = {}
    for case in cases.values():
        for name, value in case.tags.items():
            values.setdefault(name, set()).add(value)
    return sorted(name for name, found in values.items() if 1 < len(found) <= MOST_VALUES)


def headline_of(found: Comparison) -> tuple[str, Tone]:
    """What was asked for decides; without a margin or a gain, the direction."""
    results = [str(check.result) for check in (found.margin, found.gain) if check]
    told = ["errors"] if found.too_many_errors else results or [found.direction]
    if "inconclusive" in told and found.direction != "none" and len(told) == 1:
        return f"B is {found.direction} than A; by how much is not decided", "wait"
    return next(said for result, said in _HEADLINES.items() if result in told)


def _tiles(found: Comparison, primary: str) -> tuple[Tile, ...]:
    change = f"{numbers.score(found.mean_a)} \u2192 {numbers.score(found.mean_b)}"
    span = numbers.signed_bounds(Interval(found.estimate, found.low, found.high, found.level))
    gain = f"{numbers.signed(found.estimate)}, {found.level:.0%} from {span}"
    compared = numbers.plural(found.cases, "case")
    return (
        Tile(f"{primary}, A \u2192 B", change, gain),
        Tile("cases B wins / loses", f"{found.wins} / {found.losses}", f"of {compared} compared"),
        Tile("the same", numbers.count(found.ties), f"{found.p_name} {found.p_value:.2g}"),
    )


def _asked(found: Comparison) -> list[tuple[str, str]]:
    said = []
    if margin := found.margin:
        told = _result(margin.result, found.open_said(margin))
        said.append((f"Margin {margin.margin:.3g}", told))
    if gain := found.gain:
        told = _result(gain.result, found.open_said(gain))
        said.append((f"Gain of {gain.min_gain:.3g}", told))
    return said


def _result(result: str, why: str) -> str:
    return f"{result.replace('_', ' ')}{f': {why}' if why else ''}"


def _left_out(found: Comparison) -> list[tuple[str, str]]:
    """Cases that are not compared, counted; the ids stand in `tunegate compare`'s JSON."""
    parts = {
        "Changed in content": found.changed,
        "Errors in A": found.errors_a,
        "Errors in B": found.errors_b,
        "Only in A": found.only_in_a,
        "Only in B": found.only_in_b,
    }
    return [(name, numbers.plural(len(ids), "case")) for name, ids in parts.items() if ids]


def _lines(found: Comparison) -> list[Reference]:
    lines = []
    if found.margin:
        size = found.margin.margin
        lines.append(Reference(-size, f"largest tolerated loss {size:g}", "margin"))
    if found.gain:
        size = found.gain.min_gain
        lines.append(Reference(size, f"smallest gain worth it {size:g}", "gain"))
    return lines
