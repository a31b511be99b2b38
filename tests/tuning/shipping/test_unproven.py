"""A job whose adapter failed a proof: a verdict, what it loses, and no look at the sealed split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tuning.job
import tuning.trainer
from evals.codec import decode, encode
from reports import render_html, render_markdown
from reports.card import render_card
from tests.tuning.forgetting.scene import Scene, extra, write_scene
from tests.tuning.forgetting.test_choosing import with_settings
from tuning.adapters.origin import Origin
from tuning.adapters.registry import stored_adapters
from tuning.records import Proof, ShipDecision

RUNS_ON = Proof("trains the stop token", False, "ends 0 of 4 of its own", learnt=True)
OTHER_FILE = Proof("reloads to the same outputs", False, "largest change 3", learnt=False)


def failing(scene: Scene, *proofs: Proof) -> Any:
    """The scene's training, whose adapter fails these proofs."""
    train = with_settings(scene.training)

    def trained(*args: Any, **given: Any) -> Any:
        record = train(*args, **given)
        held = Proof("changes the logits", True, "2.5")
        return replace(record, proofs=(held, *proofs))

    return trained


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(tmp_path)
    monkeypatch.setattr(tuning.trainer, "tune_suite", failing(found, RUNS_ON))
    monkeypatch.setattr(tuning.job, "make_with", found.make_with)
    write_scene(tmp_path, extra=extra("seed: 0"))
    return found


def ask_for(remedies: str, folder: Path) -> None:
    """State remedies in the suite."""
    manifest = folder / "tickets" / "suite.yaml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("seed: 0", f"remedies: [{remedies}]"), encoding="utf-8")


def test_it_is_rejected_by_its_proofs_and_the_guard_that_it_fails_is_named(scene: Scene) -> None:
    record = scene.job().run()
    shipping = record.shipping
    assert shipping is not None
    assert shipping.verdict == "reject_adapter"
    assert "failed 1 of 2 proofs (trains the stop token)" in shipping.sentence
    assert "loses too much on kept (" in shipping.sentence
    assert [guard.result for guard in shipping.guards] == ["fail"]
    assert "ends 0 of 4 of its own" in shipping.reasons[0]
    assert shipping.reasons[1].startswith("Guard kept:")
    assert "look at the training data and settings" in shipping.next_steps[1]


def test_no_sealed_case_is_looked_at_for_it(scene: Scene) -> None:
    record = scene.job().run()
    assert not (scene.folder / "looks.jsonl").exists()
    assert (record.leader_test, record.adapter_test) == (None, None)
    assert record.shipping is not None
    assert (record.shipping.look, record.shipping.compared) == (0, None)


def test_what_cannot_be_asked_is_not_asked(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning.trainer, "tune_suite", failing(scene, RUNS_ON, OTHER_FILE))
    job = scene.job()
    shipping = job.run().shipping
    assert shipping is not None
    assert "failed 2 of 3 proofs" in shipping.sentence
    assert "loses" not in shipping.sentence
    assert shipping.guards == ()
    assert not any("guard" in label for label in job.narrator.labels)  # type: ignore[attr-defined]
    (kept,) = stored_adapters(job.ledger)
    card = render_card(kept, Origin("base", "apache-2.0"))
    assert "No guard suite was run: what it forgot was not measured." in card


def test_the_verdict_is_kept_and_found_again_without_training(scene: Scene) -> None:
    first = scene.job().run()
    again = scene.job()
    assert again.run().shipping == first.shipping
    assert again.model.calls == 0  # type: ignore[attr-defined]
    assert first.shipping is not None
    assert decode(encode(first.shipping), ShipDecision) == first.shipping
    (kept,) = stored_adapters(again.ledger)
    assert (kept.verdict, kept.run) == ("reject_adapter", "")


def test_reports_and_the_card_say_what_happened_and_claim_nothing(scene: Scene) -> None:
    scene.job().run()
    stored = scene.stored()
    for page in (render_html(stored), render_markdown(stored)):
        assert "Do not ship the adapter" in page
        assert "failed 1 of 2 proofs" in page
        assert "not looked at" in page
        assert "Judge the adapter on the sealed cases" not in page
    (kept,) = stored_adapters(scene.job().ledger)
    card = render_card(kept, Origin("base", "apache-2.0"))
    assert "model-index" not in card
    assert "No sealed case was looked at." in card
    assert "kept" in card


def test_remedies_are_tried_where_they_are_asked_for(scene: Scene) -> None:
    ask_for("scale, rate", scene.folder)
    scene.raising = "scale 0.75"
    record = scene.job().run()
    assert record.tradeoff is not None
    first = record.tradeoff.tried[0]
    assert first.failed == "it failed a proof: trains the stop token: ends 0 of 4 of its own"
    assert "is refused, since it failed a proof" in record.tradeoff.sentence
    assert record.tradeoff.chosen == "s0.5"
    assert record.shipping is not None
    assert (record.shipping.verdict, record.shipping.look) == ("ship_adapter", 1)
    assert "it failed a proof" in render_html(scene.stored())


def test_where_no_remedy_helps_it_stays_refused(scene: Scene) -> None:
    ask_for("replay", scene.folder)
    scene.raising = "replay 0.24"
    record = scene.job().run()
    assert record.tradeoff is not None
    assert record.tradeoff.chosen == ""
    assert record.tradeoff.sentence.endswith("It stays refused.")
    assert record.shipping is not None
    assert record.shipping.verdict == "reject_adapter"
    assert not (scene.folder / "looks.jsonl").exists()
