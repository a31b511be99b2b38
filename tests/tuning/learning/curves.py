"""Worlds whose learning curve is known, and what would be measured in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import norm

from tuning.learning.fit import fit_scores
from tuning.learning.records import CurveFit

SIZES = (187, 375, 750, 1500)
Truth = Callable[[float], float]

RISING: dict[str, Truth] = {
    "power law": lambda n: 0.85 - 2.0 * n**-0.4,
    "straight in log n": lambda n: float(0.05 + 0.12 * np.log2(n / 187)),
    "s-shaped, early": lambda n: 0.9 / (1 + (1500 / n) ** 1.3),
    "s-shaped, late": lambda n: 0.8 / (1 + (500 / n) ** 1.5),
    "levels off at once": lambda n: float(min(0.6, 0.2 + 0.2 * np.log2(n / 187))),
}


def world(
    truth: Truth, rng: np.random.Generator, *, cases: int = 260, noise: float = 0.02, seeds: int = 1
) -> tuple[list[int], np.ndarray]:
    """Sizes, and scores of 0 and 1: easy cases are mostly easy for every training."""
    sizes = [size for size in SIZES for _ in range(seeds)]
    means = np.clip([truth(size) + rng.normal(0, noise) for size in sizes], 0, 1)
    latent = np.sqrt(0.6) * rng.normal(size=cases) + np.sqrt(0.4) * rng.normal(
        size=(len(sizes), cases)
    )
    return sizes, (latent < norm.ppf(means)[:, None]).astype(float)


def fitted(sizes: Sequence[int], scores: np.ndarray, **options: object) -> CurveFit:
    """The fit, every case alone."""
    names = [f"c{n}" for n in range(scores.shape[1])]
    return fit_scores(sizes, scores.tolist(), names, **options)  # type: ignore[arg-type]


def steady(means: Sequence[float], cases: int = 1000) -> np.ndarray:
    """Scores with exactly these means, case after case, for `SIZES` or as many sizes."""
    return np.array([[float(n < round(mean * cases)) for n in range(cases)] for mean in means])
