"""The Markdown summary is bounded, and nothing in the records can change its structure."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from reports import render_markdown
from reports.markup import MOST_CHARACTERS
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.markdown_reader import PARSER, foreign_kinds, tokens
from tests.reports.partial_jobs import PARTIAL, nothing_run, small_job
from tests.reports.sample_job import sample_job


@cache
def hostile_text(payload: str) -> str:
    return render_markdown(poisoned(payload))


@cache
def skeleton() -> list[str]:
    return blocks(render_markdown(poisoned("harmless ")))


def blocks(text: str) -> list[str]:
    """Everything but the cases, whose number depends on the room: its block structure."""
    head, _, rest = text.partition("\n## Cases\n")
    tail = rest[rest.index("\n<details>\n<summary>Why") :]
    return [token.type for part in (head, tail) for token in PARSER.parse(part)]


def test_the_same_records_give_the_same_text() -> None:
    assert render_markdown(sample_job()) == render_markdown(sample_job())


def test_the_verdict_comes_first_then_counts_then_the_worst_cases() -> None:
    text = render_markdown(sample_job())
    assert text.startswith("# query_assistant: Better than prompting, below the target\n")
    order = ["Better than prompting", "## Before and after", "## Cases", "**broken**", ">Why<"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert text.index("**broken**") < text.index("- **fixed**")


def test_it_stays_within_its_bound_however_long_the_texts_are() -> None:
    assert len(render_markdown(sample_job(660))) <= MOST_CHARACTERS
    assert len(render_markdown(poisoned("|`<@" * 3_000))) <= MOST_CHARACTERS


def test_it_stays_within_its_bound_however_many_rows_there_are() -> None:
    job = small_job()
    assert job.decision is not None
    many = tuple(replace(job.decision.trials[0], run_id=f"r{i}") for i in range(3_000))
    text = render_markdown(replace(job, decision=replace(job.decision, trials=many)))
    assert len(text) <= MOST_CHARACTERS
    assert "2980 more in the HTML report" in text


@pytest.mark.parametrize("spare", [0, 10, 40, 70, 7_000])
def test_it_stays_within_its_bound_where_what_is_said_first_takes_all(
    monkeypatch: pytest.MonkeyPatch, spare: int
) -> None:
    end = len(render_markdown(small_job()).partition("\n## How to reproduce")[2])
    head = "word\n" * ((MOST_CHARACTERS - end - 25 - spare) // 5)
    monkeypatch.setattr("reports.markdown._head", lambda _: head)
    text = render_markdown(small_job())
    assert text.startswith(head[:50_000])
    assert len(text) <= MOST_CHARACTERS
    assert "There is more in the HTML report" in text


def test_all_but_verdict_outcome_and_cases_is_folded_away() -> None:
    text = render_markdown(sample_job())
    assert text.count("<details>") == text.count("</details>") == 3
    assert text.index("## How to reproduce") > text.rindex("</details>")
    assert text.index("<details>") > text.index("**broken**")


def test_where_there_is_too_much_whole_sections_go_and_the_worst_cases_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reports.markdown.MOST_CHARACTERS", 20_000)
    job = sample_job(660)
    assert job.decision is not None
    rules = tuple(replace(rule, evidence="word " * 5_000) for rule in job.decision.rules * 3)
    text = render_markdown(replace(job, decision=replace(job.decision, rules=rules)))
    assert len(text) <= 20_000
    assert text.count("<details>") == text.count("</details>") > 0
    assert "There is more in the HTML report than there is room for here." in text
    assert text.count("- **broken**") > 10


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_hostile_text_in_every_field_never_becomes_markup(payload: str) -> None:
    text = hostile_text(payload)
    text.encode("utf-8")
    assert not foreign_kinds(text)
    if "There is more in the HTML report" not in text:  # then sections are missing
        assert blocks(text) == skeleton()


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_no_mention_link_or_reference_stands_outside_code(payload: str) -> None:
    for token in tokens(hostile_text(payload)):
        if token.type == "text":
            assert not re.search(r"[@#]\w", token.content)
    raw = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", hostile_text(payload))
    assert not re.search(r"https?://|www\.|javascript:\w", raw)


def test_rows_of_a_table_keep_their_cells() -> None:
    text = render_markdown(poisoned("a | b \\| c \\\\| d "))
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = table.splitlines()
        assert len({row.count("|") for row in rows}) == 1


@pytest.mark.parametrize("make", PARTIAL, ids=lambda make: make.__name__)
def test_a_partial_job_renders(make: object) -> None:
    assert callable(make)
    text = render_markdown(make())
    assert text.startswith("# query_assistant: ")
    assert "None" not in text
    assert "nan" not in text


def test_what_was_not_run_is_said_with_the_command() -> None:
    assert "Not run. The gate has not been asked yet: `tunegate gate query_assistant`" in (
        render_markdown(nothing_run())
    )
