"""Train parted for an optimiser: nothing leaks into the judging part, nor from dev and test."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.approach import Approach, Technique
from evals.errors import SuiteError
from evals.prompting import search_origin
from evals.records import Case
from evals.suite import load_suite
from evals.suite.folding import bare, input_text
from tests.sample_suite import write_suite
from tuning.search.train_parts import part_train

WORDS = st.integers(0, 12)
CLUSTERS = st.sampled_from([None, None, "a", "b", "c"])


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    return load_suite(write_suite(tmp_path_factory.mktemp("suite") / "tickets"))


def case(number, word, cluster, split):
    text = f"{'Ticket' if number % 2 else 'ticket'} {word}{'!' if number % 3 else ''}"
    return Case(f"{split}{number}", {"text": text}, "login", "login", split, cluster)


def marks(cases):
    texts = {bare(input_text(one)) for one in cases}
    return texts, {one.cluster for one in cases if one.cluster}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(WORDS, CLUSTERS), min_size=8, max_size=30),
    st.lists(st.tuples(WORDS, CLUSTERS), max_size=4),
    st.integers(0, 5),
)
def test_no_text_or_cluster_is_on_two_sides(suite, train, dev, seed):
    own = [case(n, *each, "train") for n, each in enumerate(train)]
    held = [case(n, *each, "dev") for n, each in enumerate(dev)]
    small = replace(suite, cases=(*own, *held))
    try:
        parts = part_train(small, seed)
    except SuiteError:
        return
    assert parts.learn
    assert parts.judge
    assert {one.split for one in (*parts.learn, *parts.judge)} == {"train"}
    learn, judge, outside = marks(parts.learn), marks(parts.judge), marks(held)
    assert not learn[1] & judge[1]
    assert not (learn[0] | judge[0]) & outside[0]
    assert not (learn[1] | judge[1]) & outside[1]
    alone = [one for one in parts.learn if not one.cluster]
    others = [one for one in parts.judge if not one.cluster]
    assert not marks(alone)[0] & marks(others)[0]


def test_the_same_seed_parts_the_same_in_any_order_of_the_file(suite):
    backwards = replace(suite, cases=tuple(reversed(suite.cases)))
    ids = [[[c.id for c in part] for part in part_train(one, 3)] for one in (suite, backwards)]
    assert ids[0] == ids[1]
    assert part_train(suite, 3) != part_train(suite, 4)


def test_most_of_the_cases_judge(suite):
    assert [len(part) for part in part_train(suite, 0)] == [12, 18]


def test_too_few_train_cases_are_refused_with_their_number(suite):
    few = [one for one in suite.cases if one.split != "train"]
    few += list(suite.split("train")[:9])
    with pytest.raises(SuiteError, match="9 train cases in 9 groups") as caught:
        part_train(replace(suite, cases=tuple(few)), 0)
    assert caught.value.key == "rounds"


LONG = "my parcel with the blue lamp from the shop in rome was lost by the carrier near pisa"


def reading(suite, **texts):
    """The suite with other texts in some of its cases."""
    new = {name.replace("_", "-"): text for name, text in texts.items()}
    cases = tuple(
        replace(one, input={"text": new[one.id]}) if one.id in new else one for one in suite.cases
    )
    return replace(suite, cases=cases)


def test_near_duplicates_are_never_on_two_sides(suite):
    twins = reading(suite, train_0004=LONG, train_0009=LONG + " today")
    for seed in range(12):
        learn, judge = ({one.id for one in part} for part in part_train(twins, seed))
        assert {"train-0004", "train-0009"} <= learn or {"train-0004", "train-0009"} <= judge


def test_a_near_duplicate_of_dev_is_left_out_and_makes_what_was_found_out_of_date(suite):
    before = reading(suite, train_0004=LONG)
    after = reading(before, dev_0003=LONG + " today")
    assert "train-0004" in {one.id for part in part_train(before, 0) for one in part}
    assert "train-0004" not in {one.id for part in part_train(after, 0) for one in part}
    how = Approach(technique=Technique(optimiser="gepa"))
    assert search_origin(before, "terse", how) != search_origin(after, "terse", how)
    other = reading(before, dev_0003="quite another question")
    assert search_origin(before, "terse", how) == search_origin(other, "terse", how)
