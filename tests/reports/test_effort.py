"""What a training took is said in a line: time, tokens a second, memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reports.effort import training_effort
from tests.reports.sample_job import sample_job

RECORD = sample_job().training


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "4 min 11 s, 48,212 tokens (192 a second), at most 2,871 MB of memory"),
        (
            {"recomputed": True},
            "4 min 11 s, 48,212 tokens (192 a second), at most 2,871 MB of memory "
            "(with gradient checkpointing, as it would not have fitted)",
        ),
        ({"peak_memory_mb": 0.0}, "4 min 11 s, 48,212 tokens (192 a second)"),
        ({"seconds": 0.0, "peak_memory_mb": 0.0}, "0.00 s, 48,212 tokens"),
    ],
)
def test_an_effort_leaves_out_what_is_not_known(changes: dict[str, Any], said: str) -> None:
    assert RECORD is not None
    assert training_effort(replace(RECORD, **changes)) == said
