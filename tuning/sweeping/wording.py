"""What a search of settings found, in sentences."""

from __future__ import annotations

from evals.rounding import points_span, rounded_down, rounded_up
from tuning.intervals import Interval
from tuning.sweeping.comparing import Compared
from tuning.sweeping.records import SweepRecord, Trial
from tuning.sweeping.space import Settings


def found_sentence(
    compared: Compared,
    default: Settings,
    best: Settings,
    *,
    tried: int,
    judged: int,
    default_failed: str = "",
    best_failed: str = "",
) -> str:
    """What was found, and how sure that is; plainly where the default is kept."""
    if best_failed:
        return (
            f"The default settings ({default.label}) are kept: every other that came to the last "
            f"rung failed ({best_failed})."
        )
    if default_failed:
        return (
            f"Trained with {best.label}: with the default ({default.label}) training failed "
            f"({default_failed})."
        )
    numbers = f"{_scored(compared.score, judged)}{_lost(compared.loss)}"
    if not compared.taken:
        return (
            f"Nothing that was tried beats the default settings ({default.label}), which are "
            "kept: others are taken only where they are ahead by more than one standard error. The "
            f"best of {tried} other{'s' * (tried != 1)}, {best.label}: {numbers}."
        )
    return (
        f"Trained with {best.label}, and not with the default ({default.label}): {numbers}. "
        f"{_sure(compared)}"
    )


def fate_of(trial: Trial, sweep: SweepRecord) -> str:
    """What came of a trial, for the last column of a table."""
    if trial.failed:
        return trial.failed
    return "taken" if _is_taken(trial, sweep) else "goes on" * trial.went_on


def _is_taken(trial: Trial, sweep: SweepRecord) -> bool:
    """Whether a trial is the last one of the settings that are trained with."""
    own = {"learning_rate": trial.learning_rate, "rank": trial.rank, "epochs": trial.epochs}
    last = trial.default or trial.rung == max(one.rung for one in sweep.trials)
    return last and {name: value for name, value in own.items() if value} == dict(sweep.found)


def _scored(score: Interval | None, judged: int) -> str:
    if score is None:
        return f"on {judged} held-out examples, none with a scorer, "
    return (
        f"{100 * score.estimate:+.1f} points on {judged} held-out train examples "
        f"({points_span(score.low, score.high)}), "
    )


def _lost(gain: Interval | None) -> str:
    if gain is None:
        return "no loss"
    least, most = rounded_down(-gain.high, 4), rounded_up(-gain.low, 4)
    return f"loss {-gain.estimate:+.4f} nats a token ({least:+.4f} to {most:+.4f})"


def _sure(compared: Compared) -> str:
    by = compared.score if compared.by == "score" else compared.loss
    what = "score" if compared.by == "score" else "loss, as no score tells the two apart"
    if by is not None and by.low > 0:
        return f"It is surely ahead by {what}: the interval is corrected for all that were tried."
    return f"It is ahead by {what}, likely and not surely: the interval reaches 0."
