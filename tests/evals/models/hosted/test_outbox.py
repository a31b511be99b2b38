from __future__ import annotations

import asyncio
import threading
import time

import pytest

from evals.models.hosted import outbox
from evals.models.hosted.outbox import Outbox


def produce(count, error=None):
    """An outbox that another thread's loop fills with numbers, and how many were put so far."""
    loop = asyncio.new_event_loop()
    box = Outbox(loop)
    put = []

    async def fill():
        for n in range(count):
            await box.put(n)
            put.append(n)

    def run():
        loop.run_until_complete(fill())
        loop.close()
        box.end(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return box, put, thread


def test_everything_comes_once_and_in_order():
    box, _, thread = produce(1000)
    groups = list(iter(box.take, []))
    thread.join()
    assert [n for group in groups for n in group] == list(range(1000))
    assert len(groups) < 100


def test_an_error_comes_after_everything_that_was_finished():
    box, _, _ = produce(3, ValueError("broken"))
    assert box.take() == [0, 1, 2]
    with pytest.raises(ValueError, match="broken"):
        box.take()


def test_what_is_finished_and_not_taken_is_bounded():
    box, put, thread = produce(5 * outbox.BOUND)
    time.sleep(0.2)
    assert len(put) <= outbox.BOUND
    total = sum(map(len, iter(box.take, [])))
    thread.join()
    assert total == 5 * outbox.BOUND


def test_a_lone_item_is_handed_over_before_long():
    loop = asyncio.new_event_loop()
    box = Outbox(loop)
    loop.run_until_complete(box.put("a"))
    began = time.perf_counter()
    assert box.take() == ["a"]
    assert time.perf_counter() - began < 0.5
    loop.close()
