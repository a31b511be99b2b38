"""Samples that lm-evaluation-harness really wrote, and broken ones."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from evals.errors import RecordError
from evals.imports import read_results
from tests.evals.imports.result_files import CHOICE, QA, STAMP, lines, only, write_lines


def test_documents_become_cases_with_a_metric_for_each_filter() -> None:
    found = only(QA)
    assert [case.id for case in found.cases] == ["0", "1", "2", "3", "4", "5"]
    assert found.primary == "exact_match,strict"
    first = found.cases[0]
    assert set(first.scores) == {"exact_match,strict", "exact_match,first-word"}
    assert first.input["question"] == "What colour is the sky on a clear day?"
    assert first.expected == "blue"
    assert first.output == " The sky on a clear day is a brilliant blue color."
    # As `exact_match,first-word` in the harness's own results file:
    assert sum(case.scores["exact_match,first-word"] for case in found.cases) / 6 == 1 / 6


def test_the_likeliest_option_is_the_output_of_a_choice() -> None:
    found = only(CHOICE)
    assert found.cases[0].choices == ("green", "blue", "red")
    assert [case.output for case in found.cases[:3]] == ["blue", "8", "Paris"]
    assert sum(case.scores["acc"] for case in found.cases) / 6 == pytest.approx(5 / 6)


def test_the_model_comes_from_the_results_beside_and_else_from_the_folder(tmp_path: Path) -> None:
    assert (only(QA).model, only(QA).candidate) == ("smollm2-135m", "smollm2-135m: small_qa")
    assert only(QA).created == "2026-11-22T07:58:31"
    folder = tmp_path / "some-model"
    folder.mkdir()
    shutil.copy(QA, folder)
    alone = only(folder / QA.name)
    assert alone.model == "some-model"
    assert alone.settings != only(QA).settings


def test_a_metric_that_is_no_number_is_not_taken_for_one(tmp_path: Path) -> None:
    row = lines(QA)[0] | {"metrics": ["ppl"], "ppl": [-3.2, 7]}
    assert math.isnan(only(write_lines(tmp_path / "a.jsonl", [row])).cases[0].scores["ppl,strict"])


def test_a_document_twice_under_one_filter_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [lines(QA)[0], lines(QA)[0]])
    with pytest.raises(RecordError, match="document 0 appears twice under filter 'strict'"):
        read_results(path)


def test_the_results_file_itself_is_answered_with_what_to_name_instead() -> None:
    with pytest.raises(RecordError, match="samples_<task>_<date>"):
        read_results(QA.with_name(f"results_{STAMP}.json"))
