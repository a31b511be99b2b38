"""How often an adapter is judged with another prompt than that of training, by simulation.

Three prompts on one dev split: that of training, right on 80 % of the cases, and two longer ones,
each of which comes out otherwise on a tenth of the cases. One of these truly gains so many
points, the other nothing. Each rule chooses; that of `tuning.together.rule` is called as it is.
Prints the table of docs/decisions.md. Run by hand: `python -m benchmarks.prompt_with_adapter`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuning.gate.evidence import Arm
from tuning.gate.sample import Sample
from tuning.together.rule import Asked, choose

SCORE, DISCORDANCE = 0.8, 0.1
TOKENS = (60.0, 230.0, 580.0)
REPETITIONS = 400
Z95 = 1.645

Right = NDArray[np.bool_]


def drawn(n: int, gain: float, rng: np.random.Generator) -> list[Right]:
    """Which cases each prompt has right; the second truly gains `gain`, the third nothing."""
    first = rng.random(n) < SCORE
    return [first, _other(first, gain, rng), _other(first, 0.0, rng)]


def _other(first: Right, gain: float, rng: np.random.Generator) -> Right:
    wins, losses = (DISCORDANCE + gain) / 2, (DISCORDANCE - gain) / 2
    moved = rng.random(first.size) < np.where(first, losses / SCORE, wins / (1 - SCORE))
    return np.asarray(first ^ moved)


def by_rule(asked: Sequence[Asked]) -> tuple[int, int, int]:
    """What is chosen by the highest mean, by one standard error, and by 95 % certainty."""
    cases = asked[0].arm.scores
    means = [sum(one.arm.scores.values()) for one in asked]
    best = int(np.argmax(means))
    pair = Sample([one.arm for one in asked], {}).pair(asked[0].arm, asked[best].arm)
    certain = best if pair is not None and pair.above(0.0, Z95) else 0
    return best, choose(asked, dict.fromkeys(cases)), certain


def main() -> None:
    """Print for each size and gain how often another prompt is chosen, and what that is worth."""
    rng = np.random.default_rng(0)
    print("cases gain   another chosen: mean, 1 SE, 95 %   true points gained: mean, 1 SE, 95 %")
    for n in (60, 120, 260, 1000):
        for gain in (0.0, 0.02, 0.05, 0.08):
            worth, places = (0.0, gain, 0.0), []
            for _ in range(REPETITIONS):
                arms = [
                    Arm(str(place), {str(case): float(x) for case, x in enumerate(right)})
                    for place, right in enumerate(drawn(n, gain, rng))
                ]
                asked = [Asked(arm, tokens) for arm, tokens in zip(arms, TOKENS, strict=True)]
                places.append(by_rule(asked))
            shares = [np.mean([p[rule] != 0 for p in places]) for rule in range(3)]
            gained = [100 * np.mean([worth[p[rule]] for p in places]) for rule in range(3)]
            print(
                f"{n:5} {gain:4.2f}   "
                + ", ".join(f"{share:.2f}" for share in shares)
                + "   "
                + ", ".join(f"{points:.1f}" for points in gained),
                flush=True,
            )


if __name__ == "__main__":
    main()
