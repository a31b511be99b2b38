"""What a run spent is counted from its outputs; what runs here spends nothing."""

from __future__ import annotations

import pytest

from evals.codec import decode, encode
from evals.records import Output
from evals.spending.accounts import spending_of, total
from evals.spending.prices import Prices
from evals.spending.records import Price, Spending
from evals.spending.wording import money_said, spending_said

MODEL = "openai:m"
PRICES = Prices("EUR", {MODEL: Price(1, 2, 0.5, 0.01)})


def output(**more: object) -> Output:
    return Output("yes", "stop", 100, 10, **more)  # type: ignore[arg-type]


def test_tokens_requests_and_money_are_summed_over_the_outputs() -> None:
    outputs = [
        output(),
        output(attempts=3, cached_tokens=40),
        output(replies=("a", "b")),
        Output(None, "error", error="refused", transient=True, attempts=6),
    ]
    spent = spending_of(MODEL, outputs, PRICES)
    assert spent is not None
    assert (spent.requests, spent.prompt_tokens) == (1 + 3 + 2 + 6, 300)
    assert (spent.completion_tokens, spent.cached_tokens) == (30, 40)
    # 260 fresh, 40 cached, 30 written, and four answered requests
    assert spent.money == pytest.approx((260 + 20 + 60) / 1e6 + 4 * 0.01)
    assert (spent.currency, spent.price) == ("EUR", PRICES.models[MODEL])


def test_a_local_model_spends_nothing_and_an_unknown_price_is_no_price() -> None:
    assert spending_of("smollm2-135m", [output()], PRICES) is None
    spent = spending_of("openai:x", [output()], PRICES)
    assert spent == Spending(1, 100, 10)


@pytest.mark.parametrize(
    "lacking",
    [Output("yes", "stop"), Output("yes", "stop", 0, 10), Output("yes", "stop", 100, 0)],
)
def test_tokens_that_were_not_counted_are_not_free(lacking: Output) -> None:
    spent = spending_of(MODEL, [output(), lacking], PRICES)
    assert spent is not None
    assert spent.money is None
    assert "cost not known: the endpoint did not count" in spending_said(spent)
    silent, failed = Output("", "stop", 100, 0), Output(None, "error", error="gone")
    known = spending_of(MODEL, [output(), silent, failed], PRICES)
    assert known is not None
    assert known.money is not None


def test_votes_are_requests_of_which_the_answered_ones_cost() -> None:
    voted = output(ballots=("yes", None, "no"), attempts=5)
    spent = spending_of(MODEL, [voted, output(ballots=("yes", "no"))], PRICES)
    assert spent is not None
    assert spent.requests == 5 + 2
    assert spent.money == pytest.approx((200 + 40) / 1e6 + (2 + 2) * 0.01)


def test_thoughts_without_an_answer_have_tokens_that_must_be_counted() -> None:
    thought = Output("", "length", 100, 0, full="Let me think")
    spent = spending_of(MODEL, [thought], PRICES)
    assert spent is not None
    assert spent.money is None


def test_what_has_no_price_for_tokens_needs_no_count() -> None:
    lacking = Output("yes", "stop")
    free = spending_of(MODEL, [lacking], Prices("EUR", {MODEL: Price(0, 0)}))
    by_request = spending_of(MODEL, [lacking], Prices("EUR", {MODEL: Price(0, 0, request=0.5)}))
    assert free is not None
    assert by_request is not None
    assert (free.money, by_request.money) == (0.0, 0.5)


def test_a_total_has_money_only_where_every_part_has() -> None:
    known, other = Spending(1, 2, 3, 0, 0.5, "EUR"), Spending(1, 2, 3, 0, 0.25, "EUR")
    assert total([None, known, other]) == Spending(2, 4, 6, 0, 0.75, "EUR")
    assert total([known, Spending(1)]) == Spending(2, 2, 3)
    assert total([known, Spending(1, money=0.1, currency="USD")]) == Spending(2, 2, 3)
    assert total([None]) is None


def test_spending_survives_storage() -> None:
    spent = spending_of(MODEL, [output()], PRICES)
    assert decode(encode(spent), Spending) == spent


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "0.00 USD"),
        (12.346, "12.35 USD"),
        (1234.5, "1,234.50 USD"),
        (0.031, "0.031 USD"),
        (0.5, "0.50 USD"),
        (0.0000123, "0.000012 USD"),
        (1e-9, "0.0000000010 USD"),
    ],
)
def test_money_is_written_so(amount: float, said: str) -> None:
    assert money_said(amount, "USD") == said


def test_spending_is_said_in_a_line() -> None:
    spent = Spending(2000, 120_400, 8000, 400, 0.031, "USD")
    assert spending_said(spent) == (
        "2,000 requests, 120,400 (400 of them cached) + 8,000 tokens, 0.031 USD"
    )
    assert spending_said(Spending(1, 5, 6)) == "1 request, 5 + 6 tokens"
