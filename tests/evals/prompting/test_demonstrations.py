from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import SuiteError
from evals.prompting.demonstrations import select
from evals.records import Case
from evals.suite.folding import bare, comparable, fold, input_text, loosen

WORDS = st.sampled_from(
    [
        "error",
        "rate",
        "p95",
        "checkout",
        "Checkout!",
        "ＣＨＥＣＫＯＵＴ",
        "by-region",
        "≥ 5",
        "last hour",
    ]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=5).map(" ".join)
SPLITS = st.sampled_from(["train", "dev", "test"])


def make_case(number, text, split, cluster=None):
    return Case(f"c{number}", {"text": text}, "x", "x", split, cluster)


@st.composite
def pools(draw):
    rows = draw(
        st.lists(
            st.tuples(TEXTS, SPLITS, st.sampled_from([None, "k1", "k2"])), min_size=8, max_size=30
        )
    )
    return [make_case(n, *row) for n, row in enumerate(rows)]


@settings(max_examples=60, deadline=None)
@given(pools(), st.sampled_from(["static", "nearest"]), st.integers(0, 5))
def test_no_demonstration_comes_from_a_held_out_split_or_repeats_the_case(pool, method, seed):
    cases = [case for case in pool if case.split == "dev"]
    try:
        shown = select(method, 2, seed, pool=pool, cases=cases)
    except SuiteError:
        return
    assert len(shown) == len(cases)
    for case, demos in zip(cases, shown, strict=True):
        for demo in demos:
            assert demo.split == "train"
            assert bare(input_text(demo)) != bare(input_text(case))
            assert demo.cluster is None or demo.cluster != case.cluster


def test_static_demonstrations_are_the_same_for_every_case_and_every_split():
    pool = [make_case(n, f"ticket {n}", ("train", "dev", "test")[n % 3]) for n in range(30)]
    dev = select("static", 4, 0, pool=pool, cases=[c for c in pool if c.split == "dev"])
    test = select("static", 4, 0, pool=pool, cases=[c for c in pool if c.split == "test"])
    assert all(demos == dev[0] for demos in dev + test)
    assert dev != select("static", 4, 1, pool=pool, cases=pool[1:2])


def test_the_most_similar_case_stands_last():
    train = ["refund for plan", "reset my password please", "parcel lost in rome"]
    pool = [make_case(n, text, "train") for n, text in enumerate(train)]
    (demos,) = select(
        "nearest", 2, 0, pool=pool, cases=[make_case(9, "password reset fails", "dev")]
    )
    assert demos[-1].input["text"] == "reset my password please"
    assert len(demos) == 2


def test_more_demonstrations_than_train_cases_is_a_clear_error():
    with pytest.raises(
        SuiteError, match="2 demonstrations were asked for and the train split has 1"
    ):
        select("static", 2, 0, pool=[make_case(1, "a", "train")], cases=[make_case(2, "b", "dev")])


@settings(max_examples=40, deadline=None)
@given(pools(), st.sampled_from(["static", "nearest"]), st.integers(0, 5))
def test_what_leak_detection_finds_is_never_shown(pool, method, seed):
    cases = [case for case in pool if case.split == "dev"]
    try:
        shown = select(method, 2, seed, pool=pool, cases=cases)
    except SuiteError:
        return
    for case, demos in zip(cases, shown, strict=True):
        for demo in demos:
            assert loosen(fold(comparable(demo))) != loosen(fold(comparable(case)))


@pytest.mark.parametrize("method", ["static", "nearest"])
@pytest.mark.parametrize(
    ("train", "dev"),
    [
        ({"text": "Ｃheckout slow"}, {"text": "checkout slow"}),
        ({"text": "ﬁle lost"}, {"text": "file lost"}),
        ({"text": "file-lost?"}, {"text": "file lost"}),
        ({"text": "p95_latency"}, {"text": "p95 latency"}),
        ({"n": 12}, {"n": 12}),
    ],
)
def test_the_same_text_in_another_spelling_is_never_shown(method, train, dev):
    same = Case("same", train, "x", "x", "train")
    other = Case("other", {"text": "reset my password", "n": 3}, "x", "x", "train")
    case = Case("case", dev, "x", "x", "dev")
    (demos,) = select(method, 1, 0, pool=[same, other, case], cases=[case])
    assert demos == (other,)


@pytest.mark.parametrize("method", ["static", "nearest"])
def test_inputs_that_are_numbers_alone_are_told_apart(method):
    pool = [Case(f"c{n}", {"n": n * 7}, "x", "x", ("train", "dev")[n % 2]) for n in range(10)]
    shown = select(method, 2, 0, pool=pool, cases=pool[1:2])
    assert len(shown[0]) == 2


def test_a_question_with_choices_is_not_shown_without_them():
    asked = Case("asked", {"text": "what is up"}, "a", "a", "dev", choices=("a", "b"))
    train = [make_case(1, "What is up?", "train"), make_case(2, "where is it", "train")]
    (demos,) = select("static", 1, 0, pool=[*train, asked], cases=[asked])
    assert demos == (train[1],)


def test_train_inputs_without_text_are_near_to_nothing():
    train = [make_case(n, " " * n, "train") for n in range(4)]
    asked = make_case(9, "error rate", "dev")
    with pytest.raises(SuiteError, match="near to"):
        select("nearest", 2, 0, pool=[*train, asked], cases=[asked])
