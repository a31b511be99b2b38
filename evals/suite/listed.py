"""Grammars that do no more than list texts: written, and read again. A leaf."""

from __future__ import annotations

import re

ROOT_RULE = "root"

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_WRITTEN = {escape: character for character, escape in _ESCAPES.items()}
_LITERAL = r'"(?:[^"\\]|\\.)*"'
_LISTED = re.compile(rf"{ROOT_RULE} ::= {_LITERAL}(?: \| {_LITERAL})*")
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|.)")


def choices_grammar(choices: tuple[str, ...]) -> str:
    """The grammar of exactly these texts."""
    return f"{ROOT_RULE} ::= " + " | ".join(f'"{_escaped(text)}"' for text in choices)


def listed_choices(grammar: str) -> list[str] | None:
    """The texts of a grammar that `choices_grammar` wrote; None for any other."""
    if not _LISTED.fullmatch(grammar):
        return None
    return [_ESCAPED.sub(_character, text[1:-1]) for text in re.findall(_LITERAL, grammar)]


def _escaped(text: str) -> str:
    return "".join(
        _ESCAPES.get(c) or (f"\\x{ord(c):02x}" if c < " " or c == "\x7f" else c) for c in text
    )


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _WRITTEN.get(found[0], found[0][1:])
