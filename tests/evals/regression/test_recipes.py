"""Recipes: what a fresh clone runs, and what was accepted, in the same words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Approach, Found, Technique
from evals.errors import RecordError, SuiteError
from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel
from evals.prompting import make_candidate
from evals.records import Run
from evals.regression.acceptance import accept, identity_of
from evals.regression.accepted_file import accepted_text, parse_accepted
from evals.regression.recipes import candidate_line, candidates, recipe_of, stated_recipe
from evals.regression.records import Recipe
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from tests.evals.regression.tables import baseline, table
from tests.sample_suite import write_suite

VOTES = Approach("nearest", 2, technique=Technique(votes=3, temperature=0.7))
MODEL = ScriptedModel({"charged": "billing"})


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_suite(tmp_path / "tickets", sizes={"train": 12, "dev": 9, "test": 9}))


def stating(suite: Suite, candidate: str) -> Suite:
    manifest = suite.root / "suite.yaml"
    manifest.write_text(f"{manifest.read_text()}candidate: {candidate}\n")
    return load_suite(suite.root)


def run_of(suite: Suite, folder: Path, approach: Approach, found: Found | None = None) -> Run:
    candidate = make_candidate(suite, MODEL, "spec", approach)
    with build_scorers(suite) as scorers:
        run = Runner(MODEL, scorers, Ledger(folder)).run(suite, candidate, "dev")
    return replace(run, candidate=replace(run.candidate, found=found))


@pytest.mark.parametrize(
    "approach",
    [Approach(), Approach("static", 4), Approach("nearest", 2), VOTES, Approach("diverse", 3)],
)
def test_a_recipe_says_each_approach_in_one_form_and_reads_it_back(approach: Approach) -> None:
    recipe = Recipe("m", "spec", few_shot=7).using(approach)
    assert recipe.approach == approach
    assert recipe == Recipe("m", "spec", nearest=9).using(approach)
    stored = parse_accepted(accepted_text(baseline(table([1.0, 0.0]), recipe=recipe)), "x")
    assert stored.recipe == recipe


def test_a_baseline_with_two_ways_to_use_a_prompt_is_refused() -> None:
    recipe = replace(Recipe("m", "spec", few_shot=2), use=VOTES)
    text = accepted_text(baseline(table([1.0, 0.0]), recipe=recipe))
    with pytest.raises(RecordError, match="impossible number"):
        parse_accepted(text, "accepted.json")


def test_what_a_suite_states_is_what_a_fresh_clone_runs(suite: Suite) -> None:
    stated = stating(suite, "{prompt: spec, nearest: 2, votes: 3}")
    recipe = stated_recipe(stated, None, "scripted")
    assert recipe.approach == VOTES
    (candidate,) = candidates(stated, MODEL, recipe)
    assert candidate.label == "spec + 2 nearest + 3 votes"
    assert candidate.decoding.temperature == 0.7


@pytest.mark.parametrize(
    "candidate",
    [
        "{prompt: spec}",
        "{prompt: spec, structured: false}",
        "{structured: false}",
        "{model: scripted, reasoning: false}",
        "{demonstrations: []}",
        "{few_shot: null}",
    ],
)
def test_a_key_of_use_that_is_taken_away_is_not_run_as_it_was_accepted(
    suite: Suite, candidate: str
) -> None:
    accepted = Recipe("scripted", "spec").using(Approach(technique=Technique(structured=True)))
    recipe = stated_recipe(stating(suite, candidate), accepted, "scripted")
    assert recipe.approach == Approach()
    assert recipe.label == "spec"


def test_a_run_with_more_than_a_suite_states_is_not_accepted(suite: Suite, tmp_path: Path) -> None:
    run = run_of(suite, tmp_path / "ledger", VOTES)
    with pytest.raises(RecordError, match="no more than its prompt, the run has 2 nearest"):
        accept(stating(suite, "{prompt: spec}"), {}, [run], by="A", when="now", why="it is so")


def test_a_suite_that_states_its_model_alone_keeps_what_was_accepted(suite: Suite) -> None:
    accepted = Recipe("scripted", "spec").using(VOTES)
    assert stated_recipe(stating(suite, "{model: other}"), accepted, "m").approach == VOTES


def test_a_suite_that_says_nothing_keeps_what_was_accepted(suite: Suite) -> None:
    accepted = Recipe("scripted", "spec").using(VOTES)
    assert stated_recipe(suite, accepted, "other").approach == VOTES


@pytest.mark.parametrize(
    ("candidate", "key"),
    [
        ("{few_shot: 2, nearest: 2}", "candidate.nearest"),
        ("{reasoning: true, structured: true}", "candidate.structured"),
        ("{temperature: 0.5}", "candidate.temperature"),
        ("{votes: 1}", "candidate.votes"),
        ("{documents: 0}", "candidate.documents"),
    ],
)
def test_a_candidate_that_cannot_be_names_its_key(suite: Suite, candidate: str, key: str) -> None:
    with pytest.raises(SuiteError) as told:
        stating(suite, candidate)
    assert told.value.key == key


def test_searched_demonstrations_are_accepted_by_their_ids(suite: Suite, tmp_path: Path) -> None:
    searched = run_of(suite, tmp_path / "ledger", Approach("static", 2))
    how = Found("origin", ("train-1", "train-0"))
    candidate = replace(searched.candidate, demonstrations="searched", found=how)
    recipe = recipe_of(suite, [replace(searched, candidate=candidate)])
    assert recipe.approach == Approach("listed", 2, listed=("train-1", "train-0"))


def test_what_a_search_found_is_read_off_as_a_line_that_runs_it(
    suite: Suite, tmp_path: Path
) -> None:
    found = searched(suite, tmp_path / "ledger")
    line = candidate_line(found)
    assert line == "candidate: {prompt: spec, demonstrations: [train-0001, train-0000]}"
    stated = stating(suite, line.removeprefix("candidate: "))
    assert stated_recipe(stated, None, "scripted") == recipe_of(stated, [found])
    assert "{model: 'hf:a b', prompt: spec," in candidate_line(found, "hf:a b")


@pytest.mark.parametrize("approach", [Approach(), VOTES, Approach("diverse", 3)])
def test_every_leader_can_be_stated_as_it_ran(
    suite: Suite, tmp_path: Path, approach: Approach
) -> None:
    line = candidate_line(run_of(suite, tmp_path / "ledger", approach))
    stated = stating(suite, line.removeprefix("candidate: "))
    assert stated.candidate.approach == approach


def test_an_accepted_search_and_its_list_of_ids_show_the_same_demonstrations(
    suite: Suite, tmp_path: Path
) -> None:
    found = searched(suite, tmp_path / "ledger")
    recipe = recipe_of(suite, [found])
    (again,) = candidates(suite, MODEL, recipe)
    key = "demonstrations"
    then = identity_of(suite, found)[key]
    assert then == identity_of(suite, replace(found, candidate=again))[key]


def searched(suite: Suite, folder: Path) -> Run:
    run = run_of(suite, folder, Approach("static", 2))
    found = Found("origin", ("train-0001", "train-0000"))
    how = Approach("searched", 2, technique=Technique(tries=16))
    return replace(run, candidate=make_candidate(suite, MODEL, "spec", how, found=found))


def test_a_template_that_a_search_wrote_must_be_saved_before_it_is_accepted(
    suite: Suite, tmp_path: Path
) -> None:
    found = Found("origin", template="{% message 'user' %}{{ input.text }}{% endmessage %}")
    run = run_of(suite, tmp_path / "ledger", Approach(), found)
    with pytest.raises(RecordError, match="a template that a search wrote"):
        recipe_of(suite, [run])


def test_the_probe_with_a_cases_own_documents_is_nothing_to_accept(
    suite: Suite, tmp_path: Path
) -> None:
    run = run_of(suite, tmp_path / "ledger", Approach())
    oracle = replace(run.candidate, technique=Technique(retrieval="oracle"))
    with pytest.raises(RecordError, match="its own documents"):
        recipe_of(suite, [replace(run, candidate=oracle)])
