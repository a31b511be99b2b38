from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from evals.records import Message
from tuning.data.dataset import Example
from tuning.data.truncating import CUT, KEPT, truncate


def characters(example: Example) -> int:
    """Stands for tokens: one each."""
    return sum(len(message.content) for message in example.messages) + len(example.answer)


def talk(*texts: str, system: str = "be brief", answer: str = "answer") -> Example:
    """A conversation of turns by user and assistant; the user's is the last."""
    roles = ["user", "assistant"] * len(texts)
    turns = tuple(Message(role, text) for role, text in zip(roles, texts, strict=False))
    return Example("a", (Message("system", system), *turns), answer, "a")


def test_nothing_is_cut_of_an_example_that_fits() -> None:
    example = talk("one", "two", "three")
    assert truncate(example, characters(example), characters) is example


def test_the_oldest_turns_go_first_and_whole_pairs_of_them() -> None:
    example = talk("a" * 50, "b" * 50, "c" * 50, "d" * 50, "e" * 50)
    shorter = truncate(example, 8 + 6 + 150, characters)
    assert shorter is not None
    assert [m.content[:1] for m in shorter.messages] == ["b", "c", "d", "e"]
    assert [m.role for m in shorter.messages] == ["system", "user", "assistant", "user"]
    assert shorter.messages[0].content == "be brief"


def test_then_the_middle_of_the_longest_message_goes_and_as_little_of_it_as_fits() -> None:
    question = "begin" + "x" * 1000 + "end"
    example = talk(question)
    shorter = truncate(example, 500, characters)
    assert shorter is not None
    assert characters(shorter) == 500
    text = shorter.messages[-1].content
    assert text.startswith("beginxxx")
    assert text.endswith("xxxend")
    assert text.count(CUT) == 1


def test_what_does_not_fit_even_so_is_not_made_to_fit() -> None:
    assert truncate(talk("short", answer="y" * 100), 90, characters) is None
    assert truncate(talk("x" * 500), 2 * KEPT, characters) is None


@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=7).filter(lambda s: len(s) % 2),
    answer=st.integers(1, 60),
    limit=st.integers(1, 900),
)
def test_the_answer_the_system_message_and_the_last_role_always_stay(
    sizes: list[int], answer: int, limit: int
) -> None:
    example = talk(*("t" * size for size in sizes), answer="z" * answer)
    shorter = truncate(example, limit, characters)
    if shorter is None:
        last = replace(example, messages=(example.messages[0], example.messages[-1]))
        assert min(characters(last), 8 + 2 * KEPT + len(CUT) + answer) > limit
        return
    assert characters(shorter) <= limit
    assert shorter.answer == example.answer
    assert shorter.messages[0] == example.messages[0]
    assert shorter.messages[-1].role == "user"
    assert replace(shorter, messages=()) == replace(example, messages=())
