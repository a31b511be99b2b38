"""A deliberate forgetting on a tiny model: the same training at twenty times the rate.

The model was taught the guard before, so that there is something to forget.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evals.errors import TrainingError
from evals.ledger import Ledger
from evals.models import open_model
from evals.suite import load_suite
from tests.tunegate.scenes import pretended_training
from tests.tuning.forgetting.taught import make_taught_model, write_scene
from tests.tuning.test_job import Listener
from tuning.adapters.registry import stored_adapters
from tuning.job import Job
from tuning.records import Proof
from tuning.shipping.unproven import refuse_unproven

USUAL = 0.002


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)
    return f"hf:{make_taught_model(tmp_path_factory.mktemp('taught') / 'model')}"


def job(folder: Path, model: str, rate: float, more: str = "") -> Job:
    if not (folder / "tickets").exists():
        write_scene(folder, rate, more)
    return Job(
        suite=load_suite(folder / "tickets"),
        guards={"sense": load_suite(folder / "sense")},
        model=open_model(model, precision="float32"),
        ledger=Ledger(folder / "ledger"),
        looks_path=folder / "looks.jsonl",
        narrator=Listener(),
    )


def test_at_the_usual_rate_the_guard_passes(taught: str, tmp_path: Path) -> None:
    record = job(tmp_path, taught, USUAL).run(override="to see")
    assert record.shipping is not None
    assert [guard.result for guard in record.shipping.guards] == ["pass"]
    assert record.shipping.text is not None
    assert record.shipping.text.passages == 64


def test_at_twenty_times_the_rate_it_is_rejected_by_the_guards_name_and_remedies_are_shown(
    taught: str, tmp_path: Path
) -> None:
    record = job(tmp_path, taught, 20 * USUAL, ", remedies: [scale]").run(override="to see")
    shipping, found = record.shipping, record.tradeoff
    assert shipping is not None
    assert shipping.verdict == "reject_adapter"
    assert "it loses too much on sense" in shipping.sentence
    assert "lower learning rate" in " ".join(shipping.next_steps)
    assert found is not None
    assert found.chosen == ""  # nothing is gained on the tickets, so no remedy is good enough
    losses = [line.guards[0].change.estimate for line in found.tried if line.guards]
    assert len(losses) == 4
    assert losses[0] < -0.1
    with_ledger = job(tmp_path, taught, 20 * USUAL)
    parents = {one.adapter: one.parent for one in stored_adapters(with_ledger.ledger)}
    assert set(parents.values()) == {"", found.adapter}
    assert with_ledger.run(override="to see").tradeoff == found


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0.04, r"lower the learning rate: it is 0\.04, and such weights begin with 0\.002"),
        (0.002, "look at the training data and settings"),
    ],
)
def test_where_a_proof_fails_a_rate_that_is_far_too_high_is_named(rate: float, said: str) -> None:
    suite = load_suite(Path(__file__).parents[3] / "suites" / "general_ability")
    training = replace(
        pretended_training("a")(suite, "m", Path()),
        proofs=(Proof("trains the stop token", False, "ends 0 of 3"),),
        settings={"learning_rate": rate, "weights": "lora", "variant": "plain"},
    )
    with pytest.raises(TrainingError, match=said):
        refuse_unproven(training)
