"""From the scores of each training to a curve with intervals and projections.

The intervals come from a bootstrap: each resample draws the dev cases anew (clusters whole,
the same draw for every training, since all were judged on the same cases), moves each
training by what two trainings of one size may differ by, and fits both families again. At
each size the interval spans the 95 % intervals of both; and, from the last step on, those of
what the last two sizes alone say. Without these a curve that has just levelled off, or has just
begun to rise, was told with an interval that did not hold it (benchmarks/learning_curve.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from evals.errors import StatisticsError
from evals.records import Run
from evals.stats import MIN_CLUSTERS, known_bounds
from tuning.learning.families import fit_log_linear, fit_power_law
from tuning.learning.projecting import MOST_TIMES
from tuning.learning.records import MOST_EXAMPLES, CurveFit, LearningPoint, Projection, Shape
from tuning.learning.wording import fit_sentence

if TYPE_CHECKING:
    import numpy as np

    from evals.stats.sample import Floats, Ints

MIN_SIZES = 3
RESAMPLES = 1000
ASSUMED_NOISE = 0.02
"""By how much (standard deviation) trainings of one size are assumed to differ: fine-tuning
with other seeds moves scores by a few points (Dodge et al. 2020, arXiv 2002.06305)."""
_ASSUMED_WEIGHT = 2.0
_STEPS_PER_DOUBLING = 4
_TAIL = 0.025


class Measured(NamedTuple):
    """A training with the dev run of its adapter."""

    point: LearningPoint
    run: Run


class Score(NamedTuple):
    """A mean score with its 95 % bounds; 0 and 1 where there are too few clusters."""

    estimate: float
    low: float
    high: float


class Sample(NamedTuple):
    """What is fitted: sizes (points,), scores (points, cases), cluster of each case (cases,)."""

    sizes: Floats
    scores: Floats
    clusters: Ints

    @property
    def distinct(self) -> list[float]:
        """The different sizes, rising."""
        return sorted(set(self.sizes.tolist()))


def score_of(run: Run) -> Score:
    """The mean score of a run's cases that have one."""
    values = list(run.values().values())
    low, high = known_bounds(values, [r.cluster for r in run.results if not r.failed])
    mean = sum(values) / len(values) if values else 0.0
    return Score(mean, 0.0 if low is None else low, 1.0 if high is None else high)


def fit_curve(measured: Sequence[Measured]) -> CurveFit:
    """The curve through what was measured, over the cases that every training has a score of."""
    values = [item.run.values() for item in measured]
    shared = [case for case in values[0] if all(case in other for other in values)]
    named = {result.case_id: result.cluster for result in measured[0].run.results}
    sizes = [item.point.examples for item in measured]
    return fit_scores(sizes, [[one[case] for case in shared] for one in values], shared, named)


def fit_scores(
    sizes: Sequence[int],
    scores: Sequence[Sequence[float]],
    cases: Sequence[str],
    clusters: Mapping[str, str | None] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> CurveFit:
    """The curve through `scores` (one row a training, one column a case) of so many examples.

    Raises StatisticsError where the sizes are not positive, rows, sizes and cases do not agree,
    or a score is not between 0 and 1.
    """
    import numpy as np

    if len(sizes) != len(scores) or not all(1 <= size <= MOST_EXAMPLES for size in sizes):
        raise StatisticsError("expected one row of scores for each size, and sizes of 1 or more")
    if any(len(row) != len(cases) for row in scores):
        raise StatisticsError(f"expected a score of each of {len(cases)} cases in every row")
    if not all(0 <= score <= 1 for row in scores for score in row):
        raise StatisticsError("expected scores between 0 and 1")
    names = [(clusters or {}).get(case) or f"\0{case}" for case in cases]
    codes = np.unique(names, return_inverse=True)[1] if names else np.zeros(0, dtype=np.int64)
    sample = Sample(np.asarray(sizes, float), np.asarray(scores, float), codes)
    if len(sample.distinct) < MIN_SIZES:
        return _told("too_few_sizes", sample)
    if len(set(names)) < MIN_CLUSTERS:
        return _told("too_few_cases", sample)
    return _fitted(sample, resamples, np.random.default_rng(seed))


def _fitted(sample: Sample, resamples: int, rng: np.random.Generator) -> CurveFit:
    import numpy as np

    noise = training_noise(sample)
    resampled = _resampled(sample, resamples, noise, rng)
    slopes = fit_log_linear(sample.sizes, resampled).slope * np.log(2)
    low, high = (float(q) for q in np.quantile(slopes, [_TAIL, 1 - _TAIL]))
    observed = sample.scores.mean(axis=1)[None, :]
    slope = float(fit_log_linear(sample.sizes, observed).slope[0] * np.log(2))
    shape: Shape = "rises" if low > 0 else "flat"
    # A fall that no family can follow must not hide itself in the noise it makes.
    steps = _resampled(sample, resamples, min(noise, ASSUMED_NOISE), rng)
    if high < 0 or _last_step_falls(sample, steps):
        shape = "falls"
    fit = CurveFit(
        shape=shape,
        sentence="",
        band=_band(sample, resampled) if shape == "rises" else (),
        slope=slope,
        slope_low=low,
        slope_high=high,
        noise=noise,
        largest=int(sample.distinct[-1]),
        resamples=resamples,
    )
    return _worded(fit, sample)


def training_noise(sample: Sample) -> float:
    """Standard deviation between trainings of one size, in score.

    What the better family leaves unexplained, together with two assumed observations of
    `ASSUMED_NOISE`: four points and three parameters leave one degree of freedom, from which
    alone nothing could be estimated. What no family can follow counts as noise, too.
    """
    observed = sample.scores.mean(axis=1)[None, :]
    fits = (fit_power_law(sample.sizes, observed), fit_log_linear(sample.sizes, observed))
    left = min(float(((observed - fit.at(sample.sizes)) ** 2).sum()) for fit in fits)
    return sqrt((_ASSUMED_WEIGHT * ASSUMED_NOISE**2 + left) / _noise_df(sample))


def _noise_df(sample: Sample) -> float:
    return _ASSUMED_WEIGHT + max(0, len(sample.sizes) - 3)


def _resampled(sample: Sample, count: int, noise: float, rng: np.random.Generator) -> Floats:
    """Mean scores of shape (count, points) in resampled worlds."""
    import numpy as np

    clusters = int(sample.clusters.max()) + 1
    per_cluster = np.stack([np.bincount(sample.clusters, row, clusters) for row in sample.scores])
    drawn = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=count)
    means = drawn @ per_cluster.T / (drawn @ np.bincount(sample.clusters))[:, None]
    df = _noise_df(sample)  # the noise is itself estimated, so its draws are Student's t
    widened = noise * np.sqrt(df / rng.chisquare(df, size=count))
    return np.asarray(means + widened[:, None] * rng.standard_normal(means.shape))


def _last_step_falls(sample: Sample, resampled: Floats) -> bool:
    """Whether all the examples are certain to do worse than the size before."""
    import numpy as np

    before, last = sample.distinct[-2:]
    step = resampled[:, sample.sizes == last].mean(axis=1)
    step = step - resampled[:, sample.sizes == before].mean(axis=1)
    return float(np.quantile(step, 1 - _TAIL)) < 0


def _band(sample: Sample, resampled: Floats) -> tuple[Projection, ...]:
    import numpy as np

    sizes = band_sizes(int(sample.distinct[0]), int(sample.distinct[-1]))
    at = np.asarray(sizes, float)
    all_of_them = sizes.index(int(sample.distinct[-1]))
    observed = sample.scores.mean(axis=1)[None, :]
    single, many = [], []
    for fit in (fit_power_law, fit_log_linear):
        single.append(fit(sample.sizes, observed).at(at)[0])
        many.append(fit(sample.sizes, resampled).at(at))
    many += _from_the_last_step(sample, resampled, at, elsewhere=many[-1])
    estimate = (single[0] + single[1]) / 2
    low, high = _envelope(many)
    gain_low, gain_high = _envelope([one - one[:, [all_of_them]] for one in many])
    return tuple(
        Projection(
            examples=size,
            estimate=float(estimate[n]),
            low=float(min(low[n], estimate[n])),
            high=float(max(high[n], estimate[n])),
            power_law=float(single[0][n]),
            log_linear=float(single[1][n]),
            gain=float(estimate[n] - estimate[all_of_them]),
            gain_low=float(min(gain_low[n], estimate[n] - estimate[all_of_them])),
            gain_high=float(max(gain_high[n], estimate[n] - estimate[all_of_them])),
        )
        for n, size in enumerate(sizes)
    )


def _from_the_last_step(
    sample: Sample, resampled: Floats, at: Floats, elsewhere: Floats
) -> list[Floats]:
    """What the last two sizes alone say, never falling: on in log n, or slowing down in 1/n.

    In 1/n each doubling adds half of what the one before did. `elsewhere` stands before these
    sizes. Shapes (resamples, sizes).
    """
    import numpy as np

    before, last = sample.distinct[-2:]
    end = resampled[:, sample.sizes == last].mean(axis=1)[:, None]
    start = resampled[:, sample.sizes == before].mean(axis=1)[:, None]
    step = (end - start).clip(min=0.0)
    steps = (
        np.log(at / last) / np.log(last / before),
        (1 / last - 1 / at) / (1 / before - 1 / last),
    )
    after = at[None, :] >= before
    return [np.where(after, (end + step * one).clip(0.0, 1.0), elsewhere) for one in steps]


def _envelope(families: Sequence[Floats]) -> tuple[Floats, Floats]:
    """The least lower and the largest upper bound of (resamples, sizes) arrays."""
    import numpy as np

    bounds = np.stack([np.quantile(one, [_TAIL, 1 - _TAIL], axis=0) for one in families])
    return bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)


def band_sizes(smallest: int, largest: int) -> list[int]:
    """Sizes at which the curve is told, evenly spaced in log n up to `MOST_TIMES` the largest."""
    sizes = {smallest, largest}
    step = 2 ** (1 / _STEPS_PER_DOUBLING)
    size = largest * float(MOST_TIMES)
    while size > smallest:
        sizes.add(round(size))
        size /= step
    return sorted(sizes)


def _told(shape: Shape, sample: Sample) -> CurveFit:
    return _worded(CurveFit(shape, ""), sample)


def _worded(fit: CurveFit, sample: Sample) -> CurveFit:
    repeated = len(sample.sizes) > len(sample.distinct)
    return replace(fit, sentence=fit_sentence(fit, len(sample.distinct), repeated=repeated))
