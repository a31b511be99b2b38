"""The registry on a ledger alone: what is kept, what is found, what is never forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import RecordError
from evals.ledger import Ledger
from tests.reports.test_card import record, shipping
from tuning.adapters.registry import (
    ADAPTER,
    AdapterRecord,
    find_adapter,
    folder_of,
    keep_adapter,
    of_job,
    stored_adapters,
)
from tuning.records import JobRecord
from tuning.stored import JOB, job_key


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger")
    yield opened
    opened.close()


def job(adapter: str, *, judged: bool = False, suite: str = "tickets") -> JobRecord:
    training = replace(record().training, adapter=adapter, parent="feed")
    return JobRecord(
        suite=suite, task="Route.", model="hf:org/base", min_gain=0.1, target=None,
        primary="accuracy", split_sizes={}, calls_per_month=None, checks=(), decision=None,
        training=training, shipping=shipping() if judged else None, leader_test=None,
        adapter_test="run-1" if judged else None, override="we must", phases=(),
    )  # fmt: skip


def names(found: list[AdapterRecord]) -> list[str]:
    return [one.adapter for one in found]


def test_training_anew_forgets_no_earlier_adapter(ledger: Ledger) -> None:
    for when, adapter in (("2026-01-01", "aaaa"), ("2026-01-02", "bbbb")):
        told = job(adapter)
        ledger.store(JOB, job_key(told.suite, told.model), told)
        keep_adapter(ledger, told, when=when)
    assert names(stored_adapters(ledger)) == ["aaaa", "bbbb"]
    assert names(stored_adapters(ledger, "tickets")) == ["aaaa", "bbbb"]
    assert stored_adapters(ledger, "others") == []


def test_the_date_of_training_and_the_last_verdict_stay(ledger: Ledger) -> None:
    keep_adapter(ledger, job("aaaa"), when="2026-01-01")
    assert find_adapter(ledger, "aaaa").verdict == ""
    keep_adapter(ledger, job("aaaa", judged=True), when="2026-01-02")
    keep_adapter(ledger, job("aaaa"), when="2026-01-03")  # found again, not judged yet
    kept = find_adapter(ledger, "aaaa")
    assert (kept.trained, kept.judged) == ("2026-01-01", "2026-01-02")
    assert (kept.verdict, kept.run) == ("ship_adapter", "run-1")
    assert (kept.override, kept.parent) == ("we must", "feed")


def test_a_job_without_training_has_no_adapter(ledger: Ledger) -> None:
    assert keep_adapter(ledger, replace(job("aaaa"), training=None), when="now") is None
    assert of_job(replace(job("aaaa"), training=None)) is None
    assert stored_adapters(ledger) == []


def test_a_record_is_small(ledger: Ledger) -> None:
    long = replace(job("aaaa").training or record().training, preview="x" * 100_000)
    keep_adapter(ledger, replace(job("aaaa"), training=long), when="now")
    (text,) = ledger.documents(ADAPTER).values()
    assert len(text) < 5_000


def test_an_id_may_be_shortened_while_it_fits_one(ledger: Ledger) -> None:
    keep_adapter(ledger, job("aaaa"), when="1")
    keep_adapter(ledger, job("aabb"), when="2")
    keep_adapter(ledger, job("aabb", suite="others"), when="3")
    assert find_adapter(ledger, "aaa").adapter == "aaaa"
    assert find_adapter(ledger, "aab").suite == "others"  # the newest of one adapter
    with pytest.raises(RecordError, match="fits 2 adapters: aaaa, aabb"):
        find_adapter(ledger, "aa")
    for unknown in ("c", ""):
        with pytest.raises(RecordError, match="no stored adapter"):
            find_adapter(ledger, unknown)


def test_a_ledger_that_was_moved_is_read_where_it_stands(tmp_path: Path) -> None:
    one = record()
    assert folder_of(one, tmp_path) == Path("adapters/x")
    (tmp_path / "adapters" / "x").mkdir(parents=True)
    assert folder_of(one, tmp_path) == tmp_path / "adapters" / "x"


def test_a_record_of_a_later_version_is_refused(ledger: Ledger) -> None:
    ledger.store(ADAPTER, record().key, replace(record(), format=2))
    with pytest.raises(RecordError, match="has format 2"):
        stored_adapters(ledger)
