from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.approach import Approach, Technique
from evals.errors import SuiteError
from evals.models.scripted import ScriptedModel
from evals.prompting import make_candidate
from evals.prompting.answers import NO_ANSWER, answered, drawn_decodings, explained, settle
from evals.records import Candidate, Decoding, Output, Score
from evals.suite import load_suite
from tests.sample_suite import write_suite


def candidate(seed=0, **technique):
    decoding = Decoding(temperature=0.7, seed=seed)
    return Candidate("m", "m1", "p", "p1", decoding=decoding, technique=Technique(**technique))


def settled(how, *outputs, stop=()):
    samples = []
    for output in outputs:
        samples.append(answered(how, output, samples, stop))
    return settle(how, samples)


@given(st.integers(0, 2**31 - 1), st.integers(2, 64), st.integers(2, 30))
def test_no_two_repeats_of_a_vote_share_a_seed(first, votes, repeats):
    seeds = [
        decoding.seed
        for number in range(repeats)
        for decoding in drawn_decodings(candidate(first + number, votes=votes))
    ]
    assert len(set(seeds)) == votes * repeats
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_more_votes_begin_with_the_samples_of_fewer():
    few, many = (drawn_decodings(candidate(votes=votes)) for votes in (3, 5))
    assert many[:3] == few


def test_one_vote_draws_as_the_candidate_decodes():
    one = candidate(seed=4)
    assert drawn_decodings(one) == (one.decoding,)


def test_an_answer_is_extracted_and_everything_is_kept():
    how = candidate(reasoning=True)
    made = settled(how, Output("It is money.\nAnswer: billing;x", "stop"), stop=[";"])
    assert (made.text, made.full) == ("billing", "It is money.\nAnswer: billing;x")


def test_an_empty_answer_is_an_answer_and_no_error():
    made = settled(candidate(reasoning=True), Output("Hm.\nAnswer:", "stop"))
    assert (made.text, made.error) == ("", None)


def test_a_plain_output_and_an_error_stay_as_they_are():
    plain, error = Output("Answer: x", "stop", 3, 2, 0.5), Output(None, "error", error="no")
    assert settled(candidate(), plain) is plain
    assert settled(candidate(reasoning=True), error) is error


def test_votes_cost_what_all_samples_cost():
    made = settled(
        candidate(votes=3),
        Output("a", "stop", 10, 3, 0.5, cached_tokens=4),
        Output("b", "length", 10, 5, 0.25, attempts=3),
        Output("b", "stop", 10, 4, 0.25),
    )
    assert made.text == "b"
    assert made.finish_reason == "length"
    assert (made.prompt_tokens, made.completion_tokens, made.cached_tokens) == (30, 12, 4)
    assert (made.seconds, made.attempts) == (1.0, 5)
    assert made.ballots == ("a", "b", "b")


def test_tokens_of_votes_are_not_counted_where_those_of_one_are_not():
    counted, silent = Output("a", "stop", 10, 3), Output("a", "stop", 0, 0)
    failed = Output(None, "error", error="down")
    assert settled(candidate(votes=2), counted, silent).prompt_tokens == 0
    made = settled(candidate(votes=2), counted, failed)
    assert (made.prompt_tokens, made.completion_tokens) == (10, 3)


def test_only_errors_are_an_error_and_a_missing_vote_may_be_brought_by_another_try():
    passing = Output(None, "error", error="busy", transient=True)
    staying, good = Output(None, "error", error="too long"), Output("a", "stop", 1, 1)
    votes = candidate(votes=2)
    assert settled(votes, passing, good).error is None
    assert settled(votes, passing, good).transient
    assert not settled(votes, staying, good).transient
    none = settled(votes, staying, passing)
    assert (none.text, none.error, none.transient) == (None, "too long", True)


def test_a_sample_without_an_answer_abstains_where_another_has_one():
    how = candidate(reasoning=True, votes=3)
    cut = Output("It may be login", "length", 5, 9)
    made = settled(how, cut, Output("Hm\nAnswer: billing", "stop", 5, 9), cut)
    assert (made.text, made.full) == ("billing", "Hm\nAnswer: billing")
    assert made.ballots == ("", "billing", "")
    assert settled(how, cut, cut, cut).text == ""
    assert settled(how, cut, cut, cut).full == "It may be login"


def test_thoughts_behind_an_answer_that_was_given_before_are_let_go():
    how = candidate(reasoning=True, votes=3)
    texts = ["one\nAnswer: a", "two\nAnswer: b", "three\nAnswer: a"]
    samples = []
    for text in texts:
        samples.append(answered(how, Output(text, "stop", 1, 9), samples, ()))
    assert [sample.full for sample in samples] == [texts[0], texts[1], ""]
    assert settle(how, samples).full == texts[0]


@pytest.mark.parametrize(
    ("output", "kind", "why"),
    [
        (Output("", "length", full="Let me"), NO_ANSWER, "no answer: all tokens went"),
        (Output("", "stop", full="So.\nAnswer:"), NO_ANSWER, "no answer: nothing stood after"),
        (Output("hm", "stop", full="hm"), "format", 'no "Answer:" was written, so all'),
        (Output("x", "stop", full="So.\nAnswer: x"), "format", "no label"),
        (Output("x", "stop"), "format", "no label"),
    ],
)
def test_a_score_says_what_became_of_the_reasoning(output, kind, why):
    score = explained(output, Score(0.0, "no label", "format"))
    assert score.kind == kind
    assert score.reason.startswith(why)
    assert score.reason.endswith("no label")
    full = Score(1.0)
    assert explained(output, full) is full


def test_votes_at_temperature_0_are_refused(tmp_path):
    suite = load_suite(write_suite(tmp_path / "s"))
    with pytest.raises(SuiteError, match="5 votes at temperature 0 are one answer"):
        make_candidate(suite, ScriptedModel({}), "spec", Approach(technique=Technique(votes=5)))


def test_one_vote_is_the_candidate_without_votes(tmp_path):
    suite = load_suite(write_suite(tmp_path / "s"))
    model = ScriptedModel({})
    one = Approach(technique=Technique(votes=1, temperature=0.7))
    assert make_candidate(suite, model, "spec", one) == make_candidate(suite, model, "spec")


def test_votes_with_a_schema_or_room_keep_both(tmp_path):
    suite = load_suite(write_suite(tmp_path / "s"))
    how = Technique(votes=3, temperature=0.5, reasoning=True, max_tokens=300)
    made = make_candidate(suite, ScriptedModel({}), "spec", Approach(technique=how))
    assert replace(made.decoding, stop=()) == Decoding(max_tokens=300, temperature=0.5)
