"""What the machine does wrong: unwritable places, full disks, damaged and read-only ledgers."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.ledger import FILE_NAME, Ledger
from tests.sample_suite import PROMPTS, write_suite
from tests.tunegate.command_line import CommandLine, call_in, interrupt, start
from tests.tunegate.scenes import KNOWN, write_model
from tests.unprivileged import make_read_only, open_folder, unprivileged
from tunegate.cli.failures import as_deliberate
from tunegate.cli.output import write_whole

MODEL = ("--model", "scripted:model.json")
LEDGER = Path(".tunegate") / FILE_NAME


@pytest.fixture
def scene(tunegate: CommandLine) -> Path:
    write_model(Path("model.json"))
    return write_suite(Path("tickets"))


@pytest.fixture
def evaluated(scene: Path, tunegate: CommandLine) -> Path:
    assert tunegate("eval", scene, *MODEL).code == 0
    return scene


@pytest.mark.parametrize("command", ["runs", "gate", "eval", "run", "show"])
def test_a_damaged_ledger_is_named_and_not_a_crash(
    command: str, evaluated: Path, tunegate: CommandLine
) -> None:
    arguments = {"runs": [], "show": ["tickets-dev"]}.get(command, ["tickets", *MODEL])
    body = bytearray(LEDGER.read_bytes())
    pages = len(body) // 4096
    for page in range(pages // 2, pages):  # the first ones stay, so that it still opens
        body[page * 4096 : page * 4096 + 2048] = b"\xff" * 2048
    LEDGER.write_bytes(bytes(body))
    told = tunegate(command, *arguments)
    assert told.code == 2, told
    assert str(LEDGER) in told.err
    assert "damaged" in told.err
    assert told.out == ""


def stored_run(tunegate: CommandLine) -> str:
    """The id of the one stored run, read before it is damaged."""
    (run,) = tunegate("runs", "--json").document
    return str(run["id"])


def alter(table: str, change: Callable[[Any], Any], where: str = "true") -> None:
    """Change the stored records of a table, as JSON values or as whole texts."""
    db = sqlite3.connect(LEDGER)
    key = "id" if table == "runs" else "position"
    for number, body in db.execute(f"select {key}, body from {table} where {where}").fetchall():
        changed = change(json.loads(body))
        text = changed if isinstance(changed, str | bytes) else json.dumps(changed)
        db.execute(f"update {table} set body = ? where {key} = ?", (text, number))
    db.commit()
    db.close()


def with_score(result: dict[str, Any], value: float) -> dict[str, Any]:
    return result | {"scores": {"accuracy": {"value": value}}}


def with_temperature(run: dict[str, Any]) -> dict[str, Any]:
    decoding = run["candidate"]["decoding"] | {"temperature": float("inf")}
    return run | {"candidate": run["candidate"] | {"decoding": decoding}}


DAMAGE: list[tuple[str, Callable[[Any], Any], str]] = [
    ("results", lambda _: '{"case_id": 7}', "CaseResult is damaged"),
    ("results", lambda _: "{", "CaseResult is damaged"),
    ("results", lambda _: "", "CaseResult is damaged"),
    ("results", lambda _: b"\xff\xfe\x00", "CaseResult is damaged"),
    ("results", lambda _: "[" * 100_000, "CaseResult is damaged"),
    ("results", lambda result: result | {"scores": {}}, "no score accuracy"),
    ("results", lambda result: with_score(result, float("nan")), "outside 0 to 1"),
    ("results", lambda result: with_score(result, 1.5), "outside 0 to 1"),
    ("results", lambda result: result | {"case_id": "dev-0001"}, "two results of one case"),
    ("runs", lambda run: run | {"primary": "speed"}, "no score speed"),
    ("runs", lambda run: run | {"candidate": None}, "Run is damaged"),
    ("runs", with_temperature, "not JSON compliant"),
    ("runs", lambda run: run | {"format": 2}, "has format 2, this version reads format 1"),
]


@pytest.mark.parametrize("command", ["runs", "show", "show case", "gate", "report", "compare"])
@pytest.mark.parametrize(("table", "change", "said"), DAMAGE)
def test_a_damaged_record_is_one_error_to_every_command_that_reads_it(
    command: str,
    table: str,
    change: Callable[[Any], Any],
    said: str,
    judged: str,
    tunegate: CommandLine,
) -> None:
    alter(table, change, "position = 3" if table == "results" else "true")
    arguments = {
        "runs": ["runs"],
        "show": ["show", judged],
        "show case": ["show", judged, "dev-0000"],
        "gate": ["gate", "tickets", *MODEL],
        "report": ["report", "tickets", *MODEL],
        "compare": ["compare", judged, judged],
    }[command]
    told = tunegate(*arguments, "--json")
    assert told.code == told.document["error"]["exit_code"] == 2
    assert said in told.document["error"]["message"]
    assert not Path("tickets-report.html").exists()


@pytest.fixture(scope="module")
def judged_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a job of one prompt ended with its verdict."""
    folder = tmp_path_factory.mktemp("judged")
    write_model(folder / "model.json")
    write_suite(
        folder / "tickets",
        sizes={"dev": 12},
        extra="rounds: [{family: wording, prompts: [terse]}]\n",
        prompts={"terse": PROMPTS["terse"]},
    )
    assert call_in(folder, "run", "tickets", *MODEL).code in {0, 3}
    return folder


@pytest.fixture
def judged(judged_once: Path, tunegate: CommandLine) -> str:
    """A copy of that folder to work in; the id of its run."""
    shutil.copytree(judged_once, Path(), dirs_exist_ok=True)
    Path("tickets-report.html").unlink()
    return stored_run(tunegate)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("command", ["runs", "show", "report", "gate"])
def test_a_ledger_cut_short_is_named(
    command: str, share: float, judged: str, tunegate: CommandLine
) -> None:
    body = LEDGER.read_bytes()
    LEDGER.write_bytes(body[: int(share * len(body))])
    arguments = {"runs": [], "show": [judged]}.get(command, ["tickets", *MODEL])
    told = tunegate(command, *arguments)
    assert (told.code, told.out) == (2, "")
    assert str(LEDGER) in told.err
    assert "malformed" in told.err


def test_a_file_that_is_no_ledger_is_never_overwritten(scene: Path, tunegate: CommandLine) -> None:
    LEDGER.parent.mkdir()
    LEDGER.write_text("my notes, for lack of a better place, long enough to be looked at\n" * 40)
    told = tunegate("eval", scene, *MODEL)
    assert told.code == 2
    assert "move the file away" in told.err
    assert LEDGER.read_text().startswith("my notes")


def test_a_ledger_of_a_later_version_is_refused(evaluated: Path, tunegate: CommandLine) -> None:
    with sqlite3.connect(LEDGER) as db:
        db.execute("update meta set value = '9' where key = 'format'")
    db.close()
    assert "format 9" in tunegate("runs").err


def test_a_ledger_that_may_not_be_written_can_be_read_by_every_command_that_runs_nothing(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_folder() as folder:
        monkeypatch.chdir(folder)
        write_model(Path("model.json"))
        write_suite(Path("tickets"))
        assert tunegate("run", "tickets", *MODEL).code in {0, 3}
        (one, other, *_) = [run["id"] for run in tunegate("runs", "--json").document]
        commands = (
            ["runs"],
            ["show", one],
            ["show", one, "dev-0000"],
            ["compare", one, other],
            ["gate", "tickets", *MODEL],
            ["report", "tickets", *MODEL, "-o", "out/report.html"],
        )
        Path("out").mkdir()
        Path("out").chmod(0o777)
        before = [tunegate(*command).without_steps for command in commands]
        Path("out/report.html").unlink()
        make_read_only(LEDGER.parent)
        with unprivileged():
            after = [tunegate(*command).without_steps for command in commands]
            refused = tunegate("eval", "tickets", *MODEL)
        assert after == before
        assert {told.code for told in after} <= {0, 3}
        assert (refused.code, refused.out) == (2, "")
        assert ".tunegate" in refused.err


@pytest.mark.parametrize("place", ["notes", "notes/deeper", f"store/{FILE_NAME}"])
@pytest.mark.parametrize("command", ["runs", "gate", "report", "show", "compare", "eval", "run"])
def test_a_file_named_as_the_ledgers_folder_is_refused(
    command: str, place: str, scene: Path, tunegate: CommandLine
) -> None:
    Path("notes").write_text("mine")
    Ledger(Path("store")).close()
    arguments = {"runs": [], "show": ["a"], "compare": ["a", "b"]}
    told = tunegate(command, *arguments.get(command, ["tickets", *MODEL]), "--ledger", place)
    assert (told.code, told.out) == (2, "")
    assert "expected a folder of stored runs, found a file" in told.err
    if FILE_NAME in place:
        assert "name the folder it is in: store" in " ".join(told.err.split())


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_infrastructure_and_the_work_is_kept(
    scene: Path, tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        told = tunegate("run", scene, *MODEL)
    assert told.code == 4
    assert "No space left on device" in told.err
    assert not list(Path().glob(".report-*"))
    assert not Path("tickets-report.html").exists()
    assert tunegate("runs").code == 0


def test_a_full_disk_under_the_ledger_is_infrastructure(
    scene: Path, tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Ledger, "store_batches", store)
    told = tunegate("eval", scene, *MODEL, "--json")
    assert told.code == told.document["error"]["exit_code"] == 4
    assert told.document["error"]["path"] == str(LEDGER)
    assert "free some room" in told.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "x"), 2),
        (OSError(errno.EROFS, "Read-only file system", "x"), 2),
        (OSError(errno.EIO, "Input/output error", "x"), 4),
        (sqlite3.OperationalError("attempt to write a readonly database"), 2),
        (sqlite3.OperationalError("disk I/O error"), 4),
        (sqlite3.DatabaseError("database disk image is malformed"), 2),
    ],
)
def test_each_failure_has_its_exit_code(error: OSError | sqlite3.DatabaseError, code: int) -> None:
    told = as_deliberate(error, Path("ledger"))
    assert told.exit_code == code
    assert told.path in {"x", str(Path("ledger") / FILE_NAME)}
    assert told.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("command", ["eval", "run"])
def test_folders_that_may_not_be_written_are_named(
    command: str, scene: Path, tunegate: CommandLine
) -> None:
    shut = Path("shut")
    shut.mkdir(mode=0o500)
    told = tunegate(command, scene, *MODEL, "--ledger", shut)
    assert told.code == 2
    assert "shut" in told.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_that_may_not_be_written_is_refused_before_any_work(
    scene: Path, tunegate: CommandLine
) -> None:
    Path("shut").mkdir(mode=0o500)
    told = tunegate("run", scene, *MODEL, "-o", "shut/report.html")
    assert told.code == 2
    assert "shut cannot be written" in told.err
    assert not Path(".tunegate").exists()


def test_a_report_goes_through_a_pipe_or_device_and_never_replaces_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, "a report")
    assert os.read(reader, 100) == b"a report"
    os.close(reader)
    assert pipe.is_fifo()


def test_a_report_replaces_the_last_one_whole_and_keeps_a_link(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "report.html", "one")
    write_whole(tmp_path / "deep" / "report.html", "two")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]
    assert (tmp_path / "deep" / "report.html").read_text() == "two"


def test_an_edited_suite_between_runs_is_judged_anew(scene: Path, tunegate: CommandLine) -> None:
    assert tunegate("run", scene, *MODEL).code == 0
    before = tunegate("gate", scene, *MODEL, "--json").document
    prompt = scene / "prompts" / "terse.j2"
    prompt.write_text(prompt.read_text().replace("Route.", "Route it."))
    after = tunegate("gate", scene, *MODEL, "--json").document
    # What no longer reads the same is gone; the rest still stands.
    labels = {trial["label"] for trial in after["trials"]}
    assert labels == {t["label"] for t in before["trials"] if not t["label"].startswith("terse")}
    assert tunegate("run", scene, *MODEL).code == 0
    again = tunegate("gate", scene, *MODEL, "--json").document
    assert {t["label"] for t in again["trials"]} == {t["label"] for t in before["trials"]}
    assert {t["run_id"] for t in again["trials"]} != {t["run_id"] for t in before["trials"]}


def test_an_interrupt_ends_with_130(tmp_path: Path) -> None:
    write_suite(tmp_path / "tickets", sizes={"train": 30, "dev": 2000, "test": 60})
    write_model(tmp_path / "model.json", KNOWN, batch_size=1)
    process = start(tmp_path, "eval", "tickets", *MODEL)
    try:
        assert process.stderr is not None
        while not process.stderr.readline().startswith(b"tickets dev: terse"):
            assert process.poll() is None
    finally:
        interrupt(process)


@pytest.mark.parametrize("command", ["data", "run"])
def test_a_full_disk_names_the_file_and_promises_to_go_on_only_where_that_is_true(
    command: str, scene: Path, tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(scene)
    write_suite(scene, extra="tune: {prompt: terse, min_examples: 20}\n")
    monkeypatch.setattr(os, "fsync", full)
    told = tunegate(command, scene, *MODEL, "-o", "out")
    assert told.code == 4
    assert "out: No space left on device (free some room" in told.err
    assert ("goes on where it was" in told.err) == (command == "run")
    assert not list(Path().glob("*out*"))


@pytest.mark.parametrize(
    ("words", "resumes"),
    [
        (["data", "tickets"], False),
        (["data", "tickets", "--sample", "2", "-o", "x"], True),
        (["eval", "tickets"], True),
        (["eval", "tickets", "--rescore"], False),
        (["compare", "a", "b"], False),
    ],
)
def test_an_interrupt_promises_to_go_on_only_where_that_is_true(
    words: list[str],
    resumes: bool,
    scene: Path,
    tunegate: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_options: Any) -> None:
        raise KeyboardInterrupt

    assert scene
    monkeypatch.setattr("tunegate.cli.refuse_overwriting", interrupt)
    told = tunegate(*words)
    assert told.code == 130
    assert "interrupted" in told.err
    assert ("goes on where it was" in told.err) == resumes
