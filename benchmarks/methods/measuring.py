"""One row: its training, and the scores before and after; stored, and found again.

<results>/<row>.json    what was measured, or why it was not
<ledger>/               adapters and runs, which only rows that are not measured yet need
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.methods.rows import ROWS, SIMILAR, Row, Size
from benchmarks.training_kept import without_curves
from evals.atomic import write_atomically
from evals.codec import decode, encode
from evals.errors import TunegateError
from evals.fingerprint import fingerprint
from evals.generating import Progress
from evals.ledger import Ledger
from evals.models import DEFAULT_MODEL, open_model
from evals.models.protocol import AdaptableModel
from evals.prompting import make_candidate
from evals.records import Candidate, Case, Run
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.stats import paired_difference, score_interval
from evals.suite import Suite, load_suite
from evals.suite.spec import MetricSpec
from evals.suite.tune_methods import with_stated
from tuning.records import Interval, TrainingRecord
from tuning.trainer import Trainer
from tuning.training.adapters import is_finished
from tuning.training.tune import tuning_prompt

SUITES = Path(__file__).parents[2] / "suites"
RESULTS = Path(__file__).parent / "results"


class Places(NamedTuple):
    """Where results stand, and the ledger of what is measured."""

    results: Path
    ledger: Path


@dataclass(frozen=True)
class Shift:
    """A score before and after, and its change case by case."""

    before: Interval
    after: Interval
    change: Interval


@dataclass(frozen=True)
class Result:
    """What a row came to. `reward` is of the metric that was rewarded, if it is another one.

    Of the training's record curves and preview are left out, and its `adapter_path` is relative to
    the ledger. `error` is why it was not measured; nothing else stands there then.
    """

    row: str
    size: tuple[float, ...]
    training: TrainingRecord | None = None
    score: Shift | None = None
    reward: Shift | None = None
    guard: Shift | None = None
    error: str = ""


def stored_result(results: Path, row: Row, size: Size) -> Result | None:
    """What was measured of a row in this size; None where nothing was."""
    path = _path(results, row)
    if not path.is_file():
        return None
    found = decode(path.read_text(encoding="utf-8"), Result)
    return found if found.size == tuple(size) else None


def parent_of(row: Row, places: Places, size: Size) -> Path | None:
    """The folder of the adapter that a row begins from; None where it is not in the ledger."""
    found = stored_result(places.results, ROWS[row.begins], size)
    folder = places.ledger / found.training.adapter_path if found and found.training else None
    return folder if folder and is_finished(folder) else None


def measure(row: Row, places: Places, size: Size) -> None:
    """Train and evaluate a row, and store what came of it. A refusal is a result, too."""
    try:
        result = _measured(row, places, size)
    except TunegateError as error:
        result = Result(row.name, tuple(size), error=str(error))
    path = _path(places.results, row)
    path.parent.mkdir(parents=True, exist_ok=True)
    # What a finding or an error names lies within the project.
    write_atomically(path, encode(result).replace(f"{SUITES.parent}/", ""))


def _path(results: Path, row: Row) -> Path:
    return results / f"{row.name.replace(', ', '-').replace(' ', '-')}.json"


def suite_of(row: Row, size: Size) -> Suite:
    """The shipped suite with a part of its train cases, trained as the row says."""
    suite = load_suite(SUITES / row.suite)
    taught = _few(suite.split("train"), size.examples)
    if row.contradicting:
        taught = (*taught, *contradictions(taught))
    cases = (*taught, *suite.split("dev"), *suite.split("test"))
    # What begins from an adapter learns as long as its method, or the row, has it.
    epochs = row.tune.get("epochs", None if row.begins else size.epochs)
    tune = with_stated(suite.tune, **{**row.tune, "epochs": epochs})
    tune = replace(tune, own=(row.own,) if row.own else ())
    metrics = dict(suite.metrics)
    if SIMILAR in {getattr(row.own, key, "") for key in ("reward", "held_out")}:
        metrics[SIMILAR] = MetricSpec(SIMILAR, "edit_similarity@1", {})
    return replace(suite, cases=cases, tune=tune, metrics=metrics)


def contradictions(cases: Sequence[Case]) -> tuple[Case, ...]:
    """Every tenth case a second time, with the answer of the case five places on."""
    wrong = ((case, cases[(place + 5) % len(cases)]) for place, case in enumerate(cases))
    tenth = [pair for place, pair in enumerate(wrong) if place % 10 == 0]
    return tuple(
        replace(case, id=f"{case.id}-wrong", expected=other.expected, answer=other.answer)
        for case, other in tenth
    )


def _few(cases: Sequence[Case], count: int) -> tuple[Case, ...]:
    """The same ones for every row."""
    return tuple(sorted(cases, key=lambda case: fingerprint("methods@1", case.id))[:count])


def _measured(row: Row, places: Places, size: Size) -> Result:
    suite = suite_of(row, size)
    guards = {spec.suite: load_suite(SUITES / spec.suite) for spec in suite.guards}
    model = open_model(DEFAULT_MODEL)
    begin = parent_of(row, places, size) if row.begins else None
    if row.begins and begin is None:
        raise SystemExit(f"{row.begins!r} is to be measured first: it begins from its adapter")
    with closing(Ledger(places.ledger)) as ledger:
        arm = _Arm(model, ledger)
        trainer = Trainer(suite, guards, model, ledger, _Told(row.name), None, arm.runner, begin)
        training = trainer.train()
        said = training.adapter, training.adapter_path
        before = (*_of_folder(begin),) if begin else ("", "")
        asked = _few(suite.split("dev"), size.dev)
        prompt = tuning_prompt(suite)
        first, then = (arm.run(suite, prompt, asked, *one) for one in (before, said))
        reward = getattr(row.own, "reward", "") or suite.primary
        guard = next(iter(guards.values()))
        held = _few(guard.split("dev"), size.guard)
        kept, left = (arm.run(guard, guard.default_prompt, held, *one) for one in (("", ""), said))
    return Result(
        row.name,
        tuple(size),
        training=_compact(training, places.ledger),
        score=_shift(first, then, suite.primary),
        reward=_shift(first, then, reward) if reward != suite.primary else None,
        guard=_shift(kept, left, guard.primary),
    )


def _compact(training: TrainingRecord, ledger: Path) -> TrainingRecord:
    """What of a record is kept with the project: it names no place on this machine."""
    folder = Path(training.adapter_path).resolve().relative_to(ledger.resolve())
    return replace(without_curves(training), adapter_path=str(folder))


def _of_folder(folder: Path) -> tuple[str, str]:
    from evals.models.adapters import adapter_fingerprint

    return adapter_fingerprint(folder), str(folder)


class _Arm(NamedTuple):
    """Runs candidates on some cases; what was answered is found again."""

    model: AdaptableModel
    ledger: Ledger

    def runner(self, _suite: Suite, scorers: object, progress: Progress, /) -> Runner:
        return Runner(self.model, scorers, self.ledger, progress)  # type: ignore[arg-type]

    def run(
        self, suite: Suite, prompt: str, cases: Sequence[Case], adapter: str, folder: str
    ) -> Run:
        candidate: Candidate = make_candidate(
            suite, self.model, prompt, adapter=adapter, adapter_path=folder
        )
        with build_scorers(suite) as scorers:
            runner = self.runner(suite, scorers, lambda _done, _total: None)
            return runner.run(suite, candidate, "dev", cases=cases, keep=False)


def _shift(before: Run, after: Run, metric: str) -> Shift:
    both = [
        (x.scores[metric].value, y.scores[metric].value, x.cluster or x.case_id)
        for x, y in zip(before.results, after.results, strict=True)
        if x.failed is None and y.failed is None
    ]
    a, b = [one[0] for one in both], [one[1] for one in both]
    clusters = [one[2] for one in both]
    pair = paired_difference(a, b, clusters)
    low, high = pair.interval()
    return Shift(_level(a, clusters), _level(b, clusters), Interval(pair.estimate, low, high))


def _level(values: Sequence[float], clusters: Sequence[str]) -> Interval:
    found = score_interval(values, clusters)
    return Interval(found.estimate, found.low, found.high)


class _Told:
    """Says on stderr how far a row is."""

    def __init__(self, row: str) -> None:
        self.row = row

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        begun = time.monotonic()

        def tell(done: int, total: int) -> None:
            if done == total or done % 10 == 0:
                self.note(f"{label} {done}/{total}, {time.monotonic() - begun:.0f} s")

        yield tell

    def note(self, text: str) -> None:
        print(f"{self.row}: {text}", file=sys.stderr, flush=True)


def describe(result: Result) -> str:
    """A result as one line of JSON, for a person who watches."""
    shown = {"row": result.row, "error": result.error}
    if result.score:
        shown["score"] = f"{result.score.before.estimate:.3f} -> {result.score.after.estimate:.3f}"
    return json.dumps(shown)
