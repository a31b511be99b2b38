from __future__ import annotations

from dataclasses import replace
from typing import Any

from evals.approach import Approach, Technique
from evals.regression.drift import find_drift
from evals.regression.records import Recipe
from tests.evals.regression.tables import baseline, table

CASES = table([1.0] * 20)
ACCEPTED = baseline(CASES)
RECIPE = ACCEPTED.recipe


def found(recipe: Recipe = RECIPE, now: Any = CASES, **identity: str) -> dict[str, str]:
    told = {**ACCEPTED.identity, **{k.replace("__", "."): v for k, v in identity.items()}}
    return {f.code: f"{f.level}: {f.message}" for f in find_drift(ACCEPTED, recipe, told, now)}


def test_nothing_is_said_where_nothing_changed() -> None:
    assert found() == {}


def test_another_model_behind_the_same_name_is_named() -> None:
    said = found(model__weights="w2")
    assert said == {
        "model_changed": "warning: the model behind the name scripted:model.json is another one: "
        "its weights changed"
    }


def test_a_model_named_otherwise_is_a_change_that_was_meant() -> None:
    said = found(replace(RECIPE, model="hf:other"), model__weights="w2")
    assert said["another_model"].startswith("note: the model is hf:other")
    assert "model_changed" not in said


def test_another_precision_is_told_apart_from_another_model() -> None:
    accepted = replace(ACCEPTED, identity={**ACCEPTED.identity, "model.precision": "float32"})
    told = {**accepted.identity, "model.precision": "bfloat16"}
    findings = find_drift(accepted, RECIPE, told, CASES)
    assert [finding.code for finding in findings] == ["made_elsewhere"]
    assert "precision float32 -> bfloat16" in findings[0].message


def test_an_endpoint_that_serves_another_model_is_named() -> None:
    accepted = replace(ACCEPTED, identity={"model.served": "large-2026-01"})
    (finding,) = find_drift(accepted, RECIPE, {"model.served": "large-2026-11"}, CASES)
    assert (finding.code, finding.level) == ("model_changed", "warning")
    assert "the model that its endpoint names changed" in finding.message


def test_one_system_fingerprint_in_common_is_the_same_endpoint() -> None:
    accepted = replace(ACCEPTED, identity={"model.system_fingerprint": "fp_1, fp_2"})
    assert find_drift(accepted, RECIPE, {"model.system_fingerprint": "fp_2, fp_3"}, CASES) == ()
    (finding,) = find_drift(accepted, RECIPE, {"model.system_fingerprint": "fp_4"}, CASES)
    assert finding.code == "made_elsewhere"


def test_what_one_side_does_not_know_is_no_change() -> None:
    accepted = replace(ACCEPTED, identity={"model": "m1"})
    assert find_drift(accepted, RECIPE, {"model.weights": "w1"}, CASES) == ()


def test_an_adapter_that_is_another_or_whose_data_changed_is_named() -> None:
    accepted = replace(ACCEPTED, identity={"adapter": "a1", "train": "t1"})
    other = find_drift(accepted, RECIPE, {"adapter": "a2", "train": "t1"}, {})
    assert [(f.level, f.code) for f in other] == [("warning", "adapter_changed")]
    data = find_drift(accepted, RECIPE, {"adapter": "a1", "train": "t2"}, {})
    assert [(f.level, f.code) for f in data] == [("warning", "adapter_data_changed")]


def test_a_changed_prompt_is_a_note_and_its_answers_are_no_drift() -> None:
    now = {name: replace(case, request="other", output="x") for name, case in CASES.items()}
    said = found(now=now, prompt="p2")
    assert said == {"asked_otherwise": "note: the prompt's text changed"}


def test_answers_held_to_another_form_or_voted_on_are_no_answers_to_the_same() -> None:
    now = {name: replace(case, output="x") for name, case in CASES.items()}
    accepted = replace(ACCEPTED, identity={"decoding": "d1"})
    (finding,) = find_drift(accepted, RECIPE, {"decoding": "d2"}, now)
    assert (finding.code, finding.message) == ("asked_otherwise", "the decoding changed")
    voted = RECIPE.using(Approach(technique=Technique(votes=3, temperature=0.7)))
    assert "answers_changed" not in found(voted, now)


def test_other_answers_to_the_same_requests_are_counted() -> None:
    now = dict(CASES)
    for name in list(now)[:3]:
        now[name] = replace(now[name], output="x")
    assert found(now=now) == {
        "answers_changed": "warning: 3 of 20 cases asked exactly as before were answered otherwise"
    }
    now = {**CASES, "c0": replace(CASES["c0"], output="x")}
    assert found(now=now)["answers_changed"].startswith("note: 1 of 20")
