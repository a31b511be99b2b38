from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.records import Message
from tuning.data.dataset import Example
from tuning.data.formats import FormatName, read_data, read_examples, write_examples

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", " ", "\r\n", "\ufeff", '"', "a;b,c", "\u2028", "<|im_start|>system\n", "{"]
    ),
)
roles = st.sampled_from(["system", "user", "assistant"])
prompts = st.lists(st.builds(Message, roles, texts), max_size=9).map(tuple)
names = st.text("abc:#é", min_size=1, max_size=8)


@st.composite
def any_examples(draw: st.DrawFn) -> tuple[Example, ...]:
    """Whole conversations, parts of some, and single examples, whatever the order of roles."""
    found: list[Example] = []
    for row in range(draw(st.integers(1, 4))):
        messages = draw(prompts)
        group = draw(names)
        spoken = [
            n for n, m in enumerate(messages) if m.role == "assistant" and draw(st.booleans())
        ]
        found += [
            Example(f"{row}#{n}", messages[:n], messages[n].content, group, source="file x")
            for n in spoken
        ]
        whole = draw(st.booleans())
        found.append(Example(f"{row}", messages, draw(texts), group, whole=whole, source="m"))
    return tuple(found)


def one_question(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Example, ...]]:
    def make(n: int, system: str, question: str, answer: str) -> Example:
        before = (Message("system", system),) if system else ()
        return Example(str(n), (*before, Message("user", question)), answer, str(n))

    rows = st.lists(st.builds(make, st.integers(), texts, texts, texts), min_size=1, max_size=5)
    return rows.map(tuple)


def ended(examples: Iterable[Example]) -> tuple[Example, ...]:
    return tuple(Example(e.case_id, e.messages, e.answer, e.group) for e in examples)


def said(examples: Iterable[Example]) -> list[tuple[tuple[Message, ...], str]]:
    return [(e.messages, e.answer) for e in examples]


def again(
    examples: tuple[Example, ...], form: FormatName, ending: str, *, provenance: bool = False
) -> tuple[Example, ...]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"data{ending}")
        write_examples(examples, path, form, provenance=provenance)
        found = read_data(path)
        assert found.format == form
        return found.examples


many = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


@many
@given(any_examples())
def test_chat_gives_back_every_prompt_and_answer_in_order(examples: tuple[Example, ...]) -> None:
    examples = ended(examples)
    assert said(again(examples, "chat", ".jsonl")) == said(examples)


@many
@given(any_examples())
def test_chat_with_provenance_gives_back_all_but_the_place(examples: tuple[Example, ...]) -> None:
    found = again(examples, "chat", ".jsonl", provenance=True)
    forgetting = [
        Example(e.case_id, e.messages, e.answer, e.group, "", e.whole, e.source) for e in found
    ]
    assert forgetting == list(examples)


@many
@given(any_examples())
def test_completion_gives_back_every_prompt_and_answer(examples: tuple[Example, ...]) -> None:
    examples = ended(examples)
    assert said(again(examples, "completion", ".jsonl")) == said(examples)


@many
@given(st.lists(prompts.filter(bool), min_size=1, max_size=4), st.sampled_from([".json", ".jsonl"]))
def test_sharegpt_gives_back_whole_conversations(
    conversations: list[tuple[Message, ...]], ending: str
) -> None:
    examples = tuple(
        Example(f"{row}#{n}", messages[:n], messages[n].content, str(row))
        for row, turns in enumerate(conversations)
        for messages in [(*turns, Message("assistant", "end"))]
        for n, message in enumerate(messages)
        if message.role == "assistant"
    )
    found = again(examples, "sharegpt", ending)
    assert said(found) == said(examples)
    # One row a conversation: what belonged together still does.
    groups = dict(zip((e.group for e in found), (e.group for e in examples), strict=True))
    assert len(groups) == len(conversations)


@many
@given(one_question(texts), st.sampled_from([".json", ".jsonl"]))
def test_alpaca_gives_back_every_question_and_answer(
    examples: tuple[Example, ...], ending: str
) -> None:
    assert said(again(examples, "alpaca", ending)) == said(examples)


@many
@given(one_question(texts.map(lambda text: text.replace("\0", ""))))
def test_csv_gives_back_every_question_and_answer(examples: tuple[Example, ...]) -> None:
    assert said(again(examples, "csv", ".csv")) == said(examples)


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(any_examples())
def test_a_dataset_on_disk_gives_back_every_prompt_and_answer(
    examples: tuple[Example, ...],
) -> None:
    pytest.importorskip("datasets")
    examples = ended(examples)
    assert said(again(examples, "datasets", "")) == said(examples)


@pytest.mark.parametrize("form", ["chat", "sharegpt", "completion"])
def test_writing_what_was_read_from_ones_own_file_changes_nothing(
    tmp_path: Path, form: FormatName, conversation: Callable[[int], tuple[Example, ...]]
) -> None:
    write_examples([*conversation(3), *conversation(1)], tmp_path / "a.jsonl", form)
    write_examples(read_examples(tmp_path / "a.jsonl"), tmp_path / "b.jsonl", form)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
