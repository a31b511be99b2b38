"""Preference pairs as rows of a file that `tune.pairs` reads again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from evals.atomic import write_atomically
from tuning.data.pairs import Pair

PAIRS_FILE = "pairs.jsonl"


def write_pairs(pairs: Sequence[Pair], path: Path) -> None:
    """Write pairs of train cases, one a line, in their order; the file appears whole.

    A row names its case, and the case as it was then: where that has changed since, the row is
    left out on reading. The prompt is not written: it is rendered from the case.
    """
    lines = [json.dumps(_row(pair), ensure_ascii=False) for pair in pairs]
    write_atomically(path, "".join(line + "\n" for line in lines))


def _row(pair: Pair) -> dict[str, object]:
    chosen, rejected = pair.scores
    row: dict[str, object | None] = {
        "case": pair.case_id,
        "case_fingerprint": pair.case_fingerprint or None,
        "chosen": pair.chosen,
        "rejected": pair.rejected,
        "by": pair.by,
        "source": pair.source,
        "score_chosen": chosen,
        "score_rejected": rejected,
    }
    return {key: value for key, value in row.items() if value is not None}
