"""The default ladder of prompting, whole, on the real model: what each round took and gained.

Runs `tunegate run --no-tune` on a shipped suite whose own `rounds:` are taken out, so that all
candidates of the default ladder are tried, and writes what is stored of them as a page.

    python -m benchmarks.prompting_ladder [--suite NAME] [--ledger FOLDER] [-o FILE]

With a `--ledger` that holds such a run already nothing is run again.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from evals.ledger import Ledger
from reports import numbers
from reports.markup import table, words
from reports.rounds import rounds_view
from reports.rounds_markdown import rounds_markdown
from tuning.records import Decision, TrialLine
from tuning.stored import load_job

MODEL = "smollm2-135m"
SUITES = Path(__file__).parents[1] / "suites"
_ROUNDS = re.compile(r"^rounds:\n(?:[ ].*\n)+", re.MULTILINE)


def without_rounds(suite: Path, scratch: Path) -> Path:
    """A copy of a suite that states no rounds, with its siblings: its guards are among them."""
    shutil.copytree(suite.parent, scratch / "suites")
    copy = scratch / "suites" / suite.name
    manifest = copy / "suite.yaml"
    text, found = _ROUNDS.subn("", manifest.read_text(encoding="utf-8"))
    if found != 1:
        raise SystemExit(f"{manifest}: expected one `rounds:` block, found {found}")
    manifest.write_text(text, encoding="utf-8")
    return copy


def page(decision: Decision, suite: str) -> str:
    """Rounds, candidates and verdict as Markdown."""
    rows = [_row(trial) for trial in decision.trials]
    head = ["Round", "Candidate", "Score", "95 %", "Tokens read", "Tokens written", "Time"]
    return "\n".join(
        (
            "# The default ladder, whole",
            "",
            f"Written by `benchmarks/prompting_ladder.py`: suite `{suite}` without its own rounds,",
            f"model {MODEL}, {decision.cases} dev cases, 2 cores that may have had other work.",
            "Tokens are means of a case.",
            rounds_markdown(rounds_view(decision.rounds)),
            f"Verdict: `{decision.verdict}`. {words(decision.sentence)}",
            "",
            "All candidates, best first:",
            "",
            table(head, rows, numeric_from=2),
            "",
        )
    )


def _row(trial: TrialLine) -> list[str]:
    part = f" (stopped after {trial.cases} cases)" if trial.stopped else ""
    return [
        f"{trial.round_index}. {trial.family.replace('_', ' ')}",
        words(trial.label) + part,
        numbers.score(trial.score.estimate),
        numbers.bounds(trial.score),
        numbers.count(round(trial.prompt_tokens)),
        numbers.count(round(trial.completion_tokens)),
        numbers.duration(trial.seconds or 0.0),
    ]


def main() -> None:
    """Run the ladder (or find it), and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="query_assistant")
    parser.add_argument("--ledger", type=Path, default=None)
    parser.add_argument("-o", "--output", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = without_rounds(SUITES / options.suite, Path(scratch))
        folder = (options.ledger or Path(scratch) / "ledger").resolve()
        report = str(Path(scratch) / "report.html")
        order = ["run", str(copy), "--no-tune", "--model", MODEL, "--ledger", str(folder)]
        subprocess.run([sys.executable, "-m", "tunegate", *order, "-o", report], check=True)
        record = load_job(Ledger(folder, read_only=True), options.suite, MODEL)
        if record is None or record.decision is None:
            raise SystemExit(f"{folder}: the run above stored no decision")
        text = page(record.decision, options.suite)
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
