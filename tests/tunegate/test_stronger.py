"""Stronger models in the whole job: when they run, what they cost, what `gate` finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tuning.trainer
from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel
from tests.hosted_server import HostedServer, always, never
from tests.sample_suite import ROUNDS, TOPICS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import (
    KNOWN,
    SIZES,
    TUNE,
    answers,
    by_label,
    pretended_training,
    undecided_rules,
    write_model,
)

ALL = [{"contains": words, "reply": name} for name, words in TOPICS.items()]
SMALL = "scripted:small.json"
LARGE = "scripted:large.json"
PRICES = 'models: {"openai:large": {input: 2, output: 10, request: 0.001}}\n'


def scene(*compared: str, target: float | None = 0.9, extra: str = "") -> None:
    """A suite on which the small model's prompts have plateaued, at two topics of three."""
    named = ", ".join(f'"{name}"' for name in compared)
    stated = "" if target is None else f"target: {target}\n"
    write_suite(
        Path("tickets"),
        sizes=SIZES,
        extra=f"{ROUNDS}{TUNE}{stated}compare_models: [{named}]\n{extra}",
    )
    write_model(Path("small.json"), KNOWN)
    write_model(Path("large.json"), ALL)


def decided(told: Any) -> Any:
    return told.document.get("decision", told.document)


def rule(decision: Any) -> Any:
    return next(line for line in decision["rules"] if line["verdict"] == "try_stronger_model")


@pytest.fixture(autouse=True)
def untrained(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stands for training; counts how often it was begun."""
    training = pretended_training("tuned")
    monkeypatch.setattr(tuning.trainer, "tune_suite", training)
    monkeypatch.delenv("TUNEGATE_PRICES", raising=False)
    return training


def run(tunegate: CommandLine, *more: object) -> Any:
    return tunegate("run", "tickets", "--model", SMALL, "--json", *more)


def test_a_large_model_that_does_it_by_prompt_keeps_the_gate_shut(
    tunegate: CommandLine, untrained: Any
) -> None:
    scene(LARGE)
    told = run(tunegate)
    assert told.code == 0, told.err
    decision = decided(told)
    assert decision["verdict"] == "try_stronger_model"
    (line,) = decision["stronger"]
    assert (line["model"], line["cases"], line["reaches"]) == (LARGE, 60, True)
    assert line["difference"]["estimate"] == pytest.approx(1 / 3)
    assert untrained.calls == 0
    page = Path("tickets-report.html").read_text()
    assert "Other models by prompt" in page
    assert f"Dev cases, {SMALL} against {LARGE} by the same prompt" in page
    assert tunegate("tune", "tickets", "--model", SMALL).code == 1


def test_gate_and_a_second_run_give_the_same_and_ask_nothing(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene(LARGE)
    first = run(tunegate)
    monkeypatch.setattr(ScriptedModel, "run", None)  # whoever asks now, fails
    again = run(tunegate)
    assert again.document["decision"] == first.document["decision"]
    gate = tunegate("gate", "tickets", "--model", SMALL, "--json")
    assert gate.document == first.document["decision"]


def test_a_run_made_by_eval_is_found_and_counts(tunegate: CommandLine) -> None:
    scene()
    told = run(tunegate, "--no-tune")
    assert decided(told)["verdict"] == "fine_tune"
    leader = Ledger(Path(".tunegate")).run(decided(told)["leader"]).candidate
    assert leader.demonstrations == "none"
    manifest = Path("tickets/suite.yaml")
    manifest.write_text(
        manifest.read_text().replace("compare_models: []", f'compare_models: ["{LARGE}"]')
    )
    before = tunegate("gate", "tickets", "--model", SMALL, "--json").document
    assert (before["verdict"], rule(before)["status"]) == ("fine_tune", "not_tested")
    assert "not run yet" in rule(before)["evidence"]
    others = [name for name in ("terse", "spec", "polite") if name != leader.prompt]
    verdicts = []
    for prompt in (*others, leader.prompt):
        assert tunegate("eval", "tickets", "--model", LARGE, "--prompt", prompt).code == 0
        document = tunegate("gate", "tickets", "--model", SMALL, "--json").document
        verdicts.append(document["verdict"])
    assert verdicts == ["fine_tune", "fine_tune", "try_stronger_model"]


def test_one_just_below_the_target_changes_nothing_but_the_evidence(
    tunegate: CommandLine,
) -> None:
    scene(LARGE)
    wrong = answers("dev", by_label("login", 4), "hm")
    write_model(Path("large.json"), [*wrong, *ALL])
    decision = decided(run(tunegate, "--no-tune"))
    assert (decision["verdict"], rule(decision)["status"]) == ("fine_tune", "does_not_apply")
    assert "scores 0.93" in rule(decision)["evidence"]


def test_two_models_share_the_level_whether_or_not_both_are_good(tunegate: CommandLine) -> None:
    # 60 of 60 is above 0.9 for certain among 7 prompts, and not among 7 prompts of two models.
    write_model(Path("other.json"), KNOWN)
    scene(LARGE, "scripted:other.json")
    decision = decided(run(tunegate, "--no-tune"))
    assert decision["verdict"] == "fine_tune"
    assert decision["stronger"][0]["certain"] == pytest.approx(0.893, abs=0.001)


def test_without_a_target_no_other_model_is_opened(tunegate: CommandLine) -> None:
    scene("scripted:absent.json", target=None)
    told = run(tunegate, "--no-tune")
    assert told.code == 0, told.err
    decision = decided(told)
    assert "states no target" in rule(decision)["evidence"]
    assert len(Ledger(Path(".tunegate")).runs("tickets", "dev")) == 7


@pytest.mark.parametrize("why", ["no plateau", "suffices"])
def test_where_it_cannot_change_the_verdict_no_other_model_is_run(
    why: str, tunegate: CommandLine
) -> None:
    scene(LARGE)
    rules = ALL if why == "suffices" else [*undecided_rules(prompt_contains=" train"), *KNOWN]
    write_model(Path("small.json"), rules)
    decision = decided(run(tunegate, "--no-tune"))
    assert decision["verdict"] == ("prompt_suffices" if why == "suffices" else "more_cases")
    assert decision["stronger"][0]["run_id"] is None
    assert {r.candidate.model for r in Ledger(Path(".tunegate")).runs()} == {SMALL}


def test_the_model_that_is_judged_is_not_compared_with_itself(tunegate: CommandLine) -> None:
    scene(SMALL)
    decision = decided(run(tunegate, "--no-tune"))
    assert decision["stronger"] == []
    assert rule(decision)["status"] == "not_tested"


def test_a_model_that_cannot_be_opened_ends_the_job_before_the_search(
    tunegate: CommandLine,
) -> None:
    scene("scripted:absent.json")
    told = run(tunegate)
    assert told.code == 2
    error = told.document["error"]
    assert error["key"] == "compare_models"
    assert "no script file 'absent.json'" in error["message"]
    assert not Path(".tunegate").exists()


def test_one_that_breaks_ends_the_work_with_all_kept_and_no_training(
    tunegate: CommandLine, untrained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene(LARGE)
    write_model(Path("large.json"), [{"contains": "", "error": "the model fell over"}])
    told = run(tunegate)
    assert told.code == 4
    error = told.document["error"]
    assert f"{LARGE}, which compare_models names, could not be run: 60 of 60" in error["message"]
    assert "take the model out of compare_models" in error["hint"]
    assert untrained.calls == 0
    # What was searched can be seen and reported, and is not done again once it is mended.
    assert tunegate("report", "tickets", "--model", SMALL).code == 0
    write_model(Path("large.json"), ALL)
    asked: list[str] = []
    plain = ScriptedModel.run
    monkeypatch.setattr(
        ScriptedModel, "run", lambda self, batch: (asked.append(self.name), plain(self, batch))[1]
    )
    assert decided(run(tunegate))["verdict"] == "try_stronger_model"
    assert set(asked) == {LARGE}


class Died(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("batches", [0, 1, 5])
def test_a_job_killed_among_other_models_goes_on_and_ends_the_same(
    batches: int, tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene(LARGE)
    left = [batches]
    asked: list[str] = []
    plain = ScriptedModel.run

    def dying(self: ScriptedModel, batch: Any) -> Any:
        if self.name == LARGE:
            if left[0] == 0:
                raise Died
            left[0] -= 1
        asked.append(self.name)
        return plain(self, batch)

    monkeypatch.setattr(ScriptedModel, "run", dying)
    with pytest.raises(Died):
        run(tunegate)
    left[0] = -1
    told = run(tunegate)
    assert asked.count(LARGE) == 8  # 60 cases in batches of 8, none of them twice
    Path(".tunegate").rename("killed")
    whole = run(tunegate)
    assert timeless(told.document["decision"]) == timeless(whole.document["decision"])


def timeless(value: Any) -> Any:
    """A document without the seconds that things took."""
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key != "seconds"}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


# --- hosted ----------------------------------------------------------------------------------


@pytest.fixture
def server(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedServer]:
    """An endpoint that knows all three topics."""
    assert tunegate

    def answer(messages: list[dict[str, str]]) -> str:
        text = messages[-1]["content"]
        return next((name for name, words in TOPICS.items() if words in text), "hm")

    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path.cwd() / "nobody"))
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    with HostedServer(answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.root + "/v1")
        yield server


@pytest.mark.parametrize(("limit", "verdict"), [(5.0, "try_stronger_model"), (0.5, "fine_tune")])
def test_a_hosted_model_is_priced_and_one_too_dear_is_not_advised(
    limit: float, verdict: str, tunegate: CommandLine, server: HostedServer
) -> None:
    scene("openai:large", extra=f"operation: {{max_cost: {limit}}}\n")
    Path("tunegate-prices.yaml").write_text(PRICES)
    told = run(tunegate, "--no-tune")
    assert told.code == 0, told.err
    decision = decided(told)
    assert decision["verdict"] == verdict
    (line,) = decision["stronger"]
    assert len(server.calls) == 60
    words = [sum(len(m["content"].split()) for m in call.body["messages"]) for call in server.calls]
    replies = [next(len(n.split()) for n in TOPICS if TOPICS[n] in c.text) for c in server.calls]
    paid = (2 * sum(words) + 10 * sum(replies)) / 1e6 + 0.001 * 60
    assert line["cost"] == pytest.approx(1000 * paid / 60)
    assert (line["currency"], line["max_cost"]) == ("USD", limit)
    if verdict == "fine_tune":
        assert "more than the 0.50 USD that is accepted" in rule(decision)["evidence"]
    gate = tunegate("gate", "tickets", "--model", SMALL, "--json").document
    assert gate == decision
    assert len(server.calls) == 60


def test_a_price_that_is_missing_is_told_before_the_search_and_asked_for_after(
    tunegate: CommandLine, server: HostedServer
) -> None:
    scene("openai:large", extra="operation: {max_cost: 5}\n")
    told = run(tunegate, "--no-tune")
    first, *_ = told.err.splitlines()
    assert "whether it stays within operation.max_cost will not be known" in first
    assert decided(told)["verdict"] == "fine_tune"
    calls = len(server.calls)
    Path("mine.yaml").write_text(PRICES)
    gate = tunegate("gate", "tickets", "--model", SMALL, "--prices", "mine.yaml", "--json")
    assert gate.document["verdict"] == "try_stronger_model"
    assert len(server.calls) == calls


def test_a_scripted_model_without_a_price_is_told_before_the_search_too(
    tunegate: CommandLine,
) -> None:
    scene(LARGE, extra="operation: {max_cost: 5}\n")
    told = run(tunegate, "--no-tune")
    first, *_ = told.err.splitlines()
    assert "whether it stays within operation.max_cost will not be known" in first
    assert f'"{LARGE}"' in first


def test_a_budget_holds_for_other_models_and_a_larger_one_goes_on(
    tunegate: CommandLine, server: HostedServer
) -> None:
    scene("openai:large")
    told = run(tunegate, "--no-tune", "--max-requests", 20)
    assert told.code == 4
    assert told.document["error"]["type"] == "BudgetSpentError"
    assert len(server.calls) == 20
    again = run(tunegate, "--no-tune", "--max-requests", 100)
    assert decided(again)["verdict"] == "try_stronger_model"
    assert len(server.calls) == 60


def test_money_that_is_limited_needs_the_price_of_every_model_named(
    tunegate: CommandLine, server: HostedServer
) -> None:
    scene("openai:large")
    told = run(tunegate, "--max-cost", "1")
    assert (told.code, server.calls) == (2, [])
    assert "no price for openai:large" in told.document["error"]["message"]


def test_an_endpoint_that_is_gone_ends_the_work_and_comes_back_to_the_rest(
    tunegate: CommandLine, server: HostedServer
) -> None:
    scene("openai:large")
    server.plan = always("401")
    told = run(tunegate, "--no-tune")
    assert told.code in {2, 4}
    assert "openai:large, which compare_models names, could not be run" in told.err
    server.plan = never
    assert decided(run(tunegate, "--no-tune"))["verdict"] == "try_stronger_model"


def test_without_an_address_or_key_the_job_does_not_begin(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    scene("openai:large")
    told = run(tunegate)
    assert (told.code, told.document["error"]["key"]) == (2, "compare_models")
    assert "OPENAI_API_KEY" in json.dumps(told.document)
    assert not Path(".tunegate").exists()
    check = tunegate("check", "tickets")
    assert check.code == 0
    assert "openai:large of compare_models cannot be opened here" in check.out


# --- check -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gpt-large", "openai:", "opnai:large", "hf:", "openai:a\\nb"])
def test_a_name_that_is_no_models_is_refused_with_its_line(
    name: str, tunegate: CommandLine
) -> None:
    scene(name)
    lines = Path("tickets/suite.yaml").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("compare_models"))
    for command in (("check", "tickets"), ("run", "tickets", "--model", SMALL)):
        told = tunegate(*command)
        assert told.code == 2
        assert f"suite.yaml:{number}: compare_models[0]" in told.err


def test_check_says_what_is_known_of_each_model(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    scene("openai:large", LARGE, "scripted:absent.json")
    findings = tunegate("check", "tickets", "--json").document["findings"]
    said = {f["level"]: [] for f in findings}
    for found in findings:
        said[found["level"]].append(found["message"])
    assert any("it would be asked at 127.0.0.1:9" in text for text in said["note"])
    assert any(text.startswith(LARGE) for text in said["note"])
    assert any("absent.json" in text for text in said["warning"])


def test_check_warns_of_models_that_are_never_run(tunegate: CommandLine) -> None:
    scene(LARGE, target=None, extra=f'candidate: {{model: "{LARGE}"}}\n')
    told = tunegate("check", "tickets")
    assert "compare_models is never run: there is no target" in told.out
    assert f"{LARGE} is the suite's own model" in told.out
