"""What each way to choose demonstrations chooses, and what makes a choice another one."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evals.approach import Approach, Found
from evals.errors import MissingExtraError, SuiteError
from evals.fingerprint import fingerprint
from evals.models.scripted import ScriptedModel
from evals.prompting import build_requests, changed_since, make_candidate, search_origin
from evals.prompting.demonstrations import (
    embeddings,
    leaks_of,
    method_fingerprint,
    select,
    spread,
    spreading,
)
from evals.records import Case
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite

MODEL = ScriptedModel({"a": "b"})
SIZES = {"train": 12, "dev": 9, "test": 9}


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_suite(tmp_path / "tickets", sizes=SIZES))


def plant(suite: Suite, case_id: str, text: str) -> Suite:
    """The suite with another text in one case."""
    cases = tuple(
        replace(case, input={"text": text}) if case.id == case_id else case for case in suite.cases
    )
    return replace(suite, cases=cases)


LONG = "my parcel with the blue lamp from the shop in rome was lost by the carrier near pisa"
NEARLY = LONG + " today"


def leaking(suite: Suite) -> Suite:
    """The suite with a train case that nearly repeats a dev case."""
    return plant(plant(suite, "train-0004", LONG), "dev-0003", NEARLY)


def topic(number: int, name: str, split: str = "train") -> Case:
    text = f"{name} {name}s {number}"
    return Case(f"{name}{number}", {"text": text}, "x", "x", split)


def test_spread_covers_every_topic_before_it_repeats_one() -> None:
    names = ("refund", "password", "parcel", "invoice", "outage")
    cases = [topic(n, name) for name in names for n in range(8)]
    for order in (cases, cases[::-1], random.Random(3).sample(cases, len(cases))):
        chosen = spread(order, 5, random.Random(0))
        assert {case.input["text"].split()[0] for case in chosen} == set(names)


def test_spread_prefers_the_typical_to_the_odd() -> None:
    cases = [topic(n, "refund") for n in range(9)] + [topic(1, "xylophone")]
    assert spread(cases, 1, random.Random(0))[0].id.startswith("refund")


def test_spread_goes_on_from_fewer_to_more_and_chooses_no_case_twice() -> None:
    cases = [topic(n, name) for name in ("refund", "parcel") for n in range(8)]
    some, more = (spread(cases, k, random.Random(0)) for k in (3, 20))
    assert more[:3] == some
    assert len(more) == len({case.id for case in more}) == len(cases)


def test_spread_of_many_cases_goes_by_the_generator_alone(monkeypatch) -> None:
    monkeypatch.setattr(spreading, "MAX_CASES", 10)
    cases = [topic(n, name) for name in ("refund", "parcel", "outage") for n in range(9)]
    assert spread(cases, 3, random.Random(1)) == spread(cases, 3, random.Random(1))
    draws = [spread(cases, 3, random.Random(seed)) for seed in range(8)]
    assert len({tuple(case.id for case in draw) for draw in draws}) > 1


def test_diverse_demonstrations_are_the_same_for_every_case(suite: Suite) -> None:
    candidate = make_candidate(suite, MODEL, "terse", Approach("diverse", 3))
    requests = build_requests(suite, candidate, suite.split("dev"))
    assert len({request.messages[:-1] for request in requests}) == 1
    said = {message.content for message in requests[0].messages if message.role == "assistant"}
    assert said == {"billing", "login", "shipping"}  # the three topics, one each


def test_listed_demonstrations_are_shown_in_the_order_named(suite: Suite) -> None:
    ids = ("train-0007", "train-0002")
    candidate = make_candidate(suite, MODEL, "terse", Approach("listed", listed=ids))
    assert candidate.k == 2
    (request,) = build_requests(suite, candidate, suite.split("dev")[:1])
    texts = {case.id: case.input["text"] for case in suite.cases}
    assert [m.content for m in request.messages if m.role == "user"][:2] == [
        texts[each] for each in ids
    ]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("train-9999",), "there is no case 'train-9999'"),
        (("dev-0001",), "'dev-0001' is a case of dev, not of train"),
        (("train-0001", "train-0001"), "'train-0001' is named twice"),
        (("train-0001", "train-0004"), "'train-0004' nearly reads the same as 'dev-0003' of dev"),
    ],
)
def test_a_listed_case_that_cannot_be_shown_is_named(suite: Suite, ids, message) -> None:
    with pytest.raises(SuiteError, match=message):
        make_candidate(leaking(suite), MODEL, "terse", Approach("listed", listed=ids))


def test_a_listed_case_with_choices_is_named(suite: Suite) -> None:
    first, *others = suite.cases
    chosen = replace(suite, cases=(replace(first, choices=("a", "b")), *others))
    with pytest.raises(SuiteError, match=f"{first.id!r} has choices"):
        make_candidate(chosen, MODEL, "terse", Approach("listed", listed=(first.id,)))


def test_a_listed_candidate_stays_the_same_when_other_train_cases_change(suite: Suite) -> None:
    how = Approach("listed", listed=("train-0001",))
    candidate = make_candidate(suite, MODEL, "terse", how)
    assert not changed_since(plant(suite, "train-0005", "another"), candidate)
    assert changed_since(plant(suite, "train-0001", "another"), candidate) == ("demonstrations",)
    gone = replace(suite, cases=tuple(c for c in suite.cases if c.id != "train-0001"))
    assert changed_since(gone, candidate) == ("demonstrations",)


def test_a_listed_case_that_comes_to_leak_makes_the_stored_candidate_changed(suite: Suite) -> None:
    before = plant(suite, "train-0004", LONG)
    candidate = make_candidate(before, MODEL, "terse", Approach("listed", listed=("train-0004",)))
    assert changed_since(plant(before, "dev-0003", NEARLY), candidate) == ("demonstrations",)


def test_searched_demonstrations_are_those_that_were_found(suite: Suite) -> None:
    how = Approach("searched", 2)
    found = Found(search_origin(suite, "terse", how), ("train-0003", "train-0008"))
    candidate = make_candidate(suite, MODEL, "terse", how, found=found)
    listed = make_candidate(suite, MODEL, "terse", Approach("listed", listed=found.listed))
    dev = suite.split("dev")
    assert [*build_requests(suite, candidate, dev)] == [*build_requests(suite, listed, dev)]


def test_a_searched_candidate_without_a_search_is_refused(suite: Suite) -> None:
    candidate = make_candidate(suite, MODEL, "terse", Approach("searched", 2))
    with pytest.raises(SuiteError, match=r"terse \+ 2 searched: no search has found"):
        build_requests(suite, candidate, suite.split("dev"))


def test_a_search_is_out_of_date_when_a_train_case_comes_to_leak(suite: Suite) -> None:
    how, before = Approach("searched", 2), plant(suite, "train-0004", LONG)
    after = plant(before, "dev-0003", NEARLY)
    assert search_origin(before, "terse", how) != search_origin(after, "terse", how)
    other = plant(before, "dev-0003", "quite another question")
    assert search_origin(before, "terse", how) == search_origin(other, "terse", how)


@pytest.mark.parametrize("method", ["static", "nearest"])
def test_without_near_duplicates_a_candidate_is_what_it_was_before_they_counted(
    suite: Suite, method
) -> None:
    train = [case.fingerprint for case in suite.split("train")]
    stored = fingerprint(f"demonstrations-{method}@2", 3, 0, train)
    assert method_fingerprint(suite, Approach(method, 3)) == stored


@pytest.mark.parametrize("method", ["static", "nearest", "diverse", "similar", "searched"])
def test_a_near_duplicate_that_is_left_out_makes_another_candidate(suite: Suite, method) -> None:
    before = plant(suite, "train-0004", LONG)
    after = plant(before, "dev-0003", NEARLY)
    how = Approach(method, 3)
    assert method_fingerprint(before, how) != method_fingerprint(after, how)


def test_a_choice_question_with_nearly_the_same_text_is_not_shown_it() -> None:
    pool = tuple(topic(n, name) for name in ("refund", "outage") for n in range(3))
    options = ("the carrier pays for what was lost on its way", "the shop sends another lamp")
    asked = Case("asked", {"text": NEARLY}, "x", "x", "dev", choices=options)
    pool = (*pool, Case("told", {"text": LONG}, "x", "x", "train"), asked)
    assert "told" in leaks_of(pool).to_held_out
    (shown,) = select("nearest", 3, 0, pool=pool, cases=[asked])
    assert "told" not in {demo.id for demo in shown}


def test_a_train_case_is_shown_others_of_a_fixed_set_and_of_drawn_ones_the_next(
    suite: Suite,
) -> None:
    pool = suite.cases
    (dev,) = select("static", 4, 0, pool=pool, cases=suite.split("dev")[:1])
    (own,) = select("static", 4, 0, pool=pool, cases=dev[1:2])
    assert own[:3] == (dev[0], *dev[2:])
    assert len(own) == 4
    ids = [demo.id for demo in dev]
    (own,) = select("listed", 4, 0, pool=pool, cases=dev[1:2], listed=ids)
    assert own == (dev[0], *dev[2:])


def test_similar_shows_the_nearest_by_embedding_the_most_similar_last(monkeypatch) -> None:
    sides = {"up": (1.0, 0.0), "rise": (0.9, 0.4359), "down": (0.0, 1.0), "climb": (0.98, 0.199)}
    embedded: list[str] = []

    def embed(texts: list[str]) -> np.ndarray:
        embedded.extend(texts)
        return np.array([sides[text] for text in texts])

    monkeypatch.setattr(embeddings, "_embed", embed)
    train = [Case(text, {"text": text}, "x", "x", "train") for text in ("up", "down", "rise")]
    asked = Case("asked", {"text": "climb"}, "x", "x", "dev")
    pool = (*train, asked)
    (shown,) = select("similar", 2, 0, pool=pool, cases=[asked])
    assert [demo.id for demo in shown] == ["rise", "up"]
    select("similar", 1, 0, pool=pool, cases=[asked])
    assert sorted(embedded) == ["climb", "down", "rise", "up"]  # each once


def test_without_the_extra_similar_says_what_to_install(monkeypatch, suite: Suite) -> None:
    def missing() -> None:
        raise MissingExtraError("local models need torch: pip install 'tunegate[local]'")

    monkeypatch.setattr(embeddings, "require_local_extra", missing)
    candidate = make_candidate(suite, MODEL, "terse", Approach("similar", 2))
    with pytest.raises(MissingExtraError, match="pip install 'tunegate"):
        build_requests(suite, candidate, suite.split("dev"))


@pytest.mark.real_model
def test_similar_finds_the_same_meaning_in_other_words() -> None:
    texts = ("I forgot my password", "The parcel never arrived", "I was charged twice")
    train = [Case(text, {"text": text}, "x", "x", "train") for text in texts]
    asked = Case("asked", {"text": "cannot log in to my account"}, "x", "x", "dev")
    (shown,) = select("similar", 1, 0, pool=(*train, asked), cases=[asked])
    assert shown[0].id == "I forgot my password"
