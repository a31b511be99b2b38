"""Which split a case belongs to, from its own name alone: adding a case moves no other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from evals.records import SPLITS, SplitName


def hash_fraction(key: str) -> float:
    """A number in [0, 1), uniform over keys and the same on every machine and version."""
    digest = hashlib.sha256(b"tunegate.split@1\0" + key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def draw_split(case_id: str, cluster: str | None, ratios: Mapping[SplitName, float]) -> SplitName:
    """The split of a case: where its cluster's (else its id's) fraction falls.

    `ratios` are shares in [0, 1] that sum to 1, laid end to end in the order train, dev,
    test. A cluster is never split, since all its cases have the same fraction. Raising
    one share at the expense of its neighbour moves only the cases between the two.
    """
    fraction = hash_fraction(case_id if cluster is None else cluster)
    reached = 0.0
    last: SplitName | None = None
    for name in SPLITS:
        share = ratios.get(name, 0.0)
        if share <= 0.0:
            continue
        reached += share
        last = name
        if fraction < reached:
            return name
    if last is None:
        raise ValueError("no split has a share above 0")
    return last  # the shares sum to 1 only up to rounding
