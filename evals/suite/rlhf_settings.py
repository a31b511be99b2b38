"""What `tune.rlhf:` may state: preference pairs, a reward model of them, and what learns from it.

The defaults, with where they come from:

- the chain (fine-tuning, reward model, policy): Ouyang et al. 2022, arXiv 2203.02155.
- the reward model: three passes at TRL's rate for adapters, of which the step with the lowest
  held-out loss is kept (`tuning.training.reward_model`). InstructGPT's took one pass; with few
  pairs and a small adapter one is too little, and the kept step guards against too many.
- `beta` 0.04: DeepSeekMath (Shao et al. 2024, arXiv 2402.03300), which also learns from a reward
  model. The further the policy moves from where it began, the less the reward model knows of it
  (Gao et al. 2023, arXiv 2210.10760).
- `scale` batch: a reward model tells any two texts apart, if only by noise, and dividing by the
  deviation within one prompt's answers would make that noise as great as a real difference.
- the others as in `policy_settings` and `preference_settings`.
"""

from __future__ import annotations

from dataclasses import dataclass

from evals.suite.policy_settings import EXPECTED, SCALES, GrpoSettings, PolicySettings, RlooSettings
from evals.suite.tune_settings import setting

OPTIMISERS = ("grpo", "rloo")


@dataclass(frozen=True)
class RlhfSettings:
    """Settings of the RLHF chain.

    `draws`, `pairs_of_a_case` and `min_pairs` make pairs as in `DpoSettings`; `temperature` is
    that of these answers and of those that are learnt from. `reward_rate` and `reward_epochs` are
    the reward model's. One that is not shown better than chance on held-out pairs is refused,
    unless `allow_weak`. `held_out` is the metric that watches (empty: the primary one), `expect`
    whether it should `rise` with the reward or only `hold`; the others are those of the
    `optimiser`, `scale` of grpo alone.
    """

    optimiser: str = setting("grpo", options=OPTIMISERS)
    sft_epochs: float = setting(1.0, above=0, at_most=1000)
    draws: int = setting(4, low=0, high=64)
    temperature: float = setting(1.0, above=0, at_most=2)
    pairs_of_a_case: int = setting(2, low=1, high=16)
    min_pairs: int = setting(20, low=2, high=10**6)
    reward_rate: float = setting(1e-4, above=0, below=1)
    reward_epochs: float = setting(3.0, above=0, at_most=1000)
    allow_weak: bool = setting(False)
    held_out: str = setting("")
    expect: str = setting("rise", options=EXPECTED)
    steps: int = setting(40, low=1, high=100_000)
    prompts: int = setting(4, low=1, high=1024)
    generations: int = setting(8, low=2, high=256)
    learning_rate: float = setting(2e-4, above=0, below=1)
    beta: float = setting(0.04, at_least=0, at_most=10)
    scale: str = setting("batch", options=SCALES)


def policy_of(own: RlhfSettings, metric: str) -> PolicySettings:
    """The settings of the policy's optimiser, watched by `metric`."""
    shared = {
        "held_out": metric,
        "expect": own.expect,
        "sft_epochs": own.sft_epochs,
        "steps": own.steps,
        "prompts": own.prompts,
        "generations": own.generations,
        "learning_rate": own.learning_rate,
        "temperature": own.temperature,
        "beta": own.beta,
    }
    if own.optimiser == "rloo":
        return RlooSettings(**shared)  # type: ignore[arg-type]
    return GrpoSettings(**shared, scale=own.scale)  # type: ignore[arg-type]
