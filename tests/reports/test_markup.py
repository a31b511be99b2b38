"""Untrusted text in Markdown: as text it is nothing else, as code it is what it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from markdown_it import MarkdownIt

from evals.text import visible
from reports.markup import literal, table, words
from tests.reports.ci.hostile_texts import hostile_texts

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def shown(markdown: str) -> str:
    """What a reader sees of one paragraph of text, or of one code span."""
    [_, inline, _] = PARSER.parse(markdown)
    assert inline.children is not None
    assert {child.type for child in inline.children} <= {"text", "code_inline"}
    return "".join(child.content for child in inline.children)


@pytest.mark.parametrize(
    "reference",
    ["@octocat", "#12", "owner/repo#12", "GH-12", "gh-7", "!12", "%12", "~label", "&12", "$12"],
)
def test_no_reference_of_a_forge_survives_even_decoded(reference: str) -> None:
    assert reference not in shown(words(f"see {reference} now"))
    assert "\u200b" in shown(words(f"see {reference} now"))


def test_a_commit_hash_is_broken_and_reads_the_same() -> None:
    digits = "4f2a9c1be07d33554f2a9c1be07d33554f2a9c1b"
    for text in (digits, digits[:7].upper(), f"run-{digits[:16]}"):
        seen = shown(words(f"see {text} now"))
        assert not re.search(r"[0-9a-f]{7}", seen, re.IGNORECASE)
        assert seen.replace("\u200b", "") == f"see {text} now"


def test_plain_sentences_stay_readable_in_their_source() -> None:
    said = "lost 12.0 points (at least 8.6); 95 % of 1,250 cases, +0.120 → 71%!"
    assert words(said) == said


@given(hostile_texts)
def test_words_read_as_the_text_with_its_spaces_folded(text: str) -> None:
    line = re.sub(r"\s+", " ", visible(text, layout=True)).strip()
    written = words(text, 10_000)
    assert "\n" not in written
    if line:
        assert shown(f"x {written}").replace("\u200b", "") == f"x {line}"


@given(hostile_texts)
def test_code_is_the_visible_text_also_in_a_table(text: str) -> None:
    line = visible(text)
    if line.strip():
        assert shown(literal(text, 10_000)) == line
        page = table(["a", "b"], [[literal(text, 10_000, cell=True), "end"]])
        cells = [t.children for t in PARSER.parse(page) if t.type == "inline"]
        assert len(cells) == 4
        assert [child.content for child in cells[2] or []] == [line]


def test_empty_code_is_said() -> None:
    assert literal(" \u3000") == "_(empty)_"
