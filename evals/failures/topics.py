"""Topics among the inputs that fail more often than the others.

All inputs are grouped by their words, those that are answered right, too: a group of failing
inputs alone would only name what the suite is about. Then the groups are held against the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evals.failures.contrasts import contrasts, share_of
from evals.failures.examples import choose_examples
from evals.failures.records import Failure, Topic, Topics
from evals.records import CaseResult
from evals.text import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_FAILURES = 20
CASES_EACH = 30
"""So many cases for each group: k is their number divided by this, from 2 to 12."""
MOST_GROUPS = 12
MOST_WORDS = 4_000
TERMS = 4
MOST_TERM = 30
READ = 2_000
"""Characters of an input that are looked at."""
SEED = 0


def find_topics(
    results: Sequence[CaseResult], failures: Mapping[str, Failure], inputs: Mapping[str, str]
) -> Topics:
    """Groups of inputs that fail more than the rest, the largest difference first.

    `inputs` is what was asked, by case id. TF-IDF of words (of pieces of four letters where words
    are not told apart by spaces), k-means with a fixed start; one-sided, corrected for k. The
    order of the cases does not matter.
    """
    failed = sum(result.case_id in failures for result in results)
    passed = len(results) - failed
    if failed < LEAST_FAILURES:
        return Topics(why_not=f"{failed} failures are too few: {LEAST_FAILURES} are needed")
    if passed == 0:
        return Topics(why_not="every case fails, so no part of them fails more than the rest")
    ordered = sorted(results, key=lambda result: result.case_id)
    groups = max(2, min(MOST_GROUPS, len(ordered) // CASES_EACH))
    weighed = _weigh([inputs.get(result.case_id, "")[:READ] for result in ordered])
    if weighed is None:
        return Topics(why_not="the inputs share no words")
    weights, words = weighed
    labels = _group(weights, groups)
    found = tuple(_worse(ordered, failures, labels, weights, words))
    return Topics(found, len(set(labels.tolist())))


def _weigh(texts: Sequence[str]) -> tuple[Any, list[str]] | None:
    """TF-IDF weights (sparse, cases by words) and the words; None where no two inputs share any."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    settings = {"max_features": MOST_WORDS, "min_df": 2, "max_df": 0.5, "sublinear_tf": True}
    words = {"token_pattern": r"(?u)\b\w\w+\b"}
    pieces = {"analyzer": "char_wb", "ngram_range": (3, 4)}
    for how in (words, pieces):
        vectoriser = TfidfVectorizer(**settings, **how)
        try:
            weights = vectoriser.fit_transform(texts)
        except ValueError:  # scikit-learn's way of saying that no word is in two texts
            continue
        filled = (weights.getnnz(axis=1) > 0).mean()
        if filled >= 0.5:
            return weights, list(vectoriser.get_feature_names_out())
    return None


def _group(weights: Any, groups: int) -> NDArray[Any]:
    """The number of each case's group. One thread: how many there are must not change sums."""
    import warnings

    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        # Inputs that share all their words make fewer groups than were asked for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(groups, n_init=4, max_iter=50, random_state=SEED).fit_predict(weights)
    labels: NDArray[Any] = found
    return labels


def _worse(
    results: Sequence[CaseResult],
    failures: Mapping[str, Failure],
    labels: NDArray[Any],
    weights: Any,
    words: Sequence[str],
) -> Iterable[Topic]:
    numbers = sorted({int(label) for label in labels})
    insides = [[bool(flag) for flag in labels == number] for number in numbers]
    failing = [result.case_id in failures for result in results]
    clusters = [result.cluster for result in results]
    found = contrasts(insides, failing, clusters, side="greater")
    topics = []
    for inside, contrast in zip(insides, found, strict=True):
        if contrast is None or not contrast.differs:
            continue
        places = [n for n, flag in enumerate(inside) if flag]
        wrong = [failures[results[n].case_id] for n in places if failing[n]]
        topics.append(
            Topic(
                terms=_terms(weights, inside, words),
                cases=len(places),
                failed=len(wrong),
                share=share_of([failing[n] for n in places], [clusters[n] for n in places]),
                kinds=dict(Counter(failure.kind for failure in wrong)),
                contrast=contrast,
                examples=choose_examples(failure.case_id for failure in wrong),
            )
        )
    return sorted(topics, key=lambda topic: (-topic.contrast.difference.estimate, topic.terms))


def _terms(weights: Any, inside: Sequence[bool], words: Sequence[str]) -> tuple[str, ...]:
    """The words whose mean weight inside exceeds that outside most."""
    import numpy as np

    flags = np.asarray(inside)
    gain = np.asarray(weights[flags].mean(axis=0) - weights[~flags].mean(axis=0)).ravel()
    best = sorted(range(len(words)), key=lambda n: (-gain[n], words[n]))[:TERMS]
    return tuple(visible(words[n].strip(), MOST_TERM) for n in best if gain[n] > 0)
