from __future__ import annotations

import asyncio

import pytest

from evals.models.hosted.pace import Pace


def test_it_starts_moderate_and_never_exceeds_what_is_allowed():
    assert Pace(64).limit == 8
    assert Pace(4).limit == 4
    pace = Pace(64)
    for _ in range(56):
        pace.went_well()
    assert pace.limit == 64
    pace.went_well()
    assert pace.limit == 64


def test_after_the_first_complaint_it_grows_by_about_one_in_a_round():
    pace = Pace(64)
    pace.asked_for_less()
    before = pace.limit
    for _ in range(8):
        pace.went_well()
    assert pace.limit == pytest.approx(before + 1, abs=0.2)


def test_a_round_of_complaints_halves_it_and_one_slot_is_always_left():
    pace = Pace(64)
    for _ in range(8):
        pace.asked_for_less()
    assert pace.limit == 4
    for _ in range(100):
        pace.asked_for_less()
    assert pace.limit == 1


def test_a_reply_that_does_not_come_in_time_leaves_a_quarter():
    pace = Pace(64)
    pace.timed_out()
    assert pace.limit == 2
    pace.timed_out()
    assert pace.limit == 1


@pytest.mark.parametrize(("bears", "lowest", "highest"), [(8, 7, 14), (40, 30, 50)])
def test_it_settles_near_what_an_endpoint_bears(bears, lowest, highest):
    pace, seen = Pace(64), []
    for _ in range(300):  # rounds in which everything beyond `bears` is refused
        at_once = int(pace.limit)
        for n in range(at_once):
            pace.went_well() if n < bears else pace.asked_for_less()
        seen.append(pace.limit)
    assert lowest <= sum(seen[100:]) / 200 <= highest


def test_a_fifth_of_complaints_at_random_leaves_several_at_once():
    pace = Pace(64)
    for n in range(3000):
        pace.asked_for_less() if n * 7 % 5 == 0 else pace.went_well()
    assert pace.limit > 4


def test_it_recovers_ever_faster_once_all_goes_well():
    pace = Pace(64)
    for _ in range(40):
        pace.asked_for_less()
    replies = 0
    while pace.limit < 64:
        pace.went_well()
        replies += 1
    assert replies < 600  # one slot more in each round would take 2,000


async def _at_once(pace: Pace, requests: int) -> int:
    most = 0

    async def one() -> None:
        nonlocal most
        await pace.enter()
        most = max(most, pace.busy)
        await asyncio.sleep(0)
        pace.leave()

    await asyncio.gather(*(one() for _ in range(requests)))
    assert pace.busy == 0
    return most


def test_no_more_than_the_limit_are_under_way_and_all_come_through():
    assert asyncio.run(_at_once(Pace(64), 200)) == 8


def test_nobody_enters_while_it_is_held():
    async def run() -> float:
        pace, loop = Pace(4), asyncio.get_running_loop()
        pace.hold(0.01)
        pace.hold(0.1)
        pace.hold(0.05)
        began = loop.time()
        await asyncio.gather(*(pace.enter() for _ in range(4)))
        return loop.time() - began

    assert asyncio.run(run()) >= 0.09


@pytest.mark.parametrize("held", [False, True])
def test_a_request_that_is_cancelled_while_it_waits_leaves_its_slot_to_others(held):
    async def run() -> None:
        pace = Pace(1)
        await pace.enter()
        if held:
            pace.hold(60.0)
        waiting = [asyncio.create_task(pace.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        pace.leave()
        if held:
            await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        if held:
            pace._open_from = 0.0
            waiting[1].cancel()
            waiting[2].cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await asyncio.wait_for(pace.enter(), 1)
            return
        await asyncio.wait_for(waiting[1], 1)
        pace.leave()
        await asyncio.wait_for(waiting[2], 1)
        pace.leave()
        assert pace.busy == 0

    asyncio.run(run())
