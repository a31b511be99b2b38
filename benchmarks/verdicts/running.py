"""A suite's whole job, as a user runs it: verdict, training, sealed cases."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

from evals.ledger import Ledger
from evals.models import DEFAULT_MODEL
from tunegate.shipped import shipped_root
from tuning.records import JobRecord
from tuning.stored import load_job

PRICES = Path(__file__).parent / "prices.yaml"
REASON = "docs/verdicts.md: what happens when it is trained anyway"
DONE = {0, 1, 3}
"""Exit codes after which there is a verdict."""


def run_suite(name: str, ledger: Path) -> None:
    """Run the job, and train where the gate stayed shut. What is stored there is not done again.

    Raises SystemExit where a command ends without a verdict.
    """
    report = ledger.with_name(f"{ledger.name}-{name}.html")  # nothing else may lie in a ledger
    _tunegate("run", name, ledger, "-o", str(report))
    stored = _job(name, ledger)
    if stored is None or stored.shipping is None:
        _tunegate("tune", name, ledger, "--override", REASON)


def _job(name: str, ledger: Path) -> JobRecord | None:
    with closing(Ledger(ledger, read_only=True)) as opened:
        return load_job(opened, name, DEFAULT_MODEL)


def _tunegate(command: str, suite: str, ledger: Path, *options: str) -> None:
    line = [sys.executable, "-m", "tunegate", command, str(shipped_root() / suite)]
    line += ["--ledger", str(ledger), "--prices", str(PRICES), *options]
    code = subprocess.run(line, check=False).returncode
    if code not in DONE:
        raise SystemExit(f"tunegate {command} {suite} ended with {code}")
