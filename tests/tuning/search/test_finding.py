"""Candidates that must be searched for: once for each state of what the search rests on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tuning.search.finding
from evals.approach import Approach, Technique
from evals.codec import decode
from evals.ledger import Ledger
from evals.prompting import changed_since
from tests.tuning.search.scene import ROUNDS, DiedError, Scene, writing_optimiser
from tuning.search.outcomes import FOUND, Outcome, searched_for
from tuning.search.prompts import PromptSearch

OPTIMISED = ROUNDS + "  - {family: optimised, prompts: [terse, polite], optimiser: [gepa]}\n"
GEPA = Approach(technique=Technique(optimiser="gepa"))

pytestmark = pytest.mark.usefixtures("pretended_optimisers")


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which searches were made, each of them by an optimiser that is not one."""
    made: list[str] = []
    monkeypatch.setattr(tuning.search.finding, "optimise_prompt", writing_optimiser(made))
    return made


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path)
    scene.write(OPTIMISED)
    return scene


def test_what_was_found_is_tried_on_dev_and_counts_as_what_was_declared(
    scene: Scene, searches: list[str]
) -> None:
    decision, job = scene.search()
    assert searches == ["terse + gepa", "polite + gepa"]
    assert {t.label for t in decision.trials if t.family == "optimised"} == set(searches)
    run = next(r for r in job.ledger.runs("tickets", "dev") if r.candidate.label == "terse + gepa")
    assert run.candidate.found is not None
    assert "Route it well." in run.candidate.found.template
    assert changed_since(scene.suite, run.candidate) == ()
    assert not any("not tried" in step for step in decision.next_steps)
    assert scene.gate() == decision


def test_the_same_search_again_finds_what_was_found_and_asks_nothing(
    scene: Scene, searches: list[str]
) -> None:
    decision, _ = scene.search()
    again, second = scene.search()
    assert again == decision
    assert len(searches) == 2
    assert second.model.calls == 0


@pytest.mark.parametrize(
    ("name", "old", "new", "made"),
    [
        ("prompts/polite.j2", "Please route.", "Please do route.", 1),
        ("train.jsonl", "charged", "billed", 2),
        ("dev.jsonl", "charged", "billed", 0),
        ("suite.yaml", "optimiser: [gepa]", "optimiser: [gepa], tries: 5", 2),
    ],
    ids=["prompt", "train", "dev", "settings"],
)
def test_only_what_a_search_rests_on_has_it_made_again(
    name: str, old: str, new: str, made: int, scene: Scene, searches: list[str]
) -> None:
    scene.search()
    del searches[:]
    scene.edit(name, old, new)
    decision, _ = scene.search()
    assert len(searches) == made
    assert sum(trial.family == "optimised" for trial in decision.trials) == 2


@pytest.mark.usefixtures("searches")
def test_a_search_that_died_goes_on_and_ends_with_what_it_would_have_found(scene: Scene) -> None:
    dying = scene.job(die_at="search: polite: 10")
    with pytest.raises(DiedError):
        dying.run(tune=False)
    assert len(dying.ledger.documents(FOUND)) == 1  # that of terse; nothing of half a search
    decision, resumed = scene.search()
    asked = dying.model.calls + resumed.model.calls
    kept = outcomes(resumed.ledger)
    scene.forget()
    uninterrupted, whole = scene.search()
    assert (uninterrupted, whole.model.calls) == (decision, asked)
    assert outcomes(whole.ledger) == kept


def outcomes(ledger: Ledger) -> dict[str, Outcome]:
    """What is kept of searches, but for how long they took."""
    found = {key: decode(body, Outcome) for key, body in ledger.documents(FOUND).items()}
    return {key: replace(outcome, seconds=0.0) for key, outcome in found.items()}


@pytest.mark.usefixtures("searches")
def test_what_a_search_took_is_kept_with_what_it_found(scene: Scene) -> None:
    _, job = scene.search()
    run = next(r for r in job.ledger.runs("tickets", "dev") if r.candidate.label == "terse + gepa")
    taken = searched_for(job.ledger, "tickets", run.candidate)
    prompts = [f"Route. {case.input['text']}" for case in scene.suite.split("train")[:20]]
    assert taken.answers == 20
    assert taken.prompt_tokens == sum(scene.model.count_tokens(text) for text in prompts)
    assert taken.tokens > taken.prompt_tokens
    plain = next(r for r in job.ledger.runs("tickets", "dev") if r.candidate.label == "terse")
    assert searched_for(job.ledger, "tickets", plain.candidate).tokens == 0


def test_a_search_is_given_the_opener_of_models_for_its_proposer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    optimise = writing_optimiser([])

    def watched(*args: object, open_proposer: object, **named: object) -> object:
        given.append(open_proposer)
        return optimise(*args, **named)

    monkeypatch.setattr(tuning.search.finding, "optimise_prompt", watched)
    job = scene.job()
    opener = lambda _name: job.model  # noqa: E731 - its identity is what is asked for
    PromptSearch(
        suite=job.suite,
        model=job.model,
        ledger=job.ledger,
        evaluate=job.evaluate,
        find=lambda _: None,
        decide=scene.gate,
        note=lambda _: None,
        open_proposer=opener,
    ).run()
    assert given == [opener, opener]
