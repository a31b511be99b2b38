"""Tables: a column with what is asked, one with the answer, perhaps one with a system text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evals.imports.reading import Place
from evals.records import Message
from tuning.data.formats.conversations import Conversation, Gathered, Turn
from tuning.data.formats.messages import optional_text, read_text
from tuning.data.formats.shape import Fields, Shape, Writer, one_question, prompt_of

USUAL = ("output", "expected")
"""What the column with the answer is called where nobody says so."""


@dataclass(frozen=True)
class Columns:
    """Which columns mean what, in the words of `tunegate init --from`.

    Rows of one `cluster` are held out together; `system` is read where it is there. Where
    `expected` is not named, it is whichever of USUAL the table has.
    """

    input: str = "input"
    expected: str | None = None
    id: str | None = None
    cluster: str | None = None
    system: str = "system"


def shapes_of(columns: Columns) -> tuple[Shape, ...]:
    """The shapes that a table with these columns may have: one where `expected` is named."""
    answers = USUAL if columns.expected is None else (columns.expected,)
    return tuple(_shape(columns, answer) for answer in answers)


def _shape(columns: Columns, expected: str) -> Shape:
    named = tuple(column for column in (columns.id, columns.cluster) if column)

    def read(values: Fields, place: Place) -> Conversation:
        system = optional_text(values.get(columns.system), columns.system, place)
        question = read_text(values[columns.input], columns.input, place)
        answer = read_text(values[expected], expected, place)
        turns = [Turn(Message("system", system))] if system else []
        turns += [Turn(Message("user", question)), Turn(Message("assistant", answer), True)]
        names = [place.name(values[c], c) if c and values[c] else None for c in wanted]
        if columns.id and not names[0]:
            place.fail("no id", columns.id, "every row of a table with ids has one")
        return Conversation(tuple(turns), id=names[0], group=names[1])

    wanted = (columns.id, columns.cluster)
    needs = (columns.input, expected, *named)
    return Shape("csv", needs, read, optional=(columns.system,))


def _usual(expected: str) -> Shape:
    """A usual table; with an instruction beside the input it is Alpaca's."""
    shape = _shape(Columns(), expected)
    return Shape("csv", shape.needs, shape.read, shape.optional, unless=("instruction",))


def _obstacle(unit: Gathered) -> str | None:
    if not unit.examples[0].whole:
        return "an answer that is only the beginning of one"
    texts = [turn.message.content for turn in unit.turns]
    if any("\0" in text for text in texts):
        return "a NUL character"
    if any(len(text) > csv.field_size_limit() for text in texts):
        return f"text of more than {csv.field_size_limit()} characters"
    return one_question(unit)


def _rows(units: Iterable[Gathered]) -> Iterator[Fields]:
    """With the column `system` where any row has one."""
    held = [(*(prompt_of(unit) or ("", "")), unit.examples[0].answer) for unit in units]
    with_system = any(system for system, _, _ in held)
    for system, question, answer in held:
        row = {"input": question, "output": answer}
        yield {"system": system, **row} if with_system else row


def table_text(rows: Iterable[Fields]) -> str:
    """Rows of text as CSV with a header; every cell is quoted, so that line ends in it are kept."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for n, row in enumerate(rows):
        if n == 0:
            writer.writerow(row)
        writer.writerow(row.values())
    return text.getvalue()


SHAPES = tuple(map(_usual, USUAL))
WRITER = Writer(False, _obstacle, _rows)
