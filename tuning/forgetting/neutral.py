"""The change of cross-entropy on neutral text: how far an adapter moved the model from English.

The corpus (`neutral_text.txt`) are 64 short passages of everyday English: encyclopaedic,
narrative, dialogue, how-to, letters, news, opinion and a little code. They were written for this
purpose, are in no data set, and no adapter is trained on them. Both sides are read on the same
weights, the adapter switched on and off, in the same passes. It is a measurement: a rise says
that other text became less likely, and not that an ability was lost, which guards tell.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from evals.errors import ModelError
from evals.fingerprint import fingerprint
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.models.reading import ReadsText
from tuning.forgetting.levels import ALPHA
from tuning.forgetting.records import PassageLoss, Result, TextChange, TextReading
from tuning.intervals import Interval

KIND = "neutral_text"
FEWEST_PASSAGES = 10
"""With fewer that fit the model's context nothing is told."""

_FILE = Path(__file__).with_name("neutral_text.txt")
_HEAD = re.compile(r"^\[([a-z-]+)\]$", re.MULTILINE)
# Rounding on some machines may give a handful of passages the very same difference.
_LEAST_SPREAD = 1e-6


class Passage(NamedTuple):
    """A text of the corpus; its name is its kind with a number, like `how-to 3`."""

    name: str
    text: str


@cache
def neutral_passages() -> tuple[Passage, ...]:
    """The corpus, in its order."""
    _, *parts = _HEAD.split(_FILE.read_text(encoding="utf-8"))
    seen: Counter[str] = Counter()
    passages = []
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        seen[kind] += 1
        passages.append(Passage(f"{kind} {seen[kind]}", text.strip()))
    return tuple(passages)


def corpus_fingerprint(passages: Sequence[Passage]) -> str:
    """Identity of the texts in their order, which decides what is read together."""
    return fingerprint("corpus@1", [passage.text for passage in passages])


class Adapter(NamedTuple):
    """An adapter by its fingerprint and folder; both empty for the base alone."""

    fingerprint: str = ""
    path: str = ""


def measure_text(
    model: AdaptableModel,
    ledger: Ledger,
    adapter: Adapter,
    *,
    created: str,
    clock: Callable[[], float] = time.perf_counter,
) -> TextChange | None:
    """Read the corpus with the adapter on and off, as far as it was not read before.

    None for a model that cannot read texts (it answers by rule, or elsewhere), or whose context
    most passages do not fit. Raises ModelError for a loss that is not finite.
    """
    passages = neutral_passages()
    keys = [_key(model, passages, one) for one in (Adapter(), adapter)]
    off, on = (ledger.load(KIND, key, TextReading) for key in keys)
    if off is None or on is None:
        if not callable(getattr(model, "read_texts", None)):
            return None
        try:
            off = off or _read(model, ledger, Adapter(), key=keys[0], created=created, clock=clock)
            on = on or _read(model, ledger, adapter, key=keys[1], created=created, clock=clock)
        finally:
            model.use_adapter(None)
    return text_change(off, on)


def _key(model: AdaptableModel, passages: Sequence[Passage], adapter: Adapter) -> str:
    corpus = corpus_fingerprint(passages)
    return fingerprint("neutral@1", corpus, model.fingerprint, adapter.fingerprint)


def _read(
    model: AdaptableModel,
    ledger: Ledger,
    adapter: Adapter,
    *,
    key: str,
    created: str,
    clock: Callable[[], float],
) -> TextReading:
    """Read the corpus, and keep what the model makes of it."""
    began = clock()
    model.use_adapter(adapter.path or None)
    if model.adapter != adapter.fingerprint:
        raise ModelError(
            "the adapter on disk is not the one that is asked about",
            path=adapter.path or None,
            hint="train again, or name the right folder",
        )
    passages = neutral_passages()
    losses = _losses(model, passages, adapter)
    reading = TextReading(
        corpus_fingerprint(passages),
        model.fingerprint,
        adapter.fingerprint,
        losses,
        seconds=clock() - began,
    )
    ledger.store(KIND, key, reading, created=created)
    return reading


def _losses(
    model: AdaptableModel, passages: Sequence[Passage], adapter: Adapter
) -> tuple[PassageLoss, ...]:
    reader: ReadsText = model  # type: ignore[assignment]  # `measure_text` has seen to it
    read = reader.read_texts([passage.text for passage in passages])
    found = [
        PassageLoss(passage.name, loss.nats, loss.tokens)
        for passage, loss in zip(passages, read, strict=True)
        if loss is not None
    ]
    for loss in found:
        if not math.isfinite(loss.nats):
            raise ModelError(
                f"the cross-entropy of neutral text ({loss.name}) is not finite",
                path=adapter.path or None,
                hint="train again with a lower rate" if adapter.path else None,
            )
    return tuple(found)


def text_change(off: TextReading, on: TextReading) -> TextChange | None:
    """Adapter on minus off, paired by passage; None for fewer than `FEWEST_PASSAGES`.

    Each passage counts once, however long: it is what the next one would be drawn like.
    """
    before = {loss.name: loss for loss in off.losses}
    pairs = [(before[loss.name].mean, loss.mean) for loss in on.losses if loss.name in before]
    if len(pairs) < FEWEST_PASSAGES:
        return None
    base, tuned = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    rise = rise_of([two - one for one, two in pairs], 0.025)
    tokens = sum(loss.tokens for loss in on.losses if loss.name in before)
    return TextChange(base, tuned, rise, len(pairs), tokens, off.corpus)


def rise_of(differences: Sequence[float], alpha: float) -> Interval:
    """Mean with t bounds, one-sided at `alpha` each."""
    count = len(differences)
    mean = sum(differences) / count
    spread = math.sqrt(sum((d - mean) ** 2 for d in differences) / (count - 1))
    half = _t(alpha, count - 1) * max(spread, _LEAST_SPREAD) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, 1 - 2 * alpha)


def _t(alpha: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.isf(alpha, freedom))


def judge_rise(change: TextChange, max_rise: float | None, alpha: float) -> TextChange:
    """Hold the rise against the most that is tolerated; None leaves it as it is, only told.

    Pass where it is below for certain at `alpha`, fail where it is above for certain at `ALPHA`:
    as of a guard, a stricter pass makes no fail harder to find.
    """
    if max_rise is None:
        return change
    half = (change.rise.high - change.rise.low) / 2
    freedom = change.passages - 1
    one = half / _t(0.025, freedom)
    result: Result = "inconclusive"
    if change.rise.estimate + one * _t(alpha, freedom) < max_rise:
        result = "pass"
    elif change.rise.estimate - one * _t(ALPHA, freedom) > max_rise:
        result = "fail"
    return replace(change, max_rise=max_rise, result=result, alpha=alpha)
