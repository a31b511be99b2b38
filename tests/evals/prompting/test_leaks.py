"""Whatever the method: nothing that is shown gives an answer away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.approach import DemonstrationMethod
from evals.errors import SuiteError
from evals.prompting.demonstrations import embeddings, leaks_of, select
from evals.records import Case, Turn
from tests.evals.prompting.random_suites import leaks, near, random_cases, suites

METHODS: tuple[DemonstrationMethod, ...] = (
    "static",
    "diverse",
    "nearest",
    "similar",
    "listed",
    "searched",
)


@pytest.fixture(autouse=True)
def fake_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors that go by the letters of a text; the real encoder is tried elsewhere."""

    def embed(texts: list[str]) -> np.ndarray:
        counts = np.array([[text.count(c) for c in "abcdefghij"] for text in texts], float) + 0.1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    monkeypatch.setattr(embeddings, "_embed", embed)


@settings(max_examples=120, deadline=None)
@given(suites, st.sampled_from(METHODS), st.integers(1, 5), st.integers(0, 3), st.randoms())
def test_no_demonstration_is_held_out_or_the_case_itself_or_nearly_so(pool, method, k, seed, rng):
    train = [case.id for case in pool if case.split == "train"]
    listed = rng.sample(train, min(k, len(train)))
    alike = near(pool)
    try:
        shown = select(method, k, seed, pool=pool, cases=pool, listed=listed)
    except SuiteError:
        return
    assert len(shown) == len(pool)
    for case, demos in zip(pool, shown, strict=True):
        assert len({demo.id for demo in demos}) == len(demos) <= k
        for demo in demos:
            assert demo.split == "train"
            assert demo.is_plain
            assert not leaks(case, demo, alike), (case, demo)


@settings(max_examples=60, deadline=None)
@given(suites)
def test_what_leaks_to_dev_or_test_is_all_that_fixed_sets_leave_out(pool):
    alike = near(pool)
    held_out = [case for case in pool if case.split != "train"]
    clean = [
        demo
        for demo in pool
        if demo.split == "train"
        and demo.is_plain
        and not any(leaks(case, demo, alike) for case in held_out)
    ]
    found = leaks_of(pool)
    assert list(found.fixed) == clean
    for name, leak in found.to_held_out.items():
        assert leaks(leak.case, found.case(name), alike)


def test_the_random_suites_hold_near_duplicates_of_every_kind_of_pair():
    kinds = set()
    for seed in range(20):
        pool = random_cases(seed, 40)
        split = {case.id: case.split for case in pool}
        kinds |= {(split[a], split[b]) for a, b in near(pool) if a != b}
    assert {("dev", "train"), ("test", "train"), ("train", "train")} <= kinds


def test_one_case_alone_is_shown_what_it_is_shown_among_all(tmp_path):
    pool = random_cases(3, 40)
    for method in ("static", "diverse", "nearest", "similar"):
        together = select(method, 2, 0, pool=pool, cases=pool)
        apart = [select(method, 2, 0, pool=pool, cases=[case])[0] for case in pool]
        assert together == apart


@pytest.mark.parametrize("method", ["static", "nearest"])
def test_a_case_that_is_not_of_the_suite_is_shown_no_near_duplicate_either(method):
    pool = random_cases(5, 30)
    demo = leaks_of(pool).fixed[0]
    outside = Case("new", {"text": demo.input["text"] + " so"}, "yes", "yes", "dev")
    k = len(leaks_of(pool).fixed)
    (shown,) = select(method, k, 0, pool=pool, cases=[outside])
    assert shown
    assert demo not in shown


def test_leaks_of_a_suite_are_found_once():
    pool = random_cases(1, 20)
    assert leaks_of(pool) is leaks_of(pool)
    assert leaks_of(random_cases(1, 20)) is not leaks_of(pool)


def pair(text, other):
    """A train case, a dev case, and others to choose from."""
    others = [
        Case(f"t{n}", {"text": f"rivers and hills number {n * 7}"}, "y", "y", "train")
        for n in range(2, 12)
    ]
    train = Case("t1", text if isinstance(text, dict) else {"text": text}, "x", "x", "train")
    dev = Case("d1", other if isinstance(other, dict) else {"text": other}, "x", "x", "dev")
    return train, dev, others


UNSEEN = ["\u200b", "\u00ad", "\u200d", "\u200c", "\ufeff", "\ufe0f", "\u034f", "\u2060", "\u200f"]


@pytest.mark.parametrize("mark", [*UNSEEN, "\x00", "\U000e0041"])
def test_a_character_that_shows_nothing_hides_no_twin(mark):
    text = "What is the capital of France?"
    train, dev, others = pair(text, text.replace("p", f"p{mark}").replace("ance", f"{mark}ance"))
    pool = (train, dev, *others)
    (shown,) = select("nearest", 3, 0, pool=pool, cases=[dev])
    assert "t1" not in {demo.id for demo in shown}
    with pytest.raises(SuiteError, match="t1"):
        select("listed", 1, 0, pool=pool, cases=[dev], listed=["t1"])
    # What an older version showed is not taken for what is shown now.
    assert leaks_of(pool).near_alone == ("t1",)


ASKED = "What is the capital of France?"


@pytest.mark.parametrize(
    ("beside", "other"),
    [
        ({"row": 17}, {"row": 20394}),
        ({"id": "8f14e45f-ceea-467f"}, {"id": "c9f0f895-fb98-ab91"}),
        ({"at": "2024-01-02 10:22:11"}, {"at": "2025-07-22T23:01:59"}),
        ({"row": 17}, {}),
    ],
)
def test_the_same_question_beside_another_row_number_is_never_shown(beside, other):
    train, dev, others = pair({"text": ASKED, **beside}, {"text": ASKED, **other})
    pool = (train, dev, *others)
    (shown,) = select("nearest", 3, 0, pool=pool, cases=[dev])
    assert "t1" not in {demo.id for demo in shown}
    assert leaks_of(pool).near_alone == ("t1",)


def test_an_instruction_that_all_cases_share_is_not_taken_for_the_question():
    def case(n, split):
        answer = "yes" if n in (2, 3, 5, 7, 11, 13) else "no"
        text = {"task": "Say whether this number is prime.", "number": n}
        return Case(f"{split}{n}", text, answer, answer, split)

    pool = (*(case(n, "train") for n in range(1, 15)), *(case(n, "dev") for n in range(20, 24)))
    assert not leaks_of(pool).to_held_out


@pytest.mark.parametrize("turn", [ASKED, "what is the Capital of France"])
def test_a_question_of_a_later_turn_is_never_shown(turn):
    train, dev, others = pair(ASKED, "Hello, can you help me with geography homework today?")
    dev = replace(dev, turns=(Turn(turn, "Paris", "Paris"),))
    pool = (train, dev, *others)
    (shown,) = select("nearest", 3, 0, pool=pool, cases=[dev])
    assert "t1" not in {demo.id for demo in shown}
    assert set(leaks_of(pool).to_held_out) == {"t1"}
