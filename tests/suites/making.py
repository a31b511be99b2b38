"""A suite's files made again by its own generator."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from evals.records import SPLITS


def make_again(suite: Path, folder: Path) -> None:
    """Run the suite's `make_cases.py` and see that its splits come out byte for byte."""
    script = suite / "make_cases.py"
    made = [sys.executable, "-B", script, folder]
    subprocess.run(made, check=True, env={"PYTHONPATH": str(suite.parents[1])})
    for split in SPLITS:
        name = f"{split}.jsonl"
        assert (folder / name).read_bytes() == (suite / name).read_bytes(), name
