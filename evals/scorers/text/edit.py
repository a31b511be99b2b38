"""`edit_similarity@1`: how few edits make the answer into the reference."""

from __future__ import annotations

from evals.scorers.normal import normalise
from evals.scorers.options import Options
from evals.scorers.protocol import Scorer
from evals.scorers.text.references import closest, likeness_scorer, numbered


def edit_similarity(options: Options) -> Scorer:
    """`edit_similarity@1`: 1 - edits / the most there could be, to the closest reference.

    Options: `method` ("levenshtein": insert, delete, replace, of at most the longer length; or
    "indel": insert and delete, of at most both lengths), `by` ("characters" or "words", split
    at white space), `normalise` (default false: the normal form of `normalized@1` first).
    Kinds: "different", "too_long".
    """
    from rapidfuzz.distance import Indel, Levenshtein

    methods = {"levenshtein": Levenshtein, "indel": Indel}
    method = methods[options.one_of("method", tuple(methods), default="levenshtein")]
    by_words = options.one_of("by", ("characters", "words"), default="characters") == "words"
    fold = normalise if options.flag("normalise", default=False) else str

    def compare(answer: str, reference: str) -> float:
        first, second = fold(answer), fold(reference)
        if not by_words:
            return float(method.normalized_similarity(first, second))
        words = numbered(first.split(), second.split())
        return float(method.normalized_similarity(*words))

    return likeness_scorer(closest(compare), lambda _reference: None)
