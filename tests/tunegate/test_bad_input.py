"""Bad input: one clear error that says where and what, exit code 2, and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sample_suite import PROMPTS, ROUNDS, write_suite
from tests.tunegate.command_line import CommandLine, Told, files_below, is_step
from tests.tunegate.scenes import write_model

MANIFEST = Path("tickets/suite.yaml")
DEV = Path("tickets/dev.jsonl")
TEST = Path("tickets/test.jsonl")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def edit_line(path: Path, number: int, change: Callable[[dict[str, Any]], str]) -> None:
    lines = path.read_text().splitlines()
    lines[number - 1] = change(json.loads(lines[number - 1]))
    path.write_text("\n".join(lines) + "\n")


def first(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads(path.read_text().splitlines()[0])
    return case


def append(path: Path, case: dict[str, Any]) -> None:
    path.write_text(path.read_text() + json.dumps(case) + "\n")


def own_scorer(source: str) -> None:
    Path("tickets/scorers.py").write_text(source)
    edit(
        MANIFEST,
        "{scorer: label@1, labels: [billing, login, shipping]}",
        '{scorer: python@1, function: "scorers.py:judge"}',
    )
    edit(MANIFEST, "primary:", "variables: {x: 1}\nprimary:")
    for prompt in Path("tickets/prompts").glob("*.j2"):
        prompt.write_text(prompt.read_text().replace('{{ labels | join(", ") }}', "a team"))


@pytest.fixture
def suite(tunegate: CommandLine) -> Path:
    write_model(Path("model.json"))
    return write_suite(Path("tickets"), extra=ROUNDS)


def refused(told: Told, *expected: str, code: int = 2) -> None:
    assert told.code == code, told
    assert told.out == ""
    errors = [line for line in told.err.splitlines() if not is_step(line)]
    assert len(errors) == 1, told.err
    assert errors[0].startswith("error: ")
    for text in expected:
        assert text in errors[0]


def empty_cases() -> None:
    DEV.write_text("")
    Path("tickets/train.jsonl").write_text("\n")
    TEST.write_text("")


def malformed_line() -> None:
    edit_line(DEV, 7, lambda case: json.dumps(case)[:-5])


def duplicate_id() -> None:
    edit_line(DEV, 9, lambda case: json.dumps(case | {"id": "dev-0002"}))


def unknown_key() -> None:
    edit(MANIFEST, "min_gain" if "min_gain" in MANIFEST.read_text() else "rounds", "ruonds")


def undefined_name() -> None:
    edit(Path("tickets/prompts/terse.j2"), "input.text", "inptu.text")


def raising_scorer() -> None:
    own_scorer("def judge(case, output):\n    raise KeyError('colour')\n")


def same_id_in_test() -> None:
    append(TEST, first(Path("tickets/train.jsonl")))


def same_text_in_test() -> None:
    append(TEST, first(Path("tickets/train.jsonl")) | {"id": "another"})


def missing_guard() -> None:
    MANIFEST.write_text(MANIFEST.read_text() + "guards: {nowhere: {max_loss: 0.1}}\n")


FAULTS = [
    (empty_cases, ["no cases"]),
    (malformed_line, ["tickets/dev.jsonl:7", "JSON"]),
    (duplicate_id, ["tickets/dev.jsonl:9", "dev-0002", "3"]),
    (unknown_key, ["tickets/suite.yaml:", "ruonds", "did you mean", "rounds"]),
    (undefined_name, ["tickets/prompts/terse.j2", "inptu"]),
    (raising_scorer, ["tickets/scorers.py:2", "KeyError", "colour"]),
    (same_id_in_test, ["train-0000"]),
    (same_text_in_test, ["another", "train-0000"]),
    (missing_guard, ["tickets/suite.yaml", "guards", "nowhere"]),
]


FOUND_BY_CHECK = {undefined_name, raising_scorer, same_text_in_test}


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=lambda x: getattr(x, "__name__", ""))
def test_run_refuses_a_faulty_suite_with_one_error_and_writes_no_report(
    fault: Callable[[], None], expected: list[str], suite: Path, tunegate: CommandLine
) -> None:
    fault()
    before = files_below(Path())
    refused(tunegate("run", suite, "--model", "scripted:model.json"), *expected)
    written = files_below(Path()) - before
    assert not [name for name in written if not name.startswith(".tunegate")]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [pair for pair in FAULTS if pair[0] not in FOUND_BY_CHECK],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_a_suite_that_cannot_be_loaded_leaves_nothing_behind(
    fault: Callable[[], None], expected: list[str], suite: Path, tunegate: CommandLine
) -> None:
    fault()
    before = files_below(Path())
    assert tunegate("run", suite, "--model", "scripted:model.json").code == 2
    assert files_below(Path()) == before


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=lambda x: getattr(x, "__name__", ""))
def test_the_same_error_is_one_json_document_where_a_program_reads(
    fault: Callable[[], None], expected: list[str], suite: Path, tunegate: CommandLine
) -> None:
    fault()
    told = tunegate("run", suite, "--model", "scripted:model.json", "--json")
    error = told.document["error"]
    assert (told.code, error["exit_code"]) == (2, 2)
    said = " ".join(str(error[key]) for key in ("path", "line", "key", "message", "hint"))
    for text in expected:
        for part in text.rstrip(":").split(":"):
            assert part in said


@pytest.mark.parametrize(
    "fault", [undefined_name, raising_scorer, same_text_in_test], ids=lambda fault: fault.__name__
)
def test_check_names_what_is_wrong_and_fails(
    fault: Callable[[], None], suite: Path, tunegate: CommandLine
) -> None:
    fault()
    told = tunegate("check", suite)
    assert told.code == 2
    assert "tickets does not pass" in told.out
    assert "error: " in told.out


ARGUMENTS = [
    (["run", "nowhere"], ["no such suite", "'nowhere'"]),
    (["run", "query_asistant"], ["did you mean", "query_assistant"]),
    (["run", "model.json"], ["not a suite"]),
    (["eval", "tickets", "--model", "hf:/no/such/model"], ["/no/such/model", "no model folder"]),
    (["run", "tickets", "--model", "hf:./nothing"], ["./nothing", "no model folder"]),
    (["run", "tickets", "--model", "smolm2"], ["unknown model 'smolm2'", "did you mean"]),
    (["run", "tickets", "--model", "scripted:no.json"], ["no script file 'no.json'"]),
    (["run", "tickets", "--model", "scripted:broken.json"], ["broken.json:1", "is not JSON"]),
    (["eval", "tickets", "--prompt", "trese"], ["no prompt 'trese'", "terse"]),
    (["eval", "tickets", "--few-shot", "2", "--nearest", "2"], ["--few-shot and --nearest"]),
    (["eval", "tickets", "--few-shot", "0"], ["--few-shot", "whole number"]),
    (["eval", "tickets", "--case", "nope"], ["dev split has no case 'nope'"]),
    (["eval", "tickets", "--split", "dve"], ["--split", "dve"]),
    (["run", "tickets", "--override", "  "], ["--override", "reason"]),
    (["run", "tickets", "-o", "tickets"], ["tickets", "is a folder"]),
    (["run", "tickets", "-o", "model.json/report.html"], ["model.json", "not a folder"]),
    (["run", "tickets", "--ledger", "model.json"], ["model.json"]),
    (["nosuch"], ["nosuch", "invalid choice"]),
    (["run"], ["SUITE"]),
    (["compare", "a.jsonl"], ["B"]),
    (["compare", "a.jsonl", "b.jsonl", "--margin", "5"], ["--margin", "between 0 and 1"]),
    (["compare", "a.jsonl", "b.jsonl", "--margin", "nan"], ["--margin", "between 0 and 1"]),
    (["models", "pull", "gpt"], ["gpt"]),
    (["init", "../up"], ["../up"]),
    (["check", "tickets", "nowhere"], ["nowhere"]),
]


@pytest.mark.parametrize(("arguments", "expected"), ARGUMENTS, ids=lambda x: " ".join(x)[:40])
def test_bad_arguments_are_one_error_and_leave_nothing_behind(
    arguments: list[str], expected: list[str], suite: Path, tunegate: CommandLine
) -> None:
    Path("broken.json").write_text("{")
    named = arguments if "--model" in arguments else [*arguments, "--model", "scripted:model.json"]
    takes_model = arguments[0] in {"run", "eval"} and len(arguments) > 1
    before = files_below(Path())
    refused(tunegate(*(named if takes_model else arguments)), *expected)
    told = tunegate(*(named if takes_model else arguments), "--json")
    assert told.document["error"]["exit_code"] == told.code == 2
    assert files_below(Path()) == before


def test_more_demonstrations_than_there_are_train_cases_are_refused(
    suite: Path, tunegate: CommandLine
) -> None:
    told = tunegate("eval", suite, "--model", "scripted:model.json", "--few-shot", 31)
    refused(told, "31 demonstrations", "30 cases")
    assert tunegate("runs").code == 5


def test_a_file_is_not_compared_with_a_run(suite: Path, tunegate: CommandLine) -> None:
    made = tunegate("eval", suite, "--model", "scripted:model.json", "--json").document
    Path("a.jsonl").write_text('{"id": "1", "score": 1}\n')
    refused(tunegate("compare", "a.jsonl", made["id"]), "a.jsonl", "two stored runs")


def test_an_unknown_run_or_case_is_named(suite: Path, tunegate: CommandLine) -> None:
    made = tunegate("eval", suite, "--model", "scripted:model.json", "--json").document
    refused(tunegate("show", "nope"), "'nope'")
    refused(tunegate("show", made["id"], "case-x"), "case-x", made["id"])


def test_a_scorer_that_passes_its_self_test_and_fails_on_the_model_is_an_error_not_a_score(
    suite: Path, tunegate: CommandLine
) -> None:
    own_scorer(
        "def judge(case, output):\n"
        "    if output.text == 'hm' or output.text == 'billing' and 'dev' in case.id:\n"
        "        raise RuntimeError('cannot read this')\n"
        "    return output.text == case.expected\n"
    )
    told = tunegate("eval", suite, "--model", "scripted:model.json")
    refused(told, "tickets/scorers.py:3", "40 of 60 outputs", "cannot read this")
    assert tunegate("runs").code == 5


def test_prompts_of_the_sample_suite_are_sound(suite: Path, tunegate: CommandLine) -> None:
    """The faults above are the only faults: without one, the same suite passes."""
    assert set(PROMPTS) == {"terse", "spec", "polite"}
    assert tunegate("check", suite).code == 0
