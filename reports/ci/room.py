"""Entries within a bounded number of characters: cut only between entries, and it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.numbers import plural


@dataclass(frozen=True)
class Block:
    """A piece of a page: `head`, then entries, then `tail`; each ends with a newline.

    `noun` names one entry ("lost case") for the line that says how many were left out;
    `hidden` are those that were never offered. A block of a lower `rank` gets room first.
    """

    head: str
    entries: tuple[str, ...] = ()
    tail: str = ""
    noun: str = "entry"
    nouns: str = "entries"
    hidden: int = 0
    rank: int = 0


def fit(block: Block, room: int) -> str:
    """`block` within `room` characters; empty where not even what frames its entries fits."""
    kept, used = 0, len(block.head) + len(block.tail)
    for number, entry in enumerate(block.entries, start=1):
        left = len(block.entries) - number + block.hidden
        if used + len(entry) + len(_left_out(block, left)) > room:
            break
        kept, used = number, used + len(entry)
    left = len(block.entries) - kept + block.hidden
    if used + len(_left_out(block, left)) > room:
        return ""
    return block.head + "".join(block.entries[:kept]) + _left_out(block, left) + block.tail


def fit_all(blocks: Sequence[Block], room: int) -> str:
    """The blocks in their order, each with the room that those of lower rank leave it.

    Where blocks have no room at all a line says how many; nothing where not even that fits.
    """
    note = "\n_Left out here for want of room: {}._\n"
    longest = len(note.format(plural(len(blocks), "part")))
    texts = _placed(blocks, room)
    if not all(texts):
        texts = _placed(blocks, room - longest)
        missing = sum(not text for text in texts)
        texts.append(note.format(plural(missing, "part")) if longest <= room else "")
    return "".join(texts)


def _placed(blocks: Sequence[Block], room: int) -> list[str]:
    texts = [""] * len(blocks)
    for index in sorted(range(len(blocks)), key=lambda i: blocks[i].rank):
        texts[index] = fit(blocks[index], room)
        room -= len(texts[index])
    return texts


def _left_out(block: Block, count: int) -> str:
    if not count:
        return ""
    return f"\n_Left out here: {plural(count, block.noun, block.nouns)}._\n"
