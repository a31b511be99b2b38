"""Budgets and accounts of whole commands, against a real server: what it got is what is told."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.hosted_server import HostedServer, at_first, never
from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.command_line import CommandLine
from tests.tunegate.scenes import write_model

CASES = 300
MODEL = ("--model", "openai:m")
PRICES = 'models: {"openai:m": {input: 2, output: 10, request: 0.001}}\n'


@pytest.fixture
def server(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostedServer]:
    """An endpoint that knows all three topics, and a suite to ask it."""
    assert tunegate  # the current folder is the test's own from here on
    write_suite(Path("tickets"), sizes={"train": 30, "dev": CASES, "test": 30})

    def answer(messages: list[dict[str, str]]) -> str:
        text = messages[-1]["content"]
        return next((name for name, words in TOPICS.items() if words in text), "hm")

    monkeypatch.delenv("TUNEGATE_PRICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path.cwd() / "nobody"))
    monkeypatch.setenv("OPENAI_API_KEY", "EMPTY")
    with HostedServer(answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.root + "/v1")
        yield server


def charged(server: HostedServer) -> Decimal:
    """What the server would write on its bill by `PRICES`."""
    total = Decimal()
    for call in server.calls:
        prompt = sum(len(message["content"].split()) for message in call.body["messages"])
        words = next(len(name.split()) for name in TOPICS if TOPICS[name] in call.text)
        total += (2 * Decimal(prompt) + 10 * words) / 1_000_000 + Decimal("0.001")
    return total


def asked(server: HostedServer) -> list[str]:
    """The last message of every request, sorted."""
    return sorted(call.text for call in server.calls)


def test_a_budget_of_requests_stops_cleanly_and_a_larger_one_asks_only_the_rest(
    tunegate: CommandLine, server: HostedServer
) -> None:
    told = tunegate("eval", "tickets", *MODEL, "--max-requests", 100)
    assert told.code == 4
    assert "the budget of 100 requests is spent: openai:m took 100 requests, " in told.err
    assert "every reply is kept" in told.err
    assert len(server.calls) == 100
    assert len(set(asked(server))) == 100

    again = tunegate("eval", "tickets", *MODEL, "--max-requests", 1000)
    assert again.code == 0, again.err
    assert len(server.calls) == CASES  # 200 more: those that were kept were not asked again
    assert len(set(asked(server))) == CASES
    assert "spent now on openai:m: 200 requests, " in again.err
    assert "300 requests, " in again.out
    assert "no price for openai:m (there is no tunegate-prices.yaml)" in again.out

    third = tunegate("eval", "tickets", *MODEL)
    assert third.code == 0
    assert len(server.calls) == CASES
    assert "spent now: nothing; every reply was found in the ledger" in third.err


def test_a_budget_of_money_is_never_exceeded_and_is_used_to_nearly_its_end(
    tunegate: CommandLine, server: HostedServer
) -> None:
    Path("tunegate-prices.yaml").write_text(PRICES)
    told = tunegate("eval", "tickets", *MODEL, "--max-cost", "0.15", "--json")
    assert told.code == 4
    error = told.document["error"]
    assert error["type"] == "BudgetSpentError"
    assert "more than is left of the budget of 0.15 USD: openai:m took" in error["message"]
    first = len(server.calls)
    assert Decimal("0.14") < charged(server) <= Decimal("0.15")  # a worst case is about 0.005

    again = tunegate("eval", "tickets", *MODEL, "--max-cost", "1", "--json")
    assert again.code == 0, again.err
    assert len(server.calls) == len(set(asked(server))) == CASES
    spent_now = again.document["spent_now"]["openai:m"]
    assert spent_now["requests"] == CASES - first
    spent = again.document["run"]["spent"]
    assert spent == again.document["spent"]
    assert spent["requests"] == CASES
    assert spent["money"] == pytest.approx(float(charged(server)))
    assert (spent["currency"], spent["price"]["input"]) == ("USD", 2.0)


def test_many_at_once_wait_for_money_instead_of_stopping_at_the_first_worst_cases(
    tunegate: CommandLine, server: HostedServer
) -> None:
    Path("tunegate-prices.yaml").write_text('models: {"openai:m": {input: 2, output: 10}}\n')
    server.latency = 0.02
    # Worst cases of four fit in at once, and of all that is asked the money is enough.
    told = tunegate("eval", "tickets", *MODEL, "--max-cost", "0.02", "--json")
    assert told.code == 0, told.err
    assert len(server.calls) == CASES
    assert 0 < told.document["spent"]["money"] < 0.02
    assert server.most_at_once < 16


def test_without_a_price_a_limit_of_money_is_refused_before_anything_is_asked(
    tunegate: CommandLine, server: HostedServer
) -> None:
    for command in ("eval", "run", "ci", "aa", "tune"):
        told = tunegate(command, "tickets", *MODEL, "--max-cost", "1")
        assert told.code == 2, (command, told)
        assert "no price for openai:m" in told.err
        assert '"openai:m": {input: ..., output: ...}' in told.err
    assert server.calls == []
    Path("mine.yaml").write_text('models: {"openai:other": {input: 1, output: 1}}')
    told = tunegate("eval", "tickets", *MODEL, "--max-cost", "1", "--prices", "mine.yaml")
    assert (told.code, "no price for openai:m in mine.yaml" in told.err) == (2, True)


def test_attempts_that_were_refused_count_as_requests(
    tunegate: CommandLine, server: HostedServer
) -> None:
    server.plan = at_first("500")
    told = tunegate("eval", "tickets", *MODEL, "--max-requests", 40, "--concurrency", 4)
    assert told.code == 4
    assert len(server.calls) == 40
    server.plan = never


def test_runs_and_show_tell_what_a_run_took(tunegate: CommandLine, server: HostedServer) -> None:
    assert server
    tunegate("eval", "tickets", *MODEL)
    before = tunegate("runs", "--json").document[0]
    assert before["spent"]["requests"] == CASES
    assert "money" in before["spent"]
    assert before["spent"]["money"] is None
    Path("tunegate-prices.yaml").write_text(PRICES)
    told = tunegate("eval", "tickets", *MODEL)  # found, and given the price of today
    assert "spent now: nothing" in told.err
    run = tunegate("runs", "--json").document[0]
    assert run["spent"]["money"] == pytest.approx(float(charged(server)))
    assert "0.31 USD" in tunegate("runs").out
    assert "300 requests, " in tunegate("show", run["id"]).out
    Path("tunegate-prices.yaml").write_text(PRICES.replace("10", "1000"))
    tunegate("eval", "tickets", *MODEL)
    assert tunegate("runs", "--json").document[0] == run  # the price of its time stays


def test_ci_tells_what_the_answers_took_and_ends_with_4_where_the_budget_is_spent(
    tunegate: CommandLine, server: HostedServer
) -> None:
    Path("tunegate-prices.yaml").write_text(PRICES)
    manifest = Path("tickets/suite.yaml")
    manifest.write_text(manifest.read_text() + "ci: {thresholds: {accuracy: 0.5}}\n")
    told = tunegate("ci", "tickets", *MODEL, "--max-requests", 50)
    assert told.code == 4
    assert len(server.calls) == 50
    assert "the budget of 50 requests is spent" in told.out
    told = tunegate("ci", "tickets", *MODEL, "--markdown", "ci.md", "--json")
    assert told.code == 0, told.err
    assert told.document["suites"][0]["spent"]["requests"] == CASES
    assert told.document["spent_now"]["openai:m"]["requests"] == CASES - 50
    assert "The answers took 300 requests, " in Path("ci.md").read_text()


def test_aa_keeps_nothing_and_says_so(tunegate: CommandLine, server: HostedServer) -> None:
    told = tunegate("aa", "tickets", *MODEL, "--max-requests", 10)
    assert told.code == 4
    assert len(server.calls) == 10
    assert "aa keeps no replies" in told.err
    assert "every reply is kept" not in told.err


def test_the_report_of_a_whole_job_has_the_cost_of_every_candidate(
    tunegate: CommandLine, server: HostedServer
) -> None:
    Path("tunegate-prices.yaml").write_text(PRICES)
    told = tunegate("run", "tickets", *MODEL, "--no-tune", "--max-cost", "5")
    assert told.code in (0, 3), told.err
    assert "what this rests on took " in told.out
    assert f"spent now on openai:m: {len(server.calls):,} requests" in told.err
    tunegate("report", "tickets", *MODEL, "--format", "markdown", "-o", "r.md")
    text = Path("r.md").read_text()
    assert "1,000 calls" in text
    assert "95th percentile" in text
    assert text.count("| tickets dev |") >= 3
    assert "USD" in Path("tickets-report.html").read_text()


def test_limits_of_a_model_that_runs_here_limit_nothing_and_that_is_said(
    tunegate: CommandLine, server: HostedServer
) -> None:
    name = write_model(Path("model.json"))
    told = tunegate("eval", "tickets", "--model", name, "--max-cost", "1", "--json")
    assert told.code == 0
    assert "--max-cost limited nothing: no hosted model was asked" in told.err
    assert told.document["spent"] is None
    assert told.document["spent_now"] == {}
    assert server.calls == []
    quiet = tunegate("eval", "tickets", "--model", name)
    assert "spent" not in quiet.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--max-cost", "nan"),
        ("--max-cost", "-1"),
        ("--max-cost", "inf"),
        ("--max-requests", "-1"),
        ("--max-requests", "1.5"),
        ("--timeout", "0"),
        ("--timeout", "x"),
        ("--concurrency", "0"),
    ],
)
def test_limits_that_make_no_sense_are_refused(
    tunegate: CommandLine, server: HostedServer, option: str, value: str
) -> None:
    told = tunegate("eval", "tickets", *MODEL, f"{option}={value}")
    assert (told.code, server.calls) == (2, [])


def test_models_says_where_prices_are_looked_for(
    tunegate: CommandLine, server: HostedServer
) -> None:
    assert server
    assert "prices: tunegate-prices.yaml (is not there)" in tunegate("models").out
    Path("tunegate-prices.yaml").write_text(PRICES)
    assert "prices: tunegate-prices.yaml (is there)" in tunegate("models").out


def test_help_names_the_defaults_that_hold(tunegate: CommandLine) -> None:
    from evals.models.hosted.settings import MAX_CONCURRENCY, REQUEST_SECONDS
    from tunegate.cli.parser import build_parser

    assert tunegate
    text = build_parser()._subparsers._group_actions[0].choices["eval"].format_help()  # type: ignore[union-attr,index]
    assert f"(default: {MAX_CONCURRENCY})" in text
    assert f"(default: {REQUEST_SECONDS:g})" in text
