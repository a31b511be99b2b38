"""Latch, the block notation of Tollgate & Wren: reads a reply, or says why it does not render.

A reply is one line: prose, then up to two cards, then one closing block (an act or an ask), with
single spaces between. Replies are hostile: length is bounded, and nothing backtracks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_CHARS = 400
MAX_CARDS = 2
AROUND = " \t\r\n"

_ID = r"[A-Z][0-9]{2}"
CARD = re.compile(rf"\{{({_ID})(!?)\|([1-9])\|([A-Z][a-z]{{2,15}})\|([1-9][0-9]{{2,3}})k\}}")
ACT = re.compile(
    rf"~(?:view:{_ID}(?:@(?:mon|tue|wed|thu|fri|sat|sun))?|watch:{_ID}|agent:{_ID}"
    rf"|compare:{_ID}\+{_ID}|alert|bye)~"
)
ASK = re.compile(rf"~\?(?:beds|budget|which|(?:day|offer):{_ID})~")
_BLOCK_SIGNS = re.compile(r"[{}~|]")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class LatchError(ValueError):
    """A reply that does not render."""


class Reply(NamedTuple):
    """A reply that renders: its prose, its cards, its closing block, as they were written."""

    prose: str
    cards: tuple[str, ...]
    closing: str

    @property
    def blocks(self) -> list[str]:
        """All blocks in order."""
        return [*self.cards, self.closing]

    @property
    def asks(self) -> bool:
        """Whether it ends with an ask."""
        return self.closing.startswith("~?")


def read_reply(text: str) -> Reply:
    """The parts of a reply; blanks, tabs and line ends around it do not count.

    Raises LatchError with what is wrong.
    """
    text = text.strip(AROUND)
    if len(text) > MAX_CHARS:
        raise LatchError(f"longer than {MAX_CHARS} characters")
    if _UNSEEN.search(text):
        raise LatchError("more than one line, or control characters")
    first = _BLOCK_SIGNS.search(text)
    if first is None:
        raise LatchError("no block")
    prose, rest = text[: first.start()], text[first.start() :]
    if not prose.strip():
        raise LatchError("no prose before the blocks")
    if prose != prose.strip() + " ":
        raise LatchError("prose and blocks are not one space apart")
    *cards, closing = rest.split(" ")
    for card in cards:
        if not CARD.fullmatch(card):
            raise LatchError(f"not a card: {card[:40]!r}")
    if not (ACT.fullmatch(closing) or ASK.fullmatch(closing)):
        raise LatchError(f"does not end with an act or an ask: {closing[:40]!r}")
    if len(cards) > MAX_CARDS:
        raise LatchError(f"{len(cards)} cards, at most {MAX_CARDS}")
    return Reply(prose[:-1], tuple(cards), closing)


def homes_in(text: str) -> list[str]:
    """The ids that a text names, in order, each once."""
    return list(dict.fromkeys(re.findall(rf"(?<![A-Za-z0-9]){_ID}(?![A-Za-z0-9])", text)))
