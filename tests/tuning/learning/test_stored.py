"""Stored learning curves whose numbers no curve has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import RecordError
from evals.ledger import Ledger
from evals.suite import load_suite
from tests.sample_suite import write_suite
from tuning.learning.records import CurveFit, LearningCurve, Projection
from tuning.learning.stored import store_curve, stored_curve, subject_of

BAND = (Projection(10, 0.5, 0.4, 0.6, 0.5, 0.5), Projection(40, 0.6, 0.4, 0.7, 0.6, 0.6))
FIT = CurveFit("rises", "", BAND, largest=10)


@pytest.mark.parametrize(
    "fit",
    [
        replace(FIT, band=(BAND[0], replace(BAND[1], examples=10**300))),
        replace(FIT, band=(BAND[0], replace(BAND[1], gain=float("nan")))),
        replace(FIT, band=(BAND[0], replace(BAND[1], high=1.5))),
        replace(FIT, band=BAND[::-1]),
        replace(FIT, slope=float("inf")),
        replace(FIT, largest=10**400),
    ],
)
def test_a_curve_with_numbers_that_no_curve_has_is_damage(fit: CurveFit, tmp_path: Path) -> None:
    write_suite(tmp_path / "tickets")
    suite, ledger = load_suite(tmp_path / "tickets"), Ledger(tmp_path / "ledger")
    curve = LearningCurve(
        suite.name, "m", "terse", subject_of(suite), "w", "s", 10, "r", 0.2, 0.1, 0.3, (), FIT
    )
    store_curve(ledger, curve, "now")
    assert stored_curve(ledger, suite, "m") == curve
    store_curve(ledger, replace(curve, fit=fit), "now")
    with pytest.raises(RecordError, match="stored learning curve is damaged"):
        stored_curve(ledger, suite, "m")
