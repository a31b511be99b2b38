"""Which examples a smaller training is made on: nested parts, drawn by a stable hash."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from evals.errors import UsageError
from evals.suite.splits import hash_fraction
from tuning.data.dataset import Example

DEFAULT_SHARES = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(1))

_MOST = 12
_NUMBER = re.compile(r"[0-9]{1,6}([/.][0-9]{1,6})?", re.ASCII)


class Part(NamedTuple):
    """So much of the examples, drawn with `seed`, which also seeds the training.

    None is the suite's own seed.
    """

    share: Fraction = Fraction(1)
    seed: int | None = None


WHOLE = Part()


def take_part(examples: Sequence[Example], share: Fraction, seed: int) -> tuple[Example, ...]:
    """About `share` of the examples, in their order; of one seed the smaller is in the larger.

    Groups (clusters) are whole: they are taken in the order of a hash until the next would
    exceed the share, the first in any case.
    """
    if share >= 1:
        return tuple(examples)
    sizes = Counter(example.group for example in examples)
    order = sorted(sizes, key=lambda group: hash_fraction(f"learning\0{seed}\0{group}"))
    wanted, taken = share * len(examples), 0
    kept: set[str] = set()
    for group in order:
        if kept and taken + sizes[group] > wanted:
            break
        kept.add(group)
        taken += sizes[group]
    return tuple(example for example in examples if example.group in kept)


def read_shares(text: str) -> tuple[Fraction, ...]:
    """Shares like "1/8,1/4,0.5,1", rising, each once. Raises UsageError for anything else."""
    shares = set()
    for part in text.split(","):
        share = _share(part.strip())
        if not 0 < share <= 1:
            raise UsageError(
                f"{part.strip()[:12]!r} is no share of the examples",
                key="--shares",
                hint="give numbers above 0, at most 1, such as 1/8,1/4,1/2,1",
            )
        shares.add(share)
    if len(shares) > _MOST:
        raise UsageError(f"{len(shares)} shares are too many: at most {_MOST}", key="--shares")
    return tuple(sorted(shares))


def _share(text: str) -> Fraction:
    """The number; 0 where it is none. Exponents are none: 1e-999999999 would take for ever."""
    if not _NUMBER.fullmatch(text):
        return Fraction(0)
    try:
        return Fraction(text)
    except ZeroDivisionError:
        return Fraction(0)
