"""How often a stronger model is said to reach a target that it exactly meets, by simulation.

The prompt is chosen by the small model's scores, of M prompts of equal worth, on the cases by
which the large model is then judged. Answers are right where a normal variable lies below the
quantile of the score; that of the large model is correlated with the small one's by `rho`, and
the small one's share a part of their variance between prompts. Prints the table of
docs/decisions.md (K = 1), and the power. Run by hand: `python -m benchmarks.stronger_models`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

ALPHA = 0.05
SMALL, LARGE = 0.70, 0.85
SHARED = 0.3
REPETITIONS = 1500


def wilson_low(right: NDArray[np.float64], n: int, alpha: float) -> NDArray[np.float64]:
    """One-sided lower bounds at `alpha` for so many of `n` right."""
    z, p = norm.ppf(1 - alpha), right / n
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.asarray((p + z * z / (2 * n) - half) / (1 + z * z / n))


def false_claims(n: int, prompts: int, rho: float, rng: np.random.Generator) -> tuple[float, float]:
    """The share of false claims at alpha, and at alpha / prompts."""
    small = LARGE if rho == 1 else SMALL  # the very same model has the same score
    right = np.empty(REPETITIONS)
    for repetition in range(REPETITIONS):
        common = rng.standard_normal(n)
        own = rng.standard_normal((prompts, n))
        drive = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own
        scores = (drive < norm.ppf(small)).sum(1) + 1e-6 * rng.random(prompts)
        other = rho * drive[scores.argmax()] + np.sqrt(1 - rho**2) * rng.standard_normal(n)
        right[repetition] = (other < norm.ppf(LARGE)).sum()
    return tuple(  # type: ignore[return-value]  # two values
        float((wilson_low(right, n, alpha) >= LARGE).mean()) for alpha in (ALPHA, ALPHA / prompts)
    )


def power(n: int, score: float, target: float, alpha: float, rng: np.random.Generator) -> float:
    """How often a model with that true score is recognised to reach the target."""
    right = rng.binomial(n, score, 20_000).astype(float)
    return float((wilson_low(right, n, alpha) >= target).mean())


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(0)
    print("cases prompts correlation   at alpha   at alpha/M")
    for n in (100, 400):
        for prompts in (7, 20):
            for rho in (0.0, 0.5, 0.8, 1.0):
                plain, corrected = false_claims(n, prompts, rho, rng)
                print(f"{n:5} {prompts:7} {rho:11} {plain:10.3f} {corrected:12.4f}")
    print("\ncases score   at alpha   at alpha/7   (target 0.90)")
    for n in (100, 250, 500):
        for score in (0.93, 0.94, 0.95, 0.96, 0.97):
            found = [power(n, score, 0.9, alpha, rng) for alpha in (ALPHA, ALPHA / 7)]
            print(f"{n:5} {score:5} {found[0]:10.2f} {found[1]:12.2f}")


if __name__ == "__main__":
    main()
