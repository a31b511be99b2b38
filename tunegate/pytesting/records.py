"""What pytest's process and the working process say to each other, and what tests get to see.

Standard library only: this is imported where a project's own packages are.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any, Literal

Result = Literal["pass", "fail", "inconclusive", "review", "skipped"]


class TunegateWarning(UserWarning):
    """Something that a person should know and that fails no test."""


class SuiteFaultError(Exception):
    """A suite, a run or a check is not as it must be; the message says how.

    `short` is the message in a few words, for a line among others. `exit_code` is the one
    that the command line would end with: 4 where nothing is said of quality, because an
    endpoint failed or a budget is spent.
    """

    def __init__(self, message: str, short: str = "", exit_code: int = 2) -> None:
        super().__init__(message)
        self.short = short
        self.exit_code = exit_code


@dataclass(frozen=True)
class Options:
    """What the command line of pytest says of the runs. Paths are absolute.

    `endpoints` are arguments as of `tunegate eval`, for the process that runs models to read.
    """

    ledger: str
    model: str | None = None
    prompt: str | None = None
    few_shot: int | None = None
    nearest: int | None = None
    adapter: str | None = None
    precision: str | None = None
    split: str | None = None
    repeats: int | None = None
    baseline: str | None = None
    base: str | None = None
    reviewed: bool = False
    cases: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedCase:
    """A case to be judged: where it stands, and whether it fails by itself."""

    id: str
    path: str
    line: int
    must_pass: bool


@dataclass(frozen=True)
class PlannedCheck:
    """What will be judged over the whole split, and the line of `suite.yaml` that states it."""

    kind: str
    name: str
    line: int


@dataclass(frozen=True)
class PlannedSuite:
    """What a suite will be judged by. `line` of `suite.yaml` names it."""

    suite: str
    split: str
    line: int
    cases: tuple[PlannedCase, ...]
    checks: tuple[PlannedCheck, ...]


@dataclass(frozen=True)
class JudgedCase:
    """One case: right or not; where it is not, `lines` say to a person how.

    It was right in `right_in` of `repeats`. Where a repeat gave no output `score` is None, and
    `error` stands where whether it is right hangs on that. `output` is of the worst repeat,
    whose run is `run`.
    """

    id: str
    right: bool
    score: float | None
    why: str
    lines: tuple[str, ...]
    run: str
    output: str | None = None
    error: str | None = None
    repeats: int = 1
    right_in: int = 0


@dataclass(frozen=True)
class JudgedCheck:
    """One threshold, guard, baseline or definition, judged."""

    kind: str
    name: str
    result: Result
    sentence: str


@dataclass(frozen=True)
class Level:
    """A metric's mean with its 95 % interval, and one-sided 5 % bounds (`least`, `most`).

    The bounds hold whatever the cases without a score would have scored. Where these are too
    many to claim anything, or clusters too few, they are 0 and 1.
    """

    mean: float
    low: float
    high: float
    least: float
    most: float


@dataclass(frozen=True)
class Evaluation:
    """What running a suite gave. `metrics` has every metric, `score` the primary one's mean.

    Errors are cases without a score; they count in no mean, and where no case has one, the
    mean is not a number. `checks` are there where the whole split was run. `unshown` says, of
    each metric that rests on a model that judges and is not shown to agree with people, why:
    nothing passes or fails by it. `summary` is one line.
    """

    suite: str
    split: str
    metric: str
    score: float
    low: float
    high: float
    errors: int
    runs: tuple[str, ...]
    cases: tuple[JudgedCase, ...]
    metrics: Mapping[str, Level]
    checks: tuple[JudgedCheck, ...] = ()
    notes: tuple[str, ...] = ()
    fails_undecided: bool = False
    unshown: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""

    def case(self, name: str) -> JudgedCase:
        """One case by its id. Raises KeyError."""
        for case in self.cases:
            if case.id == name:
                return case
        raise KeyError(f"{self.suite} {self.split} has no case {name!r}")

    def assert_at_least(self, least: float, metric: str | None = None) -> None:
        """Fail where a metric's mean is shown to be below `least`; warn where it is not settled.

        Judged by one-sided 5 % bounds. Skips where the metric rests on a judge that is not
        shown to agree with people. Raises AssertionError, and KeyError for no metric.
        """
        __tracebackhide__ = True
        name = metric or self.metric
        if name not in self.metrics:
            raise KeyError(f"{self.suite} has no score of {name!r}; of {sorted(self.metrics)}")
        if name in self.unshown:
            import pytest  # it is running; the working process never gets here

            pytest.skip(left_open(self.unshown[name]))
        level = self.metrics[name]
        errors = f", {self.errors} without a score" if self.errors else ""
        # Outwards, so that no bound reaches what is wanted by rounding.
        low, high = floor(1000 * level.least + 1e-9) / 10, ceil(1000 * level.most - 1e-9) / 10
        found = (
            f"{self.suite}: {name} is {100 * level.mean:.1f}% of {len(self.cases)} cases{errors} "
            f"(bounds {low:.1f}% to {high:.1f}%), wanted at least "
            f"{100 * least:.1f}%"
        )
        if level.most < least:
            raise AssertionError(found)
        if level.least < least:
            warnings.warn(TunegateWarning(f"not settled: {found}"), stacklevel=2)

    def assert_no_regression(self) -> None:
        """Fail where the accepted baseline is missing, or a loss beyond the margin is shown.

        Where it is not settled: warn, or fail if the suite says so. Raises AssertionError.
        """
        __tracebackhide__ = True
        checks = [check for check in self.checks if check.kind in ("run", "definition", "baseline")]
        if not checks:
            raise AssertionError(
                f"{self.suite}: only some of its cases were run, and a baseline is compared over "
                "the whole split (leave `cases` away)"
            )
        for check in checks:
            undecided = check.result == "inconclusive"
            if undecided and not self.fails_undecided:
                warnings.warn(TunegateWarning(f"inconclusive: {check.sentence}"), stacklevel=2)
            elif check.result != "pass":
                raise AssertionError(f"{self.suite}: {check.sentence}")


def left_open(why: str) -> str:
    """What is said where a judge that is not shown to agree with people would decide."""
    return f"neither passed nor failed: {why}"


_INNER: Mapping[type, Mapping[str, type]] = {
    Evaluation: {"cases": JudgedCase, "checks": JudgedCheck},
    PlannedSuite: {"cases": PlannedCase, "checks": PlannedCheck},
}


def evaluation_from(document: Mapping[str, Any]) -> Evaluation:
    """The evaluation that the working process sent."""
    fields = _rebuilt(Evaluation, document)
    fields["metrics"] = {name: Level(**level) for name, level in document["metrics"].items()}
    return Evaluation(**fields)


def plan_from(document: Mapping[str, Any]) -> PlannedSuite:
    """The plan that the working process sent."""
    return PlannedSuite(**_rebuilt(PlannedSuite, document))


def _rebuilt(kind: type, document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record from JSON: lists as tuples, inner objects as their records."""
    inner = _INNER[kind]
    fields: dict[str, Any] = {}
    for key, value in document.items():
        made = [_record(inner[key], one) for one in value] if key in inner else value
        fields[key] = tuple(made) if isinstance(made, list) else made
    return fields


def _record(kind: type, document: Mapping[str, Any]) -> Any:
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in document.items()})
