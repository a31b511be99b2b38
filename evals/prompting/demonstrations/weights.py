"""How alike inputs are: cosines of TF-IDF weights of character n-grams (2 to 4, within words)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.errors import SuiteError
from evals.records import Case
from evals.suite.folding import input_text

DIGITS = 6
"""Cosines are rounded, so that their order is the same on machines that differ in the last bit."""


def weighed(train: Sequence[Case], cases: Sequence[Case]) -> tuple[Any, Any]:
    """Unit rows of both, by the pieces that `train` has. Raises SuiteError where it has none."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    try:
        rows = vectorizer.fit_transform([input_text(case) for case in train])
    except ValueError as error:  # scikit-learn's way of saying that no text has two letters
        raise SuiteError(
            "no train input holds text that another input could be near to",
            key="rounds",
            hint="give the train cases inputs, or leave the family `nearest` out",
        ) from error
    return rows, vectorizer.transform([input_text(case) for case in cases]) if cases else rows[:0]
