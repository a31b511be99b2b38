"""A classifier of style: fitted on two sets of texts, and honest about how well it can tell them.

Character n-grams weighed by TF-IDF, and logistic regression whose decisions are calibrated
(Platt 1999) on texts that it had not been fitted on. Deterministic.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

FOLDS = 5
MAX_CHARACTERS = 20_000  # of one text that are looked at
_MAX_FEATURES = 50_000


class Example(NamedTuple):
    """A text, and the name of the texts that it must share a fold with ("" for none)."""

    text: str
    cluster: str = ""


@dataclass(frozen=True)
class StyleModel:
    """The fitted classifier, its calibration, and how well it did in cross-validation.

    `accuracy` is the mean share of each set that it got right; 0.5 is guessing.
    """

    classifier: Any
    calibration: Any
    accuracy: float

    def likeness(self, text: str) -> float:
        """The probability that a text is of the first set, were both as frequent."""
        decision = self.classifier.decision_function([text[:MAX_CHARACTERS]])
        return float(self.calibration.predict_proba(decision.reshape(-1, 1))[0, 1])


def fit_style(like: Sequence[Example], unlike: Sequence[Example]) -> StyleModel:
    """Fit on both sets. Each needs at least FOLDS clusters, where a text without one is its own.

    Raises ValueError where it has fewer.
    """
    import numpy as np
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    examples = [*like, *unlike]
    texts = [one.text[:MAX_CHARACTERS] for one in examples]
    truth = np.array([1] * len(like) + [0] * len(unlike))
    groups = [one.cluster or f"\0{n}" for n, one in enumerate(examples)]
    for name, part in (("like", groups[: len(like)]), ("unlike", groups[len(like) :])):
        if len(set(part)) < FOLDS:
            raise ValueError(f"{name} has {len(set(part))} clusters, at least {FOLDS} are needed")
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    splits = list(folds.split(texts, truth, groups))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks about convergence change no verdict
        decisions = cross_val_predict(
            _pipeline(), texts, truth, cv=splits, method="decision_function"
        )
        classifier = _pipeline().fit(texts, truth)
        calibration = _regression(C=1.0).fit(decisions.reshape(-1, 1), truth)
    return StyleModel(classifier, calibration, float(balanced_accuracy_score(truth, decisions > 0)))


def _pipeline() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline

    # Case, punctuation and white space are style: nothing is folded away.
    grams = TfidfVectorizer(
        analyzer="char",
        ngram_range=(1, 3),
        lowercase=False,
        sublinear_tf=True,
        max_features=_MAX_FEATURES,
    )
    return make_pipeline(grams, _regression(C=10.0))


def _regression(**settings: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(
        class_weight="balanced", solver="liblinear", random_state=0, **settings
    )
