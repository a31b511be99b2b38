"""What `tune.dpo:` may state, with the defaults that published work settled on."""

from __future__ import annotations

from dataclasses import dataclass

from evals.suite.tune_settings import setting

LOSSES = ("sigmoid", "robust", "ipo", "hinge", "apo_zero")


@dataclass(frozen=True)
class DpoSettings:
    """Settings of learning from preference pairs, after a short fine-tuning.

    `beta` is how strongly the model is held to the fine-tuned one (0.1: Rafailov et al. 2023,
    arXiv 2305.18290); `loss` a name of TRL's: `robust` takes `label_smoothing` for the share of
    pairs that are the wrong way round (Chowdhury et al. 2024, 2403.00409). `sft_weight` is that
    of the chosen answer's own likelihood beside it, without which DPO may lower both (Pang et
    al. 2024, 2404.19733, use 1; the Llama 3 report, 2407.21783, uses 0.2; 0 is plain DPO).

    `sft_epochs` are the passes of the fine-tuning before. Then each train case is answered
    `draws` times, once greedily and the others at `temperature`, and of the answers that the
    suite's scorer tells apart at most `pairs_of_a_case` pairs are made; with 0 draws only
    `tune.pairs` are learnt from. Fewer than `min_pairs` pairs are refused.
    """

    beta: float = setting(0.1, above=0, at_most=100)
    loss: str = setting("sigmoid", options=LOSSES)
    label_smoothing: float = setting(0.0, at_least=0, below=0.5)
    sft_weight: float = setting(0.2, at_least=0, at_most=100)
    sft_epochs: float = setting(1.0, above=0, at_most=1000)
    draws: int = setting(4, low=0, high=64)
    temperature: float = setting(1.0, above=0, at_most=2)
    pairs_of_a_case: int = setting(2, low=1, high=16)
    min_pairs: int = setting(20, low=2, high=10**6)
