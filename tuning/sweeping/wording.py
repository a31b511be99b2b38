"""What a search of settings found, in sentences."""

from __future__ import annotations

from tuning.intervals import Interval
from tuning.sweeping.comparing import Compared
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
            f"kept. The best of {tried} other{'s' * (tried != 1)}, {best.label}: {numbers}, which "
            "is not ahead by more than one standard error."
        )
    return (
        f"Trained with {best.label}, and not with the default ({default.label}): {numbers}. "
        f"{_sure(compared)}"
    )


def _scored(score: Interval | None, judged: int) -> str:
    if score is None:
        return f"on {judged} held-out examples, none with a scorer, "
    return (
        f"{100 * score.estimate:+.1f} points on {judged} held-out train examples "
        f"({100 * score.low:+.1f} to {100 * score.high:+.1f}), "
    )


def _lost(loss: Interval | None) -> str:
    if loss is None:
        return "no loss"
    word = "lower" if loss.estimate >= 0 else "higher"
    return (
        f"loss {abs(loss.estimate):.4f} nats per token {word} (gain {loss.low:+.4f} to "
        f"{loss.high:+.4f})"
    )


def _sure(compared: Compared) -> str:
    by = compared.score if compared.by == "score" else compared.loss
    what = "score" if compared.by == "score" else "loss, as no score tells the two apart"
    if by is not None and by.low > 0:
        return f"It is surely ahead by {what}: the interval is corrected for all that were tried."
    return f"It is ahead by {what}, likely and not surely: the interval reaches 0."
