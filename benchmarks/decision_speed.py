"""How long the statistics of a decision take: the gate, a comparison, two files of scores.

    python benchmarks/decision_speed.py [--repeats N] [--before REVISION]

The gate decides over 20 candidates on 100,000 cases, and over 7 on 200; two sides of 1,000,000
cases are compared, as mappings and as the command `tunegate compare` does it from two files.
Each with binary and with graded scores, alone and in clusters of five cases with errors on one
case of a hundred in every third candidate.

Seconds are of the wall clock and of the processor, medians over turns: other programs slow
the first and hardly the second. Every measurement runs in a process of its own; `--before` also
measures the code of a git revision, once. The scores are drawn from a fixed
seed. The table is written to `benchmarks/decision_speed.md`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SMALL_TURNS = 50  # decisions in one measurement of the small kind


class Took(NamedTuple):
    """One measurement: seconds by the clock and of the processor, and peak memory."""

    wall: float
    cpu: float
    megabytes: float


class World(NamedTuple):
    """What is decided over: candidates, cases, and what makes it harder."""

    candidates: int
    cases: int
    graded: bool
    clustered: bool
    errors: bool


class Sides(NamedTuple):
    """Scores and errors of each candidate by case id, and the clusters."""

    scores: list[dict[str, float]]
    errors: list[tuple[str, ...]]
    clusters: dict[str, str | None]


KINDS = ("decide", "decide, small", "compare", "compare files")
TARGETS = {"decide": 5.0, "compare": 3.0}
SIZES = {
    "decide": (20, 100_000),
    "decide, small": (7, 200),
    "compare": (2, 1_000_000),
    "compare files": (2, 1_000_000),
}
TRAITS = (  # graded, clustered, with errors
    (False, False, False),
    (True, False, False),
    (False, True, True),
    (True, True, True),
)


def main() -> int:
    """Measure, print and write the table; 1 where a target is missed."""
    arguments = read_arguments()
    if arguments.one:
        kind, *traits = json.loads(arguments.one)
        print(json.dumps(MEASURES[kind](World(*SIZES[kind], *traits))))
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        roots = [ROOT]
        if arguments.before:
            roots.append(unpack(arguments.before, Path(scratch)))
        rows = []
        for kind in KINDS:
            for traits in TRAITS if kind != "compare files" else TRAITS[::3]:
                turns: list[list[Took]] = [[] for _ in roots]
                for turn in range(arguments.repeats):
                    for root, found in zip(roots, turns, strict=True):
                        if root is ROOT or turn == 0:
                            found.append(measure(root, kind, traits))
                rows.append((kind, traits, [middle(found) for found in turns]))
                print(row_text(*rows[-1]), file=sys.stderr)
    text = page(rows, arguments)
    (Path(__file__).with_suffix(".md")).write_text(text, encoding="utf-8")
    print(text)
    missed = [row for row in rows if row[2][0].wall > TARGETS.get(row[0], float("inf"))]
    return 1 if missed else 0


def read_arguments() -> argparse.Namespace:
    """The options; `--one` is how the benchmark starts itself for one measurement."""
    parser = argparse.ArgumentParser(description="Speed of decisions and comparisons.")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--before", metavar="REVISION", help="also measure this git revision")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def unpack(revision: str, folder: Path) -> Path:
    """The tree of a git revision, in a folder of its own."""
    packed = subprocess.run(
        ["git", "archive", revision], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def measure(root: Path, kind: str, traits: tuple[bool, bool, bool]) -> Took:
    """One measurement of the code under `root`, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "--one", json.dumps([kind, *traits])],
        cwd=root,  # `python -m` looks there first
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
        capture_output=True,
        text=True,
    )
    return Took(*json.loads(done.stdout))


def draw(world: World) -> Sides:
    """Scores about 0.6: the later half of the candidates are better by up to two points."""
    rng = np.random.default_rng(1)
    ids = [f"case-{number:07d}" for number in range(world.cases)]
    sides = Sides([], [], {})
    for candidate in range(world.candidates):
        mean = 0.6 + 0.002 * min(candidate, world.candidates // 2)
        values = (rng.random(world.cases) < mean).astype(float)
        if world.graded:
            values = rng.beta(2 * mean, 2 - 2 * mean, world.cases).round(3)
        failed = np.zeros(world.cases, dtype=bool)
        if world.errors and candidate % 3 == 0:
            failed = rng.random(world.cases) < 0.01
        listed, bad = values.tolist(), failed.tolist()
        sides.scores.append({i: v for i, v, b in zip(ids, listed, bad, strict=True) if not b})
        sides.errors.append(tuple(i for i, b in zip(ids, bad, strict=True) if b))
    names = (f"document-{n // 5}" if world.clustered else None for n in range(world.cases))
    sides.clusters.update(zip(ids, names, strict=True))
    return sides


def timed(action: Callable[[], object], turns: int = 1) -> Took:
    """What each of so many turns takes; scipy's import is not the statistics' own cost."""
    import scipy.special  # noqa: F401

    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(turns):
        action()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Took(wall / turns, cpu / turns, peak_megabytes(own=True))


def peak_megabytes(*, own: bool) -> float:
    """Peak memory of this process, or of the largest that it started."""
    import resource

    who = resource.RUSAGE_SELF if own else resource.RUSAGE_CHILDREN
    return resource.getrusage(who).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def measure_decide(world: World) -> Took:
    """One decision of the gate."""
    from tuning.gate import Evidence, Policy, decide
    from tuning.gate.evidence import Arm, Trial

    sides = draw(world)
    trials = []
    for number, (scores, errors) in enumerate(zip(sides.scores, sides.errors, strict=True)):
        turn = 4 * number // world.candidates
        arm = Arm(f"run-{number}", scores, errors)
        trials.append(Trial(arm, f"prompt {number}", turn, f"family {turn}", float(number)))
    evidence = Evidence(tuple(trials), clean_examples=500, clusters=sides.clusters)
    return timed(lambda: decide(evidence, Policy()), SMALL_TURNS if world.cases <= 1_000 else 1)


def measure_compare(world: World) -> Took:
    """One comparison of two mappings."""
    from evals.comparison import compare_scores

    sides = draw(world)
    (a, b), (errors_a, errors_b) = sides.scores, sides.errors
    return timed(
        lambda: compare_scores(a, b, clusters=sides.clusters, errors_a=errors_a, errors_b=errors_b)
    )


def measure_files(world: World) -> Took:
    """The whole command, from its start to its end."""
    sides = draw(world)
    with tempfile.TemporaryDirectory() as scratch:
        paths = []
        for name, scores, errors in zip("ab", sides.scores, sides.errors, strict=True):
            paths.append(Path(scratch) / f"{name}.jsonl")
            with paths[-1].open("w") as file:
                for case, score in scores.items():
                    entry = {"id": case, "score": score, "cluster": sides.clusters[case]}
                    file.write(json.dumps({k: v for k, v in entry.items() if v is not None}) + "\n")
                file.writelines(f'{{"id": "{case}", "error": "timeout"}}\n' for case in errors)
        sides = Sides([], [], {})
        wall, before = time.perf_counter(), os.times()
        command = [sys.executable, "-m", "tunegate", "compare", *map(str, paths)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - wall, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Took(wall, cpu, peak_megabytes(own=False))


MEASURES = {
    "decide": measure_decide,
    "decide, small": measure_decide,
    "compare": measure_compare,
    "compare files": measure_files,
}


def middle(turns: list[Took]) -> Took:
    """The median of each figure."""
    return Took(*(median(figures) for figures in zip(*turns, strict=True)))


def row_text(kind: str, traits: tuple[bool, bool, bool], found: list[Took]) -> str:
    """One row of the table; the code before, and the ratio of processor times, where measured."""
    graded, clustered, errors = traits
    what = ["graded" if graded else "binary"]
    what += ["clusters"] if clustered else []
    what += ["1 % errors"] if errors else []
    candidates, cases = SIZES[kind]
    cells = [kind, f"{candidates} × {cases:,}", ", ".join(what)]
    for took in found:
        cells += [duration(took.wall), duration(took.cpu)]
    if len(found) > 1:
        cells.append(f"{found[1].cpu / found[0].cpu:.1f}×")
    memory = " → ".join(f"{took.megabytes:,.0f}" for took in reversed(found))
    cells.append(memory if kind == "compare files" else "")
    return f"| {' | '.join(cells)} |"


def duration(seconds: float) -> str:
    """Milliseconds below a tenth of a second."""
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.1f} ms"


def page(
    rows: list[tuple[str, tuple[bool, bool, bool], list[Took]]], arguments: argparse.Namespace
) -> str:
    """The Markdown page."""
    head = ["what", "size", "scores", "wall", "processor"]
    if arguments.before:
        head += ["wall before", "processor before", "less work"]
    head.append("peak memory, MB")
    return "\n".join(
        [
            "# Speed of decisions and comparisons",
            "",
            "Written by `benchmarks/decision_speed.py`, which says what is measured and how.",
            "",
            f"{os.cpu_count()} CPU cores ({platform.machine()}), Python "
            f"{platform.python_version()}, numpy {np.__version__}; other programs shared the "
            f"machine, so the processor's seconds tell more. Medians of {arguments.repeats} "
            "turns, each in a process of its own"
            + ("; the code before was measured once." if arguments.before else "."),
            "",
            f"| {' | '.join(head)} |",
            f"| {' | '.join('---' for _ in head)} |",
            *(row_text(*row) for row in rows),
            "",
            "Targets: under 5 s for a decision over 20 candidates and 100,000 cases, under 3 s "
            "for a comparison over 1,000,000 cases, by the clock.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
