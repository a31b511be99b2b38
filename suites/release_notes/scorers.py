"""Judges whether an answer could be published as it stands: its notes, their order and the bump.

Answers are hostile: they are bounded before they are read, and read strictly.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import NoReturn

from evals.records import Case, Output, Score

_LONGEST = 2000  # characters; the longest right answer has under 200
_FENCE = re.compile(r"(```|~~~)(?:json)?[ \t]*\r?\n(.*)\n\1", re.DOTALL | re.IGNORECASE)
_BYTE_ORDER_MARK = "\ufeff"


def score_release(case: Case, output: Output) -> Score:
    """1 when notes, their order and bump are those of `case.expected`, else 0 with what differs."""
    text = output.text or ""
    if len(text) > _LONGEST:
        return Score(0.0, f"longer than {_LONGEST} characters", "runaway")
    try:
        answer = read_strictly(text)
    except (ValueError, RecursionError):
        return Score(0.0, "not one JSON document", "not_json")
    if answer == case.expected:
        return Score(1.0)
    return _difference(case.expected, answer)


def read_strictly(text: str) -> object:
    """One JSON document, in a Markdown fence or bare; no NaN, no key twice in an object.

    Raises ValueError or RecursionError for anything else.
    """
    text = text.strip().removeprefix(_BYTE_ORDER_MARK).strip()
    fence = _FENCE.fullmatch(text)
    return json.loads(
        fence[2] if fence else text, object_pairs_hook=_unique, parse_constant=_refuse
    )


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _difference(expected: object, answer: object) -> Score:
    """What is wrong with an answer that differs, the notes before the bump."""
    if not (
        isinstance(expected, dict)
        and isinstance(answer, dict)
        and set(answer) == set(expected)
        and isinstance(answer["notes"], list)
        and all(isinstance(note, str) for note in answer["notes"])
    ):
        return Score(0.0, "not an object of notes and bump", "schema")
    wanted: Counter[str] = Counter(expected["notes"])
    found: Counter[str] = Counter(answer["notes"])
    if wanted == found:
        if expected["notes"] != answer["notes"]:
            return Score(0.0, "right notes in the wrong order", "wrong_order")
        return Score(0.0, f"bump should be {expected['bump']}", "wrong_bump")
    missing, extra = _listed(wanted - found), _listed(found - wanted)
    return Score(0.0, f"missing: {missing}; not wanted: {extra}", "wrong_notes")


def _listed(notes: Counter[str]) -> str:
    """The first few, cut: a reason is read by people."""
    shown = [ascii(note[:60]) for note in list(notes)[:5]]
    return ", ".join(shown) or "none"
