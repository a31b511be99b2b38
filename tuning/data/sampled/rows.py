"""Sampled examples as chat JSONL: one conversation a line, its origin under `tunegate`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from evals.records import Json
from tuning.data.sampled.records import Kept

KEY = "tunegate"


def chat_lines(kept: Iterable[Kept]) -> str:
    """The text of the file; the same examples give the same text."""
    return "".join(_line(one) for one in kept)


def _line(kept: Kept) -> str:
    example = kept.example
    messages = [{"role": each.role, "content": each.content} for each in example.messages]
    messages.append({"role": "assistant", "content": example.answer})
    origin: dict[str, Json] = {
        "case_id": example.case_id,
        "group": example.group,
        **asdict(kept.provenance),
    }
    text = json.dumps({"messages": messages, KEY: origin}, ensure_ascii=False)
    # Some readers take these for ends of lines; as escapes they mean the same.
    for sign in "\x85\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text + "\n"
