"""The records of forgetting: the change on neutral text, and adapters that were held side by side.

Stored as JSON by the ledger. They know nothing of the other records, which hold them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tuning.intervals import Interval

SCALE = "scale"
"""The name of the remedy, and of the factor among a scaled adapter's settings."""

Result = Literal["pass", "fail", "inconclusive", ""]
"""Of something held against a margin; empty where it is only told."""


@dataclass(frozen=True)
class PassageLoss:
    """The cross-entropy of one passage: nats summed over `tokens` predicted tokens."""

    name: str
    nats: float
    tokens: int

    @property
    def mean(self) -> float:
        """Nats a token."""
        return self.nats / self.tokens


@dataclass(frozen=True)
class TextReading:
    """What a model with one adapter (empty: none) makes of every passage of a corpus."""

    corpus: str
    model_fingerprint: str
    adapter: str
    losses: tuple[PassageLoss, ...]
    seconds: float = 0.0
    format: int = 1


@dataclass(frozen=True)
class TextChange:
    """Cross-entropy on neutral text with the adapter on and off: means over the passages.

    All in nats a token; `rise` is on minus off, paired by passage, with a two-sided 95 % interval.
    `corpus` is the fingerprint of the passages. Where the suite states `max_rise`, `result` says
    whether the rise is below it for certain at the one-sided level `alpha`.
    """

    base: float
    tuned: float
    rise: Interval
    passages: int
    tokens: int
    corpus: str
    max_rise: float | None = None
    result: Result = ""
    alpha: float = 0.05


@dataclass(frozen=True)
class GuardChange:
    """A guard suite with the adapter on minus off; bounds are one-sided, at `alpha` each."""

    suite: str
    change: Interval
    margin: float
    result: Result
    likely_loss: bool
    alpha: float
    cases: int
    base_run: str
    tuned_run: str


@dataclass(frozen=True)
class TriedAdapter:
    """One adapter of a trade-off: what was done to have it, what it gains, what it loses.

    `remedy` is the name of what was done, empty for the adapter as it was trained; `what` says
    it in words. `gain` is on dev against the best prompt, two-sided 95 %. One that could not be
    judged (a training that failed, a proof that did) says why in `failed`, and has no numbers.
    `run` is its run on dev, `seconds` what it took to have the adapter.
    """

    what: str
    remedy: str = ""
    adapter: str = ""
    adapter_path: str = ""
    label: str = ""
    score: Interval | None = None
    gain: Interval | None = None
    gains: bool = False
    guards: tuple[GuardChange, ...] = ()
    text: TextChange | None = None
    run: str = ""
    seconds: float = 0.0
    failed: str = ""

    @property
    def keeps(self) -> bool:
        """Whether every guard passes for certain, neutral text too where a limit is stated."""
        text = self.text is None or self.text.result in ("", "pass")
        return not self.failed and text and all(guard.result == "pass" for guard in self.guards)

    @property
    def forgets(self) -> bool:
        """Whether a guard fails, or a loss beyond its margin is likely."""
        lost = any(guard.result == "fail" or guard.likely_loss for guard in self.guards)
        return lost or (self.text is not None and self.text.result == "fail")


@dataclass(frozen=True)
class Tradeoff:
    """Adapters made of one training, held side by side on dev and on the guards.

    The first of `tried` is the one as it was trained, whose fingerprint is `adapter`; `leader` is
    the run on dev of the best prompt that gains are against. `remedies` is how many others were
    declared, for which the guards' level was shared. `chosen` is the fingerprint of the adapter
    that was then judged on the sealed split; empty where no choice was made, or none was good
    enough. No verdict rests on anything here but which adapter is judged.
    """

    suite: str
    model: str
    primary: str
    adapter: str
    leader: str
    leader_label: str
    min_gain: float
    tried: tuple[TriedAdapter, ...]
    remedies: int = 0
    chosen: str = ""
    sentence: str = ""
    subject: str = ""
    format: int = 1
