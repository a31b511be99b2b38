"""Votes, thoughts and prompts as `eval` and `show` tell them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Found
from evals.ledger import Ledger
from tests.hosted_server import HostedServer
from tests.sample_suite import PROMPTS, TOPICS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model

LEDGER = Path(".tunegate")
HOSTILE = "\x1b[2J[red]Is it?[/red]\u202e\n<b>Answer:</b> no"


def evaluate(tunegate: CommandLine, *arguments: object) -> str:
    """The id of the run that `eval` makes."""
    told = tunegate("eval", "tickets", *arguments, "--json")
    assert told.code == 0, told.err
    return str(told.document["id"])


@pytest.fixture
def voted(tunegate: CommandLine) -> str:
    """A run of three votes with reasoning, of which two say billing."""
    write_suite(Path("tickets"))
    replies = [HOSTILE + "\nAnswer: login", "It is money.\nAnswer: billing", "Answer: Billing."]
    rules = [{"seed": n, "reply": reply} for n, reply in enumerate(replies)]
    model = write_model(Path("model.json"), rules)
    return evaluate(tunegate, "--model", model, "--reasoning", "--votes", 3)


def test_a_case_shows_its_votes_and_all_that_was_written(tunegate: CommandLine, voted: str) -> None:
    told = tunegate("show", voted, "dev-0000")
    assert "got: billing" in told.out
    assert "3 votes: 2x billing, 1x login" in told.out
    assert r"in full: It is money.\nAnswer: billing" in told.out
    output = tunegate("show", voted, "dev-0000", "--json").document["result"]["output"]
    assert output["ballots"] == ["login", "billing", "Billing."]
    assert output["full"] == "It is money.\nAnswer: billing"


def test_thoughts_are_hostile_text(tunegate: CommandLine) -> None:
    write_suite(Path("tickets"))
    model = write_model(Path("model.json"), [], HOSTILE)
    run = evaluate(tunegate, "--model", model, "--reasoning")
    out = tunegate("show", run, "dev-0000").out
    assert r"in full: \x1b[2J[red]Is it?[/red]\u202e\n<b>Answer:</b> no" in out
    assert "\x1b" not in out


def test_a_run_says_how_far_its_votes_agree(tunegate: CommandLine, voted: str) -> None:
    told = tunegate("show", voted)
    assert "of the votes on a case 66.7% are for the elected answer, on average" in told.out
    assert tunegate("show", voted, "--json").document["agreement"] == pytest.approx(2 / 3)


def test_votes_that_never_differ_are_pointed_at(tunegate: CommandLine) -> None:
    write_suite(Path("tickets"))
    model = write_model(Path("model.json"), [], "login")
    run = evaluate(tunegate, "--model", model, "--votes", 3)
    told = " ".join(tunegate("show", run).out.split())
    assert "every vote was the same, perhaps since temperature and seed are ignored" in told


def test_the_prompt_of_a_case_is_shown_as_it_was_asked(tunegate: CommandLine, voted: str) -> None:
    told = tunegate("show", voted, "dev-0000", "--prompt", "--suite", "tickets")
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert lines[:2] == ["[system]", "  Route."]
    assert f"  {TOPICS['billing']}" in told.out
    assert lines[-1].startswith("  Think step by step first.")
    told = tunegate("show", voted, "dev-0000", "--prompt", "--suite", "tickets", "--json")
    assert [each["role"] for each in told.document["request"]["messages"]] == ["system", "user"]


def test_without_a_case_the_template_itself_is_shown_to_be_saved(
    tunegate: CommandLine, voted: str
) -> None:
    told = tunegate("show", voted, "--prompt")
    assert told.out == PROMPTS["terse"]
    assert "tickets/prompts/terse.j2" in told.err
    assert tunegate("show", voted, "--prompt", "--json").document["template"] == PROMPTS["terse"]


def test_a_template_that_a_search_wrote_is_shown_from_the_record(
    tunegate: CommandLine, voted: str
) -> None:
    source = '{% message "user" %}\n  {{ input.text }}\n{% endmessage %}'
    ledger = Ledger(LEDGER)
    run = ledger.run(voted)
    candidate = replace(run.candidate, found=Found("o", template=source))
    ledger.store_run(replace(run, id="tickets-dev-found", candidate=candidate), [])
    ledger.close()
    Path("tickets").rename("gone")
    told = tunegate("show", "tickets-dev-found", "--prompt")
    assert told.out == source + "\n"
    assert "a search wrote it, from prompt 'terse'" in told.err


def test_a_prompt_that_changed_since_is_not_shown_as_if_it_had_been_asked(
    tunegate: CommandLine, voted: str
) -> None:
    Path("tickets/prompts/terse.j2").write_text(PROMPTS["polite"])
    told = tunegate("show", voted, "dev-0000", "--prompt")
    assert told.code == 2
    assert "since then prompt 'terse' changed" in told.err
    assert not told.out
    told = tunegate("show", voted, "--prompt")
    assert told.code == 2
    assert "prompt 'terse' of tickets is not the one that this run used any more" in told.err


def test_a_case_that_changed_since_is_not_shown_either(tunegate: CommandLine, voted: str) -> None:
    path = Path("tickets/dev.jsonl")
    path.write_text(path.read_text().replace("charged for", "charged twice for"))
    told = tunegate("show", voted, "dev-0000", "--prompt")
    assert told.code == 2
    assert "since then the case changed, or is gone" in told.err
    assert tunegate("show", voted, "dev-0001", "--prompt").code == 0


def test_a_suite_that_is_not_where_its_name_says_must_be_named(
    tunegate: CommandLine, voted: str
) -> None:
    Path("tickets").rename("elsewhere")
    told = tunegate("show", voted, "dev-0000", "--prompt")
    assert told.code == 2
    assert "name its folder with --suite" in told.err
    assert tunegate("show", voted, "dev-0000", "--prompt", "--suite", "elsewhere").code == 0
    other = tunegate("show", voted, "--prompt", "--suite", "general_ability")
    assert "is of suite 'tickets', and this is 'general_ability'" in other.err
    assert tunegate("show", voted, "--suite", "elsewhere").code == 2


def test_stored_thoughts_are_scored_anew_without_asking(tunegate: CommandLine, voted: str) -> None:
    manifest = Path("tickets/suite.yaml")
    manifest.write_text(
        manifest.read_text().replace("primary:", "  more: {scorer: exact@1}\nprimary:")
    )
    write_model(Path("model.json"), [{"contains": "", "error": "asked again"}])
    told = tunegate("eval", "tickets", "--rescore", "--json")
    assert told.code == 0, told.err
    (rescored,) = told.document["rescored"]
    ledger = Ledger(LEDGER, read_only=True)
    result = ledger.run(rescored["id"]).results[0]
    assert result.output.ballots == ("login", "billing", "Billing.")
    assert result.scores["accuracy"].value == 1.0
    assert "more" in result.scores


CALL = 0.001  # of one request, by the prices below
PRICES = 'models: {"openai:m": {input: 0, output: 0, request: 0.001}}\n'


@pytest.fixture
def server(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedServer]:
    """An endpoint, with a price for each request."""
    assert tunegate  # the current folder is the test's own from here on
    write_suite(Path("tickets"), sizes={"train": 9, "dev": 20, "test": 9})
    Path("tunegate-prices.yaml").write_text(PRICES)
    monkeypatch.delenv("TUNEGATE_PRICES", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    with HostedServer(lambda _: "login") as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.root + "/v1")
        yield server


def test_a_budget_bounds_all_votes_and_a_larger_one_asks_only_the_rest(
    tunegate: CommandLine, server: HostedServer
) -> None:
    command = ("eval", "tickets", "--model", "openai:m", "--votes", 5)
    told = tunegate(*command, "--max-cost", 33.5 * CALL)
    assert told.code == 4
    assert len(server.calls) == 33
    told = tunegate(*command, "--max-cost", 1, "--json")
    assert told.code == 0, told.err
    assert len(server.calls) == 100
    seeds = [call.body["seed"] for call in server.calls]
    assert sorted(seeds) == sorted(list(range(5)) * 20)
    run = told.document
    assert run["spent"]["requests"] == 100
    assert run["spent"]["money"] == pytest.approx(100 * CALL)
