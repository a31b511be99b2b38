"""A budget is never exceeded, is used to nearly its end, and says what became of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import BudgetSpentError, UsageError
from evals.spending.budget import ADDED_TOKENS, Budget
from evals.spending.prices import Prices
from evals.spending.records import Price
from evals.spending.usage import Usage

MODEL = "openai:m"
PRICE = Price(input=1.0, output=2.0, cached_input=0.5, request=0.001)

endings = st.sampled_from(["settle", "release", "forfeit"])
steps = st.lists(
    st.tuples(
        st.integers(0, 5000),  # bytes of the prompt
        st.integers(1, 500),  # most tokens of the reply
        st.floats(0, 1),  # how much of that bound is used
        endings,
        st.integers(0, 7),  # which request under way ends next
    ),
    max_size=60,
)


def budget_of(max_cost: str | None = None, max_requests: int | None = None) -> Budget:
    prices = Prices(models={MODEL: PRICE})
    return Budget(prices, max_requests, None if max_cost is None else Decimal(max_cost))


@settings(deadline=None)
@given(steps, st.decimals(0, "0.05", places=6), st.integers(0, 40))
def test_no_order_of_requests_spends_more_than_was_allowed(
    steps: list[tuple[int, int, float, str, int]], max_cost: Decimal, max_requests: int
) -> None:
    budget = Budget(Prices(models={MODEL: PRICE}), max_requests, max_cost)
    under_way = []
    begun, charged = 0, Decimal()
    for prompt_bytes, max_tokens, share, ending, which in steps:
        try:
            reserved = budget.reserve(MODEL, prompt_bytes, max_tokens)
            begun += 1
            under_way.append((reserved, prompt_bytes, max_tokens))
        except BudgetSpentError:
            pass
        if under_way and which < 4:
            reserved, sent, most = under_way.pop(which % len(under_way))
            usage = Usage(int(share * (sent + ADDED_TOKENS)), int(share * most), which * 10)
            if ending == "settle":
                reserved.settle(usage)
                charged += PRICE.cost(usage)
            else:
                getattr(reserved, ending)()
        assert begun == budget.requests <= max_requests
        assert charged <= budget.money <= max_cost
        assert budget.money + budget.reserved <= max_cost
    for reserved, _, _ in under_way:
        reserved.release()
    assert budget.reserved == 0


def test_a_budget_is_used_until_the_worst_case_of_one_request_is_left() -> None:
    budget = budget_of("0.1")

    def spend_all() -> None:
        while True:
            budget.reserve(MODEL, 400, 50).settle(Usage(100, 5))

    with pytest.raises(BudgetSpentError):
        spend_all()
    worst = PRICE.most(400 + ADDED_TOKENS, 50)
    assert Decimal("0.1") - worst < budget.money <= Decimal("0.1")


def test_requests_under_way_may_leave_enough_and_the_error_says_so() -> None:
    budget = budget_of("0.005")
    first = budget.reserve(MODEL, 1000, 100)
    second = budget.reserve(MODEL, 300, 100)
    with pytest.raises(BudgetSpentError) as caught:
        budget.reserve(MODEL, 1000, 100)
    assert caught.value.may_pass
    first.settle(Usage(250, 10))
    second.settle(Usage(75, 10))
    budget.reserve(MODEL, 100, 10).forfeit()
    with pytest.raises(BudgetSpentError) as caught:
        budget.reserve(MODEL, 1000, 100)
    assert not caught.value.may_pass  # nothing is under way that could


def test_requests_count_also_when_they_are_refused_and_no_waiting_helps() -> None:
    budget = budget_of(max_requests=2)
    budget.reserve(MODEL, 10, 10).release()
    under_way = budget.reserve(MODEL, 10, 10)
    with pytest.raises(BudgetSpentError, match="the budget of 2 requests is spent") as caught:
        budget.reserve(MODEL, 10, 10)
    assert not caught.value.may_pass
    assert "--max-requests" in str(caught.value.hint)
    under_way.release()
    assert budget.money == 0


def test_what_an_endpoint_adds_and_overruns_is_learned() -> None:
    budget = budget_of("1")
    budget.reserve(MODEL, 100, 10).settle(Usage(2100, 400))
    held = budget.reserve(MODEL, 100, 10)
    assert budget.reserved == PRICE.most(2100, 400)
    held.release()


def test_forfeit_counts_the_most_and_release_no_money() -> None:
    budget = budget_of("1")
    budget.reserve(MODEL, 100, 10).forfeit()
    assert budget.money == PRICE.most(100 + ADDED_TOKENS, 10)


def test_a_reservation_is_closed_once() -> None:
    reserved = budget_of("1").reserve(MODEL, 1, 1)
    reserved.release()
    with pytest.raises(RuntimeError):
        reserved.forfeit()


def test_counts_that_make_no_sense_do_not_give_money_back() -> None:
    budget = budget_of("1")
    budget.reserve(MODEL, 10, 10).settle(Usage(-1000, -5, -3))
    assert budget.money == Decimal("0.001")
    assert budget.spent[MODEL].prompt_tokens == 0


def test_a_limit_of_money_needs_a_price_and_says_what_to_write() -> None:
    budget = Budget(Prices(), max_cost=Decimal(1))
    with pytest.raises(UsageError) as caught:
        budget.admit("openai:new")
    assert "no price for openai:new (there is no tunegate-prices.yaml)" in str(caught.value)
    assert '"openai:new": {input: ..., output: ...}' in str(caught.value)
    with pytest.raises(UsageError):
        budget.reserve("openai:new", 1, 1)
    Budget(Prices()).admit("openai:new")


def test_without_a_price_money_stays_unknown_and_requests_are_counted() -> None:
    budget = Budget(Prices(), max_requests=5)
    budget.reserve(MODEL, 10, 10).settle(Usage(7, 3, 2))
    spent = budget.spent[MODEL]
    assert (spent.requests, spent.prompt_tokens, spent.completion_tokens) == (1, 7, 3)
    assert (spent.cached_tokens, spent.money, spent.currency) == (2, None, "")


def test_one_budget_is_shared_by_all_models() -> None:
    budget = Budget(Prices(), max_requests=2)
    budget.reserve("openai:a", 1, 1).release()
    budget.reserve("openai:b", 1, 1).release()
    with pytest.raises(BudgetSpentError, match=r"openai:a took 1 request, .*openai:b took 1"):
        budget.reserve("openai:a", 1, 1)


def test_the_error_that_leaves_knows_what_was_under_way_when_it_was_raised() -> None:
    budget = budget_of(max_requests=1)

    def asked() -> None:
        under_way = budget.reserve(MODEL, 100, 10)
        try:
            budget.reserve(MODEL, 100, 10)
        finally:
            under_way.settle(Usage(25, 5))

    with pytest.raises(BudgetSpentError, match=r"1 request, 25 \+ 5 tokens"), budget.final():
        asked()


def test_a_budget_of_nothing_asks_nothing() -> None:
    with pytest.raises(BudgetSpentError, match="nothing was asked"):
        budget_of(max_requests=0).reserve(MODEL, 1, 1)
    with pytest.raises(BudgetSpentError):
        budget_of("0").reserve(MODEL, 1, 1)
    free = Budget(Prices(models={MODEL: Price(0, 0)}), max_cost=Decimal(0))
    free.reserve(MODEL, 1, 1).settle(Usage(1, 1))
