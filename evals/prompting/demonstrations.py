"""Demonstrations for a prompt: which train cases it shows, for which case.

They come from the train split only. A train case that is the case itself, shares its
cluster, or reads the same in its bare form (`evals.suite.folding`) is never shown: it would
leak the answer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from evals.approach import Approach, DemonstrationMethod
from evals.errors import SuiteError
from evals.fingerprint import fingerprint
from evals.records import Candidate, Case
from evals.suite.folding import bare, input_text
from evals.suite.spec import Suite


def method_fingerprint(approach: Approach, train: Sequence[Case]) -> str:
    """Identity of a selection: the method, its settings and the pool it draws from."""
    if approach.method == "none":
        return ""
    return fingerprint(
        f"demonstrations-{approach.method}@2",
        approach.k,
        approach.seed,
        [c.fingerprint for c in train],
        *([approach.listed] if approach.listed else []),
    )


def demonstrations_of(
    suite: Suite, candidate: Candidate, cases: Sequence[Case]
) -> list[tuple[Case, ...]]:
    """For each case what the candidate shows it. Raises SuiteError as `select` does."""
    return select(
        candidate.demonstrations, candidate.k, candidate.seed, pool=suite.cases, cases=cases
    )


def select(
    method: DemonstrationMethod, k: int, seed: int, *, pool: Sequence[Case], cases: Sequence[Case]
) -> list[tuple[Case, ...]]:
    """For each of `cases`, the demonstrations to show it, most relevant last.

    `pool` is every case of the suite; only its train cases are shown, its others are what
    must not leak. `static` draws the same k for every case of every held-out split (so that
    all prompts share a prefix), with a generator seeded by `seed`; `nearest` takes the k most
    similar by TF-IDF of character n-grams (2 to 4, within words). Raises SuiteError if train
    has fewer than k usable cases.
    """
    if method == "none" or k == 0 or not cases:
        return [() for _ in cases]
    train = [case for case in pool if case.split == "train" and case.is_plain]
    if len(train) < k:
        raise SuiteError(
            f"{k} demonstrations were asked for and the train split has {len(train)} cases",
            key="rounds",
            hint="add train cases or lower k",
        )
    if method == "static":
        held_out = [case for case in pool if case.split != "train"]
        return [_static(k, seed, train, held_out)] * len(cases)
    return _nearest(k, train, cases)


def _static(k: int, seed: int, train: Sequence[Case], held_out: Sequence[Case]) -> tuple[Case, ...]:
    order = list(train)
    random.Random(seed).shuffle(order)  # noqa: S311 - a reproducible draw, not a secret
    leaks = {_key(case) for case in held_out}
    clusters = {case.cluster for case in held_out if case.cluster}
    clean = [demo for demo in order if _key(demo) not in leaks and demo.cluster not in clusters]
    if len(clean) < k:
        raise SuiteError(
            f"only {len(clean)} train cases do not also stand in dev or test; {k} are needed",
            key="rounds",
            hint="run `tunegate check`: the splits leak into each other",
        )
    return tuple(clean[:k])


def _nearest(k: int, train: Sequence[Case], cases: Sequence[Case]) -> list[tuple[Case, ...]]:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    try:
        matrix = vectorizer.fit_transform([input_text(case) for case in train])
    except ValueError as error:  # scikit-learn's way of saying that no text has two letters
        raise SuiteError(
            "no train input holds text that another input could be near to",
            key="rounds",
            hint="give the train cases inputs, or leave the family `nearest` out",
        ) from error
    # Rounding keeps the order the same on machines whose dot products differ in the last bit.
    similarity = np.round(
        (vectorizer.transform([input_text(case) for case in cases]) @ matrix.T).toarray(), 6
    )
    chosen: list[tuple[Case, ...]] = []
    for case, row in zip(cases, similarity, strict=True):
        ranked = (train[i] for i in np.argsort(-row, kind="stable"))
        clean = _first_clean(k, case, ranked)
        chosen.append(tuple(reversed(clean)))
    return chosen


def _first_clean(k: int, case: Case, ranked: Iterable[Case]) -> list[Case]:
    text = _key(case)
    clean: list[Case] = []
    for demo in ranked:
        same = demo.id == case.id or _key(demo) == text
        if same or (case.cluster is not None and demo.cluster == case.cluster):
            continue
        clean.append(demo)
        if len(clean) == k:
            break
    return clean


def _key(case: Case) -> str:
    """What two cases share that read the same. Choices are left out: they are no question."""
    return bare(input_text(case))
