"""How far a judge agrees with people, as it is stored and shown."""

from __future__ import annotations

from dataclasses import dataclass

from evals.stats.kappa import KappaWeights


@dataclass(frozen=True)
class Calibration:
    """A judge held against people's labels.

    `identity` is of the judge with its labels, `judge_identity` of its model as it was.
    `confusion` counts: a row for each of `choices` as people said, a column for each as the
    judge said, and a last column for replies that could not be read. `kappa` is None where it
    is undefined; `low` and `high` bound it on two sides at 95 %, `least` on one. `demanded` is
    what `least` must reach. `labels_needed` is about how many would do, where more would.
    """

    identity: str
    judge_identity: str
    demanded: float
    weights: KappaWeights
    choices: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    labels: int
    clusters: int | None
    agreement: float
    kappa: float | None
    low: float | None
    high: float | None
    least: float | None
    labels_needed: int | None
    problem: str = ""
    format: int = 1

    @property
    def unreadable(self) -> int:
        """How many labelled answers the judge gave no readable verdict on."""
        return sum(row[-1] for row in self.confusion)

    @property
    def reached(self) -> bool:
        """Whether agreement is shown to be at least what is demanded."""
        return self.least is not None and self.least >= self.demanded

    @property
    def sentence(self) -> str:
        """The finding in a sentence, without its full stop."""
        if self.kappa is None or self.low is None or self.high is None or self.least is None:
            return f"its agreement with people cannot be told: {self.problem}"
        text = (
            f"kappa with people is {self.kappa:.2f} (95 % interval {self.low:.2f} to "
            f"{self.high:.2f}, at least {self.least:.2f} for certain) on {self.labels} labels, "
            f"demanded is {self.demanded:g}"
        )
        if self.reached:
            return text
        if self.labels_needed is None:
            return f"{text}: more labels would not help, a better rubric or judge might"
        return f"{text}: about {self.labels_needed} labels would show it, if this is its agreement"


@dataclass(frozen=True)
class JudgeStanding:
    """Whether a judge may gate. `gates`: a verdict rests on it; else its scores are only shown.

    `name` is where it stands in the metric's options. `calibration` is None where nothing is
    known of it as it is, and `missing` then says what to do.
    """

    suite: str
    metric: str
    name: str
    model: str
    gates: bool
    calibration: Calibration | None = None
    missing: str = ""

    @property
    def may_gate(self) -> bool:
        """Whether it is shown to agree with people as far as the suite demands."""
        return self.calibration is not None and self.calibration.reached

    @property
    def blocks(self) -> bool:
        """Whether a verdict would rest on it, and must not."""
        return self.gates and not self.may_gate

    @property
    def sentence(self) -> str:
        """What is known of it, without a full stop."""
        found = self.calibration.sentence if self.calibration else self.missing
        return f"judge {self.model} of {self.name}: {found}"
