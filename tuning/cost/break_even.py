"""When a tuned model has paid for its training, retraining included. Pure arithmetic.

Each call saves d (money), V calls are made a month, and each training costs T. The model is
trained at month 0 and every R months after that; without R, once. Until month t that is

    n(t) = 1 + floor(t / R)   trainings (n = 1 without R), and
    S(t) = V d t - T n(t)     saved in all.

It has broken even at month m when S stays at or above 0 from m on. S falls by T at every
retraining, so its first zero is not enough. Where V d R <= T it never does. Else the first
retraining that is paid for on its own day is the k-th, k = ceil(T / (V d R - T)), and

    m = k T / (V d)           (k = 1 without R).

Amortising the trainings, T (1 + t / R) instead of T n(t), gives the simpler upper bound
m <= T / (V d - T / R). The smallest volume at which m <= P is, with f = floor(P / R),

    V = (T / d) max((1 + f) / P, (2 + f) / ((1 + f) R))    (T / (d P) without R):

what is due at month P must be paid, and the next retraining on its day. m never grows with V.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

NEVER_AFTER = 1200.0
"""Months. What takes a hundred years is called never."""


@dataclass(frozen=True)
class Terms:
    """What a call saves (negative: costs more), and what each training costs. In money.

    `retrain_months` is None where it is trained once.
    """

    saving: float
    training: float
    retrain_months: float | None = None


def months_to_break_even(terms: Terms, calls_per_month: float) -> float | None:
    """From which month on it has cost less in all; None where never."""
    monthly = terms.saving * calls_per_month
    if not monthly > 0 or not math.isfinite(monthly):
        return None
    if terms.training <= 0:
        return 0.0
    trainings = 1
    if terms.retrain_months is not None:
        left = monthly * terms.retrain_months - terms.training
        if left <= 0 or not math.isfinite(terms.training / left):
            return None
        trainings = math.ceil(terms.training / left)
    months = trainings * (terms.training / monthly)
    return months if months <= NEVER_AFTER else None


def calls_to_break_even(terms: Terms, within_months: float) -> float | None:
    """The fewest calls a month with which it breaks even within so many months; None: never."""
    if not terms.saving > 0:
        return None
    share = 1 / within_months
    if terms.retrain_months is not None:
        due = 1 + math.floor(within_months / terms.retrain_months)
        share = max(due / within_months, (1 + due) / (due * terms.retrain_months))
    return max(0.0, terms.training) / terms.saving * share


def trainings_until(month: float, retrain_months: float | None) -> int:
    """How many trainings are paid by a month, the one on its day included."""
    return 1 if retrain_months is None else 1 + math.floor(month / retrain_months)
