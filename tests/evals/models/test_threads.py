from __future__ import annotations

import os
import sys

import pytest

from evals.models.threads import wait_politely


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    return monkeypatch


def test_threads_spin_briefly_and_then_sleep(without_torch: pytest.MonkeyPatch) -> None:
    wait_politely()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert 0 < int(os.environ["GOMP_SPINCOUNT"]) < 100_000


def test_what_the_user_set_stays(without_torch: pytest.MonkeyPatch) -> None:
    without_torch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    wait_politely()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    assert "GOMP_SPINCOUNT" not in os.environ


def test_once_torch_is_loaded_nothing_is_set(without_torch: pytest.MonkeyPatch) -> None:
    without_torch.setitem(sys.modules, "torch", sys)
    wait_politely()
    assert "OMP_WAIT_POLICY" not in os.environ
