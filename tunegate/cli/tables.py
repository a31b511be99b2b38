"""Tables that fit: what finds no room beside the rest of its row stands below it.

Nothing is ever cut. A number, a name or an id stays on one line as long as it is no longer
than the line itself; text is wrapped in its column while that column stays worth reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from evals.text import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

MARGIN = 2
GAP = 2
INDENT = 4
_LEAST_ROOM = 12  # for a row; also what a column of text takes at least
_LONGEST_WORD = 40  # a longer one may be broken
_MOST_LINES = 3  # that the longest text in a column may take
_LONGEST_RULE = 78  # under the heads, where no width is stated


class Layout(NamedTuple):
    """Which columns stand in the row, by index with their widths, and which below it."""

    beside: dict[int, int]
    below: tuple[int, ...]


@dataclass(frozen=True)
class Column:
    """A head and its cells, ready to be shown. Numbers and names are not wrapped."""

    head: str
    cells: tuple[str, ...]
    is_number: bool = False
    wraps: bool = False

    @cached_property
    def natural(self) -> int:
        """Screen columns of the longest cell or of the head."""
        return max(map(_length, self._all()))

    @cached_property
    def least(self) -> int:
        """Screen columns below which it is not worth reading."""
        if not self.wraps:
            return self.natural
        words = max((_length(word) for cell in self._all() for word in cell.split()), default=0)
        lines = -(-self.natural // _MOST_LINES)
        return min(self.natural, max(_LEAST_ROOM, lines, min(words, _LONGEST_WORD)))

    def _all(self) -> tuple[str, ...]:
        return (self.head, *self.cells)


def read_columns(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[Column]:
    """Columns from heads that begin with '>' (numbers), '!' (names) or neither (text).

    Both may be hostile text, which is made visible here.
    """
    return [
        Column(
            visible(head.lstrip(">!")),
            tuple(visible(str(row[index])) for row in rows),
            is_number=head.startswith(">"),
            wraps=not head.startswith((">", "!")),
        )
        for index, head in enumerate(heads)
    ]


def lay_out(columns: Sequence[Column], width: int | None) -> Layout:
    """Where each column goes in `width` screen columns; None is as many as there need be.

    What does not fit moves below the row: the longest text first, then what stands last. The
    first column stays, since it says what a row is about.
    """
    beside, below = dict(enumerate(columns)), list[int]()
    if width is None:
        return Layout({index: column.natural for index, column in beside.items()}, ())
    room = max(width - MARGIN, _LEAST_ROOM)
    while len(beside) > 1 and _taken(c.least for c in beside.values()) > room:
        others = list(beside)[1:]
        texts = [index for index in others if columns[index].wraps]
        moved = max(texts, key=lambda i: columns[i].natural) if texts else others[-1]
        below.append(moved)
        del beside[moved]
    return Layout(_widths(beside, room), tuple(sorted(below)))


def _widths(beside: dict[int, Column], room: int) -> dict[int, int]:
    """Every column's width: those of text share what the others leave."""
    widths = {index: min(column.least, room) for index, column in beside.items()}
    spare = room - _taken(widths.values())
    wanting = sorted(beside, key=lambda index: beside[index].natural - widths[index])
    for place, index in enumerate(wanting):
        share = max(spare, 0) // (len(wanting) - place)
        more = min(max(beside[index].natural - widths[index], 0), share)
        widths[index] += more
        spare -= more
    return widths


def table_lines(
    columns: Sequence[Column], width: int | None, console: Console
) -> Iterator[tuple[Text, str]]:
    """Every line of a table with its style; none is longer than `width` and none is padded."""
    layout = lay_out(columns, width)
    heads = {index: columns[index].head for index in layout.beside}
    for line in _row(heads, columns, layout, console):
        yield line, "bold"
    under = columns[layout.below[0]].head if len(layout.below) == 1 else ""
    if under:
        yield _indented(under), "bold"
    total = _taken(layout.beside.values())
    bar = "─" if console.encoding.startswith("utf") else "-"
    yield _indented(bar * (min(total, _LONGEST_RULE) if width is None else total), MARGIN), ""
    for number in range(len(columns[0].cells)):
        cells = {index: columns[index].cells[number] for index in layout.beside}
        for line in _row(cells, columns, layout, console):
            yield line, ""
        for line in _below(number, columns, layout, width, console):
            yield line, ""


def _row(
    cells: dict[int, str], columns: Sequence[Column], layout: Layout, console: Console
) -> Iterator[Text]:
    """The cells side by side, wrapped in their columns."""
    from rich.text import Text

    wrapped = {
        index: wrap(cell, layout.beside[index], console) if cell else []
        for index, cell in cells.items()
    }
    for number in range(max(map(len, wrapped.values()), default=0)):
        line = " " * MARGIN
        for index, lines in wrapped.items():
            said = lines[number] if number < len(lines) else ""
            fill = " " * (layout.beside[index] - _length(said))
            line += (fill + said if columns[index].is_number else said + fill) + " " * GAP
        yield Text(line.rstrip())


def _below(
    number: int, columns: Sequence[Column], layout: Layout, width: int | None, console: Console
) -> Iterator[Text]:
    """What a row has no room for: each with its head, where more than one stands here."""
    room = max((width or 0) - INDENT, _LEAST_ROOM)
    said = [(columns[index].head, columns[index].cells[number]) for index in layout.below]
    is_named = len(said) > 1
    items = [f"{head}: {cell}" if is_named and head else cell for head, cell in said if cell]
    for line in _packed(items, room):
        for piece in wrap(line, room, console):
            yield _indented(piece)


def _packed(items: Iterable[str], room: int) -> Iterator[str]:
    """Items side by side as long as they fit; one that is too long has a line of its own."""
    line = ""
    for item in items:
        longer = f"{line}   {item}" if line else item
        if line and _length(longer) > room:
            yield line
            longer = item
        line = longer
    if line:
        yield line


def wrap(text: str, width: int, console: Console) -> list[str]:
    """Lines of at most `width` screen columns, broken between words where that can be."""
    from rich.text import Text

    if _length(text) <= width:
        return [text]
    lines = Text(text).wrap(console, width, overflow="fold")
    return [line.plain.rstrip() for line in lines]


def _indented(text: str, by: int = INDENT) -> Text:
    from rich.text import Text

    return Text(" " * by + text)


def _taken(widths: Iterable[int]) -> int:
    """Screen columns of columns side by side."""
    each = list(widths)
    return sum(each) + GAP * (len(each) - 1)


def _length(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
