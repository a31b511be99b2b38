"""`import` and what follows it: files that other harnesses wrote, stored, shown and compared."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.evals.imports.result_files import (
    FAILING,
    LETTERS,
    LETTERS_EVAL,
    PROMPTFOO,
    QA,
    REPEATED,
)
from tests.reports.hostile import PAYLOADS
from tests.sample_suite import ticket, write_suite
from tests.tunegate.command_line import CommandLine, Told, files_below
from tests.tunegate.scenes import write_model


def imported(tunegate: CommandLine, *arguments: object) -> str:
    """Import with --json and return the run's id."""
    told = tunegate("import", *arguments, "--json")
    assert told.code == 0, told
    run: str = told.document["id"]
    return run


def refused(told: Told, *expected: str, code: int = 2) -> None:
    assert told.code == code, told
    assert told.out == ""
    for text in expected:
        assert text in told.err


@pytest.mark.parametrize(
    "path", [QA, LETTERS, LETTERS_EVAL, FAILING, REPEATED], ids=lambda p: p.name
)
def test_a_file_of_another_harness_is_imported_once_listed_and_shown(
    tunegate: CommandLine, path: Path
) -> None:
    first = tunegate("import", path, "--suite", "theirs")
    assert first.code == 0, first
    assert "stored: theirs-dev-" in first.out
    again = tunegate("import", path, "--suite", "theirs")
    assert "was stored already: theirs-dev-" in again.out
    (run,) = tunegate("runs", "--json").document
    assert run["model"].startswith("imported:")
    shown = tunegate("show", run["id"], "--json").document
    assert len(shown["results"]) == run["cases"]
    case = shown["results"][0]["case_id"]
    assert tunegate("show", run["id"], case).code == 0


def test_two_candidates_of_one_file_are_compared(tunegate: CommandLine) -> None:
    a = imported(tunegate, PROMPTFOO, "--suite", "small", "--select", "strong: answer")
    b = imported(tunegate, PROMPTFOO, "--suite", "small", "--select", "strong: {{")
    told = tunegate("compare", a, b, "--markdown", "out/compared.md")
    assert told.code == 0, told
    assert "wrote out/compared.md" in told.out
    text = Path("out/compared.md").read_text()
    assert text.startswith("# No difference shown\n")
    assert "strong: Answer shortly" in text
    last = tunegate("import", PROMPTFOO, "--suite", "small", "--select", "weak: answer")
    assert f"next: tunegate compare {b} small-dev-" in last.out
    assert "errors: 1 (How-many-legs-does-a-spider-have-d1cc570b)" in last.out


def test_several_candidates_without_a_choice_are_listed_and_nothing_is_stored(
    tunegate: CommandLine,
) -> None:
    refused(tunegate("import", PROMPTFOO, "--suite", "small"), "4 candidates", "--select")
    assert files_below(Path()) == set()


def test_the_summary_says_what_was_averaged_and_what_left_out(tunegate: CommandLine) -> None:
    told = tunegate("import", REPEATED, "--suite", "small")
    assert "repeats: up to 2 attempts a case; scores are averaged" in told.out
    assert "4 dev cases of small (a name; no such suite is here), 0 errors" in told.out
    told = tunegate("import", PROMPTFOO, "--suite", "small", "--select", "strong: answer")
    assert "left out 'short': 3 of 4 scores lack it" in told.out


def test_columns_metric_and_name_are_chosen_by_options(tunegate: CommandLine) -> None:
    Path("t.csv").write_text("case,right,short,said\na,1,0.5,x\nb,0,1,y\n")
    told = tunegate(
        *("import", "t.csv", "--suite", "mine", "--id-column", "case", "--output-column", "said"),
        *("--score-column", "right", "--score-column", "short", "--metric", "short"),
        *("--name", "new prompt", "--json"),
    )
    assert told.code == 0, told
    assert told.document["candidate"] == "new prompt"
    assert told.document["metric"] == "short"
    assert told.document["metrics"] == {"right": 0.5, "short": 0.75}


@pytest.fixture
def theirs(tunegate: CommandLine) -> Path:
    """The sample suite, and outputs for its dev cases made and scored (wrongly) elsewhere."""
    write_suite(Path("tickets"))
    rows = [
        {"id": f"dev-{n:04d}", "score": 0, "output": ticket("dev", n)["expected"]}
        for n in range(60)
    ]
    path = Path("theirs.jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_outputs_scored_again_compare_with_runs_made_here(
    tunegate: CommandLine, theirs: Path
) -> None:
    model = write_model(Path("model.json"))
    told = tunegate("eval", "tickets", "--prompt", "terse", "--model", model, "--json")
    here = told.document["id"]
    as_scored = imported(tunegate, theirs, "--suite", "tickets")
    refused(tunegate("compare", here, as_scored), "scored differently")
    rescored = imported(tunegate, theirs, "--suite", "tickets", "--rescore")
    told = tunegate("compare", here, rescored, "--json")
    assert told.code == 0, told
    assert told.document["cases"] == 60
    assert told.document["mean_b"] == 1.0
    assert told.document["changed"] == []


def test_an_imported_run_is_no_prompt_that_was_tried(tunegate: CommandLine, theirs: Path) -> None:
    model = write_model(Path("model.json"))
    tunegate("eval", "tickets", "--prompt", "terse", "--model", model)
    before = tunegate("gate", "tickets", "--model", model, "--json").document
    imported(tunegate, theirs, "--suite", "tickets", "--rescore")
    assert tunegate("gate", "tickets", "--model", model, "--json").document == before


def test_ids_that_the_suite_does_not_have_are_told(tunegate: CommandLine, theirs: Path) -> None:
    theirs.write_text('{"id": "dev-0001", "score": 1}\n{"id": "what", "score": 1}\n')
    told = tunegate("import", theirs, "--suite", "tickets")
    assert told.code == 0, told
    assert "not in the suite, left out: 1 (what)" in told.out
    assert "dev cases that the file does not have: 59 (dev-0000, dev-0002" in told.out


def test_scores_on_the_sealed_split_are_a_look_and_are_written_down(
    tunegate: CommandLine, theirs: Path
) -> None:
    theirs.write_text('{"id": "test-0001", "score": 1}\n')
    for _ in range(2):
        assert tunegate("import", theirs, "--suite", "tickets", "--split", "test").code == 0
    (look,) = Path("tickets/looks.jsonl").read_text().splitlines()
    assert json.loads(look)["purpose"] == "import of theirs"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["none.json", "--suite", "a"], "no such file"),
        ([QA, "--suite", "a/b"], "no such suite"),
        ([QA, "--suite", "a b"], "neither a suite nor a name"),
        ([QA, "--suite", "a", "--rescore"], "only a name here"),
        ([QA, "--suite", "a", "--metric", "nope"], "is not in the file"),
        ([QA, "--suite", "query_assistant"], "none of 6 ids is a case of query_assistant"),
        ([QA], "--suite"),
        ([QA, "--suite", "a", "--format", "csv"], "names no columns"),
    ],
)
def test_wrong_arguments_are_one_error_and_store_nothing(
    tunegate: CommandLine, arguments: list[object], expected: str
) -> None:
    refused(tunegate("import", *arguments), expected)
    assert files_below(Path()) == set()


def test_hostile_text_reaches_the_terminal_only_as_escapes(tunegate: CommandLine) -> None:
    rows = [
        {"id": f"c{n}", "score": n % 2, "output": text, "input": text, "expected": text}
        for n, text in enumerate(PAYLOADS)
    ]
    rows.append({"id": "e", "error": "".join(PAYLOADS[:40])})
    Path("hostile.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = imported(tunegate, "hostile.jsonl", "--suite", "h", "--name", "\x1b[2J\u202e[red]x[/]")
    outputs = [tunegate("runs").out, tunegate("show", run).out, tunegate("show", run, "c3").out]
    outputs.append(tunegate("import", "hostile.jsonl", "--suite", "h", "--name", "\x1b[2J").out)
    for out in outputs:
        assert out
        assert not {"\x1b", "\u202e", "\x00", "\x07", "\ud800"} & set(out)


def test_the_file_is_not_changed_and_need_not_be_writable(
    tunegate: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / LETTERS_EVAL.name
    shutil.copy(LETTERS_EVAL, path)
    path.chmod(0o400)
    imported(tunegate, path, "--suite", "a")
    assert path.read_bytes() == LETTERS_EVAL.read_bytes()
