"""The search with early stop: what the model is asked, and that a verdict stays the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ModelError, NothingRunError
from evals.ledger import Ledger
from evals.models.protocol import Batch
from evals.models.scripted import ScriptedModel, open_scripted
from evals.prompting.ladder import default_rounds
from evals.records import Decoding, Request
from evals.runner import Progress
from evals.staging import stages_of
from evals.suite import Suite, load_suite
from tests.sample_suite import PROMPTS, ROUNDS, TOPICS, write_suite
from tests.tunegate.scenes import KNOWN, TUNE, write_model
from tests.tuning.search.scene import DiedError, Listener
from tuning.job import Job
from tuning.records import Decision, TrialLine
from tuning.stored import decide_stored

STOP = "search: {early_stop: true}\n"
DEV = 240
HOPELESS = {"prompt_contains": "Please route.", "reply": "hm"}
"""A prompt under which the model says nothing of use: `polite`, third of the first round."""


@dataclass
class Bench:
    """A suite of 240 dev cases, and a model that counts the batches of 8 it is asked."""

    folder: Path

    def write(
        self,
        *rules: dict[str, str],
        dev: int = DEV,
        rounds: str = ROUNDS,
        prompts: Mapping[str, str] = PROMPTS,
    ) -> None:
        sizes = {"train": 30, "dev": dev, "test": 60}
        extra = rounds + TUNE + STOP
        write_suite(self.folder / "tickets", sizes=sizes, extra=extra, prompts=prompts)
        self.model(*rules)

    def model(self, *rules: dict[str, str]) -> None:
        write_model(self.folder / "model.json", [*rules, *KNOWN], batch_size=8)

    @property
    def suite(self) -> Suite:
        return load_suite(self.folder / "tickets")

    def job(self, die_at: str = "never") -> Job:
        return Job(
            suite=self.suite,
            guards={},
            model=open_scripted(self.folder / "model.json", "scripted:m"),
            ledger=Ledger(self.folder / "ledger"),
            looks_path=self.folder / "looks.jsonl",
            narrator=Listener(die_at),
        )

    def search(self) -> tuple[Decision, Any]:
        job = self.job()
        record = job.run(tune=False)
        assert record.decision is not None
        return record.decision, job

    def gate(self) -> Decision:
        return decide_stored(self.suite, Ledger(self.folder / "ledger"), "scripted:m")

    @property
    def first(self) -> int:
        """Cases of stage one."""
        stages = stages_of(self.suite)
        assert stages is not None
        return len(stages.first)

    @property
    def stage(self) -> int:
        """Batches of stage one."""
        return ceil(self.first / 8)

    @property
    def whole(self) -> int:
        """Batches of both stages."""
        return self.stage + ceil((DEV - self.first) / 8)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def line(decision: Decision, label: str) -> TrialLine:
    return next(trial for trial in decision.trials if trial.label == label)


def test_a_hopeless_candidate_is_asked_stage_one_only_and_the_verdict_is_the_same(
    bench: Bench,
) -> None:
    bench.write(HOPELESS)
    decision, job = bench.search()
    assert job.model.calls == 6 * bench.whole + bench.stage
    polite = line(decision, "polite")
    assert (polite.stopped, polite.cases, polite.flat) == (True, bench.first, True)
    assert decision.verdict == "fine_tune"
    (note,) = job.narrator.notes
    assert note.startswith(f"polite: stopped after {bench.first} of 240 cases: worse than 'terse'")
    assert polite == decision.trials[-1]
    manifest = bench.folder / "tickets" / "suite.yaml"
    manifest.write_text(manifest.read_text().replace(STOP, ""))
    (bench.folder / "ledger").rename(bench.folder / "stopped")
    whole, plain = bench.search()
    assert plain.model.calls == 7 * DEV / 8
    assert (whole.verdict, whole.leader) == (decision.verdict, decision.leader)


def test_the_gate_says_from_stored_runs_what_the_search_said(bench: Bench) -> None:
    bench.write(HOPELESS)
    decision, _ = bench.search()
    assert bench.gate() == decision


def test_the_same_search_again_asks_nothing_and_stops_the_same(bench: Bench) -> None:
    bench.write(HOPELESS)
    decision, first = bench.search()
    again, second = bench.search()
    assert again == decision
    assert second.model.calls == 0
    assert second.narrator.notes == first.narrator.notes


@pytest.mark.parametrize(
    "label",
    [
        "round 1: wording: spec",
        "round 1: wording: polite, stage one",
        "round 2: few_shot: terse + 2 static",
    ],
)
def test_a_search_that_died_between_the_stages_goes_on_with_what_is_missing(
    label: str, bench: Bench
) -> None:
    bench.write(HOPELESS)
    dying = bench.job(die_at=label)
    with pytest.raises(DiedError):
        dying.run(tune=False)
    decision, resumed = bench.search()
    before = dying.model.calls  # type: ignore[attr-defined]
    assert before > 0
    assert before + resumed.model.calls == 6 * bench.whole + bench.stage
    (bench.folder / "ledger").rename(bench.folder / "resumed")
    assert bench.search()[0] == decision


def lucky_on_stage_one(bench: Bench, wins: int, losses: int) -> list[dict[str, str]]:
    """Rules by which `strong` wins some cases of stage one and loses some of the rest."""
    stages = stages_of(bench.suite)
    assert stages is not None
    won = [c for c in stages.first if c.expected == "login"][:wins]
    lost = [c for c in stages.rest if c.expected == "billing"][:losses]
    return [
        {"contains": str(case.input["text"]), "prompt_contains": "strong words.", "reply": reply}
        for cases, reply in ((won, "login"), (lost, "hm"))
        for case in cases
    ]


STRONG = PROMPTS | {"strong": PROMPTS["terse"].replace("Route.", "strong words.")}
STRONG_ROUNDS = ROUNDS.replace("few_shot, prompts: [terse", "few_shot, prompts: [strong")


def test_one_that_stage_one_does_not_show_to_be_flat_is_run_on_the_rest(bench: Bench) -> None:
    """Three are as good as the anchor, and stopped against a leader that was lucky."""
    bench.write(rounds=STRONG_ROUNDS, prompts=STRONG)
    bench.model(*lucky_on_stage_one(bench, 14, 12))
    decision, job = bench.search()
    notes = job.narrator.notes
    assert notes[0].startswith("spec + 2 static: stopped after")
    assert notes[3].endswith("since it may yet gain 10 points on the best early prompt")
    assert len(notes) == 6
    assert decision.verdict == "fine_tune"
    assert not any(trial.stopped for trial in decision.trials)
    assert job.model.calls == 7 * bench.whole
    assert bench.gate() == decision
    repeated, second = bench.search()
    assert repeated == decision
    assert second.model.calls == 0


def test_it_is_not_where_another_candidate_forbids_the_plateau_anyway(bench: Bench) -> None:
    bench.write(rounds=STRONG_ROUNDS, prompts=STRONG)
    bench.model(*lucky_on_stage_one(bench, 20, 0))  # +20 of 240: not flat, on the whole of dev
    decision, job = bench.search()
    stopped = [trial for trial in decision.trials if trial.stopped]
    assert len(stopped) == 3
    assert not any(trial.flat for trial in stopped)
    assert not any("on the rest" in text for text in (decision.sentence, *job.narrator.notes))
    assert bench.gate() == decision


def test_a_gate_asked_before_that_says_that_it_has_to_be_run_on_the_rest(bench: Bench) -> None:
    bench.write(HOPELESS)
    bench.search()
    # On its stage `polite` lost nearly all: make it a tie, as if it had been stopped unjustly.
    ledger = Ledger(bench.folder / "ledger")
    runs = {run.candidate.label: ledger.run(run.id) for run in ledger.runs("tickets", "dev")}
    stopped, terse = runs["polite"], {r.case_id: r for r in runs["terse"].results}
    tied = tuple(replace(r, scores=terse[r.case_id].scores) for r in stopped.results)
    ledger.store_run(replace(stopped, results=tied), ())
    found = bench.gate()
    assert found.verdict == "prompt_more"
    assert "'polite' was stopped early" in found.sentence


def test_a_part_of_dev_counts_only_as_exactly_stage_one_and_with_early_stop(bench: Bench) -> None:
    bench.write(HOPELESS)
    bench.search()
    manifest = bench.folder / "tickets" / "suite.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace(STOP, ""))
    assert [trial.label for trial in bench.gate().trials if trial.label == "polite"] == []
    manifest.write_text(text)
    assert line(bench.gate(), "polite").stopped
    dev = bench.folder / "tickets" / "dev.jsonl"
    dev.write_text(dev.read_text().replace("dev-0239", "dev-9239"))
    with pytest.raises(NothingRunError):  # other cases than any run was of
        bench.gate()


def test_stopped_candidates_alone_are_nothing_to_decide_from(bench: Bench) -> None:
    bench.write(HOPELESS)
    decision, _ = bench.search()
    stages = stages_of(bench.suite)
    assert stages is not None
    (bench.folder / "ledger").rename(bench.folder / "other")
    stopped = Ledger(bench.folder / "other").run(line(decision, "polite").run_id)
    Ledger(bench.folder / "ledger").store_run(stopped, stages.first)
    with pytest.raises(NothingRunError):
        bench.gate()


def test_a_small_dev_is_searched_as_if_early_stop_were_off(bench: Bench) -> None:
    bench.write(HOPELESS, dev=60)
    decision, job = bench.search()
    assert job.model.calls == 7 * 8
    assert decision.alpha == 0.05
    assert not any(trial.stopped for trial in decision.trials)


class _Free(ScriptedModel):
    """A model that refuses to be held to a structure."""

    def plan(self, requests: Sequence[Request], decoding: Decoding) -> list[Batch]:
        if decoding.constrained:
            raise ModelError("holds no answer to a grammar", hint="use a schema")
        return super().plan(requests, decoding)


@dataclass
class _Notes:
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def progress(self, label: str) -> Iterator[Progress]:
        yield lambda done, total: None

    def note(self, text: str) -> None:
        self.notes.append(text)


def _free_job(folder: Path, extra: str) -> Job:
    root = write_suite(folder / "s", sizes={"train": 30, "dev": 200, "test": 9}, extra=extra)
    two = list(TOPICS)[:2]
    return Job(
        suite=load_suite(root),
        guards={},
        model=_Free({TOPICS[name]: name for name in two}, default="hm"),
        ledger=Ledger(folder / "ledger"),
        looks_path=folder / "looks.jsonl",
        narrator=_Notes(),
    )


def test_a_ladder_goes_on_where_the_model_refuses_a_structure_and_the_gate_misses_it(
    tmp_path: Path,
) -> None:
    job = _free_job(tmp_path, "")
    decision = job.run(tune=False).decision
    assert decision is not None
    assert decision.verdict == "prompt_more"
    assert "structure: none" in decision.sentence
    assert any("structure: none" in step for step in decision.next_steps)
    assert max(trial.round_index for trial in decision.trials) == len(default_rounds(job.suite))
    assert any("structure: none" in note for note in job.narrator.notes)  # type: ignore[attr-defined]


def test_with_structure_none_the_ladder_and_the_gate_ask_for_no_structured_candidate(
    tmp_path: Path,
) -> None:
    job = _free_job(tmp_path, "structure: none\n")
    assert job.suite.structure is None
    assert all(spec.family != "structured" for spec in default_rounds(job.suite))
    decision = job.run(tune=False).decision
    assert decision is not None
    assert "structured candidate" not in decision.sentence
    assert "not tried" not in decision.sentence


def test_a_declared_round_that_the_model_refuses_ends_the_run_with_the_way_out(
    tmp_path: Path,
) -> None:
    job = _free_job(tmp_path, "rounds:\n  - {family: structured, prompts: [terse, spec]}\n")
    with pytest.raises(ModelError, match="holds no answer to a grammar") as caught:
        job.run(tune=False)
    assert caught.value.hint is not None
    assert "structure: none" in caught.value.hint
