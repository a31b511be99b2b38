"""Where the columns of a table stand: beside each other while that can be read, else below."""

from __future__ import annotations

from collections import Counter
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from evals.text import visible
from tunegate.cli.tables import INDENT, MARGIN, lay_out, read_columns, table_lines

HEADS = ["!run", "candidate", ">score", ">95%", "gate"]
ROWS = [
    ["tickets-dev-0123456789", "spec + 8 nearest + structured", "37.8%", "31.6% to 44.4%", "open"],
    ["tickets-dev-abcdefabcd", "terse", "0.0%", "0.0% to 2.3%", ""],
]
PROSE = "Prompting has plateaued: none of the tried prompts is plausibly better. " * 4


def drawn(heads: list[str], rows: list[list[str]], width: int | None) -> list[str]:
    console = Console(file=StringIO(), color_system=None)
    lines = table_lines(read_columns(heads, rows), width, console)
    return [line.plain for line, _ in lines]


def test_a_table_that_fits_is_one_line_a_row() -> None:
    head, rule, first, second = drawn(HEADS, ROWS, 100)
    assert head.split() == ["run", "candidate", "score", "95%", "gate"]
    assert set(rule.strip()) == {"─"}
    assert first.split("  ")[1:3] == ["tickets-dev-0123456789", "spec + 8 nearest + structured"]
    assert second.index("0.0% to 2.3%") + len("0.0% to 2.3%") == first.index("44.4%") + 5
    assert second == second.rstrip()


def test_text_is_wrapped_in_its_column_while_that_is_worth_reading() -> None:
    lines = drawn(HEADS, ROWS, 75)
    assert lines[2].split()[-1] == "open"
    assert lines[3].strip() == "structured"
    assert lay_out(read_columns(HEADS, ROWS), 75).below == ()


def test_the_longest_text_stands_below_first_then_what_stands_last() -> None:
    columns = read_columns(HEADS, ROWS)
    assert lay_out(columns, 60).below == (1,)
    assert lay_out(columns, 50).below == (1, 4)
    assert lay_out(columns, 40).below == (1, 3, 4)
    assert lay_out(columns, 20).below == (1, 2, 3, 4)
    assert lay_out(columns, 20).beside == {0: 18}, "what a row is about stays, broken if need be"


def test_one_column_below_is_named_above_and_several_where_they_stand() -> None:
    lines = drawn(HEADS, ROWS, 60)
    assert lines[1] == "    candidate"
    assert lines[4] == "    spec + 8 nearest + structured"
    several = drawn(HEADS, ROWS, 50)
    assert several[3] == "    candidate: spec + 8 nearest + structured"
    assert several[4] == "    gate: open"
    assert several[6] == "    candidate: terse", "an empty cell says nothing"


def test_prose_below_a_row_takes_the_whole_width() -> None:
    lines = drawn(["verdict", "!applies", "evidence"], [["none", "no", PROSE]], 80)
    below = lines[4:]
    assert " ".join(" ".join(below).split()) == PROSE.strip()
    assert all(line.startswith(" " * INDENT) for line in below)
    assert len(below) <= -(-len(PROSE) // 70)


def test_where_no_width_is_stated_a_row_is_one_line_however_long() -> None:
    head, rule, row = drawn(["verdict", "!applies", "evidence"], [["none", "no", PROSE]], None)
    assert PROSE.strip() in row
    assert len(rule) == MARGIN + 78, "but a rule is no longer than a line"
    assert head.split() == ["verdict", "applies", "evidence"]


def test_a_terminal_without_the_character_gets_another_rule() -> None:
    class Ascii(StringIO):
        encoding = "ascii"

    console = Console(file=Ascii(), color_system=None)
    _, (rule, _), *_ = table_lines(read_columns(["a"], [["b"]]), 80, console)
    assert rule.plain == "  -"


def test_hostile_heads_and_cells_are_escapes_and_no_markup() -> None:
    head, _, row = drawn(["\x1b[31mhead", ">n"], [["\u202ea [bold]b[/bold]\n", "1"]], 60)
    assert head.startswith(r"  \x1b[31mhead")
    assert row.split("  ")[1] == r"\u202ea [bold]b[/bold]\n"


texts = st.one_of(
    st.text(max_size=60),
    st.text("ab [/]\x1b\u202e請求é\U0001f600", max_size=90),
    st.integers().map(str),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    count = draw(st.integers(1, 7))
    heads = [draw(st.sampled_from(["", "!", ">"])) + draw(st.text("abc %", max_size=9))
             for _ in range(count)]  # fmt: skip
    rows = draw(st.lists(st.lists(texts, min_size=count, max_size=count), max_size=3))
    return heads, rows


@settings(deadline=None)
@given(table=tables(), width=st.integers(20, 200))
def test_nothing_is_lost_and_no_line_is_wider(
    table: tuple[list[str], list[list[str]]], width: int
) -> None:
    heads, rows = table
    lines = drawn(heads, rows, width)
    assert max(map(cell_len, lines)) <= width
    shown = Counter("".join(lines))
    for row in rows:
        cells = Counter(c for cell in row for c in visible(cell) if not c.isspace())
        assert not cells - shown
        shown -= cells


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
def test_a_number_and_an_id_stand_on_one_line(width: int) -> None:
    words = [word for line in drawn(HEADS, ROWS, width) for word in line.split()]
    for row in ROWS:
        assert row[0] in words
        assert row[2] in words
