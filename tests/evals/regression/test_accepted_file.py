from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import RecordError
from evals.regression.accepted_file import (
    accepted_text,
    parse_accepted,
    read_accepted,
    write_accepted,
)
from tests.evals.regression.tables import baseline, definition, table

ACCEPTED = baseline(table([1.0, 0.0, None, 0.25]))


def edited(change: Any) -> str:
    document = json.loads(accepted_text(ACCEPTED))
    change(document)
    return json.dumps(document)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "accepted.json"
    assert read_accepted(path) is None
    write_accepted(path, ACCEPTED)
    assert read_accepted(path) == ACCEPTED


@given(
    scores=st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=20),
    why=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    marked=st.booleans(),
)
def test_any_baseline_survives_the_file(scores, why, marked) -> None:
    cases = table(scores)
    gate = definition(cases, must_pass=["c0"] if marked else [])
    accepted = baseline(cases, why=why, definition=gate)
    text = accepted_text(accepted)
    assert text.isascii()
    assert parse_accepted(text, "accepted.json") == accepted


def test_a_changed_case_is_one_changed_line() -> None:
    before = accepted_text(baseline(table([1.0] * 9))).splitlines()
    after = accepted_text(baseline(table([1.0] * 8 + [0.0]))).splitlines()
    changed = [line for line in after if line not in before]
    assert len(changed) == 2  # the case, and the mean at the top
    assert changed[1].lstrip().startswith('"c8":')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format=2), "expected format 1, found 2"),
        (lambda d: d.pop("cases"), "not a baseline"),
        (lambda d: d.update(cases={}), "holds no cases"),
        (lambda d: d["cases"]["c1"]["scores"].update(accuracy=1), "edited by hand"),
        (lambda d: d["cases"]["c1"]["scores"].update(accuracy=1.5), "outside 0 to 1"),
        (lambda d: d["cases"]["c1"].update(scores={}), "does not have a score of every metric"),
        (lambda d: d["rules"].pop("ci.max_loss"), "rules are incomplete"),
        (lambda d: d["rules"].update({"ci.max_loss": 5}), "no share"),
        (lambda d: d["rules"].update({"ci.split": "prod"}), "rules"),
        (lambda d: d.update(primary="tone"), "none of its metrics"),
        (lambda d: d["candidate"].update(adapter_path="../../x"), "outside the suite"),
        (lambda d: d["candidate"].update(adapter_path="/x"), "outside the suite"),
        (lambda d: d["candidate"].update(few_shot=-1), "impossible number"),
        (lambda d: d["candidate"].pop("model"), "not a baseline"),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(change, said) -> None:
    with pytest.raises(RecordError, match=said) as caught:
        parse_accepted(edited(change), "suites/x/accepted.json")
    assert caught.value.path == "suites/x/accepted.json"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', "[" * 100_000])
def test_a_file_that_is_damaged_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_accepted(text, "accepted.json")
    assert caught.value.path == "accepted.json"


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "accepted.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match="not UTF-8"):
        read_accepted(tmp_path / "accepted.json")
