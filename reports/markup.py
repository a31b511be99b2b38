"""Markdown that hostile text cannot leave: words, code spans, tables.

Hostile text has two ways in. `words` writes it as text: every character that Markdown,
HTML or a forge could read as more is a numeric entity, and a mention or reference is
broken by an invisible space. `literal` writes it as a code span whose fence is longer
than any run of backticks inside. Both are one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evals.text import visible

MOST_CHARACTERS = 60_000
"""Of a whole document: a little below what forges accept as a comment."""

TEXT = 300

# What could be read as more than text: anything but letters, digits and harmless signs;
# underscores outside words; colons that make links or emoji; `www.`; a bullet in front.
_ACTIVE = re.compile(
    r"""[^\w\s,;.:()%+=/?!"'\u2019\u2212\u2013\u2192\u00d7…-]"""
    r"""|(?<![^\W_])_|_(?![^\W_])|:(?=\S)|(?<=www)\.|^[-+=]""",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")  # "1." in front begins a list
_SPACE = re.compile(r"\s+")


def words(text: str, most: int = TEXT) -> str:
    """Untrusted text as text: nothing in it is markup, a mention, a link or a cell's end."""
    line = _SPACE.sub(" ", visible(text[: 4 * most], layout=True)).strip()
    cut = line if len(line) <= most else line[:most] + "…"
    safe = _ACTIVE.sub(_entity, cut)
    return _NUMBERED.sub(lambda m: f"{m[1]}&#{ord(m[2])};", safe)


def _entity(match: re.Match[str]) -> str:
    character = match[0]
    # An entity alone does not stop a forge: it looks for mentions after decoding.
    return f"&#{ord(character)};" + ("&#8203;" if character in "@#" else "")


def literal(text: str, most: int = TEXT) -> str:
    """Untrusted text as a code span on one line."""
    line = visible(text, most)
    if not line.strip():
        return "_(empty)_"
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if longest or line[0] == " " or line[-1] == " " else ""
    return f"{fence}{edge}{line}{edge}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numeric_from: int = 1) -> str:
    """A table whose cells are already safe; columns from `numeric_from` on stand right."""
    rule = ["---" if i < numeric_from else "---:" for i in range(len(head))]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
