"""A comparison as Markdown: what it means first, bounded, and no text in it becomes markup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from evals.comparison import Comparison, compare_scores
from reports.compared import MOST_IDS, render_comparison
from reports.markup import MOST_CHARACTERS
from tests.reports.hostile import PAYLOADS

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
NAMES = ("before", "after")


def compared(losses: int = 0, **more: object) -> Comparison:
    a = {f"c{n}": 1.0 for n in range(200)}
    b = {f"c{n}": float(n >= losses) for n in range(200)}
    return compare_scores(a, b, **more)  # type: ignore[arg-type]


def blocks(text: str) -> list[str]:
    found = [(token, *(token.children or [])) for token in PARSER.parse(text)]
    return [each.type for several in found for each in several]


def test_the_verdict_comes_first_then_the_numbers() -> None:
    text = render_comparison(compared(30), NAMES)
    assert text.startswith("# B is worse than A\n\n**B worse than A: -15.0 points")
    assert "- A: `before`\n- B: `after`\n" in text
    assert "| 200 | 100.0 % | 85.0 % | **-15.0 points** |" in text


def test_no_difference_shown_is_never_called_equal() -> None:
    text = render_comparison(compared(1), NAMES)
    assert text.startswith("# No difference shown\n")
    assert "this does not mean that they are equal" in text


@pytest.mark.parametrize(
    ("losses", "heading", "line"),
    [
        (0, "# Margin 0.05: PASS", "a loss of this size is ruled out"),
        (60, "# Margin 0.05: FAIL", "B is worse by more than this"),
        (9, "# Margin 0.05: INCONCLUSIVE", "cases would settle it)"),
    ],
)
def test_a_margin_that_was_asked_for_is_the_headline(losses: int, heading: str, line: str) -> None:
    text = render_comparison(compared(losses, margin=0.05), NAMES)
    assert text.splitlines()[0] == heading
    assert line in text


def test_a_gain_that_was_asked_for_is_told() -> None:
    text = render_comparison(compared(0, min_gain=0.1), NAMES)
    assert text.splitlines()[0] == "# Gain of 0.1: NOT REACHED"
    assert "**NOT REACHED** (a gain of this size is ruled out" in text


def test_errors_stand_with_what_they_could_hide_and_too_many_claim_nothing() -> None:
    few = render_comparison(compared(0, errors_b=["c3", "c4"]), NAMES)
    assert "0 shared cases in A, 2 in B (1.0% of the shared cases in either)" in few
    assert "With every error counted against B it is -1.0 points" in few
    assert "Errors in B (2): `c3`, `c4`" in few
    many = render_comparison(compared(0, errors_b=[f"c{n}" for n in range(50)]), NAMES)
    assert many.startswith("# Nothing is claimed\n")
    assert f"and {50 - MOST_IDS} more" in many


def test_changed_cases_are_listed() -> None:
    found = replace(compared(), changed=("x", "y"), only_in_a=("z",))
    text = render_comparison(found, NAMES)
    assert "Changed in content, not compared (2): `x`, `y`" in text
    assert "Only in A (1): `z`" in text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_names_and_ids_change_no_structure(payload: str) -> None:
    def render(text: str) -> str:
        found = compared(3, names=(text, text + "2"))
        ids = (text, text)
        return render_comparison(replace(found, changed=ids, errors_a=ids), (text, text))

    assert blocks(render(payload)) == blocks(render("harmless "))


def test_it_stays_within_its_bound_whatever_the_names() -> None:
    for unit in ("`", "@", "|", "\ud800"):
        ids = tuple(unit * 300 for _ in range(500))
        found = replace(
            compared(3, names=(unit * 9_000, unit * 9_001), margin=0.01, min_gain=0.2),
            **dict.fromkeys(("changed", "errors_a", "errors_b", "only_in_a", "only_in_b"), ids),
        )
        assert len(render_comparison(found, (unit * 9_000, unit * 9_000))) <= MOST_CHARACTERS
