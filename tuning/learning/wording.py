"""A learning curve in sentences."""

from __future__ import annotations

from tuning.learning.projecting import MOST_TIMES, Ahead, Reach, examples_for, times
from tuning.learning.records import CurveFit, LearningCurve

_ONCE = (
    " Each size was trained once: how far trainings of one size differ is assumed more than "
    "measured; --seeds 3 would measure it."
)
_SOMETHING = 0.005
_NO_CLAIM = "what more examples would buy is not claimed"


def fit_sentence(fit: CurveFit, sizes: int, *, repeated: bool) -> str:
    """What the curve says of more examples, or why it says nothing.

    `sizes` is how many different sizes were trained, `repeated` whether any more than once.
    """
    if fit.shape == "too_few_sizes":
        number = {0: "No size was", 1: "One size was", 2: "Two sizes were"}[sizes]
        return f"{number} trained; a curve takes three, so {_NO_CLAIM}."
    if fit.shape == "too_few_cases":
        return f"Too few independent dev cases were judged by every training: {_NO_CLAIM}."
    slope = (
        f"{100 * fit.slope:+.1f} points for each doubling (95% interval "
        f"{100 * fit.slope_low:+.1f} to {100 * fit.slope_high:+.1f})"
    )
    if fit.shape == "flat":
        return f"No rise with more examples is shown: {slope}; {_NO_CLAIM}."
    if fit.shape == "falls":
        return f"The score falls with more examples at the end ({slope} over all): {_NO_CLAIM}."
    one = "" if repeated else _ONCE
    return f"The score rises by {slope}. {bought_text(fit)}{one}"


def bought_text(fit: CurveFit) -> str:
    """What twice and four times the examples would buy, by a curve that rises."""
    unsure = "" if times(fit, 2).gain_low >= _SOMETHING else "; that they do is not certain"
    return f"{_bought(fit, 2, 'About')}; {_bought(fit, 4, 'about')}{unsure}."


def _bought(fit: CurveFit, factor: int, about: str) -> str:
    at = times(fit, factor)
    return (
        f"{about} {at.examples - fit.largest:,} more examples ({at.examples:,} in all) would buy "
        f"{100 * at.gain:+.1f} points (between {100 * at.gain_low:+.1f} and "
        f"{100 * at.gain_high:+.1f})"
    )


def reach_text(fit: CurveFit, reach: Reach, what: str) -> str:
    """How many examples something takes, with both ends, as a sentence."""
    limit = MOST_TIMES * fit.largest
    what = f"{what[0].upper()}{what[1:]}"
    if reach.latest == fit.largest:
        return f"{what} is reached with the {fit.largest:,} there are."
    if reach.earliest is None:
        return f"{what} is not within {limit:,} examples, four times those there are."
    most = f"{reach.latest:,}" if reach.latest else f"more than {limit:,}"
    likely = f"about {reach.likely:,}" if reach.likely else f"more than {limit:,}"
    return f"{what} takes {likely} examples in all (between {reach.earliest:,} and {most})."


def target_text(curve: LearningCurve, target: float) -> str:
    """How many examples a score of `target` takes; empty where nothing is claimed."""
    last = [point for point in curve.points if point.examples == curve.fit.largest]
    if not curve.fit.band or not last:
        return ""
    score, low, high = (
        sum(getattr(point, name) for point in last) / len(last) for name in ("score", "low", "high")
    )
    reach = examples_for(curve.fit, target, Ahead(score, low, high))
    return reach_text(curve.fit, reach, f"the target of {target:g}")
