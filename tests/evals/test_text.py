"""Hostile text stays text, on a terminal and in a file."""

from __future__ import annotations

import io
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

import evals.text
from evals.text import MOST_MARKS, encodable, visible, visible_markup, visible_text

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\x00b", r"a\x00b"),
        ("\x9b2J", r"\x9b2J"),
        ("\x7f\x08", r"\x7f\x08"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2066x\u2069\u061c\u200f", r"\u2066x\u2069\u061c\u200f"),
        ("\ud800x\udfff", r"\ud800x\udfff"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("\U000e0041", r"\U000e0041"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u2028", r"\u2028"),
        ("naïve 日本語 👩‍👩‍👧 <b>[red]", "naïve 日本語 👩‍👩‍👧 <b>[red]"),
    ],
)
def test_what_cannot_be_seen_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_layout_keeps_newlines_and_tabs_only() -> None:
    assert visible("a\n\tb\r\x0b\x0c", layout=True) == "a\n\tb\\r\\x0b\\x0c"


@pytest.mark.parametrize(
    ("limit", "shown"),
    [(0, ""), (1, "…"), (3, "ab…"), (6, r"ab…"), (7, r"ab\x1b…"), (8, r"ab\x1bcd")],
)
def test_a_limit_bounds_what_is_shown_and_cuts_no_escape(limit: int, shown: str) -> None:
    assert visible("ab\x1bcd", limit) == shown


@given(ANY_TEXT, st.integers(0, 40), st.booleans())
def test_visible_text_is_printable_encodable_valid_in_xml_and_stable(
    text: str, limit: int, layout: bool
) -> None:
    for shown in (visible(text, layout=layout), visible(text, limit, layout=layout)):
        shown.encode("utf-8")
        rest = shown.replace("\n", "").replace("\t", "") if layout else shown
        assert not {unicodedata.category(c) for c in rest} & {"Cc", "Cs", "Zl", "Zp"}
        escaped = shown.replace("&", "&amp;").replace("<", "&lt;")
        assert (ET.fromstring(f"<a>{escaped}</a>").text or "") == shown
        assert visible(shown, layout=layout) == shown
    assert len(visible(text, limit, layout=layout)) <= limit


@given(ANY_TEXT)
def test_encodable_text_encodes_and_loses_nothing_else(text: str) -> None:
    result = encodable(text)
    result.encode("utf-8")
    if not any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        assert result == text


def test_a_lone_surrogate_stays_recognisable() -> None:
    assert encodable("a\udc80b") == r"a\udc80b"


@given(ANY_TEXT)
def test_rich_prints_the_text_and_obeys_none_of_it(text: str) -> None:
    for made in (visible_text(text), visible_markup(text)):
        sink = io.StringIO()
        console = Console(file=sink, force_terminal=True, width=10_000, highlight=False)
        console.print(made, emoji=False, end="", soft_wrap=True)
        assert "\x1b" not in sink.getvalue()
        assert sink.getvalue() == visible(text)


def test_markup_in_text_is_shown_as_it_is() -> None:
    sink = io.StringIO()
    console = Console(file=sink, force_terminal=True, width=80)
    console.print(f"[bold]{visible_markup('[red]x[/red] [/]')}[/bold]", highlight=False)
    assert "[red]x[/red] [/]" in sink.getvalue()


@pytest.mark.parametrize("text", ["\\", "a\\\\", "\\[red]", "[/]\\", "\\\\[bold]\\"])
def test_backslashes_come_out_as_they_went_in(text: str) -> None:
    for markup in (visible_markup(text), f"[bold]{visible_markup(text)}[/bold]"):
        assert Text.from_markup(markup).plain == text


def test_importing_the_module_loads_no_rich() -> None:
    code = "import sys, evals.text; sys.exit('rich' in sys.modules)"
    root = Path(evals.text.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_marks_stacked_on_a_letter_are_shown_up_to_what_a_script_needs() -> None:
    assert visible("e\u0301\u0489") == "e\u0301\u0489"
    assert visible("a" + "\u0301" * 10) == "a" + "\u0301" * MOST_MARKS + r"\u0301\u0301"
    assert visible("\u0e4a" * 9 + "b" + "\u0e4a") == "\u0e4a" * 8 + r"\u0e4a" + "b\u0e4a"
    assert visible("\u0301" * 20, 10) == "\u0301" * 8 + "…"
    assert visible("\u0301" * 20, 15) == "\u0301" * 8 + r"\u0301" + "…"
