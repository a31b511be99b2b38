"""Plain JSONL and CSV: what is read, and one clear error with its line for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import RecordError
from evals.imports import Fields, ImportedCase, ImportedResults, read_results


def read(tmp_path: Path, name: str, text: str | bytes, **fields: object) -> ImportedResults:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (found,) = read_results(path, fields=Fields(**fields))  # type: ignore[arg-type]
    return found


def test_jsonl_keeps_scores_outputs_clusters_and_errors_in_order(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "mine.jsonl",
        '\ufeff{"id": "b", "score": true, "output": "x", "input": {"q": "1"}, "expected": [1]}\n\n'
        '{"id": 7, "score": 0.25, "cluster": "acme", "output": {"a": 1}, "input": "how"}\r\n'
        '{"id": "z", "error": "timeout", "input": NaN}',
    )
    assert found.candidate == "mine"
    assert found.cases == (
        ImportedCase("b", {"score": 1.0}, "x", {"q": "1"}, [1], line=1),
        ImportedCase("7", {"score": 0.25}, '{"a": 1}', {"text": "how"}, cluster="acme", line=3),
        ImportedCase("z", {}, input={"text": "nan"}, error="timeout", line=4),
    )


def test_several_metrics_stand_under_scores(tmp_path: Path) -> None:
    found = read(tmp_path, "a.jsonl", '{"id": "a", "scores": {"right": 1, "short": 0.5}}\n')
    assert found.cases[0].scores == {"right": 1.0, "short": 0.5}


def test_csv_is_read_with_any_usual_delimiter_and_named_columns(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "t.csv",
        'case;right;short;said;why\r\na;TRUE;0,5;"two\nlines";\r\nb;;;;timed out\r\n'.replace(
            "0,5", "0.5"
        ),
        id="case",
        scores=("right", "short"),
        output="said",
        error="why",
    )
    assert found.primary == "right"
    assert found.cases == (
        ImportedCase("a", {"right": 1.0, "short": 0.5}, "two\nlines", line=3),
        ImportedCase("b", {}, error="timed out", line=4),
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "b", "score": 1', "not valid JSON"),
        ('{"id": "b", "score": 1, "score": 0}', "key 'score' appears twice"),
        ('{"id": "a", "score": 1}', "id 'a' appears twice, first on line 1"),
        ('{"id": "b", "score": 1, "error": "x"}', "both a score and an error"),
        ('{"id": "b"}', "no score, and no error"),
        ('{"id": "b", "score": "1"}', "not a number"),
        ('{"id": "b", "score": 1.5}', "scores lie between 0 and 1"),
        ('{"id": "b", "score": NaN}', "scores lie between 0 and 1"),
        ('{"id": "b", "score": ' + "9" * 5000 + "}", "not valid JSON"),
        ('{"id": "b\\u0007", "score": 1}', "control character U+0007"),
        ('{"id": "\\ud800", "score": 1}', "control character U+D800"),
        ('{"id": "", "score": 1}', "is no name"),
        ('{"id": "' + "b" * 300 + '", "score": 1}', "is no name"),
        ('{"id": true, "score": 1}', "expected text or a whole number"),
        ('{"score": 1}', "no id"),
        ("[1]", "expected a JSON object"),
        ('{"id": "b", "score": 1, "input": ' + "[" * 100 + "]" * 100 + "}", "nested deeper"),
        ('{"id": "b", "score": 1, "input": ' + "[" * 100_000, "nested too deeply"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(RecordError) as caught:
        read(tmp_path, "a.jsonl", '{"id": "a", "score": 0}\n' + line + "\n")
    assert message in str(caught.value)
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id,score\na,x\n", "not a number"),
        ("id,score\na,\n", "no score"),
        ("id,score\na,nan\n", "scores lie between 0 and 1"),
        ("id,score\na,1,2\n", "3 cells under 2 columns"),
        ('id,score\n"a"b,1\n', "not a table"),
        ("id,score,id\na,1,b\n", "column 'id' appears twice"),
        ("id,score\na,1\0\n", "NUL"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        read(tmp_path, "a.csv", table)


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="not valid UTF-8: byte 0xff") as caught:
        read(tmp_path, "a.jsonl", b'{"id": "a", "score": 0}\n{"id": "\xff", "score": 1}\n')
    assert caught.value.line == 2


SIDE_BY_SIDE = (
    '{"id": "a", "q": {"text": "1+1"}, "small": {"ok": true, "said": "2"}, "large": {"ok": 0}}\n'
)


def test_a_name_with_dots_leads_into_objects(tmp_path: Path) -> None:
    small = read(tmp_path, "s.jsonl", SIDE_BY_SIDE, scores=("small.ok",), output="small.said")
    large = read(tmp_path, "l.jsonl", SIDE_BY_SIDE, scores=("large.ok",), input="q.text")
    assert small.cases == (ImportedCase("a", {"ok": 1.0}, "2", line=1),)
    assert large.cases == (ImportedCase("a", {"ok": 0.0}, input={"text": "1+1"}, line=1),)


def test_a_key_that_holds_dots_itself_is_that_key(tmp_path: Path) -> None:
    found = read(tmp_path, "a.jsonl", '{"id": "a", "m.ok": 1, "m": {"ok": 0}}\n', scores=("m.ok",))
    assert found.cases[0].scores == {"m.ok": 1.0}


def test_several_dotted_scores_are_metrics_by_their_last_part(tmp_path: Path) -> None:
    text = '{"id": "a", "m": {"ok": 1, "short": 0.5}, "scores": {"own": 0}}\n'
    found = read(tmp_path, "a.jsonl", text, scores=("m.short", "m.ok"))
    assert found.cases[0].scores == {"own": 0.0, "short": 0.5, "ok": 1.0}
    assert found.primary == "short"


def test_keys_that_hold_dots_themselves_do_not_collide(tmp_path: Path) -> None:
    text = '{"id": "a", "a.score": 1, "b.score": 0}\n'
    found = read(tmp_path, "a.jsonl", text, scores=("a.score", "b.score"))
    assert found.cases[0].scores == {"a.score": 1.0, "b.score": 0.0}


def test_an_id_may_have_dots_too(tmp_path: Path) -> None:
    text = '{"doc": {"id": "a"}, "m": {"score": 1}}\n{"doc": {"id": "b"}, "m": {"score": 0}}\n'
    found = read(tmp_path, "a.jsonl", text, id="doc.id", scores=("m.score",))
    assert [case.id for case in found.cases] == ["a", "b"]


def test_a_dotted_score_replaces_none_of_the_same_name(tmp_path: Path) -> None:
    text = '{"id": "a", "m": {"ok": 1}, "scores": {"ok": 0}}\n'
    with pytest.raises(RecordError, match="two scores would be called 'ok'"):
        read(tmp_path, "a.jsonl", text, scores=("m.ok",))


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (("small.nothing",), "no score, and no error that says why"),
        (("small.said.deep",), "no score, and no error that says why"),
        (("small.said",), "the score is .*, not a number"),
        (("small.ok", "large.ok"), "two scores would be called 'ok'"),
    ],
)
def test_dotted_names_that_lead_nowhere_or_collide_are_refused(
    tmp_path: Path, scores: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RecordError, match=message):
        read(tmp_path, "a.jsonl", SIDE_BY_SIDE, scores=scores)
