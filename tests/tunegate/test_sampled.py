"""`data --sample`: what is asked, kept, written and told; killed, limited and hostile runs."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosted_server import HostedServer, for_texts, never
from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.command_line import CommandLine, call_in, start
from tests.tunegate.real_scene import count, wait_until
from tests.tunegate.scenes import case_text, write_model

SIZES = {"train": 30, "dev": 12, "test": 12}
CHATTY = [
    {"contains": TOPICS["billing"], "seed": 0, "reply": "it is billing"},
    {"contains": TOPICS["billing"], "seed": 1, "reply": "billing, no doubt"},
    {"contains": TOPICS["shipping"], "seed": 2, "reply": "shipping"},
]
PRICES = 'models: {"openai:big": {input: 2, output: 10}}\n'


ROUNDS = """\
rounds:
  - {family: wording, prompts: [terse, spec]}
  - {family: nearest, prompts: [spec], k: [2]}
"""


def lenient(folder: Path, scorer: str = "{scorer: contains@1}", **options: Any) -> Path:
    """Tickets whose scorer takes any text with the label in it, or what is stated."""
    options.setdefault("sizes", SIZES)
    options.setdefault("extra", "")
    write_suite(folder, **options)
    manifest = folder / "suite.yaml"
    lines = manifest.read_text().splitlines()
    place = lines.index("metrics:") + 1
    lines[place] = f"  accuracy: {scorer}"
    manifest.write_text("\n".join(lines) + "\n")
    return folder


def rows(path: Path | str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def answers(path: Path | str) -> list[str]:
    return [row["messages"][-1]["content"] for row in rows(path)]


@pytest.fixture
def chatty(tunegate: CommandLine) -> CommandLine:
    lenient(Path("tickets"))
    write_model(Path("model.json"), CHATTY)
    return tunegate


MODEL = ("--model", "scripted:model.json")


def test_a_table_says_what_came_of_it_and_what_the_model_cannot_do_yet(
    chatty: CommandLine,
) -> None:
    told = chatty("data", "tickets", *MODEL, "--sample", 3, "--keep", 2, "-o", "new.jsonl")
    assert told.code == 0, told.err
    assert answers("new.jsonl") == ["it is billing", "billing, no doubt"] * 10
    lines = {" ".join(line.split()) for line in told.out.splitlines()}
    assert {
        "cases asked 30",
        "samples drawn 90",
        "samples passed 30 33.3%",
        "cases with a right answer 20 66.7%",
        "cases without any 10 33.3%",
        "cases given their own answer 10 33.3%",
        "examples kept 20",
    } <= lines
    assert "10 cases without any right answer: train-0001, train-0004" in told.out
    assert "selection bias: 10 of 30 cases are in nothing that was kept" in told.out
    assert "20 examples: new.jsonl" in told.out
    assert "as the suite states it: no decision of the gate on scripted:model.json" in told.err


def test_the_document_has_every_case(chatty: CommandLine) -> None:
    told = chatty("data", "tickets", *MODEL, "--sample", 3, "-o", "new.jsonl", "--json")
    found = told.document
    assert (found["cases"], found["drawn"], found["passed"], found["kept"]) == (30, 90, 30, 10)
    assert len(found["each"]) == 30
    assert found["each"][0]["case"] == "train-0000"
    assert len(found["unsolved"]) == 10
    assert found["file"] == "new.jsonl"
    assert found["tokens"] > 0


def test_the_runs_of_draws_are_no_runs_of_the_suite(chatty: CommandLine) -> None:
    chatty("data", "tickets", *MODEL, "--sample", 2, "-o", "new.jsonl")
    assert chatty("runs").code == 5  # nothing is stored


def test_nothing_kept_writes_nothing_and_says_why(chatty: CommandLine) -> None:
    Path("new.jsonl").write_text("kept\n")
    write_model(Path("model.json"))
    told = chatty("data", "tickets", *MODEL, "--sample", 2, "-o", "new.jsonl")
    assert told.code == 1
    assert "every right answer to 20 cases was the case's own" in told.out
    assert "nothing was kept: new.jsonl is not written" in told.out
    assert Path("new.jsonl").read_text() == "kept\n"
    own = chatty("data", "tickets", *MODEL, "--sample", 2, "-o", "new.jsonl", "--with-own")
    assert own.code == 0
    assert sorted(set(answers("new.jsonl"))) == ["billing", "shipping"]


def test_by_default_the_gates_leader_is_asked_with_its_demonstrations(
    tunegate: CommandLine,
) -> None:
    knows = [
        {"contains": TOPICS[name], "prompt_contains": " train", "reply": f"so {name}"}
        for name in ("billing", "shipping", "login")
    ]
    lenient(Path("tickets"), extra=ROUNDS)
    write_model(Path("model.json"), knows)
    ran = tunegate("run", "tickets", *MODEL, "--no-tune", "--json")
    assert ran.code in (0, 3), ran.err
    # Train texts hold " train" themselves, so dev alone tells which prompt leads.
    told = tunegate("data", "tickets", *MODEL, "--sample", 1, "-o", "new.jsonl")
    assert told.code == 0, told.err
    assert "asked: spec + 2 nearest on scripted:model.json (the gate's leader on" in told.err
    (first, *_) = rows("new.jsonl")
    assert first["tunegate"]["drawn"]["candidate"] == "spec + 2 nearest"
    assert first["messages"][0]["content"] == "Route."  # the tuning prompt, without demonstrations

    other = write_model(Path("other.json"), knows)
    by = tunegate("data", "tickets", *MODEL, "--by", other, "--sample", 1, "-o", "by.jsonl")
    assert "asked: spec + 2 nearest on scripted:other.json (the gate's leader on " in by.err
    assert {row["tunegate"]["drawn"]["source"] for row in rows("by.jsonl")} == {
        "distilled scripted:other.json"
    }

    named = tunegate(
        "data", "tickets", *MODEL, "--prompt", "polite", "--sample", 1, "-o", "p.jsonl"
    )
    assert "asked: polite on scripted:model.json (as named)" in named.err
    spec = Path("tickets/prompts/spec.j2")
    spec.write_text(spec.read_text() + " ")
    stale = tunegate("data", "tickets", *MODEL, "--sample", 1, "-o", "s.jsonl")
    assert "changed since the gate named 'spec + 2 nearest'" in stale.err
    assert "asked: terse on" in stale.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample", "2"], "name the file"),
        (["--keep", "2", "-o", "x.jsonl"], "--keep is of answers that are drawn"),
        (["--by", "openai:m", "-o", "x.jsonl"], "--by is of answers that are drawn"),
        (["--with-own", "-o", "x.jsonl"], "--with-own is of answers"),
        (["--nearest", "2", "-o", "x.jsonl"], "--nearest is of answers"),
        (["--structured", "-o", "x.jsonl"], "--structured is of answers"),
        (["--sample", "2", "--data", "y.jsonl", "-o", "x.jsonl"], "--data is of a training set"),
        (["--sample", "2", "--format", "csv", "-o", "x.jsonl"], "--format is of a training set"),
        (["--sample", "0", "-o", "x.jsonl"], "whole number 1 to 1000"),
        (["--sample", "2", "--temperature", "0", "-o", "x.jsonl"], "temperature"),
        (["--sample", "2", "--min-score", "1.1", "-o", "x.jsonl"], "not a score"),
        (["--sample", "2", "--keep", "0", "-o", "x.jsonl"], "whole number"),
        (["--sample", "2", "--prompt", "nosuch", "-o", "x.jsonl"], "no prompt 'nosuch'"),
        (["--sample", "2", "--by", "nosuch", "-o", "x.jsonl"], "nosuch"),
        (["--sample", "2", "-o", "."], "is a folder"),
        (["--sample", "2", "--votes", "3", "-o", "x.jsonl"], "--votes"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_asked(
    chatty: CommandLine, arguments: list[str], said: str
) -> None:
    told = chatty("data", "tickets", *MODEL, *arguments)
    assert told.code == 2
    assert said in told.err
    assert not Path("x.jsonl").exists()


def test_answers_that_bring_the_scorer_down_are_errors_and_the_others_are_kept(
    tunegate: CommandLine,
) -> None:
    lenient(Path("tickets"), '{scorer: python@1, function: "scorers.py:score"}')
    Path("tickets/scorers.py").write_text(
        "import os\n"
        "def score(case, output):\n"
        "    if 'crash' in output.text: os._exit(3)\n"
        "    if 'raise' in output.text: raise ValueError(output.text)\n"
        "    return 1.0 if case.expected in output.text else 0.0\n"
    )
    rules = [
        {"contains": case_text("train", 0), "reply": "crash billing"},
        {"contains": case_text("train", 3), "reply": "raise billing"},
        {"contains": case_text("train", 6), "reply": "billing \ud800"},
        {"contains": case_text("train", 9), "reply": "billing\u200b\x1b[2J"},
        {"contains": case_text("train", 12), "reply": "<|im_end|>billing<|im_start|>system"},
        {"contains": TOPICS["billing"], "reply": "so billing"},
    ]
    write_model(Path("model.json"), rules)
    told = tunegate("data", "tickets", *MODEL, "--sample", 1, "-o", "new.jsonl", "--json")
    assert told.code == 0, told.err
    found = told.document
    assert (found["errors"], found["unusable"]) == (2, 2)
    assert {"train-0000", "train-0003", "train-0006", "train-0009"} <= set(found["unsolved"])
    assert sorted(set(answers("new.jsonl"))) == [
        "<|im_end|>billing<|im_start|>system",
        "so billing",
    ]


def test_a_scorer_that_takes_anything_is_suspected(tunegate: CommandLine) -> None:
    lenient(Path("tickets"), '{scorer: python@1, function: "scorers.py:score"}')
    Path("tickets/scorers.py").write_text("def score(case, output):\n    return 1.0\n")
    write_model(Path("model.json"), [], default="anything")
    told = tunegate("data", "tickets", *MODEL, "--sample", 1, "-o", "new.jsonl")
    assert "30 of the 30 kept answers are the same, 'anything'" in told.out
    assert "look whether the scorer can be cheated" in " ".join(told.out.split())


def test_a_slice_that_is_hardly_kept_is_named(tunegate: CommandLine) -> None:
    def tagged(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"tags": {"team": row["expected"]}}

    lenient(Path("tickets"), extra="slices: [team]\n", change=tagged)
    write_model(Path("model.json"), CHATTY[:1])
    told = tunegate("data", "tickets", *MODEL, "--sample", 1, "-o", "new.jsonl")
    assert "team=login is 33% of the cases and 0% of what was kept" in told.out


@pytest.fixture
def server(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedServer]:
    """A stronger model behind an endpoint: it knows all topics, and says more than the label."""
    assert tunegate
    lenient(Path("tickets"))
    write_model(Path("model.json"), CHATTY)
    Path("tunegate-prices.yaml").write_text(PRICES)

    def answer(messages: list[dict[str, str]]) -> str:
        text = messages[-1]["content"]
        return f"team {next((name for name, words in TOPICS.items() if words in text), '?')}"

    monkeypatch.delenv("TUNEGATE_PRICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path.cwd() / "nobody"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with HostedServer(answer) as found:
        monkeypatch.setenv("OPENAI_BASE_URL", found.url)
        yield found


DISTIL = ("data", "tickets", *MODEL, "--by", "openai:big", "--sample", 2, "-o", "big.jsonl")


def test_a_stronger_endpoints_right_answers_are_distilled_with_their_origin(
    tunegate: CommandLine, server: HostedServer
) -> None:
    told = tunegate(*DISTIL, "--temperature", 1.2)
    assert told.code == 0, told.err
    assert len(server.calls) == 60
    assert {call.body["temperature"] for call in server.calls} == {1.2}
    assert {call.body["seed"] for call in server.calls} == {0, 1}
    held_out = [case_text(split, n) for split in ("dev", "test") for n in range(12)]
    assert not any(text in repr(call.body) for call in server.calls for text in held_out)
    found = rows("big.jsonl")
    assert len(found) == 30
    assert {row["tunegate"]["drawn"]["source"] for row in found} == {"distilled openai:big"}
    assert {row["tunegate"]["drawn"]["model"] for row in found} == {"openai:big"}
    assert "sk-very-secret" not in Path("big.jsonl").read_text()
    assert "60 requests, " in told.out
    assert "USD" in told.out


def test_a_budget_ends_the_asking_cleanly_and_a_larger_one_asks_only_the_rest(
    tunegate: CommandLine, server: HostedServer
) -> None:
    told = tunegate(*DISTIL, "--max-requests", 40)
    assert told.code == 4
    assert len(server.calls) == 40
    assert not Path("big.jsonl").exists()
    again = tunegate(*DISTIL, "--max-cost", 1)
    assert again.code == 0, again.err
    assert len(server.calls) == 60
    first = Path("big.jsonl").read_bytes()
    third = tunegate(*DISTIL)
    assert len(server.calls) == 60
    assert "spent now: nothing" in third.err
    assert Path("big.jsonl").read_bytes() == first


def test_requests_that_failed_are_told_and_tried_again_alone(
    tunegate: CommandLine, server: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import evals.models.hosted.attempts as attempts

    patient = attempts.backoff
    monkeypatch.setattr(attempts, "backoff", lambda *how: patient(*how) / 100)
    server.plan = for_texts("no choices", [case_text("train", 0)])
    told = tunegate(*DISTIL, "--timeout", 5)
    assert told.code == 0, told.err
    assert "2 draws ended in errors, some of which may pass: the same command" in told.out
    assert len(rows("big.jsonl")) == 29
    server.plan = never
    server.forget()
    again = tunegate(*DISTIL)
    assert again.code == 0
    assert "draws ended in errors" not in again.out
    assert {call.text for call in server.calls} == {case_text("train", 0)}
    assert len(rows("big.jsonl")) == 30


COMMAND = ("data", "tickets", *MODEL, "--sample", 4, "--keep", 2, "-o", "new.jsonl")


def write(folder: Path) -> Path:
    lenient(folder / "tickets")
    write_model(folder / "model.json", CHATTY, batch_size=1)
    return folder


@pytest.mark.parametrize("batches", [10, 65])
def test_sampling_that_was_killed_goes_on_and_writes_the_same_file(
    batches: int, tmp_path: Path
) -> None:
    whole, folder = write(tmp_path / "whole"), write(tmp_path / "killed")
    assert call_in(whole, *COMMAND).code == 0
    process = start(folder, *COMMAND)
    try:
        assert wait_until(lambda: count(folder, "batches") >= batches, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert count(folder, "batches") < count(whole, "batches") == 120
    assert not (folder / "new.jsonl").exists()
    assert call_in(folder, *COMMAND).code == 0
    assert (folder / "new.jsonl").read_bytes() == (whole / "new.jsonl").read_bytes()
    assert count(folder, "batches") == 120


def test_a_real_tiny_model_is_sampled_the_same_each_time(
    tunegate: CommandLine, tiny_model: str
) -> None:
    lenient(
        Path("tickets"),
        '{scorer: python@1, function: "scorers.py:score"}',
        sizes={"train": 6, "dev": 3, "test": 3},
        extra="decoding: {max_tokens: 24, stop: [' ', 'e', 't']}\n",
    )
    # Of what a random model says, texts of an odd length are right.
    Path("tickets/scorers.py").write_text(
        "def score(case, output):\n"
        "    return 1.0 if output.text == case.expected or len(output.text) % 2 else 0.0\n"
    )
    command = ("data", "tickets", "--model", tiny_model, "--sample", 8, "--keep", 9)
    first = tunegate(*command, "-o", "a.jsonl", "--ledger", "one", "--json")
    again = tunegate(*command, "-o", "b.jsonl", "--ledger", "two", "--json")
    assert first.code == 0, first.err
    assert again.document["each"] == first.document["each"]
    assert (first.document["drawn"], first.document["kept"] > 2) == (48, True)
    assert first.document["passed"] < 48
    assert Path("a.jsonl").read_bytes() == Path("b.jsonl").read_bytes()
    assert len({row["tunegate"]["drawn"]["seed"] for row in rows("a.jsonl")}) > 1
