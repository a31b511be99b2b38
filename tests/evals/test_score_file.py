"""Files of scores: what is accepted, and one clear error for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals import score_file
from evals.errors import RecordError
from evals.score_file import read_scores


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "scores.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_numbers_booleans_clusters_and_stated_errors_are_read_in_order(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '\ufeff{"id": "b", "score": true, "model": "x"}\n\n'
        '{"id": 7, "score": 0.25, "cluster": "acme"}\r\n'
        '{"id": "z", "error": "timeout"}\n{"id": "y", "score": null, "error": "refused"}',
    )
    found = read_scores(path)
    assert list(found.scores.items()) == [("b", 1.0), ("7", 0.25)]
    assert found.clusters == {"7": "acme"}
    assert found.errors == ("z", "y")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", "malformed JSON"),
        ('{"id": "b", "score": 0, "score": 1}', "the key 'score' stands twice"),
        ('{"id": "b", "score": 1, "error": "timeout"}', "both a score and an error"),
        ('{"id": "b", "score": 1', "malformed JSON"),
        ("[1, 2]", "a JSON list"),
        ('{"score": 1}', "no id"),
        ('{"id": null, "score": 1}', "id is null"),
        ('{"id": "", "score": 1}', 'id is ""'),
        ('{"id": true, "score": 1}', "id is true"),
        ('{"id": "a", "score": 1}', "already used on line 1"),
        ('{"id": "b"}', "no score"),
        ('{"id": "b", "score": NaN}', "score is NaN"),
        ('{"id": "b", "score": Infinity}', "score is Infinity"),
        ('{"id": "b", "score": 1e999}', "score is Infinity"),
        ('{"id": "b", "score": 1.01}', "score is 1.01"),
        ('{"id": "b", "score": -0.5}', "score is -0.5"),
        ('{"id": "b", "score": "0.5"}', 'score is "0.5", not a number'),
        ('{"id": "b", "score": null}', "score is null, not a number"),
        ('{"id": "b", "score": [1]}', "not a number"),
        ('{"id": "b", "score": 1' + "0" * 400 + "}", "scores lie between"),
        ('{"id": "b", "score": 1' + "0" * 5000 + "}", "malformed JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"id": "b", "score": 1, "cluster": {}}', "cluster is {}"),
        (b'{"id": "\xff\xfe", "score": 1}', "not UTF-8"),
    ],
)
def test_a_bad_line_is_one_error_with_file_and_line(tmp_path: Path, line, message: str) -> None:
    raw = line if isinstance(line, bytes) else line.encode()
    path = write(tmp_path, b'{"id": "a", "score": 1}\n\n' + raw + b"\n")
    with pytest.raises(RecordError, match="expected a line like") as caught:
        read_scores(path)
    assert message in caught.value.message
    assert len(caught.value.message) < 200
    assert caught.value.line == 3
    assert str(caught.value).startswith(f"{path}:3: ")


@pytest.mark.parametrize("content", ["", "\n\n  \n"])
def test_a_file_without_scores_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(RecordError, match="holds no scores"):
        read_scores(write(tmp_path, content))


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot read scores"):
        read_scores(tmp_path / "none.jsonl")
    with pytest.raises(RecordError, match="cannot read scores"):
        read_scores(tmp_path)


def test_of_ids_used_twice_the_first_line_is_named_also_past_blank_lines(tmp_path: Path) -> None:
    lines = ['{"id": "a", "score": 1}', "", '{"id": "b", "error": "x"}', '{"id": "b", "score": 1}']
    with pytest.raises(RecordError, match="already used on line 3") as caught:
        read_scores(write(tmp_path, "\n".join(lines)))
    assert caught.value.line == 4


def test_every_end_of_a_line_counts_as_one(tmp_path: Path) -> None:
    text = '{"id": "a", "score": 1}\r{"id": "b", "score": 1}\r\n\n{"id": "c"}\n'
    with pytest.raises(RecordError, match="no score") as caught:
        read_scores(write(tmp_path, text))
    assert caught.value.line == 4


def test_a_key_that_stands_twice_is_found_beside_escaped_and_nested_text(tmp_path: Path) -> None:
    for line in (
        r'{"id": "b", "note": "\u0022", "id": "c", "score": 1}',
        r'{"id": "b", "note": "say \"id\"", "score": 1, "score": 1}',
        '{"id": "b", "more": {"x": 1, "x": 2}, "score": 1}',
        r'{"id": "b", "\u0069d": "c", "score": 1}',
    ):
        with pytest.raises(RecordError, match="stands twice"):
            read_scores(write(tmp_path, line))


def outcome(path: Path) -> object:
    try:
        return read_scores(path)
    except RecordError as error:
        return str(error)


hostile = st.sampled_from(
    [
        *('{"id":', '"a"', '"b"', "7", "1.0", "-0", "01", ',"score":', '"score"', ":", ",", "}"),
        *("1", "0.5", "true", "null", "NaN", '"x\\u0022"', '"\\ud800"', '"\\"', "[", "]", "{}"),
        *(',"cluster":', ',"error":', '"k"', "\n", "\r", " ", "\t", "\x00", "\ufeff", '""', "é"),
        *('{"id":"a","score":1}', '{"id":"c","score":0.25,"cluster":"k"}\n', "1e999", "9" * 30),
    ]
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(hostile, max_size=14))
def test_any_text_is_read_or_refused_as_by_the_strict_reader_alone(
    tmp_path: Path, parts: list[str]
) -> None:
    path = write(tmp_path, "".join(parts))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(score_file, "_each_key_once", lambda *_: False)
        strict = outcome(path)
    assert outcome(path) == strict
