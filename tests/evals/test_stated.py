"""An approach, as people state it: one spelling for each, and each can be stated."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.approach import Approach, Technique
from evals.stated import REASONING_TOKENS, SHOWN, VOTING_TEMPERATURE, Stated, names_of


def stated(**said: Any) -> Stated:
    shown = {name: said.pop(name) for name in list(said) if name in SHOWN}
    return Stated(shown, **said)


def test_nothing_stated_is_no_approach() -> None:
    assert stated().approach is None
    assert stated().conflict() is None


@pytest.mark.parametrize(
    ("said", "made"),
    [
        ({"few_shot": 4}, Approach("static", 4)),
        ({"diverse": 2}, Approach("diverse", 2)),
        ({"nearest": 8}, Approach("nearest", 8)),
        ({"similar": 1}, Approach("similar", 1)),
        ({"demonstrations": ["b", "a"]}, Approach("listed", 2, listed=("b", "a"))),
        (
            {"reasoning": True},
            Approach(technique=Technique(reasoning=True, max_tokens=REASONING_TOKENS)),
        ),
        (
            {"votes": 5, "nearest": 4},
            Approach("nearest", 4, technique=Technique(votes=5, temperature=VOTING_TEMPERATURE)),
        ),
        ({"structured": True}, Approach(technique=Technique(structured=True))),
        ({"documents": 3}, Approach(technique=Technique(retrieval="bm25", documents=3))),
    ],
)
def test_each_word_makes_its_approach(said: dict[str, Any], made: Approach) -> None:
    assert stated(**said).conflict() is None
    assert stated(**said).approach == made


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({"few_shot": 2, "nearest": 2}, "nearest"),
        ({"few_shot": 2, "demonstrations": ["a"]}, "demonstrations"),
        ({"temperature": 0.5}, "temperature"),
        ({"max_tokens": 90, "votes": 3}, "max_tokens"),
        ({"reasoning": True, "structured": True}, "structured"),
    ],
)
def test_what_makes_no_sense_together_is_named(said: dict[str, Any], key: str) -> None:
    conflict = stated(**said).conflict()
    assert conflict is not None
    assert conflict[0] == key


def test_a_conflict_is_spelled_as_the_person_wrote_it() -> None:
    conflict = stated(few_shot=2, nearest=2).conflict(lambda key: f"--{key.replace('_', '-')}")
    assert conflict is not None
    assert "--few-shot and --nearest" in conflict[1]


@given(
    st.sampled_from(["", *SHOWN]),
    st.integers(1, 64),
    st.booleans(),
    st.integers(1, 9),
    st.integers(0, 5),
)
def test_what_is_stated_can_be_named_again(
    name: str, k: int, thinks: bool, votes: int, documents: int
) -> None:
    made = Stated(
        {name: k} if name else {},
        reasoning=thinks,
        votes=votes if votes > 1 else None,
        documents=documents or None,
        structured=not thinks,
    ).approach
    if made is not None:
        assert stated(**names_of(made)).approach == made
