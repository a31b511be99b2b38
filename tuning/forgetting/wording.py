"""What is said of forgetting, in words."""

from __future__ import annotations

import math

from evals.comparison import points
from evals.rounding import least_points
from tuning.forgetting.records import TextChange, Tradeoff, TriedAdapter
from tuning.intervals import Interval


def rise_said(text: TextChange) -> str:
    """The rise with its interval: `+0.041 nats a token (+0.032 to +0.050)`."""
    return f"{text.rise.estimate:+.3f} nats a token ({nats_span(text.rise)})"


def nats_span(change: Interval) -> str:
    """Bounds in nats, rounded outwards."""
    low, high = math.floor(1000 * change.low) / 1000, math.ceil(1000 * change.high) / 1000
    return f"{low:+.3f} to {high:+.3f}"


def rise_meaning(text: TextChange) -> str:
    """What the change means, in one plain sentence."""
    rise = text.rise
    if rise.low <= 0 <= rise.high:
        return "No change is shown: the adapter finds ordinary text about as likely as the base."
    share = 1 - math.exp(-abs(rise.estimate))
    if rise.estimate < 0:
        # The base gave each token a share less than the adapter does.
        return f"To the base each next token of ordinary text was {_percent(share)} less likely."
    return (
        f"To the adapted model each next token of ordinary text is {_percent(share)} less likely "
        "than to the base: it moved away from general English, which is not yet a lost ability."
    )


def _percent(share: float) -> str:
    if share >= 0.995:  # never all of it
        return "over 99 %"
    return f"{100 * share:.1f} %" if share < 0.095 else f"{100 * share:.0f} %"


def text_reason(text: TextChange) -> str:
    """The line of evidence for a verdict."""
    seen = f"Neutral text: {rise_said(text)}, over {text.passages} passages"
    if text.max_rise is None:
        return f"{seen}. {rise_meaning(text)} It is told and decides nothing."
    return f"{seen}; at most {text.max_rise:g} may be added: {text.result}. {rise_meaning(text)}"


def text_lost(text: TextChange) -> str:
    """As one of what is lost, in a verdict's sentence."""
    return f"neutral text ({text.rise.estimate:+.2f} nats a token; at most {text.max_rise:g})"


def forgets_said(line: TriedAdapter) -> str:
    """Which guards say that an adapter forgets, and by how much."""
    lost = [
        f"{guard.suite} {'fails' if guard.result == 'fail' else 'probably loses too much'} "
        f"({points(guard.change.estimate)})"
        for guard in line.guards
        if guard.result == "fail" or guard.likely_loss
    ]
    if line.text is not None and line.text.result == "fail":
        lost.append(f"{text_lost(line.text)} fails")
    return ", ".join(lost)


def chosen_sentence(found: Tradeoff) -> str:
    """What came of the remedies."""
    trained, *others = found.tried
    said = f"As it was trained the adapter forgets: {forgets_said(trained)}."
    if trained.failed:
        said = f"As it was trained the adapter is refused, since {trained.failed}."
    count = f"{len(others)} of {found.remedies} declared remedies"
    chosen = next((line for line in others if found.chosen and line.adapter == found.chosen), None)
    if chosen is not None:
        return (
            f"{said} {count} tried: {chosen.what} keeps every guard for certain and still gains "
            f"{_gain(chosen)} on dev, so that one is judged."
        )
    why = "none keeps every guard for certain"
    if any(line.keeps for line in others):
        asked = f"{100 * found.min_gain:g} points"
        why = f"those that keep every guard for certain do not gain {asked} on dev"
    end = "It stays refused" if trained.failed else "The adapter is judged as it was trained"
    return f"{said} {count} tried: {why}. {end}."


def _gain(line: TriedAdapter) -> str:
    return points(line.gain.estimate) if line.gain else "nothing"


def standing_said(line: TriedAdapter) -> str:
    """One adapter of a trade-off in a few words, for a table."""
    if line.failed:
        return line.failed
    if line.keeps:
        return "keeps every guard" + ("" if line.gains else ", gains too little")
    worst = min(line.guards, key=lambda g: g.change.low + g.margin, default=None)
    if line.forgets:
        return "forgets"
    if worst is None:
        return "not settled"
    return f"not settled: {worst.suite} may lose {least_points(worst.change.low)}"


def curve_sentence(found: Tradeoff) -> str:
    """What a curve of scales shows; no look at the sealed split, and no choice, is behind it."""
    good = [line for line in found.tried if line.keeps and line.gains]
    asked = f"{100 * found.min_gain:g} points on dev"
    if not good:
        return f"No scale that was tried keeps every guard for certain and gains {asked}."
    best = max(good, key=lambda line: line.gain.estimate if line.gain else 0.0)
    return (
        f"{best.what[0].upper()}{best.what[1:]} gains most ({_gain(best)}) of the {len(good)} of "
        f"{len(found.tried)} that keep every guard for certain and gain {asked}. "
        "None of this is a verdict: the sealed split was not looked at."
    )
