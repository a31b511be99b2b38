"""From a candidate and cases to what a model is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Approach, DemonstrationMethod
from evals.errors import SuiteError
from evals.models.scripted import ScriptedModel
from evals.prompting import build_requests, find_prompt, make_candidate, round_candidates
from evals.records import Message
from evals.suite import Suite, load_suite
from evals.suite.spec import RoundSpec
from tests.sample_suite import write_suite

MODEL = ScriptedModel({"a": "b"})
METHODS: tuple[DemonstrationMethod, ...] = ("static", "nearest")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    sizes = {"train": 12, "dev": 9, "test": 9}
    return load_suite(write_suite(tmp_path / "tickets", sizes=sizes))


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
