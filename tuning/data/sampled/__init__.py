"""Training examples from a model's own answers that pass the suite's scorers.

Rejection sampling: of the answers that a model gives to train cases those are kept that get full
marks, as in STaR (Zelikman et al. 2022, arXiv 2203.14465) and RFT (Yuan et al. 2023, arXiv
2308.01825). Where another model answers than the one to be tuned it is distillation.
"""
