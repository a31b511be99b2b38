"""The embedded model as a judge by likelihood: its kappa with labels is computed and stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.asking import LedgerAsker
from evals.judges.calibrating import calibrate
from evals.ledger import Ledger
from evals.models import open_model
from evals.suite import load_suite
from tests.judged_suite import judge_metric, judged_suite

pytestmark = pytest.mark.real_model


def test_the_embedded_model_is_calibrated_whatever_its_agreement(tmp_path: Path) -> None:
    metric = judge_metric(model="smollm2-135m", by="likelihood")
    suite = load_suite(judged_suite(tmp_path / "tickets", metric))
    model, ledger = open_model("smollm2-135m"), Ledger(tmp_path / "ledger")
    (found,) = calibrate(suite, LedgerAsker(lambda _: model, ledger), ledger)
    assert found.labels == 60
    assert found.unreadable == 0
    assert sum(map(sum, found.confusion)) == 60
    assert found.kappa is not None
    assert found.low is not None
    assert found.high is not None
    assert -1 <= found.low <= found.kappa <= found.high <= 1
    assert found.judge_identity == model.fingerprint
    print(f"{found.sentence}; {found.confusion}")  # shown by `pytest -s`
    assert calibrate(suite, LedgerAsker(lambda _: model, ledger), ledger) == (found,)
