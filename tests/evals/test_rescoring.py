from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from evals.approach import Approach
from evals.errors import NothingRunError, RecordError
from evals.ledger import Ledger
from evals.models.scripted import Rule, ScriptedModel
from evals.prompting import make_candidate
from evals.rescoring import find_sources, rescore
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import load_suite
from tests.sample_suite import TOPICS, write_suite

RULES = [
    Rule(contains=TOPICS["billing"], reply="It is billing."),
    Rule(contains=TOPICS["login"], reply="login"),
    Rule(contains=TOPICS["shipping"], error="fell over"),
]
LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    return write_suite(tmp_path / "tickets", sizes={"train": 6, "dev": 12, "test": 6}, extra="")


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger")


def evaluate(folder, ledger, model, prompt="spec", **more):
    suite = load_suite(folder)
    with build_scorers(suite) as scorers:
        candidate = make_candidate(suite, model, prompt)
        return Runner(model, scorers, ledger).run(suite, candidate, "dev", **more)


def rescored(folder, ledger, **more):
    suite = load_suite(folder)
    found = find_sources(suite, ledger, "dev", **more)
    with build_scorers(suite) as scorers:
        return [
            rescore(suite, source, scorers, lambda: LATER)
            for sources in found.candidates
            for source in sources
        ]


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def lenient(folder):
    change(folder / "suite.yaml", "labels: [", "lenient: true, labels: [")


def test_rescored_numbers_are_those_of_a_fresh_eval_and_its_id_too(folder, ledger, tmp_path):
    model = ScriptedModel(RULES)
    strict = evaluate(folder, ledger, model)
    calls = model.calls
    lenient(folder)
    (made,) = rescored(folder, ledger)
    assert model.calls == calls
    fresh = evaluate(folder, Ledger(tmp_path / "fresh"), model)
    assert sum(made.values().values()) > sum(strict.values().values())
    assert (made.id, made.results) == (fresh.id, fresh.results)
    assert (made.created, made.environment) == ("2027-01-01T00:00:00+00:00", strict.environment)
    assert len(made.errors) == 4


def test_eval_finds_the_rescored_run_and_asks_nothing(folder, ledger):
    model = ScriptedModel(RULES)
    evaluate(folder, ledger, model)
    lenient(folder)
    (made,) = rescored(folder, ledger)
    ledger.store_run(made, load_suite(folder).split("dev"))
    calls = model.calls
    assert evaluate(folder, ledger, model).created == made.created
    assert model.calls == calls


def test_a_corrected_expectation_changes_that_case_alone(folder, ledger):
    before = evaluate(folder, ledger, ScriptedModel(RULES, name="m"))
    lines = [json.loads(line) for line in (folder / "dev.jsonl").read_text().splitlines()]
    wrong = next(line for line in lines if line["expected"] == "login")
    wrong["expected"] = "billing"
    (folder / "dev.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (made,) = rescored(folder, ledger)
    assert {k for k, v in made.values().items() if v != before.values()[k]} == {wrong["id"]}
    assert made.id != before.id


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("prompts/spec.j2", "Answer", "Reply", "prompt 'spec' changed"),
        ("suite.yaml", "primary:", "decoding: {max_tokens: 5}\nprimary:", "decoding changed"),
        ("dev.jsonl", "charged for plan", "charged a plan", "4 are asked otherwise now"),
        ("dev.jsonl", '"dev-0003"', '"dev-9999"', "of 12 cases 1 it never answered (dev-9999)"),
        ("suite.yaml", "spec: prompts/spec", "other: prompts/spec", "no prompt 'spec'"),
    ],
)
def test_outputs_of_another_question_are_refused(folder, ledger, file, old, new, said):
    evaluate(folder, ledger, ScriptedModel(RULES))
    change(folder / file, old, new)
    with pytest.raises(RecordError) as refused:
        find_sources(load_suite(folder), ledger, "dev")
    assert said in refused.value.message
    assert refused.value.exit_code == 2


def test_changed_demonstrations_are_another_question(folder, ledger):
    model = ScriptedModel(RULES)
    suite = load_suite(folder)
    with build_scorers(suite) as scorers:
        candidate = make_candidate(suite, model, "spec", Approach("static", 2))
        Runner(model, scorers, ledger).run(suite, candidate, "dev")
    change(folder / "train.jsonl", "charged for plan", "charged a plan")
    with pytest.raises(RecordError, match="demonstrations changed"):
        find_sources(load_suite(folder), ledger, "dev")


def test_a_removed_case_is_named_and_the_others_are_scored(folder, ledger):
    evaluate(folder, ledger, ScriptedModel(RULES))
    lines = (folder / "dev.jsonl").read_text().splitlines()
    (folder / "dev.jsonl").write_text("\n".join(lines[1:]))
    found = find_sources(load_suite(folder), ledger, "dev")
    ((source,),) = found.candidates
    assert source.gone == ("dev-0000",)
    assert len(source.cases) == 11


def test_of_a_candidate_the_newest_whole_run_is_taken(folder, ledger):
    model = ScriptedModel(RULES)
    whole = evaluate(folder, ledger, model)
    evaluate(folder, ledger, model, cases=load_suite(folder).split("dev")[:2])
    found = find_sources(load_suite(folder), ledger, "dev")
    assert [source.run.id for (source,) in found.candidates] == [whole.id]


def test_a_candidate_that_was_never_run_whole_is_left_out_and_said_to_be(folder, ledger):
    model = ScriptedModel(RULES)
    evaluate(folder, ledger, model)
    evaluate(folder, ledger, model, prompt="terse", cases=load_suite(folder).split("dev")[:2])
    found = find_sources(load_suite(folder), ledger, "dev")
    assert len(found.candidates) == 1
    (left,) = found.left_out
    assert (left.label, "10 it never answered" in left.why) == ("terse", True)


def test_a_few_cases_can_be_scored_alone(folder, ledger, tmp_path):
    model = ScriptedModel(RULES)
    evaluate(folder, ledger, model)
    few = load_suite(folder).split("dev")[:2]
    (made,) = rescored(folder, ledger, cases=few)
    assert made.id == evaluate(folder, Ledger(tmp_path / "fresh"), model, cases=few).id


def test_only_wanted_candidates_are_scored(folder, ledger):
    model = ScriptedModel(RULES)
    evaluate(folder, ledger, model)
    evaluate(folder, ledger, model, prompt="terse")
    suite = load_suite(folder)
    assert len(find_sources(suite, ledger, "dev").candidates) == 2
    found = find_sources(suite, ledger, "dev", wanted=lambda one: one.prompt == "terse")
    assert [source.run.candidate.prompt for (source,) in found.candidates] == ["terse"]


def test_nothing_stored_is_nothing_to_score(folder, ledger):
    with pytest.raises(NothingRunError, match="no stored run of tickets on dev"):
        find_sources(load_suite(folder), ledger, "dev")
