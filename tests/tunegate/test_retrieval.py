"""Missing knowledge in the whole job: the probe says so, a retrieval round mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tunegate.cli.learning as tunegate_learning
import tuning.job
import tuning.trainer
from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel
from tests.facts_suite import RETRIEVAL, ROUNDS, knowing_rules, write_facts
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import pretended_training

MODEL = "scripted:model.json"
MORE = ROUNDS + RETRIEVAL


@pytest.fixture(autouse=True)
def untrained(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stands for training; counts how often it was begun."""
    training = pretended_training("tuned")
    monkeypatch.setattr(tuning.trainer, "tune_suite", training)
    monkeypatch.delenv("TUNEGATE_PRICES", raising=False)
    return training


def write_model(rules: list[dict[str, str]]) -> None:
    Path("model.json").write_text(json.dumps({"rules": rules, "default": "no idea"}))


def run(tunegate: CommandLine, *more: object) -> Any:
    told = tunegate("run", "facts", "--model", MODEL, "--json", *more)
    assert told.code in (0, 1, 3), told.err  # 1: the adapter that only pretends is rejected
    return told.document["decision"]


def gate(tunegate: CommandLine) -> Any:
    return tunegate("gate", "facts", "--model", MODEL, "--json").document


def with_rounds(rounds: str) -> None:
    manifest = Path("facts/suite.yaml")
    text = manifest.read_text()
    manifest.write_text(text[: text.index("rounds:")] + rounds + text[text.index("tune:") :])


def test_facts_that_the_model_cannot_know_want_retrieval_which_then_improves(
    tunegate: CommandLine, untrained: Any
) -> None:
    write_facts(Path("facts"), vague=6)
    write_model(knowing_rules())
    first = run(tunegate)
    assert first["verdict"] == "use_retrieval"
    assert first["oracle"]["score"]["estimate"] == 1.0
    assert len(first["trials"]) == 7  # the probe is none of them
    assert untrained.calls == 0
    assert gate(tunegate) == first
    with_rounds(MORE)
    second = run(tunegate)
    assert second["verdict"] == "prompt_more"
    assert "still pays" in second["sentence"]
    leader = next(trial for trial in second["trials"] if trial["run_id"] == second["leader"])
    assert leader["family"] == "retrieval"
    assert leader["score"]["estimate"] >= 0.8
    by_label = {recall["label"]: recall for recall in second["recalls"]}
    shown = ("1 document", "3 documents")
    assert set(by_label) == {f"{p} + {what}" for p in ("terse", "polite") for what in shown}
    told = by_label[leader["label"]]
    assert 0.8 <= told["recall"]["mean"] < 1.0
    assert (told["found"]["mean"], told["missed"]["mean"]) == (1.0, 0.0)


def test_recall_is_in_what_is_printed_shown_and_reported(tunegate: CommandLine) -> None:
    write_facts(Path("facts"), rounds=MORE, vague=6)
    write_model(knowing_rules())
    told = tunegate("run", "facts", "--model", MODEL, "--no-tune")
    assert "documents found (dev)" in told.out
    assert "recall@3" in told.out
    leader = gate(tunegate)["leader"]
    shown = tunegate("show", leader)
    assert "documents: recall@" in shown.out
    assert tunegate("show", leader, "--json").document["recall"]["recall"]["n"] == 60
    one = tunegate("show", leader, "dev-0021").out
    assert "shown documents: p0021" in one
    assert "needed documents: p0021" in one
    page = Path("facts-report.html").read_text()
    assert '<h3 id="retrieval">Documents</h3>' in page
    assert "recall@3" in page
    assert tunegate("report", "facts", "--model", MODEL, "--format", "markdown").code == 0
    assert ">Documents<" in Path("facts-report.md").read_text()


def test_gate_waits_for_the_probe_and_says_what_to_run(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_facts(Path("facts"))
    write_model([])
    with monkeypatch.context() as killed:
        killed.setattr(tuning.job, "awaits_oracle", lambda *_: False)  # as if there
        waiting = run(tunegate, "--no-tune")
    assert (waiting["verdict"], waiting["plateau"]) == ("prompt_more", True)
    assert gate(tunegate) == waiting
    assert "`tunegate run`" in waiting["next_steps"][0]
    asked: list[int] = []
    plain = ScriptedModel.run
    monkeypatch.setattr(
        ScriptedModel, "run", lambda self, b: (asked.append(len(b.requests)), plain(self, b))[1]
    )
    assert run(tunegate, "--no-tune")["verdict"] == "fine_tune"
    assert sum(asked) == 60  # the probe alone


def test_where_documents_do_not_help_it_is_behaviour_and_training_may_begin(
    tunegate: CommandLine, untrained: Any
) -> None:
    write_facts(Path("facts"))
    write_model([])
    decision = run(tunegate)
    assert decision["verdict"] == "fine_tune"
    assert decision["oracle"]["difference"]["estimate"] == 0.0
    assert untrained.calls == 1


def test_tune_runs_the_probe_itself(
    tunegate: CommandLine, untrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_facts(Path("facts"))
    write_model(knowing_rules())
    with monkeypatch.context() as killed:
        killed.setattr(tuning.job, "awaits_oracle", lambda *_: False)
        run(tunegate, "--no-tune")
    told = tunegate("tune", "facts", "--model", MODEL)
    assert told.code == 1
    assert "the gate is shut: use_retrieval" in told.err
    assert untrained.calls == 0


def test_the_probe_is_never_a_candidate_even_where_the_leader_is_tried_again(
    tunegate: CommandLine,
) -> None:
    write_facts(Path("facts"))
    write_model(knowing_rules())
    run(tunegate)
    again = run(tunegate)
    probes = [
        header
        for header in Ledger(Path(".tunegate")).runs("facts", "dev")
        if header.candidate.technique.retrieval == "oracle"
    ]
    assert len(probes) == 1
    assert all(trial["run_id"] != probes[0].id for trial in again["trials"])
    assert again["left_out"] == []


def test_an_adapter_is_asked_with_the_documents_that_the_leader_is(
    tunegate: CommandLine, untrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The leader finds two documents in three and reads one of them: a plateau with retrieval.
    write_facts(Path("facts"), rounds=RETRIEVAL_FIRST)
    rules = [rule for number, rule in enumerate(knowing_rules()) if number % 3]
    write_model(rules)
    decision = run(tunegate)
    assert decision["verdict"] == "fine_tune", decision["sentence"]
    assert untrained.calls == 1
    ledger = Ledger(Path(".tunegate"))
    leader = ledger.run(decision["leader"]).candidate
    assert leader.technique.retrieval == "bm25"
    tested = [run.candidate for run in ledger.runs("facts", "test")]
    assert {candidate.technique.documents for candidate in tested} == {leader.technique.documents}
    assert {candidate.adapter for candidate in tested} == {"", "tuned"}
    monkeypatch.setattr(tunegate_learning, "check_trainable", lambda _: None)  # as of a real one
    told = tunegate("curve", "facts", "--model", MODEL)
    assert told.code == 2
    assert "is shown documents" in told.err


RETRIEVAL_FIRST = """\
rounds:
  - {family: retrieval, prompts: [terse, polite], documents: [1, 2]}
  - {family: few_shot, prompts: [terse, polite], k: [2]}
  - {family: nearest, prompts: [terse, polite], k: [2]}
"""
