"""Each verdict by its exit code, reached with scripted models and suites made for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tuning.trainer
from tests.sample_suite import PROMPTS, ROUNDS, TOPICS, write_suite
from tests.tunegate.command_line import CommandLine, files_below
from tests.tunegate.scenes import (
    KNOWN,
    TUNE,
    answers,
    by_label,
    case_text,
    guarded_suite,
    pretended_training,
    undecided_rules,
    write_model,
)

MODEL = ("--model", "scripted:model.json")
PERFECT = [{"contains": TOPICS[name], "reply": name} for name in TOPICS]


def test_a_prompt_that_reaches_the_target_suffices_and_nothing_is_trained(
    tunegate: CommandLine,
) -> None:
    write_model(Path("model.json"), PERFECT)
    write_suite(Path("tickets"), extra=ROUNDS + TUNE + "target: 0.8\n")
    told = tunegate("run", "tickets", *MODEL, "--json")
    assert told.code == 0
    assert told.document["decision"]["verdict"] == "prompt_suffices"
    assert told.document["training"] is None
    assert not [name for name in files_below(Path()) if "adapters" in name]
    # The first round was enough: the others were never asked.
    assert {run["candidate"] for run in tunegate("runs", "--json").document} == set(PROMPTS)
    assert tunegate("gate", "tickets", *MODEL).code == 0


def test_too_few_cases_to_tell_is_inconclusive_and_says_how_many(tunegate: CommandLine) -> None:
    write_model(Path("model.json"), [*undecided_rules(prompt_contains=" train"), *KNOWN])
    write_suite(Path("tickets"), extra=ROUNDS + TUNE)
    told = tunegate("run", "tickets", *MODEL, "--json")
    decision = told.document["decision"]
    assert (told.code, decision["verdict"]) == (3, "more_cases")
    assert decision["cases_needed"] > 60
    assert str(decision["cases_needed"]) in decision["sentence"]
    gate = tunegate("gate", "tickets", *MODEL, "--json")
    assert (gate.code, gate.document) == (3, decision)


def test_twelve_dev_cases_need_more_cases_first_and_still_get_a_ranking(
    tunegate: CommandLine,
) -> None:
    write_model(Path("model.json"), [{"prompt_contains": "Answer with", "reply": "login"}, *KNOWN])
    sizes = {"train": 30, "dev": 12, "test": 60}
    write_suite(Path("tickets"), extra=ROUNDS, sizes=sizes)
    told = tunegate("run", "tickets", *MODEL, "--json")
    decision = told.document["decision"]
    assert (told.code, decision["verdict"]) == (0, "fix_evals")
    assert decision["cases_needed"] >= 100
    assert f"{decision['cases_needed']}" in decision["sentence"]
    assert decision["trials"][0]["label"] == "terse"
    assert "'terse' leads so far" in decision["provisional"]
    assert "not settled" in decision["provisional"]


def test_tune_is_refused_while_the_gate_is_shut_with_the_reasons(tunegate: CommandLine) -> None:
    write_model(Path("model.json"), [*undecided_rules(prompt_contains=" train"), *KNOWN])
    write_suite(Path("tickets"), extra=ROUNDS + TUNE)
    tunegate("run", "tickets", *MODEL)
    told = tunegate("tune", "tickets", *MODEL)
    assert (told.code, told.out) == (1, "")
    assert "the gate is shut: more_cases" in told.err
    assert "--override" in told.err
    document = tunegate("tune", "tickets", *MODEL, "--json").document
    assert document["error"]["type"] == "GateShutError"
    assert document["error"]["exit_code"] == 1


ADAPTERS = {
    "right": ([{"adapter": "right", "contains": t, "reply": n} for n, t in TOPICS.items()]),
    "same": [],
    "some": [
        *answers("test", by_label("login", 8), "login", adapter="some"),
        *answers("test", by_label("billing", 4), "hm", adapter="some"),
    ],
    "forgets": [
        {"adapter": "forgets", "contains": f"kept {text}", "reply": "hm"}
        for text in TOPICS.values()
    ]
    + [{"adapter": "forgets", "contains": t, "reply": n} for n, t in TOPICS.items()],
}


@pytest.mark.parametrize(
    ("adapter", "verdict", "code", "said"),
    [
        ("right", "ship_adapter", 0, "Ship the adapter"),
        ("same", "reject_adapter", 1, "implausible"),
        ("forgets", "reject_adapter", 1, "loses too much on kept"),
        ("some", "inconclusive", 3, "about"),
    ],
)
def test_after_training_the_verdict_is_the_exit_code(
    adapter: str,
    verdict: str,
    code: int,
    said: str,
    tunegate: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training(adapter))
    write_model(Path("model.json"), [*ADAPTERS[adapter], *KNOWN], adapters=[adapter])
    guarded_suite(Path())
    told = tunegate("run", "tickets", *MODEL, "--json")
    record = told.document
    assert record["decision"]["verdict"] == "fine_tune"
    assert record["shipping"]["verdict"] == verdict
    assert said in record["shipping"]["sentence"]
    assert told.code == code
    assert record["shipping"]["guards"][0]["suite"] == "kept"
    tuned = tunegate("tune", "tickets", *MODEL, "--json")
    assert (tuned.code, tuned.document["shipping"]) == (code, record["shipping"])
    report = tunegate("report", "tickets", *MODEL, "--format", "markdown", "-o", "r.md")
    assert report.code == 0  # a report of a rejection is still a report
    assert record["shipping"]["sentence"].split(":")[0] in Path("r.md").read_text()


def test_tune_and_run_say_what_the_training_took(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training("right"))
    write_model(Path("model.json"), [*ADAPTERS["right"], *KNOWN], adapters=["right"])
    guarded_suite(Path())
    for command in ("run", "tune"):
        out = " ".join(tunegate(command, "tickets", *MODEL).out.split())
        assert "trained: lora, 27 examples with prompt terse" in out
        assert "; 1.5 s, 3 tokens (2 a second), at most 1 MB of memory" in out


def test_an_override_trains_through_a_shut_gate_and_is_recorded(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = pretended_training("same")
    monkeypatch.setattr(tuning.trainer, "tune_suite", training)
    write_model(Path("model.json"), [*undecided_rules(prompt_contains=" train"), *KNOWN])
    guarded_suite(Path())
    told = tunegate("run", "tickets", *MODEL, "--override", "a demo for the board", "--json")
    assert told.document["decision"]["verdict"] == "more_cases"
    assert told.document["override"] == "a demo for the board"
    assert told.document["shipping"] is not None
    assert training.calls == 1  # type: ignore[attr-defined]
    assert "a demo for the board" in Path("tickets-report.html").read_text()


def test_a_model_that_mostly_fails_is_an_infrastructure_failure(tunegate: CommandLine) -> None:
    write_model(Path("model.json"), [{"contains": "dev", "error": "out of memory"}])
    write_suite(Path("tickets"))
    for command in ("run", "eval"):
        told = tunegate(command, "tickets", *MODEL)
        assert (told.code, told.out) == (4, "")
        assert "60 of 60 cases ended in an error; the first: out of memory" in told.err
    assert tunegate("runs").code == 5


def test_a_tenth_of_errors_is_counted_and_claims_nothing(tunegate: CommandLine) -> None:
    failing = [{"contains": case_text("dev", n), "error": "fell over"} for n in range(6)]
    write_model(Path("model.json"), [*failing, *KNOWN])
    write_suite(Path("tickets"))
    one = tunegate("eval", "tickets", *MODEL, "--json")
    assert (one.code, one.document["errors"], one.document["cases"]) == (0, 6, 60)
    told = tunegate("run", "tickets", *MODEL)
    assert told.code == 4
    assert "errors on more than 5% of the cases" in told.err


@pytest.mark.parametrize("command", ["gate", "report", "tune", "runs", "show"])
def test_without_anything_stored_nothing_was_run(command: str, tunegate: CommandLine) -> None:
    write_model(Path("model.json"))
    write_suite(Path("tickets"))
    arguments = {"runs": [], "show": ["some-run"]}.get(command, ["tickets", *MODEL])
    for more in ([], ["--json"]):
        told = tunegate(command, *arguments, *more)
        assert told.code == 5, told
    assert told.document["error"]["exit_code"] == 5
    if command == "tune":
        assert "`tunegate run tickets" in told.document["error"]["hint"]


def test_runs_of_another_model_are_nothing_run(tunegate: CommandLine) -> None:
    write_model(Path("model.json"))
    write_model(Path("other.json"))
    write_suite(Path("tickets"))
    assert tunegate("eval", "tickets", *MODEL).code == 0
    assert tunegate("gate", "tickets", *MODEL).code == 0
    assert tunegate("gate", "tickets", "--model", "scripted:other.json").code == 5
    assert tunegate("report", "tickets", "--model", "scripted:other.json").code == 5
    assert tunegate("runs", "elsewhere").code == 5


def scores(path: str, wins: int, losses: int, n: int = 200) -> None:
    """B against an A that has half of its cases right."""
    values = [n // 2 <= k < n // 2 + wins or losses <= k < n // 2 for k in range(n)]
    rows = [json.dumps({"id": str(k), "score": int(v)}) for k, v in enumerate(values)]
    Path(path).write_text("\n".join(rows))


@pytest.mark.parametrize(
    ("wins", "losses", "code", "word"),
    [(5, 5, 0, "PASS"), (5, 60, 1, "FAIL"), (12, 20, 3, "INCONCLUSIVE")],
)
def test_compare_with_a_margin_passes_fails_or_cannot_tell(
    wins: int, losses: int, code: int, word: str, tunegate: CommandLine
) -> None:
    scores("a.jsonl", 0, 0)
    scores("b.jsonl", wins, losses)
    told = tunegate("compare", "a.jsonl", "b.jsonl", "--margin", "0.05")
    assert told.code == code
    assert f"margin 0.05: {word}" in told.out
    document = tunegate("compare", "a.jsonl", "b.jsonl", "--margin", "0.05", "--json").document
    assert document["margin"]["result"] == word.lower()
    assert round(document["estimate"], 6) == (wins - losses) / 200
    assert tunegate("compare", "a.jsonl", "b.jsonl").code == 0  # nothing was asked of it


def test_the_same_five_cases_against_themselves_show_no_difference_with_a_width(
    tunegate: CommandLine,
) -> None:
    scores("a.jsonl", 0, 0, n=5)
    document = tunegate("compare", "a.jsonl", "a.jsonl", "--json").document
    assert document["direction"] == "none"
    assert document["low"] < -0.2 < 0.2 < document["high"]


def test_without_a_command_the_help_is_shown_and_nothing_was_done(tunegate: CommandLine) -> None:
    told = tunegate()
    assert told.code == 2
    assert "exit codes: 0 pass" in told.out
