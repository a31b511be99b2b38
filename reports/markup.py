"""Markdown made from text that nobody vouches for.

Hostile text has two ways in. `words` writes it as text: every character that Markdown,
HTML or a forge could read as more is a numeric entity, and mentions, references and commit
hashes are broken by an invisible space. `literal` writes it as a code span whose fence is
longer than any run of backticks inside. Both are one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evals.text import visible

MOST_CHARACTERS = 60_000
"""What a whole page may hold: forges refuse comments of more than about 65,000."""
TEXT = 300

_GAP = "\u200b"  # nothing to see, and no word goes on across it

# What could be read as more than text: anything but letters, digits and harmless signs;
# underscores outside words; colons that make links or emoji; `www.`; a bullet in front.
_ACTIVE = re.compile(
    r"""[^\w\s,;.:()%+=/?!"'\u2019\u2212\u2013\u2192\u00d7…-]"""
    r"""|(?<![^\W_])_|_(?![^\W_])|:(?=\S)|(?<=www)\.|^[-+=]""",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")  # "1." in front begins a list
_SPACE = re.compile(r"\s+")

# A forge looks for references after decoding entities, so an entity alone stops none:
# @name and #1 anywhere, GH-1, and GitLab's !1, $1, %1, &1, ~label and ^alert.
_REFERENCE = re.compile(r"""[@#]|[!$%&~^](?=[\w"])|(?<![^\W_])GH(?=-\d)""", re.IGNORECASE)
_HASH = re.compile(r"[0-9a-f]{7,}", re.IGNORECASE)  # 7 hex digits may be a commit's


def words(text: str, most: int = TEXT) -> str:
    """Untrusted text as text: nothing in it is markup, a mention, a link or a cell's end."""
    line = _SPACE.sub(" ", visible(text[: 4 * most], layout=True)).strip()
    cut = line if len(line) <= most else line[:most] + "…"
    apart = _HASH.sub(_broken, _REFERENCE.sub(lambda m: m[0] + _GAP, cut))
    safe = _ACTIVE.sub(lambda m: f"&#{ord(m[0])};", apart)
    return _NUMBERED.sub(lambda m: f"{m[1]}&#{ord(m[2])};", safe)


def literal(text: str, most: int = TEXT, *, cell: bool = False) -> str:
    """Untrusted text as a code span on one line; with `cell`, one that may stand in a table."""
    line = visible(text, most)
    if not line.strip():
        return "_(empty)_"
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if longest or line[0] == " " or line[-1] == " " else ""
    # Tables are split before code is read, and a backslash alone keeps a bar from it.
    inside = line.replace("|", r"\|") if cell else line
    return f"{fence}{edge}{inside}{edge}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numeric_from: int = 1) -> str:
    """A table whose cells are already safe; columns from `numeric_from` on stand right."""
    rule = ["---" if i < numeric_from else "---:" for i in range(len(head))]
    return "".join(map(table_row, [head, rule, *rows]))


def table_row(cells: Iterable[str]) -> str:
    """One line of a table, its newline included; the cells are already safe."""
    return "| " + " | ".join(cells) + " |\n"


def _broken(match: re.Match[str]) -> str:
    digits = match[0]
    return _GAP.join(digits[i : i + 6] for i in range(0, len(digits), 6))
