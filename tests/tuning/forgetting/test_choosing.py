"""Remedies where a guard fails: which are tried, which is judged, and at what cost of claims."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tuning.job
import tuning.trainer
from evals.errors import NothingRunError, UsageError
from evals.looks import read_looks
from tests.sample_suite import TOPICS
from tests.tuning.forgetting.scene import Scene, extra, write_scene
from tests.tuning.test_job import DiedError
from tuning.adapters.registry import stored_adapters


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(tmp_path)
    found.training = with_settings(found.training)
    monkeypatch.setattr(tuning.trainer, "tune_suite", found.training)
    monkeypatch.setattr(tuning.job, "make_with", found.make_with)
    return found


def with_settings(train: Any) -> Any:
    def trained(*args: Any, **given: Any) -> Any:
        trained.calls += 1  # type: ignore[attr-defined]
        settings = {"rank": 2, "learning_rate": 0.003, "epochs": 1.0}
        return replace(train(*args, **given), settings=settings)

    trained.calls = 0  # type: ignore[attr-defined]
    return trained


def test_without_remedies_a_failed_guard_rejects_as_ever(scene: Scene) -> None:
    write_scene(scene.folder, extra=extra("seed: 0"))
    record = scene.job().run()
    assert record.shipping is not None
    assert record.shipping.verdict == "reject_adapter"
    assert "kept" in record.shipping.sentence
    assert (record.tradeoff, scene.made) == (None, [])
    assert record.shipping.guards[0].alpha == 0.05


def test_the_first_remedy_that_keeps_the_guard_and_gains_is_judged(scene: Scene) -> None:
    write_scene(scene.folder, forgets=["tuned", "s0.75"])
    record = scene.job().run()
    assert scene.made == ["scale 0.75", "scale 0.5"]
    found = record.tradeoff
    assert found is not None
    assert [line.what for line in found.tried] == ["as trained", "scale 0.75", "scale 0.5"]
    assert [line.keeps for line in found.tried] == [False, False, True]
    assert found.chosen == "s0.5"
    assert record.training is not None
    assert (record.training.adapter, record.training.parent) == ("s0.5", "tuned")
    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    assert [phase.name for phase in record.phases[-4:]] == [
        "training", "remedies", "sealed split", "guards",
    ]  # fmt: skip


def test_with_which_prompt_it_is_judged_is_then_chosen_for_the_remedied_adapter(
    scene: Scene,
) -> None:
    write_scene(scene.folder, extra=extra(together="best"))
    record = scene.job().run()
    assert [phase.name for phase in record.phases[-4:]] == [
        "remedies", "tuned and prompted together", "sealed split", "guards",
    ]  # fmt: skip
    assert record.tradeoff is not None
    assert record.training is not None
    assert record.tradeoff.chosen == record.training.adapter == "s0.75"
    assert record.adapter_test is not None
    assert scene.stored().runs[record.adapter_test].candidate.adapter == "s0.75"
    assert len(read_looks(scene.folder / "looks.jsonl")) == 1


def test_the_sealed_split_is_looked_at_once_and_for_the_chosen_one_alone(scene: Scene) -> None:
    write_scene(scene.folder, forgets=["tuned", "s0.75"])
    job = scene.job()
    record = job.run()
    labels = job.narrator.labels  # type: ignore[attr-defined]
    sealed = [n for n, label in enumerate(labels) if label.startswith("sealed split")]
    assert len(sealed) == 2
    assert not any("dev" in label or "scale" in label for label in labels[sealed[0] :])
    assert len(read_looks(scene.folder / "looks.jsonl")) == 1
    assert record.shipping is not None
    assert (record.shipping.look, record.shipping.alpha) == (1, 0.025)


def test_asked_for_after_a_verdict_the_chosen_one_is_a_further_look(scene: Scene) -> None:
    write_scene(scene.folder, extra=extra("seed: 0"))
    assert scene.job().run().shipping is not None
    manifest = scene.folder / "tickets" / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("seed: 0", "remedies: [scale]"))
    record = scene.job().tune()
    assert record.shipping is not None
    assert (record.shipping.look, record.shipping.alpha) == (2, 0.0125)


def test_guards_are_held_to_the_shared_level(scene: Scene) -> None:
    write_scene(scene.folder, forgets=["tuned", "s0.75"])
    record = scene.job().run()
    assert record.tradeoff is not None
    assert record.shipping is not None
    levels = [line.guards[0].alpha for line in record.tradeoff.tried]
    assert levels == pytest.approx([0.025, 0.05 / 6, 0.05 / 6])
    assert record.shipping.guards[0].alpha == pytest.approx(0.05 / 6)
    assert "several adapters were tried" in " ".join(record.shipping.reasons)


def test_a_guard_that_would_pass_alone_but_not_at_the_shared_level_is_no_pass(
    scene: Scene,
) -> None:
    # No case lost of 45: the bound is 5.7 points at 0.05, and 11.3 at a sixth of that.
    write_scene(scene.folder, guard_size=45)
    record = scene.job().run()
    assert record.tradeoff is not None
    assert [line.guards[0].result for line in record.tradeoff.tried] == [
        "fail", "inconclusive", "inconclusive", "inconclusive",
    ]  # fmt: skip
    assert record.shipping is not None
    assert record.shipping.verdict == "reject_adapter"


def test_where_no_remedy_helps_the_adapter_stays_rejected_with_the_trade_off(
    scene: Scene,
) -> None:
    write_scene(scene.folder, forgets=["tuned", "s0.75", "s0.5"], blunt=["s0.25"])
    record = scene.job().run()
    assert record.tradeoff is not None
    assert [(line.keeps, line.gains) for line in record.tradeoff.tried] == [
        (False, True), (False, True), (False, True), (True, False),
    ]  # fmt: skip
    assert record.tradeoff.chosen == ""
    assert "do not gain 10 points on dev" in record.tradeoff.sentence
    assert record.training is not None
    assert record.training.adapter == "tuned"
    assert record.shipping is not None
    assert record.shipping.verdict == "reject_adapter"
    assert "it loses too much on kept" in record.shipping.sentence


def test_an_adapter_that_forgets_nothing_is_judged_without_any_remedy(scene: Scene) -> None:
    write_scene(scene.folder, forgets=[])
    record = scene.job().run()
    assert (record.tradeoff, scene.made) == (None, [])
    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    assert record.shipping.guards[0].alpha == 0.025  # half is kept for what might be tried


def test_all_remedies_go_from_cheap_to_dear_and_change_one_setting_each(scene: Scene) -> None:
    names = ["tuned", "s0.75", "s0.5", "s0.25", "fewer", "slower", "slowest"]
    write_scene(scene.folder, forgets=names, extra=extra("remedies: all"), guard_size=150)
    record = scene.job().run()
    assert scene.made == [
        "scale 0.75", "scale 0.5", "scale 0.25", "0.5 epochs", "rate 0.001", "rate 0.0003",
        "replay 0.24",
    ]  # fmt: skip
    assert record.tradeoff is not None
    assert record.tradeoff.remedies == 7
    assert record.tradeoff.chosen == "replayed"


def test_the_order_stated_is_the_order_tried(scene: Scene) -> None:
    write_scene(scene.folder, extra=extra("remedies: [replay, scale]"))
    scene.job().run()
    assert scene.made == ["replay 0.24"]


def test_what_failed_a_proof_or_did_not_train_is_told_and_not_judged(scene: Scene) -> None:
    write_scene(scene.folder, extra=extra("remedies: [scale]"))
    scene.unproven, scene.raising = "s0.75", "scale 0.5"
    record = scene.job().run()
    assert record.tradeoff is not None
    assert [line.failed for line in record.tradeoff.tried] == [
        "", "it failed a proof: changes the logits: 0.001", "the loss is not finite", "",
    ]  # fmt: skip
    assert record.tradeoff.tried[1].run == ""
    assert record.tradeoff.chosen == "s0.25"


@pytest.mark.parametrize(
    "stage", ["guard kept: adapter", "as trained: dev", "scale 0.75: dev", "sealed split: terse +"]
)
def test_a_job_killed_among_remedies_goes_on_and_ends_the_same(stage: str, scene: Scene) -> None:
    write_scene(scene.folder, forgets=["tuned", "s0.75"])
    dying = scene.job(die_at=stage)
    with pytest.raises(DiedError):
        dying.run()
    resumed = scene.job()
    record = resumed.run()
    calls = dying.model.calls + resumed.model.calls  # type: ignore[attr-defined]
    (scene.folder / "ledger").rename(scene.folder / "resumed")
    (scene.folder / "looks.jsonl").unlink()
    whole_job = scene.job()
    whole = whole_job.run()
    assert calls == whole_job.model.calls  # type: ignore[attr-defined]
    assert (record.tradeoff, record.shipping) == (whole.tradeoff, whole.shipping)


def test_a_second_job_asks_nothing_and_ends_the_same(scene: Scene) -> None:
    write_scene(scene.folder, forgets=["tuned", "s0.75"])
    first = scene.job().run()
    again = scene.job()
    assert again.run() == first
    assert again.model.calls == 0  # type: ignore[attr-defined]


def test_the_registry_has_every_adapter_and_says_which_were_set_aside(scene: Scene) -> None:
    write_scene(scene.folder, forgets=["tuned", "s0.75"])
    job = scene.job()
    job.run()
    found = {record.adapter: record for record in stored_adapters(job.ledger)}
    assert set(found) == {"tuned", "s0.75", "s0.5"}
    assert found["s0.75"].parent == found["s0.5"].parent == "tuned"
    assert found["s0.5"].verdict == "ship_adapter"
    assert (found["s0.5"].set_aside, found["tuned"].verdict) == ("", "")
    assert "kept fails" in found["tuned"].set_aside


def test_remedies_that_nothing_could_call_for_or_that_cannot_work_are_refused(
    scene: Scene,
) -> None:
    write_scene(scene.folder, extra=extra(guards=""))
    with pytest.raises(UsageError, match="the suite has no guard"):
        scene.job().run()
    manifest = scene.folder / "tickets" / "suite.yaml"
    text = manifest.read_text().replace("guards: {}", "guards: {kept: {max_loss: 0.1}}")
    manifest.write_text(text.replace("rank: 2", "variant: dora"))
    job = scene.job()
    with pytest.raises(UsageError, match="dora cannot be scaled"):
        job.run()
    assert job.model.calls == 0  # type: ignore[attr-defined]


def test_all_remedies_where_none_works_are_refused_and_not_left_out_in_silence(
    scene: Scene,
) -> None:
    write_scene(scene.folder, extra=extra("remedies: all"))
    job = scene.job()
    tune = replace(job.suite.tune, method="grpo", variant="dora")
    with pytest.raises(UsageError, match="no remedy works for such a training: an adapter of dora"):
        replace(job, suite=replace(job.suite, tune=tune)).run()


def test_a_rise_beyond_the_stated_limit_is_a_failed_guard_and_is_remedied(scene: Scene) -> None:
    stated = "remedies: [scale], max_text_rise: 0.2"
    write_scene(scene.folder, forgets=[], extra=extra(stated))
    rises = {"tuned": 0.5, "s0_75": 0.3, "s0_5": 0.1}
    record = scene.job(**rises).run()
    assert record.tradeoff is not None
    results = [line.text.result for line in record.tradeoff.tried if line.text]
    assert results == ["fail", "fail", "pass"]
    assert record.tradeoff.chosen == "s0.5"
    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    assert record.shipping.text is not None
    assert record.shipping.text.result == "pass"


def test_without_a_limit_a_rise_is_told_and_decides_nothing(scene: Scene) -> None:
    write_scene(scene.folder, forgets=[], extra=extra("seed: 0"))
    job = scene.job(tuned=5.0)
    record = job.run()
    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    assert record.shipping.text is not None
    assert record.shipping.text.rise.estimate == pytest.approx(5.0, abs=0.1)
    assert "decides nothing" in " ".join(record.shipping.reasons)
    again = scene.job(tuned=5.0)
    assert again.run() == record
    assert again.model.read == 0  # type: ignore[attr-defined]


def test_with_a_limit_and_no_remedy_the_verdict_names_neutral_text(scene: Scene) -> None:
    write_scene(scene.folder, forgets=[], extra=extra("max_text_rise: 0.2"))
    record = scene.job(tuned=0.5).run()
    assert record.shipping is not None
    assert record.shipping.verdict == "reject_adapter"
    assert "neutral text (+0.50 nats a token; at most 0.2)" in record.shipping.sentence


def test_a_trade_off_is_held_against_a_leader_of_the_suite_as_it_is(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scene(scene.folder, forgets=[], extra=extra("seed: 0"))
    record = scene.job().run()
    monkeypatch.setattr(tuning.job, "adapter_to_scale", lambda *_: record.training)
    line = scene.job().trade_off([1.0, 0.5]).tried[0]
    assert line.gain is not None
    assert line.gain.estimate == pytest.approx(1 / 3)
    dev = scene.folder / "tickets" / "dev.jsonl"
    first, *others = dev.read_text().splitlines()
    right = json.loads(first)["expected"]
    other = next(topic for topic in TOPICS if topic != right)
    dev.write_text("\n".join([first.replace(f'"{right}"', f'"{other}"'), *others, ""]))
    with pytest.raises(NothingRunError, match="of another state of the suite"):
        scene.job().trade_off([1.0, 0.5])


@pytest.mark.parametrize(
    ("rise", "verdict", "said", "step"),
    [
        (0.05, "ship_adapter", "and the guard on neutral text passes", "Deploy the adapter"),
        (0.2, "inconclusive", "the rise on neutral text is not settled", "Train so that less"),
    ],
)
def test_a_limit_on_neutral_text_alone_is_a_guard_in_words_too(
    scene: Scene, rise: float, verdict: str, said: str, step: str
) -> None:
    write_scene(scene.folder, forgets=[], extra=extra("max_text_rise: 0.2", guards=""))
    shipping = scene.job(tuned=rise).run().shipping
    assert shipping is not None
    assert shipping.verdict == verdict
    assert said in shipping.sentence
    assert shipping.next_steps[0].startswith(step)
