"""Sampled examples as chat JSONL with provenance, which also says what each was drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from tuning.data.formats.chat import DRAWN_FROM, KEY, WRITER_WITH_PROVENANCE
from tuning.data.formats.conversations import Gathered
from tuning.data.sampled.records import Kept


def chat_lines(kept: Iterable[Kept]) -> str:
    """The text of the file, to be read as format `chat`; the same examples give the same text."""
    return "".join(_line(one) for one in kept)


def _line(kept: Kept) -> str:
    (row,) = WRITER_WITH_PROVENANCE.rows([Gathered(kept.example)])
    noted = {**row[KEY], DRAWN_FROM: asdict(kept.provenance)}
    text = json.dumps({**row, KEY: noted}, ensure_ascii=False)
    # Some readers take these for ends of lines; as escapes they mean the same.
    for sign in "\x85\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text + "\n"
