"""Random suites' cases with planted repeats, near-duplicates, clusters and choices."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from evals.records import Case
from evals.suite.folding import bare, comparable, fold, input_text, loosen

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_KINDS = ("new", "new", "new", "same", "spelt", "near", "near", "asked")


def _sentence(generator: random.Random) -> str:
    words = ("".join(generator.choices(_LETTERS, k=generator.randint(3, 8))) for _ in range(14))
    return " ".join(words)


def _variant(kind: str, text: str, generator: random.Random) -> str:
    if kind == "spelt":
        return text.title().replace(" ", ", ", 1) + "?!"
    if kind == "near":
        words = text.split()
        place = generator.randrange(len(words))
        return " ".join([*words[:place], "so", *words[place:]])
    return text


def random_cases(seed: int, size: int) -> tuple[Case, ...]:
    """Cases of all splits; about half of them are variants of an earlier one."""
    generator = random.Random(seed)
    cases: list[Case] = []
    for number in range(size):
        kind = generator.choice(_KINDS) if cases else "new"
        earlier = input_text(generator.choice(cases)) if cases else ""
        text = _sentence(generator) if kind == "new" else _variant(kind, earlier, generator)
        cluster = generator.choice([None, None, None, "a", "b"])
        cases.append(
            Case(
                id=f"c{number}",
                input={"text": text},
                expected="yes",
                answer="yes",
                split={"a": "train", "b": "dev"}.get(
                    cluster if generator.random() < 0.7 else "",
                    generator.choice(("train", "train", "dev", "test")),
                ),
                cluster=cluster,
                choices=("yes", "no") if kind == "asked" else (),
            )
        )
    return tuple(cases)


suites = st.builds(random_cases, st.integers(0, 10_000), st.integers(12, 40))


def near(cases: tuple[Case, ...]) -> set[tuple[str, str]]:
    """Ids (case, other) of near-duplicates, by all cosines at once.

    They are those that `check` calls near, and those that are near without their choices.
    """
    firsts: dict[str, int] = {}
    rows = [firsts.setdefault(loosen(fold(comparable(case))), len(firsts)) for case in cases]
    texts: dict[int, str] = {}
    for case, row in zip(cases, rows, strict=True):
        texts.setdefault(row, fold(comparable(case)))
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4))
    weights = vectorizer.fit_transform(list(texts.values())).toarray()[rows]
    unasked = vectorizer.transform([fold(input_text(case)) for case in cases]).toarray()
    alike = np.maximum(weights @ weights.T, unasked @ weights.T) >= 0.92
    plain = weights @ weights.T >= 0.92
    return {
        (case.id, other.id)
        for i, case in enumerate(cases)
        for j, other in enumerate(cases)
        if (plain if case.is_plain else alike)[i, j]
    }


def leaks(case: Case, demo: Case, alike: set[tuple[str, str]]) -> bool:
    """Whether showing `demo` to `case` would give its answer away."""
    return (
        demo.id == case.id
        or bare(input_text(demo)) == bare(input_text(case))
        or (case.cluster is not None and demo.cluster == case.cluster)
        or (case.id, demo.id) in alike
    )
