"""What 1,000 calls cost: by today's list, else by the run's own price, never across currencies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.records import Candidate, CaseResult, Output, Run
from evals.spending.accounts import spending_of
from evals.spending.prices import Prices
from evals.spending.records import Price
from tuning.stronger.cost import cost_of_thousand

LIST = Prices("EUR", {"openai:m": Price(input=2.0, output=10.0)})


def made(prices: Prices, model: str = "openai:m", failed: int = 0) -> Run:
    """Four calls of 100 + 20 tokens, of which the last `failed` gave nothing."""
    good = Output("x", "stop", 100, 20)
    bad = Output(None, "error", error="no reply", attempts=6)
    outputs = [good] * (4 - failed) + [bad] * failed
    results = tuple(CaseResult(f"c{n}", "f", "p", output) for n, output in enumerate(outputs))
    return Run(
        id="r",
        suite="s",
        suite_fingerprint="s",
        scoring_fingerprint="s",
        split="dev",
        primary="m",
        candidate=Candidate(model, "f", "p", "p"),
        results=results,
        seconds=1.0,
        created="",
        spent=spending_of(model, outputs, prices),
    )


def test_todays_list_comes_before_the_price_of_the_run() -> None:
    run = made(Prices("EUR", {"openai:m": Price(input=1.0, output=1.0)}))
    found = cost_of_thousand(run, LIST)
    assert found is not None
    assert found == (pytest.approx(1000 * (100 * 2 + 20 * 10) / 1e6), "EUR")


def test_where_the_list_is_silent_the_price_of_the_run_counts() -> None:
    found = cost_of_thousand(made(LIST), Prices())
    assert found == (pytest.approx(0.4), "EUR")
    other = Prices("EUR", {"openai:other": Price(1.0, 1.0)})
    assert cost_of_thousand(made(LIST), other) == found


def test_money_of_another_currency_is_not_held_against_the_limit() -> None:
    assert cost_of_thousand(made(LIST), Prices("USD", {"openai:other": Price(1, 1)})) is None


def test_calls_that_failed_are_not_among_the_thousand() -> None:
    assert cost_of_thousand(made(LIST, failed=1), LIST) == (pytest.approx(0.4), "EUR")
    assert cost_of_thousand(made(LIST, failed=4), LIST) is None


def test_without_any_price_nothing_is_known() -> None:
    assert cost_of_thousand(made(Prices()), Prices()) is None
    assert cost_of_thousand(replace(made(LIST, "hf:x"), spent=None), LIST) is None


def test_an_endpoint_that_counts_no_tokens_has_no_cost_and_is_not_free() -> None:
    run = made(LIST)
    silent = [
        replace(r, output=replace(r.output, prompt_tokens=0, completion_tokens=0))
        for r in run.results
    ]
    for results in (silent, [*run.results[:3], silent[3]]):
        stored = replace(run, results=tuple(results))
        older = replace(stored, spent=replace(run.spent, money=0.0))  # as it once was stored
        assert cost_of_thousand(stored, LIST) is None
        assert cost_of_thousand(older, LIST) is None
        assert cost_of_thousand(older, Prices()) is None
        free = Prices("EUR", {"openai:m": Price(0, 0)})
        assert cost_of_thousand(stored, free) == (0.0, "EUR")
