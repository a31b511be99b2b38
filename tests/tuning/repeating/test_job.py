"""A whole job with several seeds: trained, looked at once, judged, kept, and gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tuning.trainer
from evals.codec import decode, encode
from evals.errors import TrainingError
from evals.looks import read_looks
from evals.suite.spec import TogetherSpec
from reports import render_html, render_markdown
from reports.card import render_card
from tests.tuning.forgetting.scene import ReadingModel
from tests.tuning.listening import DiedError
from tests.tuning.repeating.scene import FORGETFUL, GOOD, USELESS, Bench
from tuning.adapters.origin import Origin
from tuning.adapters.registry import stored_adapters
from tuning.gate.soundness import check_stored, soundness_of
from tuning.learning.sampling import WHOLE, Part
from tuning.records import JobRecord, Proof, ShipDecision
from tuning.stored import load_job

LOSSES = {0: 0.5, 1: 0.4, 2: 0.6, 3: 0.9, 4: 0.9}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    made.write({0: GOOD, 1: GOOD, 2: GOOD, 3: GOOD, 4: GOOD}, LOSSES)
    monkeypatch.setattr(tuning.trainer, "tune_suite", made.train)
    return made


def test_three_seeds_are_trained_and_judged_with_one_look(bench: Bench) -> None:
    job = bench.job()
    record = job.run()
    assert bench.asked == [Part(seed=0), Part(seed=1), Part(seed=2)]
    assert record.training is not None
    assert record.training.adapter == "tuned-1"
    assert [one.adapter for one in record.siblings] == ["tuned-0", "tuned-2"]
    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    assert record.shipping.look == 1
    looks = read_looks(bench.folder / "looks.jsonl")
    assert len(looks) == 1
    assert len(looks[0].among) == 3
    said = job.narrator.labels  # type: ignore[attr-defined]
    labels = [label for label in said if not label.startswith("dev with the adapter")]
    begun = labels.index("training, seed 0")
    assert labels[begun : begun + 5] == [
        "training, seed 0",
        "training, seed 1",
        "training, seed 2",
        "sealed split: terse",
        "sealed split: terse + adapter, seed 1",
    ]
    assert labels.count("guard kept: base") == labels.count("sealed split: terse") == 1
    training = next(phase for phase in record.phases if phase.name == "training")
    assert training.seconds == 3 * 1.5


def test_the_look_is_written_before_any_of_them_is_asked(bench: Bench) -> None:
    with pytest.raises(DiedError):
        bench.job(die_at="sealed split").run()
    assert len(read_looks(bench.folder / "looks.jsonl")) == 1


@pytest.mark.parametrize(
    "stage",
    [
        "training, seed 1",
        "sealed split: terse + adapter, seed 1",
        "sealed split: terse + adapter, seed 2",
        "guard kept: adapter, seed 0",
    ],
)
def test_a_job_that_died_anywhere_does_only_what_is_missing(stage: str, bench: Bench) -> None:
    dying = bench.job(die_at=stage)
    with pytest.raises(DiedError):
        dying.run()
    resumed = bench.job()
    record = resumed.run()
    calls = dying.model.calls, resumed.model.calls  # type: ignore[attr-defined]
    (bench.folder / "ledger").rename(bench.folder / "resumed")
    (bench.folder / "looks.jsonl").unlink()
    whole_job = bench.job()
    whole = whole_job.run()
    assert sum(calls) == whole_job.model.calls  # type: ignore[attr-defined]
    assert (record.shipping, record.siblings) == (whole.shipping, whole.siblings)
    again = bench.job()
    assert again.run() == whole
    assert again.model.calls == 0  # type: ignore[attr-defined]


def test_one_seed_leaves_everything_as_it_was(bench: Bench) -> None:
    record = bench.job(seeds=1).run()
    assert bench.asked == [WHOLE]
    assert record.siblings == ()
    assert record.shipping is not None
    assert record.shipping.seeds is None
    assert "seed" not in record.shipping.sentence
    assert read_looks(bench.folder / "looks.jsonl")[0].among == ()


def test_more_seeds_are_a_further_look_and_keep_what_was_trained(bench: Bench) -> None:
    bench.job().run()
    record = bench.job(seeds=5).run()
    assert record.shipping is not None
    assert record.shipping.look == 2
    assert bench.job().run().shipping.look == 1  # type: ignore[union-attr]


def test_picking_one_that_was_seen_beside_others_counts_for_more_looks(bench: Bench) -> None:
    bench.job().run()
    alone = bench.job(seeds=1).run()
    assert alone.shipping is not None
    assert alone.shipping.look == 4  # the second look, and two halvings for one of three
    assert bench.job(seeds=1).run().shipping == alone.shipping


def test_a_training_that_is_useless_keeps_the_chosen_from_being_shipped(bench: Bench) -> None:
    bench.write_adapters({0: USELESS, 1: GOOD, 2: GOOD})
    record = bench.job().run()
    assert record.shipping is not None
    assert record.shipping.verdict == "inconclusive"
    assert "two of three trainings gain the 10 points" in record.shipping.sentence


def proven_but(bad: str, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one adapter fail a proof."""

    def train(*given: object, **more: object) -> object:
        record = bench.train(*given, **more)  # type: ignore[arg-type]
        return replace(record, proofs=(Proof("it stops", record.adapter != bad, "seen"),))

    monkeypatch.setattr(tuning.trainer, "tune_suite", train)


@pytest.mark.parametrize("bad", ["tuned-1", "tuned-2"])  # the first is the best on what is held out
def test_a_further_training_that_fails_a_proof_ends_before_the_sealed_split(
    bad: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven_but(bad, bench, monkeypatch)
    with pytest.raises(TrainingError, match="failed 1 of 1 proofs"):
        bench.job().run()
    assert not (bench.folder / "looks.jsonl").exists()


def test_where_the_first_fails_a_proof_no_further_one_is_trained(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven_but("tuned-0", bench, monkeypatch)
    record = bench.job().run()
    assert bench.asked == [Part(seed=0)]
    assert record.shipping is not None
    assert record.shipping.verdict == "reject_adapter"
    assert record.siblings == ()
    assert not (bench.folder / "looks.jsonl").exists()


def test_all_are_in_the_registry_and_know_each_other_and_the_chosen_one(bench: Bench) -> None:
    bench.write_adapters({0: GOOD, 1: GOOD, 2: FORGETFUL})
    job = bench.job()
    job.run()
    found = {one.adapter: one for one in stored_adapters(job.ledger)}
    assert set(found) == {"tuned-0", "tuned-1", "tuned-2"}
    assert found["tuned-1"].verdict == "inconclusive"
    assert not found["tuned-1"].is_sibling
    for name in ("tuned-0", "tuned-2"):
        sibling = found[name]
        assert sibling.is_sibling
        assert sibling.verdict == ""
        assert sibling.seeds is not None
        assert sibling.seeds.chosen.adapter == "tuned-1"
        assert sibling.run == sibling.seeds.line_of(name).run  # type: ignore[union-attr]
        card = render_card(sibling, Origin("org/base", "apache-2.0"))
        assert "**Verdict: not chosen.**" in card
        assert "`tuned-1`" in card
        assert "2, not chosen" in card
        assert "kept failed" in card
    assert {one.adapter for one in bench.cards} == set(found)


def test_a_verdict_alone_stays_when_the_adapter_is_later_one_of_several(bench: Bench) -> None:
    bench.job(seeds=1).run()
    job = bench.job()
    job.run()
    zero = next(one for one in stored_adapters(job.ledger) if one.adapter == "tuned-0")
    assert zero.is_sibling
    assert zero.verdict == "ship_adapter"
    bench.job(seeds=1).run()
    zero = next(one for one in stored_adapters(job.ledger) if one.adapter == "tuned-0")
    assert zero.seeds is None


def test_the_report_shows_the_trainings_beside_each_other(bench: Bench) -> None:
    bench.write_adapters({0: GOOD, 1: GOOD, 2: FORGETFUL})
    job = bench.job()
    job.run()
    stored = load_job(job.ledger, "tickets", "scripted:m")
    assert stored is not None
    assert stored.shipping is not None
    assert all(line.run in stored.runs for line in stored.shipping.trained)
    for text in (render_html(stored), render_markdown(stored)):
        assert "Several trainings" in text
        assert "1, chosen" in text
        assert "a training at random" in text
        assert "kept failed" in text
    one = bench.job(seeds=1)
    one.run()
    alone = load_job(one.ledger, "tickets", "scripted:m")
    assert alone is not None
    assert "Several trainings" not in render_html(alone) + render_markdown(alone)


def test_how_often_is_trained_makes_no_check_stale(bench: Bench) -> None:
    one, three = bench.job(seeds=1), bench.job(seeds=3)
    stored = check_stored(one.suite, one.guards, one.ledger)
    assert check_stored(three.suite, three.guards, three.ledger) == stored
    assert not soundness_of(three.suite, three.ledger, [], three.guards).fresh


def test_what_was_stored_before_seeds_were_there_still_reads(bench: Bench) -> None:
    import json

    record = bench.job(seeds=1).run()
    told = json.loads(encode(record))
    assert told.pop("siblings") == []
    assert told["shipping"].pop("seeds") is None
    old = decode(json.dumps(told), JobRecord)
    assert old == record
    assert isinstance(old.shipping, ShipDecision)


def test_a_limit_on_neutral_text_is_asked_of_every_training(bench: Bench) -> None:
    job = bench.job()
    job = replace(job, suite=replace(job.suite, tune=replace(job.suite.tune, max_text_rise=0.2)))
    job.model.__class__ = ReadingModel
    job.model.rises = {"tuned-0": 0.1, "tuned-1": 0.1, "tuned-2": 0.5}  # type: ignore[attr-defined]
    record = job.run()
    assert record.shipping is not None
    assert record.shipping.text is not None
    assert record.shipping.text.result == "pass"
    assert record.shipping.verdict == "inconclusive"
    assert "seed 2 on neutral text (+0.50 nats a token; at most 0.2)" in record.shipping.sentence
    stored = load_job(job.ledger, "tickets", "scripted:m")
    assert stored is not None
    assert "neutral text failed (+0.50 nats)" in render_markdown(stored)


def test_one_that_was_seen_beside_others_is_picked_with_another_prompt_too(bench: Bench) -> None:
    bench.job().run()
    job = bench.job(seeds=1)
    stated = replace(job.suite.tune, prompt="spec", together=TogetherSpec("none"))
    asked = replace(job, suite=replace(job.suite, tune=stated)).run()
    assert asked.shipping is not None
    assert asked.shipping.look == 4


@pytest.mark.parametrize("made", [{"adapter": "tuned-3", "parent": "tuned-2"}, {}])
def test_one_that_was_made_of_the_picked_counts_as_picked(
    made: dict[str, str], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.job().run()

    def train(*given: object, **more: object) -> object:
        return replace(bench.train(*given, part=Part(seed=3)), **made)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning.trainer, "tune_suite", train)
    record = bench.job(seeds=1).run()
    assert record.shipping is not None
    assert record.shipping.look == (4 if made else 2)
