"""`rouge@1`: shared words, pairs of words or word sequences, as rouge-score counts them.

The words are rouge-score's own. The longest common subsequence is rapidfuzz's: the same
number as rouge-score's, whose table of both lengths takes minutes on long answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from evals.scorers.options import Options
from evals.scorers.protocol import Scorer
from evals.scorers.text.references import closest, likeness_scorer, numbered, require_text_extra

LONGEST_STEMMED = 50  # characters; no real word is longer, and the stemmer's time is quadratic

Words = list[str]


class _Shared(NamedTuple):
    """How much is shared, and of how much in the reference and in the answer."""

    shared: int
    reference: int
    answer: int


def rouge(options: Options) -> Scorer:
    """`rouge@1`: ROUGE (Lin 2004) to the closest reference.

    Options: `type` ("rougeL", the default: longest common subsequence; "rouge1": words;
    "rouge2": pairs of neighbours), `measure` ("f", the default, "precision" or "recall"),
    `stemmer` (default false: Porter's, for English). Only letters a to z and digits are words;
    a reference without any is refused. The same words as the reference's are full marks, also
    where one word has no pairs. Kinds: "different", "too_long".
    """
    stem = options.flag("stemmer", default=False)
    require_text_extra(options, "rouge_score", *(["nltk"] if stem else []))
    kind = options.one_of("type", ("rougeL", "rouge1", "rouge2"), default="rougeL")
    count = {"rougeL": _longest, "rouge1": _words, "rouge2": _pairs}[kind]
    measure = _MEASURES[options.one_of("measure", tuple(_MEASURES), default="f")]
    words_of = _tokenizer(stem=stem)

    def compare(answer: str, reference: str) -> float:
        wanted, found = words_of(reference), words_of(answer)
        return 1.0 if wanted == found else measure(count(wanted, found))

    def unusable(reference: str) -> str | None:
        if words_of(reference):
            return None
        return "has no word of letters a to z or digits, the only ones that ROUGE knows"

    return likeness_scorer(closest(compare), unusable)


def _tokenizer(*, stem: bool) -> Callable[[str], Words]:
    from rouge_score.tokenize import tokenize

    stemmer = _ShortWords() if stem else None
    return lambda text: list(tokenize(text.encode("utf-8", "replace").decode(), stemmer))


class _ShortWords:
    """Porter's stemmer for words, not for what a model made endless."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self._stemmer: Any = PorterStemmer()

    def stem(self, word: str) -> str:
        """The word's stem; a word that is too long stays."""
        return str(self._stemmer.stem(word)) if len(word) <= LONGEST_STEMMED else word


def _longest(wanted: Words, found: Words) -> _Shared:
    from rapidfuzz.distance import LCSseq

    shared = int(LCSseq.similarity(*numbered(wanted, found)))
    return _Shared(shared, len(wanted), len(found))


def _words(wanted: Words, found: Words) -> _Shared:
    return _overlap(Counter(wanted), Counter(found))


def _pairs(wanted: Words, found: Words) -> _Shared:
    return _overlap(Counter(pairwise(wanted)), Counter(pairwise(found)))


def _overlap(wanted: Counter[Any], found: Counter[Any]) -> _Shared:
    return _Shared((wanted & found).total(), wanted.total(), found.total())


def _precision(counts: _Shared) -> float:
    return counts.shared / max(counts.answer, 1)


def _recall(counts: _Shared) -> float:
    return counts.shared / max(counts.reference, 1)


def _f(counts: _Shared) -> float:
    return 2 * counts.shared / max(counts.reference + counts.answer, 1)


_MEASURES: dict[str, Callable[[_Shared], float]] = {
    "f": _f,
    "precision": _precision,
    "recall": _recall,
}
