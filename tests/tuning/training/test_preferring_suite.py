"""`--method dpo` from a suite's files to a proven adapter, with a tiny model that answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evals.errors import TrainingError
from evals.fingerprint import file_sha256
from evals.ledger import Ledger
from evals.models import open_model
from evals.models.adapters import adapter_fingerprint
from evals.records import Candidate, Case, Run
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from evals.suite.spec import PairFile
from tests.sample_suite import write_suite
from tuning.data.drawn_pairs import Asked, DrawnPairs, draw_pairs
from tuning.data.pair_files import read_pairs
from tuning.records import TrainingRecord
from tuning.training.base import BaseModel
from tuning.training.tune import tune_suite

OWN = "min_pairs: 2, draws: 3, sft_epochs: 6"
TUNE = "tune: {{method: dpo, prompt: terse, min_examples: 20, rank: 4, dpo: {{{own}}}{more}}}\n"


def suite_of(folder: Path, own: str = OWN, more: str = "") -> Suite:
    return load_suite(write_suite(folder, extra=TUNE.format(own=own, more=more)))


def tuned(suite: Suite, base: BaseModel, folder: Path, dies: int = 0) -> TrainingRecord:
    """Tune as a job does; `dies` at the so many-th draw, if any."""
    torch.set_num_threads(1)
    model = open_model(base.name, precision="float32")
    count = 0
    with build_scorers(suite) as scorers:
        runner = Runner(model, scorers, Ledger(folder / "ledger"))

        def draw(candidate: Candidate, cases: Sequence[Case]) -> Run:
            nonlocal count
            count += 1
            if count == dies:
                raise KeyboardInterrupt
            return runner.run(suite, candidate, "train", cases=cases, keep=False)

        def ask(asked: Asked) -> DrawnPairs:
            assert asked.adapter is not None
            assert adapter_fingerprint(asked.adapter)
            return draw_pairs(suite, model, asked, draw)

        return tune_suite(suite, base.name, folder / "adapters", scorers=scorers, draw=ask)


def test_the_fine_tuned_model_is_asked_and_learns_from_its_own_answers(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    suite = suite_of(tmp_path / "s")
    record = tuned(suite, tiny_base, tmp_path / "one")
    sft, dpo = record.stages
    assert (sft.name, dpo.name, record.method) == ("sft", "dpo", "dpo")
    assert (sft.settings["epochs"], sft.settings["learning_rate"]) == (6.0, 2e-3)
    assert (dpo.settings["epochs"], dpo.settings["learning_rate"]) == (3.0, 5e-5)
    assert dpo.settings["dpo.beta"] == 0.1
    assert dpo.measured["drawn_answers"] == 3 * (30 - sft.held_out)  # others are looked at
    assert next(point.step for point in dpo.curve if point.score is not None) == 0
    assert dpo.rows + dpo.held_out == dpo.measured["drawn_pairs"]
    rows = (Path(record.adapter_path) / "pairs.jsonl").read_text("utf-8").splitlines()
    assert len(rows) == dpo.measured["drawn_pairs"]
    assert record.beside == {"pairs.jsonl": file_sha256(Path(record.adapter_path) / "pairs.jsonl")}
    # So few steps do not teach a tiny model where to stop; all else is proven.
    failed = {proof.name for proof in record.proofs if not proof.passed}
    assert failed <= {"trains the stop token"}
    with pytest.raises(KeyboardInterrupt):
        tuned(suite, tiny_base, tmp_path / "two", dies=2)
    again = tuned(suite, tiny_base, tmp_path / "two")
    assert (again.adapter, again.curve) == (record.adapter, record.curve)


def test_pairs_of_files_are_learnt_without_asking_anything(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    folder = write_suite(
        tmp_path / "s", extra=TUNE.format(own="min_pairs: 4, draws: 0", more=", pairs: [p.jsonl]")
    )
    rows = [
        {"case": f"train-{n:04d}", "chosen": "billing", "rejected": "elsewhere", "by": "author"}
        for n in range(0, 30, 3)
    ]
    (folder / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    torch.set_num_threads(1)
    record = tune_suite(load_suite(folder), tiny_base.name, tmp_path / "adapters")
    dpo = record.stages[1]
    assert dpo.rows + dpo.held_out == 10
    assert "drawn_answers" not in dpo.measured
    assert record.beside == {}


def test_nothing_is_trained_where_there_is_nothing_to_prefer(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    suite = suite_of(tmp_path / "none", own="draws: 0")
    with pytest.raises(TrainingError, match="0 preference pairs, and at least 20"):
        tune_suite(suite, tiny_base.name, tmp_path / "adapters")
    suite = suite_of(tmp_path / "nobody")
    with pytest.raises(TrainingError, match="no model to draw them of"):
        tune_suite(suite, tiny_base.name, tmp_path / "adapters")
    assert not (tmp_path / "adapters").exists()


def test_pairs_that_the_scorer_contradicts_are_refused_before_anything_is_trained(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    folder = write_suite(
        tmp_path / "s", extra=TUNE.format(own="min_pairs: 2, draws: 0", more=", pairs: [p.jsonl]")
    )
    row = {"case": "train-0000", "chosen": "login", "rejected": "billing"}
    (folder / "p.jsonl").write_text(json.dumps(row))
    suite = load_suite(folder)
    with (
        build_scorers(suite) as scorers,
        pytest.raises(TrainingError, match="the suite's scorer prefers: train-0000") as caught,
    ):
        tune_suite(suite, tiny_base.name, tmp_path / "adapters", scorers=scorers)
    assert "p.jsonl:1" in str(caught.value)
    assert not (tmp_path / "adapters").exists()


RLHF = (
    "tune: {prompt: terse, min_examples: 20, rank: 4, method: rlhf, rlhf: {min_pairs: 4, draws: 3, "
    "sft_epochs: 6, steps: 2, prompts: 2, generations: 4, allow_weak: true}}\n"
)


def test_the_rlhf_chain_asks_the_fine_tuned_model_and_is_watched_by_the_suites_scorer(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    folder = write_suite(tmp_path / "s", extra=RLHF)
    suite = load_suite(folder)
    with pytest.raises(KeyboardInterrupt):
        tuned(suite, tiny_base, tmp_path / "one", dies=2)
    record = tuned(suite, tiny_base, tmp_path / "one")
    _, modelling, policy = record.stages
    assert [stage.name for stage in record.stages] == ["sft", "reward", "grpo"]
    assert modelling.measured["drawn_answers"] == 90
    assert modelling.rows + modelling.held_out == modelling.measured["drawn_pairs"]
    assert str(modelling.measured["reward_pairs_by"]).endswith(" by rule")
    assert policy.measured["held_out"] == suite.primary
    assert policy.settings["rlhf.generations"] == 4
    # The pairs it drew are read again by a suite that names them.
    drawn = (Path(record.adapter_path) / "pairs.jsonl").read_text("utf-8")
    (folder / "again.jsonl").write_text(drawn)
    stated = replace(
        suite, tune=replace(suite.tune, pairs=(PairFile("again.jsonl", line=1, sha256=""),))
    )
    read = read_pairs(stated, "terse")
    assert len(read.pairs) == modelling.measured["drawn_pairs"]
    assert {pair.by for pair in read.pairs} == {"rule"}
