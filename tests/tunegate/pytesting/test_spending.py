"""Budgets under pytest: what was not asked is an error, and no failure of quality."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hosted_server import HostedServer
from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.pytesting.project import CHECK_APART, Seen, run_pytest

CASES = 12
EXTRA = "candidate: {model: 'openai:m', prompt: spec}\nci: {thresholds: {accuracy: 0.2}}\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HostedServer]:
    """A project with a suite in its current folder, and the endpoint that its model is behind."""
    write_suite(tmp_path / "tickets", sizes={"train": 30, "dev": CASES}, extra=EXTRA)

    def answer(messages: list[dict[str, str]]) -> str:
        text = messages[-1]["content"]
        return next((name for name, words in TOPICS.items() if words in text), "hm")

    with HostedServer(answer) as server:
        yield server


def seen(folder: Path, server: HostedServer, *arguments: object) -> Seen:
    return run_pytest(
        folder,
        "tickets",
        *("-k", CHECK_APART),
        *arguments,
        OPENAI_BASE_URL=f"{server.root}/v1",
        OPENAI_API_KEY="EMPTY",
        XDG_CONFIG_HOME=str(folder / "nobody"),
    )


def test_a_spent_budget_is_an_error_of_every_item_and_more_goes_on(
    tmp_path: Path, server: HostedServer
) -> None:
    told = seen(tmp_path, server, "--tunegate-max-requests=5")
    assert told.code == 1
    states = told.states("dev") | told.states("threshold")
    assert set(states.values()) == {"error"}
    assert len(states) == CASES + 1
    first = told.items["dev::dev-0000"]
    assert "the budget of 5 requests is spent: openai:m took 5 requests, " in first.text
    assert "Traceback" not in told.out
    assert "not run: see tickets/suite.yaml::dev::dev-0000" in told.items["dev::dev-0001"].text
    assert len(server.calls) == 5

    again = seen(tmp_path, server, "--tunegate-max-requests=7")
    assert (again.code, len(server.calls)) == (0, CASES)
    assert set(again.states("dev").values()) == {"passed"}


def test_an_endpoint_that_nobody_serves_is_an_error_too(
    tmp_path: Path, server: HostedServer
) -> None:
    manifest = tmp_path / "tickets" / "suite.yaml"
    assert manifest.exists()
    with HostedServer() as gone:
        pass
    told = seen(tmp_path, gone, "--tunegate-timeout=5")
    assert set(told.states("dev").values()) == {"error"}
    assert server.calls == []


def test_a_limit_of_money_needs_a_price_also_here(tmp_path: Path, server: HostedServer) -> None:
    told = seen(tmp_path, server, "--tunegate-max-cost=1")
    assert "no price for openai:m (there is no tunegate-prices.yaml)" in told.out
    assert server.calls == []
    (tmp_path / "p.yaml").write_text('models: {"openai:*": {input: 0, output: 0}}')
    told = seen(tmp_path, server, "--tunegate-max-cost=0", "--tunegate-prices=p.yaml")
    assert (told.code, len(server.calls)) == (0, CASES)


def test_what_makes_no_sense_is_told_before_anything_runs(
    tmp_path: Path, server: HostedServer
) -> None:
    told = seen(tmp_path, server, "--tunegate-max-cost=nan")
    assert told.code == 2
    assert "'nan' is not an amount of money" in told.out
    told = seen(tmp_path, server, "-n", 2, "--tunegate-max-requests=5")
    assert told.code == 4
    assert "are kept by one process: leave -n away" in told.err
    assert server.calls == []
