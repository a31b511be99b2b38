"""Whether the token that ends an answer was taught, and learnt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tuning.data.dataset import EncodedExample
from tuning.records import Proof
from tuning.training.proving.answers import Answers


def stop_proof(
    canaries: Sequence[EncodedExample], plain: Answers, tuned: Answers, stops: frozenset[int]
) -> Proof:
    """Whether the token that ends an answer was taught, and learnt.

    Asked of every canary: its completion ends in a stop token, and after the whole right
    answer the tuned model (`tuned`) stops: it is its first choice there, or at least likelier
    than for the base (`plain`). Of its own answers, which may be wrong, at least half must
    stop: one that runs on is a matter of quality, which the sealed split judges, but most
    that do mean that stopping was not learnt.
    """
    taught = sum(example.completion_ids[-1] in stops for example in canaries)
    learnt = sum(
        _stops_at_the_end(example, before, after)
        for example, before, after in zip(canaries, plain.logits, tuned.logits, strict=True)
    )
    emitted = sum(bool(answer) and answer[-1] in stops for answer in tuned.greedy)
    count = len(canaries)
    return Proof(
        "trains the stop token",
        taught == learnt == count and 2 * emitted >= count > 0,
        f"{taught} of {count} examples end in a stop token; the tuned model stops after {learnt} "
        f"of {count} right answers, and ends {emitted} of {count} of its own (at least half)",
        learnt=True,
    )


def _stops_at_the_end(example: EncodedExample, before: Any, after: Any) -> bool:
    """Whether `after` ends where the example does: `before`, `after` are (tokens, vocabulary).

    The logits of the last token but one predict the last.
    """
    stop = example.completion_ids[-1]
    rise = float(after[-2].log_softmax(-1)[stop] - before[-2].log_softmax(-1)[stop])
    return rise > 0 or (math.isfinite(rise) and int(after[-2].argmax()) == stop)
