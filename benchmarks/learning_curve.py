"""How often what a learning curve projects is true, in worlds whose curve is known.

    python benchmarks/learning_curve.py [--worlds 200] [--suite S --ledger DIR] [-o FILE]

Each world has 260 dev cases and trainings on 187, 375, 750 and 1,500 examples, whose scores
differ between trainings of one size by a standard deviation of 2 or 4 points. Counted are the
worlds in which a claim is made, and of these the share whose interval holds the truth. Then how
often a rule that was not adopted would have turned `fine_tune` into `collect_examples`. With
--suite and --ledger the curve that `tunegate curve` stored there is told, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from evals.ledger import Ledger
from evals.models import DEFAULT_MODEL
from evals.stats import one_sided_z, paired_difference
from evals.suite import load_suite
from tuning.learning.fit import fit_scores
from tuning.learning.projecting import times
from tuning.learning.records import CurveFit
from tuning.learning.stored import stored_curve

Truth = Callable[[float], float]
SIZES = (187, 375, 750, 1500)
LEADER, MIN_GAIN, TRIED = 0.4, 0.10, 7
SHARED = 0.6  # of the variance of a case's difficulty that all trainings see alike

WORLDS: dict[str, Truth] = {
    "0.85 - 2 n^-0.4": lambda n: 0.85 - 2.0 * n**-0.4,
    "0.9 - 1.2 n^-0.15": lambda n: 0.9 - 1.2 * n**-0.15,
    "6 points a doubling": lambda n: 0.05 + 0.06 * float(np.log2(n / 187)),
    "12 points a doubling": lambda n: 0.05 + 0.12 * float(np.log2(n / 187)),
    "s-shaped, middle at 1,500": lambda n: 0.9 / (1 + (1500 / n) ** 1.3),
    "s-shaped, middle at 500": lambda n: 0.8 / (1 + (500 / n) ** 1.5),
    "levels off at 750": lambda n: min(0.6, 0.2 + 0.2 * float(np.log2(n / 187))),
    "flat": lambda _: 0.4,
}
SETTINGS = ((1, 0.02), (1, 0.04), (3, 0.02))  # seeds, standard deviation between trainings


class World(NamedTuple):
    """What is measured: sizes, scores (trainings, cases), and the leader's scores (cases,)."""

    sizes: list[int]
    scores: np.ndarray
    leader: np.ndarray


def draw(
    truth: Truth, seeds: int, noise: float, rng: np.random.Generator, cases: int = 260
) -> World:
    """One world; the leader finds hard what the adapters find hard."""
    sizes = [size for size in SIZES for _ in range(seeds)]
    means = [truth(size) + rng.normal(0, noise) for size in sizes] + [LEADER]
    own = rng.normal(size=(len(means), cases))
    latent = np.sqrt(SHARED) * rng.normal(size=cases) + np.sqrt(1 - SHARED) * own
    scores = (latent < norm.ppf(np.clip(means, 0, 1))[:, None]).astype(float)
    return World(sizes, scores[:-1], scores[-1])


def fit(world: World, seed: int) -> CurveFit:
    """The curve through a world, with fewer resamples than a real one."""
    names = [f"c{n}" for n in range(world.scores.shape[1])]
    return fit_scores(world.sizes, world.scores.tolist(), names, resamples=300, seed=seed)


def coverage(worlds: int) -> Iterator[str]:
    """A table of how often claims are made and true."""
    yield "| truth | seeds | noise | true gain at 2x | claims | score at 2x | gain at 2x | "
    yield "gain at 4x | mean interval of the gain at 2x |\n|" + " --- |" * 9 + "\n"
    for seeds, noise in SETTINGS:
        for name, truth in WORLDS.items():
            rng = np.random.default_rng(1)
            fits = [fit(draw(truth, seeds, noise, rng), n) for n in range(worlds)]
            told = [one for one in fits if one.band]
            gain = truth(3000) - truth(1500)
            row = [name, seeds, noise, f"{gain:+.3f}", f"{len(told) / worlds:.2f}"]
            yield f"| {' | '.join(map(str, [*row, *_rates(told, truth)]))} |\n"


def _rates(told: list[CurveFit], truth: Truth) -> list[str]:
    if len(told) < 10:
        return ["too few"] * 3 + [""]
    here, doubled, most = truth(1500), truth(3000), truth(6000)
    at = [(times(one, 2), times(one, 4)) for one in told]
    score = np.mean([a.low <= doubled <= a.high for a, _ in at])
    two = np.mean([_holds(a.gain_low, doubled - here, a.gain_high) for a, _ in at])
    four = np.mean([_holds(b.gain_low, most - here, b.gain_high) for _, b in at])
    low, high = np.mean([a.gain_low for a, _ in at]), np.mean([a.gain_high for a, _ in at])
    return [f"{score:.3f}", f"{two:.3f}", f"{four:.3f}", f"{low:+.3f} to {high:+.3f}"]


def _holds(low: float, truth: float, high: float) -> bool:
    return low - 1e-9 <= truth <= high + 1e-9


def rulings(worlds: int) -> Iterator[str]:
    """A table of how often a rule that was not adopted would say to collect more."""
    yield "| adapter of all examples; of twice as many (leader 0.40) | dev cases | right "
    yield "| says so |\n| --- | --- | --- | --- |\n"
    for now, doubling, right in (
        (0.50, 0.15, "never"),
        (0.50, 0.20, "never"),
        (0.40, 0.00, "never"),
        (0.36, 0.30, "always"),
        (0.45, 0.10, "always"),
        (0.45, 0.30, "always"),
    ):

        def truth(n: float, now: float = now, doubling: float = doubling) -> float:
            return min(0.99, max(0.01, now + doubling * float(np.log2(n / 1500))))

        for cases in (260, 2000):
            rng = np.random.default_rng(3)
            found = [_ruled(draw(truth, 3, 0.02, rng, cases), n) for n in range(worlds)]
            world = f"{now:.2f}; {truth(3000):.2f}"
            yield f"| {world} | {cases:,} | {right} | {np.mean(found):.3f} |\n"


def _ruled(world: World, seed: int) -> bool:
    """Whether all the examples are certainly short of min_gain, and twice as many not."""
    curve = fit(world, seed)
    pair = paired_difference(world.leader.tolist(), world.scores[-3].tolist())
    z = one_sided_z(0.05 / TRIED)
    if not curve.band or pair.upper(z) >= MIN_GAIN:
        return False
    return pair.lower(z) + times(curve, 2).gain_low >= MIN_GAIN


def measured(suite_folder: Path, ledger_folder: Path, model: str) -> Iterator[str]:
    """The stored curve of a suite as a table."""
    suite = load_suite(suite_folder)
    curve = stored_curve(Ledger(ledger_folder, read_only=True), suite, model)
    if curve is None:
        yield f"No curve of {suite.name} as it stands is stored.\n"
        return
    yield f"{suite.name} on {curve.model}, prompt `{curve.prompt}`, dev. {curve.fit.sentence}\n\n"
    yield "| examples | seed | score | 95% interval | training, minutes |\n|" + " --- |" * 5 + "\n"
    yield f"| 0 | | {curve.zero:.3f} | {curve.zero_low:.3f} to {curve.zero_high:.3f} | |\n"
    for p in curve.points:
        bounds = f"{p.low:.3f} to {p.high:.3f}"
        yield f"| {p.examples:,} | {p.seed} | {p.score:.3f} | {bounds} | {p.seconds / 60:.1f} |\n"
    for factor in (2, 4) if curve.fit.band else ():
        at = times(curve.fit, factor)
        bounds = f"{at.low:.3f} to {at.high:.3f}"
        yield f"| {at.examples:,} | projected | {at.estimate:.3f} | {bounds} | |\n"


def report(options: argparse.Namespace) -> Iterator[str]:
    """The whole page."""
    yield "# Learning curves\n\nWritten by `benchmarks/learning_curve.py`, which says what is "
    yield "measured and how.\n\n"
    if options.suite:
        yield "## A real one\n\n"
        yield from measured(options.suite, options.ledger, options.model)
        yield "\n"
    yield f"## How often projections are true\n\n{options.worlds} worlds a row, nominal 0.95.\n\n"
    yield from coverage(options.worlds)
    yield "\n## A rule that was not adopted\n\n`collect_examples` where U < min_gain for the "
    yield "adapter of all examples, and L plus the lower end of the gain at twice as many is at "
    yield "least min_gain: with honest intervals it hardly ever applies. Three trainings a size, "
    yield "the first of which is judged, with a standard deviation of 0.02 between them; "
    yield f"min_gain {MIN_GAIN:.2f}, M = {TRIED}; {options.worlds} worlds a row.\n\n"
    yield from rulings(options.worlds)


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--ledger", type=Path, default=Path(".tunegate"))
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    text = "".join(report(options))
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
