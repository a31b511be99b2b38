"""The benchmark of reports opens what it has made, and every action finds its control."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reports.browsing import find_chromium

ROOT = Path(__file__).resolve().parents[2]
MEASURE = "from benchmarks.report_speed import line_of; print('|'.join(line_of(40, 1)))"


@pytest.mark.browser
@pytest.mark.skipif(not find_chromium(), reason="no Chromium found")
def test_a_small_report_is_made_opened_and_timed() -> None:
    # In a process of its own: one browser driver runs in each.
    told = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    cases, size, rendered, *timed = told.stdout.strip().split("|")
    assert cases == "40"
    assert 0 < float(size) < 1
    assert float(rendered) >= 0
    assert len(timed) == 5
    assert all(re.fullmatch(r"\d+ \(\d+ to \d+\)", cell) for cell in timed)
