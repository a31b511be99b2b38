"""What every round took and gained, told from what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tuning.search.finding
from evals.approach import Found
from evals.ledger import Ledger
from evals.prompting import make_candidate
from tests.tunegate.scenes import answers, by_label, write_model
from tests.tuning.search.scene import ROUNDS, Scene
from tests.tuning.search.scored import rescored
from tuning.records import Decision, RoundLine
from tuning.search.evaluating import taken_by

SEARCHED = ROUNDS + "  - {family: searched, prompts: [terse, spec], k: [2]}\n"


@pytest.fixture(autouse=True)
def search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that runs ten train cases, and finds their last two."""

    def find(
        suite: Any, model: Any, prompt: str, approach: Any, *, evaluate: Any, **_: Any
    ) -> Found:
        cases = suite.split("train")[:10]
        candidate = make_candidate(suite, model, prompt)
        evaluate(suite, candidate, "train", f"search: {prompt}", cases=cases, keep=False)
        return Found("", tuple(case.id for case in cases[-approach.k :]))

    monkeypatch.setattr(tuning.search.finding, "search_demonstrations", find)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.write(SEARCHED)
    return scene


def line(decision: Decision, family: str) -> RoundLine:
    (found,) = [each for each in decision.rounds if each.family == family]
    return found


def tokens(scene: Scene, decision: Decision, family: str) -> int:
    ledger = Ledger(scene.folder / "ledger")
    named = [trial.run_id for trial in decision.trials if trial.family == family]
    return sum(taken_by(ledger.run(run)).tokens for run in named)


def test_a_round_is_told_with_its_best_what_it_took_and_what_it_gained(scene: Scene) -> None:
    rules = answers("dev", by_label("login", 10), "login", prompt_contains=" train")
    known = [{"contains": "charged", "reply": "billing"}, {"contains": "lost", "reply": "shipping"}]
    write_model(scene.folder / "model.json", [*rules, *known], batch_size=8)
    decision, _ = scene.search()
    wording, shots = line(decision, "wording"), line(decision, "few_shot")
    assert (wording.index, wording.declared, wording.tried, wording.best) == (1, 3, 3, "terse")
    assert wording.gain is None
    assert wording.tokens == tokens(scene, decision, "wording")
    assert shots.gain is not None
    assert shots.gain.estimate == pytest.approx(10 / 60)
    assert shots.gain.low > 0
    assert shots.score is not None
    assert shots.score.estimate == pytest.approx(50 / 60)
    nearest = line(decision, "nearest").gain
    assert nearest is not None
    assert (nearest.estimate, nearest.low < 0 < nearest.high) == (0, True)


def test_what_a_search_took_is_part_of_what_its_round_took(scene: Scene) -> None:
    decision, _ = scene.search()
    searched = line(decision, "searched")
    assert searched.searching > 0
    assert searched.tokens == searched.searching + tokens(scene, decision, "searched")
    assert line(decision, "nearest").searching == 0


def test_every_candidate_says_what_a_case_took(scene: Scene) -> None:
    decision, job = scene.search()
    for trial in decision.trials:
        run = job.ledger.run(trial.run_id)
        assert trial.completion_tokens == pytest.approx(taken_by(run).completion_tokens / 60)
        assert trial.votes == 1
        assert trial.seconds is not None


def test_searched_demonstrations_are_held_against_random_ones_of_the_same_number(
    scene: Scene,
) -> None:
    decision, _ = scene.search()
    first, second = line(decision, "searched").searched
    assert (first.label, first.random) == ("terse + 2 searched", "terse + 2 static")
    assert first.difference is not None
    assert "searched demonstrations are not shown to beat random ones" in first.sentence
    assert second.random == "spec + 2 static"


@pytest.mark.parametrize(
    ("wins", "losses", "words"),
    [
        (12, 0, "searched demonstrations beat random ones (+20.0 points"),
        (2, 1, "are not shown to beat random ones (+1.7 points"),
        (0, 12, "searched demonstrations are worse than random ones (-20.0 points"),
    ],
)
def test_only_an_interval_that_excludes_nothing_says_which_is_better(
    wins: int, losses: int, words: str, scene: Scene
) -> None:
    scene.search()
    ledger = Ledger(scene.folder / "ledger")
    runs = {run.candidate.label: ledger.run(run.id) for run in ledger.runs("tickets", "dev")}
    searched, random = runs["terse + 2 searched"], runs["terse + 2 static"]
    ledger.store_run(rescored(random, right=20, other=0), ())
    ledger.store_run(rescored(searched, right=20 - losses, other=wins), ())
    (said, _) = line(scene.gate(), "searched").searched
    assert words in said.sentence


def test_without_random_ones_it_says_that_it_is_not_known(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.write(SEARCHED.replace("few_shot, prompts: [terse, spec]", "few_shot, prompts: [spec]"))
    decision, _ = scene.search()
    first, _ = line(decision, "searched").searched
    assert first.difference is None
    assert first.sentence == (
        "'terse + 2 static' was not tried, so whether 'terse + 2 searched' beats random "
        "demonstrations is not known."
    )


def test_a_round_that_a_budget_cut_short_says_how_many_were_declared(scene: Scene) -> None:
    scene.edit("suite.yaml", "spec, polite]}", "spec, polite], budget: {tokens: 900}}")
    decision, _ = scene.search()
    wording = line(decision, "wording")
    assert (wording.tried, wording.declared, wording.budget) == (2, 3, 900)
