"""What a round may take: tokens, the same however often the search was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuning.search.finding
from evals.records import Run
from tests.tuning.search.scene import ROUNDS, DiedError, Scene, writing_optimiser
from tuning.records import Decision
from tuning.search.evaluating import taken_by

TIGHT = ROUNDS.replace("spec, polite]}", "spec, polite], budget: {tokens: 900}}")
"""Room for `terse` (60 cases of 9 to 10 tokens or so) and some of `spec`, not for `polite`."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.write(TIGHT)
    return scene


def tried(decision: Decision) -> list[str]:
    ordered = sorted(decision.trials, key=lambda trial: trial.round_index)
    return [trial.label for trial in ordered if trial.round_index == 1]


def tokens(job: object, label: str) -> int:
    runs: list[Run] = job.ledger.runs("tickets", "dev")  # type: ignore[attr-defined]
    (run,) = [each for each in runs if each.candidate.label == label]
    return taken_by(job.ledger.run(run.id)).tokens  # type: ignore[attr-defined]


def test_no_candidate_is_begun_once_the_budget_is_spent_and_the_search_says_so(
    scene: Scene,
) -> None:
    decision, job = scene.search()
    assert set(tried(decision)) == {"terse", "spec"}
    spent = tokens(job, "terse") + tokens(job, "spec")
    assert tokens(job, "terse") < 900 <= spent
    (note,) = job.narrator.notes
    assert note == (
        f"round 1: wording: {spent:,} tokens, so its budget of 900 is spent; not begun: 'polite'"
    )


def test_what_a_budget_left_out_is_a_gap_that_names_the_budget(scene: Scene) -> None:
    decision, _ = scene.search()
    assert (decision.verdict, decision.plateau) == ("prompt_more", False)
    assert "Round 1 ('wording') has spent its budget of 900 tokens (" in decision.sentence
    assert "so 1 of its candidates was not tried: 'polite'" in decision.sentence
    assert decision.next_steps[0].startswith("Raise the budget of round 1")
    assert scene.gate() == decision


def test_it_still_counts_as_planned(scene: Scene) -> None:
    """What is certain of the leader is corrected for all that were declared."""
    decision, _ = scene.search()
    (line,) = [rule for rule in decision.rules if rule.verdict == "prompt_suffices"]
    assert "7 planned" in line.evidence


def test_a_budget_that_is_raised_lets_the_round_go_on(scene: Scene) -> None:
    before, first = scene.search()
    scene.edit("suite.yaml", "tokens: 900", "tokens: 900000")
    after, second = scene.search()
    assert set(tried(after)) == {"terse", "spec", "polite"}
    assert second.model.calls == 60 // 8 + 1  # polite alone
    assert before.verdict == "prompt_more"
    assert not any("not tried" in step for step in after.next_steps)
    assert first.narrator.notes
    assert not second.narrator.notes


@pytest.mark.parametrize("label", ["round 1: wording: spec", "round 3: nearest: terse + 2 nearest"])
def test_an_interrupted_search_leaves_out_the_same(label: str, scene: Scene) -> None:
    with pytest.raises(DiedError):
        scene.job(die_at=label).run(tune=False)
    decision, resumed = scene.search()
    scene.forget()
    uninterrupted, whole = scene.search()
    assert decision == uninterrupted
    assert resumed.narrator.notes == whole.narrator.notes


def test_while_the_search_has_not_come_so_far_nothing_is_said_of_the_budget(scene: Scene) -> None:
    with pytest.raises(DiedError):
        scene.job(die_at="round 1: wording: spec").run(tune=False)
    decision = scene.gate()
    assert "budget" not in decision.sentence
    assert decision.next_steps[0].startswith("Run `tunegate run`")


@pytest.mark.usefixtures("pretended_optimisers")
def test_a_search_inside_a_round_counts(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The optimiser reads train cases for longer than the one prompt is tried on dev."""
    searches: list[str] = []
    monkeypatch.setattr(tuning.search.finding, "optimise_prompt", writing_optimiser(searches, 15))
    optimised = "  - {family: optimised, prompts: [terse, polite], optimiser: [gepa], budget: "
    scene.edit("suite.yaml", "tune:", f"{optimised}{{tokens: 700}}}}\ntune:")
    decision, job = scene.search()
    assert tokens(job, "terse + gepa") < 700
    assert searches == ["terse + gepa"]
    assert "round 4 ('optimised') has spent its budget of 700 tokens" in decision.sentence
    again, second = scene.search()
    assert (again, second.model.calls) == (decision, 0)
    assert second.narrator.notes == job.narrator.notes


def test_of_a_stopped_candidate_only_stage_one_counts(tmp_path: Path) -> None:
    """Also where it was run on the rest by hand: the search must not depend on that."""
    from tests.tuning.search.test_prompts import HOPELESS, Bench

    bench = Bench(tmp_path)
    rounds = ROUNDS.replace("[terse, spec, polite]", "[terse, polite, spec], budget: {tokens: N}")
    bench.write(HOPELESS, rounds=rounds.replace("N", "10000000"))
    _, job = bench.search()
    runs = {r.candidate.label: job.ledger.run(r.id) for r in job.ledger.runs("tickets", "dev")}
    both = sum(taken_by(runs[label]).tokens for label in ("terse", "polite"))
    assert len(runs["polite"].results) == bench.first
    manifest = bench.folder / "tickets" / "suite.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("10000000", str(both + 1)))
    assert bench.search()[1].narrator.notes == job.narrator.notes  # spec is begun
    manifest.write_text(text.replace("10000000", str(both)))
    (bench.folder / "ledger").rename(bench.folder / "old")
    first = bench.search()[1].narrator.notes
    assert f"{both:,} tokens, so its budget of {both:,} is spent; not begun: 'spec'" in first[-1]
    again = bench.job()
    again.evaluate(again.suite, runs["polite"].candidate, "dev", "by hand")
    repeated = bench.search()[1].narrator.notes
    assert repeated[-1] == first[-1]
