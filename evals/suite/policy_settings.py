"""What a suite may say of reinforcement learning, under `tune.grpo` and `tune.rloo`.

The defaults, with where they come from:

- 8 answers to a prompt: TRL's for GRPO. RLOO's paper (Ahmadian et al. 2024, arXiv 2402.14740)
  gains most from the first few: 4.
- sampled at temperature 1, cut at nothing: the gradient is then that of what was sampled.
- `beta`, the weight of the KL divergence from where the stage begins: 0.04 in DeepSeekMath (Shao
  et al. 2024, arXiv 2402.03300); DAPO (arXiv 2503.14476) leaves it out. What is learnt here is
  little and rewards may be cheated, so it stays. 0.05 for RLOO: TRL's.
- `loss` dapo (each token counts the same, not each answer), `scale` group: TRL's. Liu et al.
  2025 (Dr. GRPO, arXiv 2503.20783) say what speaks for dr_grpo and none.
- `learning_rate`: TRL's 1e-6 is for all weights; an adapter's best rate is far higher ("LoRA
  without regret", Thinking Machines 2025, found about tenfold of full tuning and more for few
  steps), and the few steps affordable here must show something.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LOSSES = ("dapo", "dr_grpo", "grpo", "bnpo")
SCALES = ("group", "batch", "none")
EXPECTED = ("rise", "hold")


@dataclass(frozen=True)
class PolicySettings:
    """Settings of every method that learns from rewards.

    `reward` and `held_out` are metrics: what is learnt from (empty: the primary one), and what
    training does not see (empty: none, and then nothing is said about reward hacking). `expect`:
    whether the held-out score should `rise` where the reward does, or only `hold`. `sft_epochs` is
    how long the answers are learnt first (0: not at all). A step has `prompts`, each with
    `generations` answers.
    """

    reward: str = field(default="", metadata={})
    held_out: str = field(default="", metadata={})
    expect: str = field(default="rise", metadata={"options": EXPECTED})
    sft_epochs: float = field(default=0.5, metadata={"at_least": 0, "at_most": 100})
    steps: int = field(default=40, metadata={"low": 1, "high": 100_000})
    prompts: int = field(default=4, metadata={"low": 1, "high": 1024})
    generations: int = field(default=8, metadata={"low": 2, "high": 256})
    learning_rate: float = field(default=2e-4, metadata={"above": 0, "below": 1})
    temperature: float = field(default=1.0, metadata={"above": 0, "at_most": 10})
    beta: float = field(default=0.04, metadata={"at_least": 0, "at_most": 10})


@dataclass(frozen=True)
class GrpoSettings(PolicySettings):
    """Of GRPO: how answers' losses are weighed, and what advantages are divided by."""

    loss: str = field(default="dapo", metadata={"options": LOSSES})
    scale: str = field(default="group", metadata={"options": SCALES})


@dataclass(frozen=True)
class RlooSettings(PolicySettings):
    """Of RLOO: fewer answers, and the divergence is part of the reward."""

    generations: int = field(default=4, metadata={"low": 2, "high": 256})
    beta: float = field(default=0.05, metadata={"at_least": 0, "at_most": 10})
