from __future__ import annotations

import pytest

from evals.models.hosted.breaker import Breaker
from evals.models.hosted.failures import Failure

UNREACHED = Failure("connection refused", unreached=True)
TIMED_OUT = Failure("no reply", timed_out=True)
BUSY = Failure("HTTP 500: x", status=500)


def refusal(reason):
    return Failure(reason, "case", status=400)


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def breaker(now):
    return Breaker("host", 10.0, clock=lambda: now[0])


def test_an_endpoint_that_was_never_reached_ends_the_work_at_the_fourth_try(breaker):
    assert [bool(breaker.failed(UNREACHED, n, breaker.replies)) for n in (1, 1, 1, 2, 3, 3)] == [
        False
    ] * 6
    error = breaker.failed(UNREACHED, 4, breaker.replies)
    assert error is not None
    assert "host never answered: connection refused" in str(error)


def test_an_endpoint_that_never_replied_in_time_ends_the_work_at_the_second_try(breaker):
    assert breaker.failed(TIMED_OUT, 1, breaker.replies) is None
    assert breaker.failed(TIMED_OUT, 2, breaker.replies) is not None


@pytest.mark.parametrize("sign", ["reply", "status"])
def test_an_endpoint_that_gave_a_sign_of_life_is_given_more_tries(breaker, sign):
    if sign == "reply":
        breaker.went_well()
    else:
        breaker.failed(BUSY, 1, breaker.replies)
    assert breaker.failed(UNREACHED, 6, breaker.replies) is None


def test_cases_that_fail_one_after_another_end_the_work(breaker):
    breaker.went_well()
    assert [bool(breaker.gave_up(BUSY, breaker.replies)) for _ in range(7)] == [False] * 7
    assert "failed 8 cases in a row" in str(breaker.gave_up(BUSY, breaker.replies))


def test_a_reply_in_between_starts_the_count_anew(breaker):
    for _ in range(30):
        assert breaker.gave_up(BUSY, breaker.replies) is None
        breaker.went_well()


def test_a_case_begun_before_the_last_reply_says_nothing_of_the_endpoint(breaker):
    breaker.went_well()
    breaker.went_well()
    assert not any(breaker.gave_up(BUSY, 1) for _ in range(50))


def test_a_long_silence_ends_the_work_before_any_case_has_used_its_tries(breaker, now):
    breaker.went_well()
    now[0] = 79.0
    assert all(breaker.failed(TIMED_OUT, 1, breaker.replies) is None for _ in range(50))
    now[0] = 81.0
    assert "gave no usable reply for 81 s" in str(breaker.failed(TIMED_OUT, 1, breaker.replies))


def test_the_first_cases_refused_in_one_way_end_the_work_whatever_numbers_stand_in_it(breaker):
    said = [refusal(f"HTTP 400: {n} tokens are too many") for n in range(8)]
    assert [bool(breaker.refused(one)) for one in said] == [False] * 7 + [True]


def test_refusals_that_differ_or_come_after_a_reply_concern_their_cases_alone(breaker):
    assert not any(breaker.refused(refusal(f"no {word}")) for word in "abcdefghijkl")
    other = Breaker("host", 10.0)
    other.went_well()
    assert not any(other.refused(refusal("no")) for _ in range(20))
