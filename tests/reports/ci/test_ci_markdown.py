"""One comment that a reviewer reads in a minute, bounded, and whose texts stay texts."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from evals.errors import NothingRunError
from evals.regression.records import DefinitionChange, SuiteVerdict
from reports.ci import MARKER, render_ci_markdown
from reports.markup import MOST_CHARACTERS
from tests.reports.ci.hostile_texts import hostile_texts
from tests.reports.ci.sample_verdicts import (
    doubtful,
    failing,
    lost_case,
    mixed,
    passing,
    poisoned,
    reviewing,
    verdict,
)
from tests.reports.hostile import PAYLOADS

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OUR_HTML = re.compile(
    r"<!-- tunegate:ci -->\n|</details>\n?"
    r"|<details><summary>(\d+ more lost cases?|In full)</summary>\n"
)


def tokens(text: str) -> list[Token]:
    return [token for block in PARSER.parse(text) for token in (block, *(block.children or []))]


def structure(text: str) -> list[str]:
    """The kinds of all blocks, and of the lines within them but for text and code."""
    return [
        token.type for token in tokens(text) if token.type not in {"text", "code_inline", "inline"}
    ]


@cache
def skeleton() -> list[str]:
    return structure(render_ci_markdown(poisoned("harmless ")))


def assert_only_ours(text: str) -> None:
    """Nothing but our own headings, tables and HTML; no link, mention or reference."""
    text.encode("utf-8")
    found = tokens(text)
    kinds = {token.type for token in found}
    assert not kinds & {"html_inline", "link_open", "image", "fence", "code_block", "s_open"}
    for token in found:
        if token.type == "html_block":
            assert OUR_HTML.fullmatch(token.content), token.content
        if token.type == "text":
            said = token.content
            assert not re.search(r"[@#]\w|\bGH-\d|[!~^&$]\w", said, re.IGNORECASE), said
            assert not re.search(r"(?<![0-9a-z])[0-9a-f]{7,40}(?![0-9a-z])", said, re.IGNORECASE)
    raw = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"https?://|www\.\w|javascript:\w", raw, re.IGNORECASE)
    assert structure(text) == skeleton()


def test_the_marker_is_the_first_line_and_the_result_the_next() -> None:
    lines = render_ci_markdown(mixed()).splitlines()
    assert lines[:2] == [MARKER, "## tunegate: FAIL"]
    assert "ticket_routing: label_accuracy lost 12.0 points" in lines[3]
    assert lines[3].endswith("This fails the job.")


@pytest.mark.parametrize(
    ("verdicts", "heading", "said"),
    [
        ([passing()], "PASS", "general_ability passed every check."),
        ([reviewing(), passing()], "REVIEW", "the gate's definition changed: max_loss was 0.05"),
        ([doubtful()], "INCONCLUSIVE", "it does not fail the job"),
        ([doubtful(on_inconclusive="fail")], "INCONCLUSIVE", "This fails the job"),
        ([passing(), reviewing(reviewed=True)], "PASS", "the gate's definition changed, and was"),
        ([verdict("empty", "skipped")], "SKIPPED", "nothing was judged"),
        ([failing(), replace(failing(), suite="b")], "FAIL", "ticket_routing and b failed."),
    ],
    ids=["pass", "review", "doubt", "doubt that fails", "reviewed", "skipped", "two"],
)
def test_the_heading_says_the_overall_result_and_why(
    verdicts: list[SuiteVerdict], heading: str, said: str
) -> None:
    text = render_ci_markdown(verdicts)
    assert text.splitlines()[1] == f"## tunegate: {heading}"
    assert said in text


def test_nothing_judged_is_no_pass() -> None:
    with pytest.raises(NothingRunError):
        render_ci_markdown([])


def test_the_worst_suites_come_first_and_passing_ones_are_folded() -> None:
    text = render_ci_markdown(mixed())
    order = [
        "### ticket_routing: FAIL",
        "### query_assistant: REVIEW",
        "### style_guard: INCONCLUSIVE",
        "### Passed",
        "<details><summary>In full",
        "### general_ability: PASS",
        "</details>",
    ]
    places = [text.rindex(part) for part in order]
    assert places == sorted(places)


def test_a_suite_that_does_not_pass_says_what_a_reviewer_needs() -> None:
    text = render_ci_markdown(mixed()).replace("\u00a0", " ")
    for said in (
        "98.4% → 86.4% | −12.0 (−17.0 to −7.7) | 5 points | 250, 1 error",
        "- **FAIL** must-pass `t-002`: t-002 must pass and scored 0.",
        "| `t-002` **must pass** | 1 → 0 | Hello",
        "1 → no score",
        "34 cases lost, 4 gained",
        "_Left out here: 4 lost cases._",
        "the text of prompt 'spec' is not what was accepted. `suites/ticket_routing/prompts/",
        "A true loss of 12 points is shown to be beyond the margin of 5 points",
        "`tunegate ci suites/ticket_routing`",
        "`tunegate show ticket_routing-dev-4f2a9c1be07d3355 t-002`",
        '`tunegate accept suites/ticket_routing ticket_routing-dev-4f2a9c1be07d3355 --why "..."`',
        "#### Gate definition changed: review",
        "- rules: max_loss was 0.05 and is 0.15",
        "- cases: 3 cases were removed (`t-007`, `t-019`, `t-101`)",
        "about 410 cases would settle it",
    ):
        assert said in text, said


def test_a_passing_suite_is_one_line_outside_its_details() -> None:
    open_part = render_ci_markdown([passing()]).split("<details>")[0]
    assert open_part.count("general\\_ability") + open_part.count("general_ability") == 3
    assert "#### Checks" not in open_part


def test_figures_that_do_not_exist_are_dashes() -> None:
    bare = verdict("bare", "fail", score=float("nan"), low=float("nan"), high=float("nan"), runs=())
    text = render_ci_markdown([replace(bare, baseline=None, path="")])
    assert "nan" not in text
    assert "None" not in text
    assert "`tunegate ci bare`" in text
    assert "tunegate show" not in text


def long_verdicts(count: int, lost: int) -> list[SuiteVerdict]:
    long = "|`<@\n" * 400
    cases = tuple(
        replace(lost_case(n), id=f"{n}{long}", got=long, why=long, expected=[long])
        for n in range(lost)
    )
    changes = tuple(DefinitionChange("cases", long, (long,) * 40) for _ in range(50))
    made = replace(failing(), lost=cases, changes=changes, suite=f"s{long}", runs=(long,))
    kinds = [made, replace(made, result="review"), replace(made, result="pass")]
    return [replace(kinds[n % 3], suite=f"s{n}{long}") for n in range(count)]


@pytest.mark.parametrize("count", [1, 3, 20, 200])
def test_it_stays_within_its_bound_and_is_cut_between_entries(count: int) -> None:
    text = render_ci_markdown(long_verdicts(count, lost=50))
    assert len(text) <= MOST_CHARACTERS
    assert "Left out here" in text
    assert text.count("<details>") == text.count("</details>")
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({row.replace(r"\|", "").count("|") for row in table.splitlines()}) == 1
    found = [token.type for token in tokens(text)]
    assert found.count("html_block") == 1 + 2 * text.count("<details>")


def test_room_is_shared_with_the_failed_suites_first() -> None:
    wordy = tuple(replace(lost_case(n), input={"text": "@" * 200}) for n in range(60))
    many = [replace(failing(), suite=f"bad{n}", lost=wordy) for n in range(6)]
    text = render_ci_markdown([*(passing(f"ok{n}") for n in range(40)), *many])
    assert all(f"### bad{n}: FAIL" in text for n in range(6))
    assert text.count("#### What to do") >= 6
    assert "### ok39: PASS" not in text
    assert "Left out here" in text.rpartition("<details><summary>In full")[2]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_known_hostile_texts_in_every_field_stay_texts(payload: str) -> None:
    assert_only_ours(render_ci_markdown(poisoned(payload[:100])))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile_texts)
def test_any_text_in_every_field_stays_text(text: str) -> None:
    assert_only_ours(render_ci_markdown(poisoned(text[:100])))


def test_a_bar_in_a_case_does_not_split_its_row() -> None:
    case = replace(lost_case(1), id="a|b\\|c", got="x | y", expected="\\")
    html = PARSER.render(render_ci_markdown([replace(failing(), lost=(case,))]))
    assert "<code>a|b\\|c</code>" in html
    assert "<td><code>x | y</code></td>" in html
