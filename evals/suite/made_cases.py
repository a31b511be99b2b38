"""What the generators of shipped suites share: reading, choosing and writing cases.

A suite's `make_cases.py` reads the cases that were written by hand, composes more than it needs of
the others, and keeps of these as many as are wanted: none that reads like one before it, and none
of train that shares a passage with dev or test. The sealed split comes first, train last.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.suite.duplicates import near_duplicates

__all__ = ["Made", "Row", "choose", "letter_runs", "read_handwritten", "write_cases"]

Row = dict[str, Any]
"""A case as it stands in a file."""
Made = tuple[str, Row]
"""A split and one of its cases."""


def read_handwritten(path: Path) -> Iterator[tuple[str, str, Row]]:
    """Split, number within the split (`h001`) and entry of each line that names a `split`."""
    counts = Counter[str]()
    for line in path.read_text(encoding="utf-8").splitlines():
        entry: Row = json.loads(line)
        split = str(entry.pop("split"))
        counts[split] += 1
        yield split, f"h{counts[split]:03}", entry


def letter_runs(text: str, length: int) -> set[str]:
    """All runs of `length` letters and digits of a text, case and what stands between left out.

    Two texts whose sets meet share a passage of at least so many letters. Empty for a shorter text.
    """
    letters = "".join(filter(str.isalnum, text.lower()))
    return {letters[at : at + length] for at in range(len(letters) - length + 1)}


def choose(
    rows: Sequence[Made],
    wanted: Mapping[tuple[str, Hashable], int],
    *,
    kind_of: Callable[[Row], Hashable],
    texts_of: Callable[[Row], Sequence[str]],
    near: float,
    passages_of: Callable[[Row], set[str]],
) -> dict[str, list[Row]]:
    """The cases that are kept, by split: all written by hand, and `wanted` of each split and kind.

    `rows` come with the splits that judge before train. Two cases read alike where one of their
    `texts_of` (as many for every case) has at least the cosine similarity `near` to the other's.
    Which cases were written by hand, their tag `source` says. `SystemExit`: too few were composed,
    or one written by hand for train shares one of its `passages_of` with a split that judges.
    """
    alike = _alike([texts_of(row) for _, row in rows], near)
    left = Counter(wanted)
    chosen: dict[str, list[Row]] = {split: [] for split, _ in wanted}
    taken: set[int] = set()
    judging: set[str] = set()
    for place, (split, row) in enumerate(rows):
        kind, made = (split, kind_of(row)), _is_generated(row)
        if made and (not left[kind] or taken & alike[place]):
            continue
        passages = passages_of(row)
        if split != "train":
            judging |= passages
        elif judging & passages:
            if not made:
                raise SystemExit(f"{row['id']} shares a passage with dev or test: reword it")
            continue
        taken.add(place)
        left[kind] -= made
        chosen[split].append(row)
    if missing := {kind: count for kind, count in left.items() if count > 0}:
        raise SystemExit(f"too many cases read alike: {missing} are missing")
    return chosen


def _is_generated(row: Row) -> bool:
    return bool(row["tags"]["source"] == "generated")


def _alike(texts: Sequence[Sequence[str]], near: float) -> defaultdict[int, set[int]]:
    """For each case the earlier ones that read like it."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for column in zip(*texts, strict=True):
        for pair in near_duplicates([text.lower() for text in column], near):
            found[pair.second].add(pair.first)
    return found


def write_cases(folder: Path, files: Mapping[str, Sequence[Row]]) -> None:
    """Write each list of cases as `NAME.jsonl` into `folder`."""
    for name, rows in files.items():
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
