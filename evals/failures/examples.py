"""Which cases stand for many: chosen by a hash of their ids, so never the first ones of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

MOST_EXAMPLES = 10


def choose_examples(case_ids: Iterable[str], most: int = MOST_EXAMPLES) -> tuple[str, ...]:
    """At most so many of the ids; the same for the same ids in any order."""
    return tuple(sorted(case_ids, key=_place)[:most])


def _place(case_id: str) -> tuple[bytes, str]:
    return hashlib.sha256(case_id.encode("utf-8", "backslashreplace")).digest(), case_id
