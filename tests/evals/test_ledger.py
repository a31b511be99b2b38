from __future__ import annotations

import shutil
import sqlite3
import stat

import pytest

from evals.codec import decode, encode
from evals.errors import NothingRunError, RecordError, UsageError
from evals.ledger import FILE_NAME, Ledger, StoredBatch
from evals.records import Case, Output, Run
from tests.unprivileged import make_read_only, open_folder, unprivileged

HOSTILE = "\ud800 \x00 \x1b[31m <script> \u202e \U0001f600"


def test_what_is_stored_survives_closing_the_file(tmp_path):
    ledger = Ledger(tmp_path / "store")
    outputs = [Output(HOSTILE, "stop", 3, 2, 0.5), Output("b", "length", logprobs=(-1.5, -2.0))]
    ledger.store_batches([StoredBatch("key", outputs, 1.25)])
    ledger.close()
    assert Ledger(tmp_path / "store").batch("key") == (outputs, 1.25)


def test_a_batch_that_was_never_finished_is_not_there(tmp_path):
    ledger = Ledger(tmp_path)
    outputs = [Output("a", "stop"), object()]
    with pytest.raises(TypeError):
        ledger.store_batches([StoredBatch("half", outputs, 1.0)])
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


def test_a_name_of_bytes_in_a_damaged_file_is_one_clear_error(tmp_path):
    Ledger(tmp_path).close()
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(path.read_bytes().replace(b"tablebatches", b"tableb\xfftches"))
    for read_only in (False, True):
        with pytest.raises(RecordError, match=r"ledger\.sqlite3.*cannot be opened"):
            Ledger(tmp_path, read_only=read_only)


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


@pytest.mark.parametrize(
    "body", ["[" * 100_000, b"\xff\xfe{\x00}", b"\x80abc", "5", "null", "", '{"id": "a"}\x00']
)
def test_no_text_can_break_the_decoding_of_a_record(body):
    with pytest.raises(RecordError, match="stored Run is damaged"):
        decode(body, Run)


def test_a_case_with_nested_input_comes_back_equal():
    case = Case(
        "a", {"text": HOSTILE, "n": [1, {"x": None}]}, {"k": 2}, "yes", "dev", "c", ("a", "b")
    )
    back = decode(encode(case), Case)
    assert back == case
    assert back.fingerprint == case.fingerprint


@pytest.fixture
def reachable():
    with open_folder() as folder:
        yield folder


OUTPUTS = [Output("a", "stop")]


def stored(folder):
    ledger = Ledger(folder)
    ledger.store_batches([StoredBatch("key", OUTPUTS, 1.0)])
    ledger.close()
    return folder


def test_a_ledger_that_nobody_may_write_can_be_read(reachable):
    folder = stored(reachable / "ledger")
    make_read_only(folder)
    before = sorted(folder.iterdir())
    with unprivileged():
        ledger = Ledger(folder, read_only=True)
        assert ledger.batch("key") == (OUTPUTS, 1.0)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            ledger.store("kind", "key", {})
        ledger.close()
    assert sorted(folder.iterdir()) == before


def test_changes_that_are_not_merged_yet_are_never_passed_over(reachable):
    """SQLite cannot merge them where it may not write, and the file alone lacks them."""
    ledger = Ledger(reachable / "live")
    ledger.store_batches([StoredBatch("key", OUTPUTS, 1.0)])
    copy = reachable / "copy"
    copy.mkdir()
    for name in (FILE_NAME, FILE_NAME + "-wal"):
        shutil.copy(reachable / "live" / name, copy)
    ledger.close()
    make_read_only(copy)
    with unprivileged(), pytest.raises(RecordError, match=r"-wal file: copy both"):
        Ledger(copy, read_only=True)
    again = reachable / "again"
    shutil.copytree(copy, again)
    again.chmod(0o755)
    reader = Ledger(again, read_only=True)
    assert reader.batch("key") == (OUTPUTS, 1.0)
    reader.close()


def test_a_ledger_that_nobody_may_write_is_one_clear_error_to_who_would(reachable):
    make_read_only(stored(reachable / "ledger"))
    with unprivileged(), pytest.raises(RecordError, match=r"readonly.*may be read and written"):
        Ledger(reachable / "ledger")


def test_a_ledger_that_may_not_be_read_is_one_clear_error(reachable):
    folder = stored(reachable / "ledger")
    folder.chmod(0o755)
    (folder / FILE_NAME).chmod(0)
    with unprivileged(), pytest.raises(RecordError, match=r"may be read and written") as error:
        Ledger(folder, read_only=True)
    assert "move" not in str(error.value)


def test_reading_changes_nothing_and_leaves_nothing_behind(tmp_path):
    folder = stored(tmp_path / "ledger")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    ledger = Ledger(folder, read_only=True)
    assert ledger.batch("key") == (OUTPUTS, 1.0)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        ledger.store("kind", "key", {})
    ledger.close()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_what_is_written_while_it_is_read_is_seen(tmp_path):
    writer = Ledger(tmp_path)
    reader = Ledger(tmp_path, read_only=True)
    writer.store_batches([StoredBatch("key", OUTPUTS, 1.0)])
    assert reader.batch("key") == (OUTPUTS, 1.0)
    reader.close()
    writer.close()


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("inside", ["", "more", FILE_NAME])
def test_a_file_where_the_folder_should_be_is_one_clear_error(tmp_path, read_only, inside):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UsageError, match=r"notes: expected a folder.*found a file.*--ledger"):
        Ledger(tmp_path / "notes" / inside, read_only=read_only)


@pytest.mark.parametrize("read_only", [False, True])
def test_the_ledgers_file_in_place_of_its_folder_gets_the_folders_name(tmp_path, read_only):
    stored(tmp_path / "store")
    with pytest.raises(UsageError, match=r"name the folder it is in: .*store\)"):
        Ledger(tmp_path / "store" / FILE_NAME, read_only=read_only)


def test_a_file_in_which_nothing_was_stored_yet_is_nothing_run_to_a_reader(tmp_path):
    (tmp_path / FILE_NAME).touch()
    with pytest.raises(NothingRunError, match="nothing is stored"):
        Ledger(tmp_path, read_only=True)
    assert Ledger(tmp_path).runs() == []


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_of_another_program_is_left_alone(tmp_path, read_only):
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("create table bookmarks (url text)")
    db.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(RecordError, match="no ledger of tunegate"):
        Ledger(tmp_path, read_only=read_only)
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_cut_short_is_one_clear_error(tmp_path, read_only):
    whole = (stored(tmp_path / "whole") / FILE_NAME).read_bytes()
    (tmp_path / "cut").mkdir()
    for size in (50, 100, 1000, 4096, 5000, len(whole) - 4096):
        (tmp_path / "cut" / FILE_NAME).write_bytes(whole[:size])
        with pytest.raises(RecordError, match=r"malformed.*restore a copy, or move the file away"):
            Ledger(tmp_path / "cut", read_only=read_only)
