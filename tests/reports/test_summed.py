"""What the report says of fields, labels, turns and nested scorers."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest

from evals.records import Part, Run, Score
from evals.summaries import summarise
from reports import render_html, render_markdown
from reports.markup import MOST_CHARACTERS
from reports.stored import leader_run
from reports.summed import MOST_MATRIX, MOST_PAIRS, PartTable, summed_view
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.markdown_reader import foreign_kinds
from tests.reports.page_reader import PageReader
from tests.reports.partial_jobs import PARTIAL
from tests.reports.parts_job import parts_job, with_parts
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord


@cache
def job() -> JobRecord:
    return parts_job()


@cache
def small() -> JobRecord:
    return parts_job(14)


@cache
def harmless() -> PageReader:
    return PageReader(render_html(poisoned("harmless ", small())))


def tables(of: JobRecord | None = None) -> dict[str, PartTable]:
    view = summed_view(of or job())
    assert view is not None
    return {table.caption: table for table in view.tables}


def cells(table: PartTable, name: str) -> list[str]:
    (row,) = (row for row in table.rows if row[0].text == name)
    return [cell.text for cell in row[1:]]


def test_a_job_without_parts_says_nothing_of_them() -> None:
    assert summed_view(sample_job()) is None
    assert "By parts of the answers" not in render_html(sample_job())
    assert "By parts of the answers" not in render_markdown(sample_job())


def test_the_sealed_runs_stand_side_by_side() -> None:
    found = tables()["Fields of fields"]
    assert found.groups == (("", 2), ("spec + 4 nearest", 3), ("terse + adapter", 3))
    sides = [summarise(job().runs[name]) for name in ("testbefore", "testafter")]
    fields = [next(one.fields for one in side if one.metric == "fields") for side in sides]
    wanted = [
        f"{q.precision:.3f} {q.recall:.3f} {q.f1:.3f}" for f in fields if f for q in [f.micro]
    ]
    assert " ".join(cells(found, "all fields (micro)")[1:]) == " ".join(wanted)
    assert cells(found, "items[].sku")[0] == "240"


def test_before_there_is_a_sealed_run_the_leader_is_summed_up() -> None:
    early = replace(job(), leader_test=None, adapter_test=None, shipping=None, training=None)
    (found,) = (one for name, one in tables(early).items() if name.startswith("Labels of team."))
    assert [text for text, _ in found.groups] == ["", "spec + 4 nearest"]
    view = summed_view(early)
    assert view is not None
    assert view.note.startswith("dev cases that have a score; left out as errors: 1 of ")


def test_few_labels_are_a_matrix_whose_diagonal_is_right() -> None:
    found = tables()["team: what terse + adapter answered, for each label that was expected"]
    assert found.head[0] == "Expected"
    assert found.head[-1] == "(none)"
    for row in found.rows:
        marks = dict(zip(found.head[1:], (cell.mark for cell in row[1:]), strict=True))
        assert [name for name, mark in marks.items() if mark == "right"] == [row[0].text]
    total = sum(int(cell.text) for row in found.rows for cell in row[1:])
    assert total == len(job().runs["testafter"].results)


def test_many_labels_are_their_largest_confusions() -> None:
    found = tables()["topic: what spec + 4 nearest answered: the labels most confused"]
    assert len(found.rows) == MOST_PAIRS
    assert found.hidden > 0
    counts = [int(row[2].text) for row in found.rows]
    assert counts == sorted(counts, reverse=True)
    assert not any(row[0].text == row[1].text for row in found.rows)
    assert max(len(one.head) for one in tables().values()) <= MOST_MATRIX + 2


def test_turns_show_how_quality_drifts() -> None:
    found = tables()["correct by turn, mean with 95 % interval"]
    assert [row[0].text for row in found.rows] == ["1", "2", "3", "4", "5"]
    assert re.fullmatch(r"0\.\d{3} to 0\.\d{3}", cells(found, "1")[1])


@pytest.mark.parametrize("render", [render_html, render_markdown])
def test_both_reports_have_every_table(render: object) -> None:
    assert callable(render)
    text = PageReader(render(job())).text if render is render_html else render(job())
    for caption in ("Labels of team", "correct by turn", "correct by scorer", "Fields of fields"):
        assert caption in text


def test_many_fields_and_long_names_keep_the_reports_in_their_bounds() -> None:
    parts = tuple(Part("field", f"{'x' * 150}{n}", 0.0, "1", "2") for n in range(1_000))

    def many(run: Run) -> Run:
        results = tuple(
            replace(r, scores={**r.scores, "correct": Score(0.0, parts=parts)})
            if not r.failed
            else r
            for r in run.results[:3]
        )
        return replace(run, results=results)

    wide = replace(job(), runs={name: many(run) for name, run in job().runs.items()})
    assert len(render_markdown(wide)) <= MOST_CHARACTERS
    assert "970 more rows" in PageReader(render_html(wide)).text


@pytest.mark.parametrize("payload", PAYLOADS[::4])
def test_hostile_names_and_labels_never_become_markup(payload: str) -> None:
    of = poisoned(payload, small())
    assert not foreign_kinds(render_markdown(of))
    page, allowed = PageReader(render_html(of)), harmless()
    assert set(page.tags) <= set(allowed.tags) | {"ins", "del"}
    assert page.attributes <= allowed.attributes
    assert page.classes <= allowed.classes


@pytest.mark.parametrize("make", PARTIAL, ids=lambda make: make.__name__)
def test_a_partial_job_with_parts_renders(make: object) -> None:
    assert callable(make)
    of = make()
    of = replace(of, runs={name: with_parts(run) for name, run in of.runs.items()})
    for text in (render_markdown(of), render_html(of)):
        assert "None" not in text


def test_all_metrics_of_the_leader_are_told_where_nothing_was_sealed() -> None:
    shut = replace(job(), leader_test=None, adapter_test=None)
    view = summed_view(shut)
    assert view is not None
    (scores,) = [table for table in view.tables if table.caption.startswith("Scores by metric")]
    leader = leader_run(shut)
    assert leader is not None
    assert {row[0].text for row in scores.rows} == set(leader.results[0].scores)
    assert "Scores by metric" in render_markdown(shut)
    assert "Scores by metric" not in render_markdown(job())
