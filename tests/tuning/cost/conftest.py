from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from evals.suite.spec import OperationSpec
from tests.tunegate.scenes import pretended_training
from tuning.records import TrainingRecord


@pytest.fixture
def suite_operation() -> OperationSpec:
    return OperationSpec(calls_per_month=1000)


@pytest.fixture
def trained() -> TrainingRecord:
    """An adapter that took 100 seconds."""
    from dataclasses import replace

    suite = SimpleNamespace(tune=SimpleNamespace(prompt="terse"))
    return replace(pretended_training("tuned")(suite, "m", Path()), seconds=100.0)  # type: ignore[arg-type]
