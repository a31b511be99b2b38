from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.prompting.ballots import ballot_key, elect, poll_of, poll_said, support
from evals.records import Output


def winner(*ballots, blank_abstains=False):
    place = elect(ballots, blank_abstains=blank_abstains)
    return None if place is None else ballots[place]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("billing", " Billing.\n"),
        ("billing", '"billing"'),
        ("billing", "`billing`"),
        ("two  words", "Two\nwords"),
        ('{"a": 1, "b": [2]}', '{\n "b": [2.0],\n "a": 1\n}'),
        ('{"a": 1}', '```json\n{"a": 1}\n```'),
        ("```\nselect 1\n```", "select 1"),
        ("1,000", "1000.0"),
        ("0", "-0.00"),
        ("7", "7."),
    ],
)
def test_spellings_of_one_answer_are_the_same_vote(one, other):
    assert ballot_key(one) == ballot_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("billing", "login"),
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": true}', '{"a": 1}'),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ("1,5", "15"),
        ("1.10.0", "1.1.0"),
        ("12345678901234567890.1", "12345678901234567890.2"),
        ("-3", "3"),
        ("", "x"),
        ("count | @1h", "count | @2h"),
        ("[NaN]", "[nul]"),
    ],
)
def test_other_answers_are_other_votes(one, other):
    assert ballot_key(one) != ballot_key(other)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        "{" + "1" * 500_000,
        '{"a": ' + "9" * 100_000 + "}",
        '{"a": 1e999}',
        "```\n" * 200_000,
        "```" + "\n   " * 300_000,
        "1" * 1_000_000,
        "1,000" * 200_000,
        "'" * 1_000_000,
        "\ud800",
        "[1e400, NaN]",
    ],
)
def test_hostile_answers_are_counted_in_linear_time(text):
    begun = time.process_time()
    assert ballot_key(text)
    assert elect([text, text, "x"], blank_abstains=True) == 0
    assert len(poll_said([text, None])) < 200
    assert time.process_time() - begun < 3


def test_the_commonest_answer_wins_in_its_commonest_spelling():
    assert winner("a", "B", "b", "b") == "b"
    assert winner("login", "Billing", "billing", "billing") == "billing"


def test_of_equals_the_one_drawn_first_wins():
    assert winner("b", "a") == "b"
    assert winner("c", "b", "a", "a", "b") == "b"


def test_errors_are_no_votes_and_only_errors_elect_nothing():
    assert winner(None, None, "a") == "a"
    assert winner(None, None) is None


def test_an_empty_answer_is_a_vote_unless_empty_ones_abstain():
    assert winner("", "", "a") == ""
    assert winner("", "  ", "a", blank_abstains=True) == "a"
    assert winner(None, "", "", blank_abstains=True) == ""


@given(st.lists(st.sampled_from(["a", "b", "C", "c", "", None]), max_size=9), st.booleans())
def test_no_answer_has_more_votes_than_the_elected_one(ballots, blank):
    place = elect(ballots, blank_abstains=blank)
    cast = [b for b in ballots if b is not None and (b or not blank)]
    cast = cast or [b for b in ballots if b is not None]
    if place is None:
        assert not cast
        return
    keys = [ballot_key(b) for b in cast]
    votes = keys.count(ballot_key(ballots[place]))
    assert votes == max(map(keys.count, keys))
    shuffled = list(ballots)
    random.Random(0).shuffle(shuffled)
    again = elect(shuffled, blank_abstains=blank)
    assert keys.count(ballot_key(shuffled[again])) == votes


def test_a_poll_has_the_answers_by_votes_and_counts_errors_apart():
    poll = poll_of(["b", None, "A", "a", "a"])
    assert [(each.answer, each.votes) for each in poll.standings] == [("a", 3), ("b", 1)]
    assert (poll.missing, poll.drawn) == (1, 5)
    assert poll_said(["b", None, "A", "a", "a"]) == "5 votes: 3x a, 1x b, 1 error"
    assert poll_said(["", "x y" * 40], most=10) == "2 votes: 1x no answer, 1x x yx yx y…"
    assert poll_said(list("abcdefgh"), answers=2) == "8 votes: 1x a, 1x b, 6 for other answers"


def test_support_is_the_share_of_all_votes_errors_too():
    assert support(Output("a", "stop", ballots=("a", "A.", "b", None))) == 0.5
    assert support(Output("a", "stop")) is None
    assert support(Output(None, "error", error="x", ballots=(None, None))) is None
