"""`chrf@1` and `bleu@1`: shared n-grams, by sacrebleu, for one answer at a time.

A run's score is the mean over its cases, which is not the corpus-level BLEU or chrF of
papers: those pool the n-grams of all cases first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evals.scorers.options import Options
from evals.scorers.protocol import Scorer
from evals.scorers.text.references import (
    References,
    likeness_scorer,
    require_text_extra,
    whole_number,
)

# Those of sacrebleu that fetch nothing and need no other package.
TOKENIZERS = ("13a", "intl", "char", "zh", "none")


def chrf(options: Options) -> Scorer:
    """`chrf@1`: sacrebleu's sentence chrF / 100 (Popović 2015), to the closest reference.

    Options: `char_order` (default 6), `word_order` (default 0; 2 is chrF++), `beta` (default
    2: recall counts twice), `case_sensitive` (default true), `whitespace` (default false: it
    is left out). Kinds: "different", "too_long".
    """
    require_text_extra(options, "sacrebleu")
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF(
        char_order=whole_number(options, "char_order", default=6, low=1, high=10),
        word_order=whole_number(options, "word_order", default=0, low=0, high=4),
        beta=whole_number(options, "beta", default=2, low=1, high=10),
        lowercase=not options.flag("case_sensitive", default=True),
        whitespace=options.flag("whitespace", default=False),
    )
    return likeness_scorer(_sentence(metric), lambda _reference: None)


def bleu(options: Options) -> Scorer:
    """`bleu@1`: sacrebleu's sentence BLEU / 100 (Papineni 2002), against all references.

    Exponential smoothing (Chen and Cherry 2014), and effective order: a text of fewer words
    than `max_order` is judged by the n-grams it has, so that a short answer that is right
    scores 1. Options: `tokenizer` (default "13a"), `max_order` (default 4), `case_sensitive`
    (default true). Kinds: "different", "too_long".
    """
    require_text_extra(options, "sacrebleu")
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(
        tokenize=options.one_of("tokenizer", TOKENIZERS, default="13a"),
        max_ngram_order=whole_number(options, "max_order", default=4, low=1, high=10),
        lowercase=not options.flag("case_sensitive", default=True),
        smooth_method="exp",
        effective_order=True,
        force=True,  # no warning where an answer looks tokenized
    )
    forget = _forgetting(metric.tokenizer)

    def compare(text: str, references: References) -> float:
        try:
            return score(text, references)
        finally:
            forget()

    score = _sentence(metric)
    return likeness_scorer(compare, lambda _reference: None)


def _sentence(metric: Any) -> Callable[[str, References], float]:
    return lambda text, references: float(metric.sentence_score(text, references).score) / 100


def _forgetting(tokenizer: Any) -> Callable[[], None]:
    """What empties sacrebleu's caches: each would keep 65,536 whole texts."""
    layers = [tokenizer, *vars(tokenizer).values()]
    caches = [getattr(type(layer).__call__, "cache_clear", None) for layer in layers if layer]
    clears = [clear for clear in caches if clear is not None]

    def forget() -> None:
        for clear in clears:
            clear()

    return forget
