"""No command writes its output over what it reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sample_suite import write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model
from tunegate.cli.output import write_whole

SCORES = "".join(f'{{"id": "c{n}", "score": {n % 2}}}\n' for n in range(40))


@pytest.fixture
def scores(tunegate: CommandLine) -> tuple[Path, Path]:
    assert tunegate  # which is at work in a folder of its own
    for name in ("a.jsonl", "b.jsonl"):
        Path(name).write_text(SCORES)
    return Path("a.jsonl"), Path("b.jsonl")


@pytest.mark.parametrize("form", ["same", "absolute", "link", "hard link", "second"])
def test_compare_refuses_to_write_over_what_it_compares(
    form: str, scores: tuple[Path, Path], tunegate: CommandLine
) -> None:
    output = {"same": scores[0], "absolute": scores[0].resolve(), "second": scores[1]}.get(form)
    if output is None:
        output = Path("c.md")
        os.link(scores[0], output) if form == "hard link" else output.symlink_to(scores[0])
    told = tunegate("compare", *scores, "--markdown", output)
    assert told.code == 2
    assert told.err.count("\n") <= 2
    assert "--markdown would overwrite what this command reads" in told.err
    assert scores[0].read_text() == scores[1].read_text() == SCORES
    assert tunegate("compare", *scores, "--markdown", "d.md").code == 0
    assert tunegate("compare", *scores, "--markdown", "d.md").code == 0


@pytest.mark.parametrize(
    ("command", "flag"),
    [("run", "-o"), ("report", "-o"), ("ci", "--markdown"), ("ci", "--junit")],
)
@pytest.mark.parametrize("name", ["suite.yaml", "dev.jsonl", "prompts/terse.j2"])
def test_a_suites_own_files_are_never_overwritten(
    command: str, flag: str, name: str, tmp_path: Path, tunegate: CommandLine
) -> None:
    root = write_suite(tmp_path / "tickets", sizes={"dev": 9})
    before = (root / name).read_bytes()
    told = tunegate(command, root, "--model", "scripted:none.json", flag, root / name)
    if command == "report":
        told = tunegate(command, root, flag, root / name)
    assert told.code == 2
    assert "would overwrite what this command reads" in told.err
    assert (root / name).read_bytes() == before


def test_a_models_script_and_the_ledger_are_inputs_and_an_old_report_is_none(
    tmp_path: Path, tunegate: CommandLine
) -> None:
    root = write_suite(tmp_path / "tickets", sizes={"dev": 9})
    (root / "report.html").write_text("an earlier one")
    for path in (Path("m.json"), Path(".tunegate/ledger.sqlite3")):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        told = tunegate("run", root, "--model", "scripted:m.json", "-o", path)
        assert "would overwrite what this command reads" in told.err
    told = tunegate("run", root, "--model", "scripted:m.json", "-o", root / "report.html")
    assert "would overwrite" not in told.err


@pytest.mark.parametrize("command", ["data", "run", "report", "adapters"])
def test_what_is_no_regular_file_is_refused_before_any_work_and_stays(
    command: str, tmp_path: Path, tunegate: CommandLine
) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link.jsonl"
    os.mkfifo(pipe)
    link.symlink_to("nowhere.jsonl")
    words = ["export", "x"] if command == "adapters" else ["no-such-suite"]
    for path, said in ((pipe, "no regular file"), (link, "link to nothing")):
        told = tunegate(command, *words, "-o", path)
        assert told.code == 2
        assert f"{path}: --output is {'a ' * (path == link)}{said}" in told.err
    told = tunegate(command, *words, "-o", "-")
    assert told.code == 2
    assert "'-' is none" in told.err
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert not Path("-").exists()


def test_a_link_to_a_file_is_followed_and_stays(tmp_path: Path, tunegate: CommandLine) -> None:
    root = write_suite(tmp_path / "tickets", extra="tune: {prompt: terse, min_examples: 20}\n")
    Path("deep").mkdir()
    Path("deep/real.jsonl").write_text("old")
    Path("link.jsonl").symlink_to("deep/real.jsonl")
    write_model(Path("m.json"))
    told = tunegate("data", root, "--model", "scripted:m.json", "-o", "link.jsonl")
    assert told.code == 0, told.out + told.err
    assert Path("deep/real.jsonl").read_text().startswith('{"messages"')
    write_whole(Path("link.jsonl"), "a report")
    assert Path("link.jsonl").is_symlink()
    assert Path("deep/real.jsonl").read_text() == "a report"
    assert sorted(path.name for path in Path("deep").iterdir()) == ["real.jsonl"]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("name", ["accepted.json", "looks.jsonl", "audit.jsonl"])
def test_what_tunegate_keeps_in_a_suite_is_never_written_by_an_output(
    name: str, there: bool, tmp_path: Path, tunegate: CommandLine
) -> None:
    root = write_suite(tmp_path / "tickets", sizes={"dev": 9})
    if there:
        (root / name).write_text("{}")
    for words in (["data", root, "-o"], ["compare", "a", "b", "--markdown"]):
        told = tunegate(*words, root / name)
        assert told.code == 2
        assert "would overwrite" in told.err or "the suite's own" in told.err
    assert (root / name).exists() == there


def test_nothing_is_written_into_the_ledgers_folder(tmp_path: Path, tunegate: CommandLine) -> None:
    root = write_suite(tmp_path / "tickets", extra="tune: {prompt: terse, min_examples: 20}\n")
    write_model(Path("m.json"))
    model = ("--model", "scripted:m.json")
    for path in (".tunegate/job.lock", ".tunegate/adapters/a.jsonl"):
        told = tunegate("data", root, *model, "-o", path)
        assert told.code == 2
        assert "--output names a file that is in the ledger's folder" in told.err
    assert not Path(".tunegate").exists()
    told = tunegate("data", root, *model, "--ledger", ".", "-o", "out.jsonl")
    assert told.code == 0, "where the ledger is the working folder, all else may be written"


def test_a_suites_readme_is_overwritten_by_markdown_alone(
    tmp_path: Path, tunegate: CommandLine
) -> None:
    root = write_suite(tmp_path / "tickets", sizes={"dev": 9})
    readme = root / "README.md"
    readme.write_text("what this suite is")
    for words in (["data", root], ["run", root], ["report", root]):
        told = tunegate(*words, "-o", readme)
        assert told.code == 2
        assert "would overwrite what this command reads" in told.err
    told = tunegate("report", root, "--format", "markdown", "-o", readme)
    assert "would overwrite" not in told.err
    assert readme.read_text() == "what this suite is"
