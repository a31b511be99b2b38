"""All cases as data for the report's script: compressed, and in letters that end no markup.

What the script shows it only ever sets as text. Every text passes `visible` here, as it does in
the templates, and stands once: demonstrations that many prompts share take no room.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

from evals.text import visible
from reports.cases import CasesView, CaseView, Side
from reports.differences import Piece
from reports.excerpts import Excerpt

FORMAT = 3

_LEVEL = 6  # of compression: 9 takes thrice the time for 2 % less


def encode_cases(sets: Sequence[CasesView]) -> str:
    """The document of all cases as JSON, compressed by gzip and written as base64.

    The same cases give the same text.
    """
    document = case_document(sets)
    whole = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    packed = gzip.compress(whole.encode("utf-8"), _LEVEL, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def case_document(sets: Sequence[CasesView]) -> dict[str, Any]:
    """What the script reads. Texts are numbers: places in `texts`; an excerpt has its rest, too.

    `marks` are the lengths, in UTF-16 units as scripts count, of the stretches of an output that
    the other output has too and has not, in turn. `against` are such lengths twice: of a full-mark
    answer with what the output lacks, and of the output with what that answer lacks. A score is
    there as it is shown, and, last, as it is.
    """
    texts = _Texts()
    return {"format": FORMAT, "sets": [_set(view, texts) for view in sets], "texts": texts.all}


class _Texts:
    """Every text once, made visible."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self.all: list[str] = []

    def place(self, text: str) -> int:
        shown = visible(text, layout=True)
        if shown not in self._places:
            self._places[shown] = len(self.all)
            self.all.append(shown)
        return self._places[shown]

    def excerpt(self, cut: Excerpt | None) -> list[Any] | None:
        return [self.place(cut.text), cut.rest] if cut else None


def _set(view: CasesView, texts: _Texts) -> dict[str, Any]:
    return {
        "name": view.name,
        "heading": visible(view.heading),
        "sides": [visible(label) for label in view.sides],
        "statuses": [[one.status, one.label, one.count] for one in view.statuses],
        "cases": [_case(case, texts) for case in view.cases],
    }


def _case(case: CaseView, texts: _Texts) -> dict[str, Any]:
    return {
        "id": visible(case.case_id),
        "anchor": case.anchor,
        "status": case.status,
        "change": case.change,
        "gist": visible(case.summary),
        "tags": [[visible(name), visible(value)] for name, value in case.tags],
        "where": visible(case.where),
        "note": case.note,
        "fields": [[visible(name), *(texts.excerpt(cut) or ())] for name, cut in case.fields],
        "expected": texts.excerpt(case.expected),
        "answer": texts.excerpt(case.answer),
        "sides": [_side(side, texts) for side in case.sides],
    }


def _side(side: Side, texts: _Texts) -> dict[str, Any]:
    votes = side.votes
    return {
        "value": side.value,
        "kind": visible(side.kind),
        "tokens": side.tokens,
        "seconds": round(side.seconds, 3),
        "error": texts.place(side.error) if side.error else None,
        "empty": side.empty,
        "text": texts.place("".join(piece.text for piece in side.pieces)),
        "marks": _marks(side.pieces),
        "against": [_marks(pieces) for pieces in side.against] if side.against else None,
        "rest": side.rest,
        "scores": [
            [
                visible(line.metric),
                line.value,
                visible(line.kind),
                texts.place(line.reason),
                line.score,
            ]
            for line in side.scores
        ],
        "cost": side.cost,
        "votes": [
            visible(votes.gist),
            [[often, *(texts.excerpt(cut) or ())] for often, cut in votes.answers],
        ]
        if votes
        else None,
        "full": texts.excerpt(side.full),
        "command": visible(side.command),
        "asked": [[visible(role), *(texts.excerpt(cut) or ())] for role, cut in side.asked],
    }


def _marks(pieces: Sequence[Piece]) -> list[int]:
    """Lengths of stretches that are the same and that changed, in turn; empty: nothing changed."""
    if all(piece.part == "same" for piece in pieces):
        return []
    marks, same = [], True
    for piece in pieces:
        if (piece.part == "same") is not same:
            marks.append(0)
            same = not same
        marks.append(_units(visible(piece.text, layout=True)))
        same = not same
    return marks


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
