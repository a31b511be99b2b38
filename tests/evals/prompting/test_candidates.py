"""From a candidate and cases to what a model is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Approach, DemonstrationMethod, Technique
from evals.codec import decode, encode
from evals.errors import SuiteError
from evals.fingerprint import fingerprint
from evals.models.protocol import Batch
from evals.models.scripted import ScriptedModel
from evals.prompting import (
    build_requests,
    changed_since,
    find_prompt,
    make_candidate,
    round_candidates,
)
from evals.records import Decoding, Json, Message, Request
from evals.suite import Suite, load_suite
from evals.suite.spec import RoundSpec, Structure
from tests.sample_suite import HELD_ROUNDS, write_suite

MODEL = ScriptedModel({"a": "b"})
METHODS: tuple[DemonstrationMethod, ...] = ("static", "nearest")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    sizes = {"train": 12, "dev": 9, "test": 9}
    return load_suite(write_suite(tmp_path / "tickets", sizes=sizes, extra=HELD_ROUNDS))


def test_a_request_is_the_rendered_prompt_of_its_case(suite: Suite) -> None:
    dev = suite.split("dev")
    requests = build_requests(suite, make_candidate(suite, MODEL, "spec"), dev)
    assert [request.messages for request in requests] == [
        (
            Message("system", "Answer with one of: billing, login, shipping."),
            Message("user", case.input["text"]),
        )
        for case in dev
    ]
    assert all(request.choices == () for request in requests)


def test_demonstrations_are_train_cases_with_their_answers(suite: Suite) -> None:
    train = {case.input["text"]: case.answer for case in suite.split("train")}
    for method in METHODS:
        candidate = make_candidate(suite, MODEL, "terse", Approach(method, 3))
        for request in build_requests(suite, candidate, suite.split("dev")):
            turns = request.messages[1:-1]
            assert [turn.role for turn in turns] == ["user", "assistant"] * 3
            pairs = zip(turns[::2], turns[1::2], strict=True)
            assert all(train[asked.content] == said.content for asked, said in pairs)


def test_fixed_demonstrations_are_the_same_for_every_case_and_go_by_the_seed(suite: Suite) -> None:
    def shown(seed: int) -> set[tuple[Message, ...]]:
        candidate = make_candidate(suite, MODEL, "terse", Approach("static", 3, seed))
        requests = build_requests(suite, candidate, suite.split("dev"))
        return {request.messages[:-1] for request in requests}

    assert len(shown(0)) == 1
    assert shown(0) == shown(0)
    assert shown(0) != shown(1)


def test_a_candidate_without_demonstrations_is_one_whatever_round_it_comes_from(
    suite: Suite,
) -> None:
    plain = make_candidate(suite, MODEL, "terse")
    for method in METHODS:
        assert make_candidate(suite, MODEL, "terse", Approach(method, 0, 7)) == plain
    assert plain.label == "terse"
    assert plain.demonstrations_fingerprint == ""


def test_the_seed_is_identity_only_where_something_is_drawn(suite: Suite) -> None:
    nearest = [make_candidate(suite, MODEL, "spec", Approach("nearest", 2, s)) for s in (0, 1)]
    assert nearest[0].seed == nearest[1].seed == 0
    static = [make_candidate(suite, MODEL, "spec", Approach("static", 2, s)) for s in (0, 1)]
    assert static[0].fingerprint != static[1].fingerprint


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("prompts/spec.j2", "Answer", "Say"),
        ("suite.yaml", "primary", "variables: {tone: kind}\nprimary"),
        ("suite.yaml", "shipping]", "shipping, other]"),
        ("suite.yaml", "primary", "decoding: {max_tokens: 3}\nprimary"),
    ],
)
def test_whatever_can_change_an_output_changes_the_candidate(
    path: str, old: str, new: str, suite: Suite
) -> None:
    before = make_candidate(suite, MODEL, "spec")
    file = suite.root / path
    file.write_text(file.read_text().replace(old, new, 1))
    assert make_candidate(load_suite(suite.root), MODEL, "spec").fingerprint != before.fingerprint


def test_another_train_split_changes_only_candidates_that_show_it(suite: Suite) -> None:
    plain = make_candidate(suite, MODEL, "spec")
    shown = make_candidate(suite, MODEL, "spec", Approach("static", 2))
    file = suite.root / "train.jsonl"
    file.write_text(file.read_text().replace("charged", "billed", 1))
    edited = load_suite(suite.root)
    assert make_candidate(edited, MODEL, "spec").fingerprint == plain.fingerprint
    again = make_candidate(edited, MODEL, "spec", Approach("static", 2))
    assert again.fingerprint != shown.fingerprint


def test_where_an_adapter_lies_is_not_identity_and_which_it_is_is(suite: Suite) -> None:
    one = make_candidate(suite, MODEL, "spec", adapter="abc", adapter_path="/here")
    assert replace(one, adapter_path="/there").fingerprint == one.fingerprint
    assert make_candidate(suite, MODEL, "spec").fingerprint != one.fingerprint
    assert one.label == "spec + adapter"


def test_a_round_tries_every_prompt_with_every_k_in_the_stated_order(suite: Suite) -> None:
    spec = RoundSpec("few_shot", ("spec", "terse"), (Approach("static", 4), Approach("static", 2)))
    labels = [candidate.label for candidate in round_candidates(suite, MODEL, spec)]
    assert labels == [
        "spec + 4 static",
        "spec + 2 static",
        "terse + 4 static",
        "terse + 2 static",
    ]
    wording = RoundSpec("wording", ("polite", "spec"))
    assert [c.label for c in round_candidates(suite, MODEL, wording)] == ["polite", "spec"]


def test_an_unknown_prompt_is_named_with_those_there_are(suite: Suite) -> None:
    with pytest.raises(SuiteError, match="no prompt 'trese'; there are: polite, spec, terse"):
        find_prompt(suite, "trese")


def test_a_structured_candidate_is_held_to_the_structure_and_stops_only_where_that_ends(
    suite: Suite,
) -> None:
    suite = replace(suite, decoding=replace(suite.decoding, stop=("\n",)))
    free = make_candidate(suite, MODEL, "spec")
    held = make_candidate(suite, MODEL, "spec", Approach(technique=Technique(structured=True)))
    assert (free.decoding.grammar, free.decoding.stop) == ("", ("\n",))
    assert held.decoding.grammar == 'root ::= "billing" | "login" | "shipping"'
    assert held.decoding.stop == ()
    assert held.label == "spec + structured"
    assert held.fingerprint != free.fingerprint
    assert changed_since(suite, held) == ()
    stated = Structure(regex="billing", stated=True)
    assert changed_since(replace(suite, structure=stated), held) == ("decoding",)
    assert changed_since(replace(suite, structure=None), held) == ("structure",)


def test_without_a_structure_or_with_reasoning_a_structured_candidate_is_refused(
    suite: Suite,
) -> None:
    structured = Approach(technique=Technique(structured=True))
    with pytest.raises(SuiteError, match="structure: structured answers were asked for"):
        make_candidate(replace(suite, structure=None), MODEL, "spec", structured)
    both = Technique(structured=True, reasoning=True)
    with pytest.raises(SuiteError, match="no room for reasoning"):
        make_candidate(suite, MODEL, "spec", Approach(technique=both))


def test_what_holds_a_candidate_to_its_structure_is_part_of_it_and_of_no_other(
    suite: Suite,
) -> None:
    class Holding(ScriptedModel):
        def constrained_by(self, decoding: Decoding) -> str:
            return "library 2"

    other, structured = Holding({"a": "b"}), Approach(technique=Technique(structured=True))
    held = [make_candidate(suite, model, "spec", structured) for model in (MODEL, other)]
    assert [one.constrained_by for one in held] == ["", "library 2"]
    assert held[0].fingerprint != held[1].fingerprint
    free = [make_candidate(suite, model, "spec") for model in (MODEL, other)]
    assert free[0].fingerprint == free[1].fingerprint


def test_the_order_of_a_schemas_keys_tells_constrained_work_apart_and_survives_storage() -> None:
    one: Json = {"type": "object", "properties": {"why": {}, "team": {}}}
    two: Json = {"type": "object", "properties": {"team": {}, "why": {}}}
    first, second = Decoding(schema=one), Decoding(schema=two)
    assert fingerprint(first) != fingerprint(second)
    asked = (Request((Message("user", "x"),)),)
    assert Batch((0,), asked, first).key("m", "") != Batch((0,), asked, second).key("m", "")
    for each, names in ((first, ["why", "team"]), (second, ["team", "why"])):
        back = decode(encode(each), Decoding)
        assert list(back.schema["properties"]) == names
        assert back.ordered == each.ordered
    assert replace(first, schema=None) == Decoding()
    assert encode(Decoding()) == encode(replace(first, schema=None))


def test_a_structure_replaces_a_schema_of_decoding_that_orders_its_keys_otherwise(
    suite: Suite,
) -> None:
    one: Json = {"properties": {"why": {}, "team": {}}}
    two: Json = {"properties": {"team": {}, "why": {}}}
    suite = replace(suite, decoding=Decoding(schema=one), structure=Structure(schema=two))
    structured = Approach(technique=Technique(structured=True))
    made = make_candidate(suite, MODEL, "spec", structured)
    assert list(made.decoding.schema["properties"]) == ["team", "why"]
    assert not changed_since(suite, made)
    other = replace(suite, structure=Structure(schema=one))
    assert changed_since(other, made) == ("decoding",)
