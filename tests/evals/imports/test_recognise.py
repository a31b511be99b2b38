"""The format is told from the content, whatever the file is called."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evals.errors import RecordError
from evals.imports import FORMATS, read_results
from tests.evals.imports.result_files import CHOICE, LETTERS, LETTERS_EVAL, PROMPTFOO, QA


@pytest.mark.parametrize(
    ("source", "format_name"),
    [
        (QA, "lm_eval"),
        (CHOICE, "lm_eval"),
        (LETTERS, "inspect"),
        (LETTERS_EVAL, "inspect"),
        (PROMPTFOO, "promptfoo"),
    ],
)
def test_real_files_are_recognised_under_any_name(
    tmp_path: Path, source: Path, format_name: str
) -> None:
    path = tmp_path / "results.csv"
    shutil.copy(source, path)
    assert {each.format for each in read_results(path)} == {format_name}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("source", [LETTERS, PROMPTFOO])
def test_documents_on_one_line_and_on_many_are_the_same(
    tmp_path: Path, source: Path, indent: int | None
) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(json.loads(source.read_text()), indent=indent))
    assert [each.cases for each in read_results(path)] == [
        each.cases for each in read_results(source)
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "a", "score": 1}',
        '{"id": "a", "score": 1}\n{"id": "b", "score": 0}',
        "id,score\na,1",
    ],
)
def test_plain_files_are_recognised_also_with_a_single_case(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a"
    path.write_text(text)
    assert read_results(path)[0].format == "plain"


@pytest.mark.parametrize("text", ["", "hello\n", "[1, 2]", '{"a": 1}', "a,b\n1,2\n", "\x00\x01"])
def test_what_is_not_recognised_is_refused_with_what_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a"
    path.write_text(text)
    with pytest.raises(RecordError) as caught:
        read_results(path)
    for name in FORMATS:
        assert name in str(caught.value)


def test_a_named_format_overrides_the_content_and_is_held_to() -> None:
    with pytest.raises(RecordError, match="not JSON of promptfoo"):
        read_results(LETTERS, "promptfoo")
    with pytest.raises(RecordError, match="not a log of Inspect"):
        read_results(PROMPTFOO, "inspect")
    assert read_results(QA, "lm_eval")[0].format == "lm_eval"


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no such file"):
        read_results(tmp_path / "none.json")
    with pytest.raises(RecordError, match="is a folder"):
        read_results(tmp_path)


def test_documents_nested_without_end_and_too_large_files_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"results": ' + "[" * 200_000)
    with pytest.raises(RecordError, match="nested too deeply"):
        read_results(path)
    for module in ("plain", "reading", "archive"):
        monkeypatch.setattr(f"evals.imports.{module}.MAX_FILE_BYTES", 1_000)
    for source in (QA, LETTERS, LETTERS_EVAL, PROMPTFOO):
        with pytest.raises(RecordError, match="the limit is 1000"):
            read_results(source)
