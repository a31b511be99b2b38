"""A Markdown report, taken apart as GitHub would."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FOLD = re.compile(r"<details>\n<summary>[A-Z][a-z ]+</summary>\n|</details>\n")
"""The only markup that a report writes itself: a section that is folded away."""


def tokens(text: str) -> list[Token]:
    """All blocks, and all that stands in them."""
    return [token for block in PARSER.parse(text) for token in (block, *(block.children or []))]


def foreign_kinds(text: str) -> set[str]:
    """Kinds of tokens that no text of a suite may become; its own folds are none of them."""
    return {
        token.type
        for token in tokens(text)
        if token.type in {"html_inline", "link_open", "image", "fence", "s_open", "code_block"}
        or (token.type == "html_block" and not FOLD.fullmatch(token.content))
    }
