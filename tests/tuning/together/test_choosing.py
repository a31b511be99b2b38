"""A whole job in which the adapter is tried with several prompts on dev, and one is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tuning.trainer
from evals.errors import UnansweredError
from evals.records import Run
from reports import render_html, render_markdown
from tests.sample_suite import PROMPTS, ROUNDS, TOPICS
from tests.tunegate.scenes import (
    TUNE,
    answers,
    by_label,
    guarded_suite,
    pretended_training,
    write_model,
)
from tests.tuning.cost.scene import BY_TOKENS, operation, write_scene
from tests.tuning.cost.scene import job as priced_job
from tests.tuning.test_job import Desk, DiedError
from tuning.adapters.registry import stored_adapters
from tuning.job import Job
from tuning.records import JobRecord
from tuning.together.records import Together, TogetherLine

SPEC = {"prompt_contains": "Answer with one of"}
KNOWN = ("billing", "shipping")
BASE = [{"adapter": "", **SPEC, "contains": TOPICS[name], "reply": name} for name in KNOWN]
"""The base knows two topics of three, if it is told what it may answer: `spec` leads."""
HALF = [{"adapter": "tuned", "contains": TOPICS[name], "reply": name} for name in KNOWN]
WHOLE = [{"adapter": "tuned", **SPEC, "contains": TOPICS[name], "reply": name} for name in TOPICS]
PERFECT = [{"adapter": "tuned", "contains": TOPICS[name], "reply": name} for name in TOPICS]
SPARE = {**PROMPTS, "spare": '{% message "user" %}Team? {{ input.text }}{% endmessage %}'}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An adapter that knows two topics when asked tersely, and all of them by `spec`."""
    training = pretended_training("tuned")
    monkeypatch.setattr(tuning.trainer, "tune_suite", training)
    guarded_suite(tmp_path, extra=ROUNDS + TUNE, prompts=SPARE)
    learnt(tmp_path, [*WHOLE, *HALF])
    return Desk(tmp_path, training)


def learnt(folder: Path, rules: list[dict[str, str]]) -> None:
    write_model(folder / "model.json", [*rules, *BASE], adapters=["tuned"])


def state(desk: Desk, together: str) -> None:
    """Write `tune.together` into the suite, in place of what it says."""
    manifest = desk.folder / "tickets" / "suite.yaml"
    line = TUNE.replace("}", f", together: {together}}}") if together else TUNE
    kept = [one for one in manifest.read_text().splitlines() if not one.startswith("tune:")]
    manifest.write_text("\n".join([*kept, line]))


def together_of(record: JobRecord) -> Together:
    assert record.together is not None
    return record.together


def labels(job: Any) -> list[str]:
    return [label for label in job.narrator.labels if "adapter" in label]


def looks(desk: Desk) -> int:
    return len((desk.folder / "looks.jsonl").read_text().splitlines())


def judged(job: Any, record: JobRecord) -> Run:
    return job.ledger.run(record.adapter_test)


def test_the_prompt_that_is_best_with_the_adapter_is_what_the_sealed_split_judges(
    desk: Desk,
) -> None:
    job = desk.job()
    record = job.run()
    found = together_of(record)
    assert labels(job) == [
        "dev with the adapter: terse",
        "dev with the adapter: spec",
        "dev with the adapter: terse + 2 static",
        "sealed split: spec + adapter",
    ]
    assert found.changed
    assert found.line.label == "spec"
    assert judged(job, record).candidate.label == "spec + adapter"
    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    assert record.shipping.after.estimate == 1.0
    assert looks(desk) == 1
    assert "'spec' (100.0 % on dev, 13 prompt tokens a case)" in found.sentence
    assert "in place of 'terse' (66.7 %" in found.sentence
    assert "candidate: {prompt: spec, adapter: FOLDER}" in record.shipping.next_steps[0]
    assert "--adapter FOLDER --prompt spec" in record.shipping.next_steps[0]


def test_what_tuning_adds_to_each_prompt_and_prompting_to_the_adapter_is_told(desk: Desk) -> None:
    lines = {line.label: line for line in together_of(desk.job().run()).lines}
    terse, spec = lines["terse"], lines["spec"]
    assert [line.why for line in lines.values()] == [
        "trained with it", "the best prompt", "with demonstrations"]  # fmt: skip
    assert (gain(terse, "tuning"), gain(spec, "tuning")) == pytest.approx((2 / 3, 1 / 3))
    assert gain(spec, "prompting") == pytest.approx(1 / 3)
    assert terse.prompting is None
    assert terse.prompt_tokens is not None
    assert spec.prompt_tokens is not None
    assert spec.prompt_tokens - terse.prompt_tokens == 6
    for line in lines.values():
        assert line.base_run
        assert line.score is not None
        assert line.score.low < line.score.high


def gain(line: TogetherLine, of: str) -> float:
    interval = getattr(line, of)
    assert interval.low <= interval.estimate <= interval.high
    return float(interval.estimate)


def test_a_tie_keeps_the_training_prompt(desk: Desk) -> None:
    learnt(desk.folder, HALF)
    job = desk.job()
    record = job.run()
    found = together_of(record)
    assert not found.changed
    assert len([line for line in found.lines if line.run_id]) == 3
    assert judged(job, record).candidate.label == "terse + adapter"
    assert found.sentence.startswith("Kept: 'terse' (66.7 %")
    assert "No other prompt scores higher" in found.sentence
    assert record.shipping is not None
    assert "FOLDER" not in " ".join(record.shipping.next_steps)


def test_a_lead_of_one_case_is_chance_and_keeps_the_training_prompt(desk: Desk) -> None:
    one = answers("dev", by_label("login", 1), "login", adapter="tuned", **SPEC)
    learnt(desk.folder, [*one, *HALF])
    found = together_of(desk.job().run())
    assert not found.changed
    assert "'spec' (68.3 % on dev" in found.sentence
    assert "not by more than chance" in found.sentence


def test_where_the_training_prompt_leaves_nothing_to_gain_no_longer_one_is_run(desk: Desk) -> None:
    learnt(desk.folder, PERFECT)
    job = desk.job()
    record = job.run()
    assert labels(job) == ["dev with the adapter: terse", "sealed split: terse + adapter"]
    trained, *others = together_of(record).lines
    assert trained.score is not None
    assert {line.left_out for line in others} == {"its training prompt leaves it nothing to gain"}
    assert [line.label for line in others] == ["spec", "terse + 2 static"]
    assert all(line.base is not None for line in others)


def test_a_prompt_that_fails_with_the_adapter_is_left_out_and_the_others_are_judged(
    desk: Desk,
) -> None:
    broken = {"adapter": "tuned", **SPEC, "error": "the model fell over"}
    learnt(desk.folder, [broken, *HALF])
    found = together_of(desk.job().run())
    assert not found.changed
    spec = found.lines[1]
    assert (spec.label, spec.run_id, spec.score) == ("spec", "", None)
    assert "fell over" in spec.left_out
    assert found.lines[2].run_id


def test_errors_that_may_pass_leave_no_prompt_out_and_take_no_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt(desk.folder, HALF)
    evaluate = Job.evaluate

    def out_of_reach(job: Job, suite: Any, candidate: Any, *given: Any, **more: Any) -> Any:
        if given[-1] == "dev with the adapter: spec":
            raise UnansweredError("out of reach", transient=True)
        return evaluate(job, suite, candidate, *given, **more)

    monkeypatch.setattr(Job, "evaluate", out_of_reach)
    with pytest.raises(UnansweredError):
        desk.job().run()
    assert not (desk.folder / "looks.jsonl").exists()


def test_a_second_job_asks_nothing_and_ends_the_same(desk: Desk) -> None:
    first = desk.job().run()
    again = desk.job()
    assert again.run() == first
    assert again.model.calls == 0  # type: ignore[attr-defined]
    assert looks(desk) == 1


@pytest.mark.parametrize(
    "stage", ["dev with the adapter: spec", "dev with the adapter: terse +", "sealed split: spec +"]
)
def test_a_job_that_died_while_choosing_goes_on_with_what_is_missing(
    stage: str, desk: Desk
) -> None:
    dying = desk.job(die_at=stage)
    with pytest.raises(DiedError):
        dying.run()
    resumed = desk.job()
    record = resumed.run()
    calls = (dying.model.calls, resumed.model.calls)  # type: ignore[attr-defined]
    (desk.folder / "ledger").rename(desk.folder / "resumed")
    (desk.folder / "looks.jsonl").unlink()
    whole = desk.job()
    assert replace(whole.run(), phases=()) == replace(record, phases=())
    assert sum(calls) == whole.model.calls  # type: ignore[attr-defined]


def test_an_adapter_judged_before_other_prompts_were_tried_is_found_as_it_was(desk: Desk) -> None:
    state(desk, "none")  # as every version before judged it
    before = desk.job().run()
    assert before.together is None
    state(desk, "")
    job = desk.job()
    record = job.run()
    assert job.model.calls == 0  # type: ignore[attr-defined]
    assert replace(record, phases=()) == replace(before, phases=())
    assert looks(desk) == 1
    state(desk, "best")  # who asks for it takes another look, which is counted
    asked = desk.job().run()
    assert together_of(asked).line.label == "spec"
    assert asked.shipping is not None
    assert asked.shipping.look == 2


def test_prompts_that_the_suite_names_are_tried_also_without_a_run_of_the_base(
    desk: Desk,
) -> None:
    state(desk, "[spare, terse, spec]")
    found = together_of(desk.job().run())
    assert [(line.label, line.why) for line in found.lines] == [
        ("terse", "trained with it"),
        ("spare", "named by the suite"),
        ("spec", "named by the suite"),
    ]
    spare = found.lines[1]
    assert spare.run_id
    assert (spare.base, spare.base_run, spare.tuning) == (None, "", None)
    assert spare.prompting is not None


def test_all_that_was_tried_can_be_tried_again_with_the_adapter(desk: Desk) -> None:
    state(desk, "all")
    record = desk.job().run()
    assert record.decision is not None
    tried = {trial.label for trial in record.decision.trials}
    assert {line.label for line in together_of(record).lines} == tried


def test_where_tuning_is_to_cut_cost_no_prompt_is_chosen_that_does_not_pay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training("tuned"))
    write_scene(tmp_path, operation())
    few = answers("dev", by_label("login", 4), "login", adapter="tuned", **SPEC)
    write_model(tmp_path / "model.json", [*few, *HALF, *BASE], adapters=["tuned"])
    job = priced_job(tmp_path, BY_TOKENS)
    record = job.run()
    found = together_of(record)
    assert found.lines[1].prompting is not None
    assert found.lines[1].prompting.estimate == pytest.approx(4 / 60)  # more than chance
    assert not found.lines[1].open
    assert not found.changed
    assert "could not ship" in found.sentence
    assert record.shipping is not None
    assert record.shipping.verdict == "ship_adapter"
    paid = record.shipping.cost.payback  # type: ignore[union-attr]
    assert paid is not None
    assert paid.after_label == "terse + adapter"


def test_the_cost_of_a_call_is_that_of_the_chosen_prompt(tmp_path: Path, desk: Desk) -> None:
    job = replace(desk.job(), prices=BY_TOKENS)
    shipping = job.run().shipping
    assert shipping is not None
    assert shipping.after_cost is not None
    assert shipping.before_cost is not None
    assert shipping.after_cost.thousand == pytest.approx(shipping.before_cost.thousand)


def test_registry_and_reports_tell_the_chosen_prompt(desk: Desk) -> None:
    job = desk.job()
    job.run()
    kept = stored_adapters(job.ledger, "tickets")[-1]
    assert kept.asked == "spec"
    assert kept.options == ("--prompt", "spec")
    stored = desk.stored()
    for text in (render_html(stored), render_markdown(stored)):
        assert "Tuned and prompted together" in text
        assert "in place of" in text
        assert "terse + 2 static" in text
