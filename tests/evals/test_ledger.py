from __future__ import annotations

import stat

import pytest

from evals.codec import decode, encode
from evals.errors import RecordError
from evals.ledger import Ledger
from evals.records import Case, Output, Run

HOSTILE = "\ud800 \x00 \x1b[31m <script> \u202e \U0001f600"


def test_what_is_stored_survives_closing_the_file(tmp_path):
    ledger = Ledger(tmp_path / "store")
    outputs = [Output(HOSTILE, "stop", 3, 2, 0.5), Output("b", "length", logprobs=(-1.5, -2.0))]
    ledger.store_batch("key", outputs, 1.25)
    ledger.close()
    assert Ledger(tmp_path / "store").batch("key") == (outputs, 1.25)


def test_a_batch_that_was_never_finished_is_not_there(tmp_path):
    ledger = Ledger(tmp_path)
    outputs = [Output("a", "stop"), object()]
    with pytest.raises(TypeError):
        ledger.store_batch("half", outputs, 1.0)
    assert ledger.batch("half") is None


def test_only_the_owner_can_read_it_and_git_ignores_it(tmp_path):
    ledger = Ledger(tmp_path / "store")
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ledger.folder.stat().st_mode) == 0o700
    assert (ledger.folder / ".gitignore").read_text() == "*\n"


def test_a_file_that_is_no_ledger_is_one_clear_error(tmp_path):
    (tmp_path / "ledger.sqlite3").write_text("not a database, but long enough to look at" * 20)
    with pytest.raises(RecordError, match=r"ledger\.sqlite3.*move the file away"):
        Ledger(tmp_path)


def test_a_ledger_of_another_format_is_refused(tmp_path):
    ledger = Ledger(tmp_path)
    ledger._db.execute("update meta set value = '99' where key = 'format'")
    ledger.close()
    with pytest.raises(RecordError, match="format 99"):
        Ledger(tmp_path)


def test_an_unknown_run_and_an_ambiguous_beginning_are_refused(tmp_path):
    ledger = Ledger(tmp_path)
    with pytest.raises(RecordError, match="no stored run is named 'x'"):
        ledger.run("x")


def test_a_record_that_does_not_fit_its_type_is_refused():
    with pytest.raises(RecordError, match="stored Run is damaged"):
        decode('{"id": 5}', Run)
    with pytest.raises(RecordError, match="stored Case is damaged"):
        decode("{", Case)


def test_a_case_with_nested_input_comes_back_equal():
    case = Case(
        "a", {"text": HOSTILE, "n": [1, {"x": None}]}, {"k": 2}, "yes", "dev", "c", ("a", "b")
    )
    back = decode(encode(case), Case)
    assert back == case
    assert back.fingerprint == case.fingerprint
