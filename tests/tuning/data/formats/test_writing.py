from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evals.errors import TrainingError, UsageError
from evals.records import Message
from evals.suite import load_suite
from tests.sample_suite import write_suite
from tests.tuning.conftest import tickets
from tuning.data.dataset import Example, build_examples
from tuning.data.formats import FormatName, read_examples, write_examples

Talk = Callable[..., tuple[Example, ...]]


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_conversation_becomes_one_row_and_the_file_holds_what_openai_takes_and_no_more(
    tmp_path: Path, conversation: Talk
) -> None:
    path = tmp_path / "out.jsonl"
    write_examples([*conversation(2), *tickets(1)], path, "chat")
    talk, ticket = rows(path)
    assert talk == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "question 1"},
            {"role": "assistant", "content": "answer 1"},
            {"role": "user", "content": "question 2"},
            {"role": "assistant", "content": "answer 2"},
        ]
    }
    assert list(ticket) == ["messages"]


def test_an_answer_that_is_not_learned_has_weight_0(tmp_path: Path, conversation: Talk) -> None:
    _, second, third = conversation(3)
    write_examples([second, third], tmp_path / "out.jsonl", "chat")
    (row,) = rows(tmp_path / "out.jsonl")
    answers = [m for m in row["messages"] if m["role"] == "assistant"]  # type: ignore[attr-defined]
    assert [m.get("weight") for m in answers] == [0, None, None]


def test_conversations_of_different_groups_are_not_joined(
    tmp_path: Path, conversation: Talk
) -> None:
    first, second = conversation(2)
    write_examples([first, replace(second, group="other")], tmp_path / "out.jsonl", "chat")
    assert len(rows(tmp_path / "out.jsonl")) == 2


def test_the_train_split_of_a_suite_is_written_and_read_again(tmp_path: Path) -> None:
    examples = build_examples(load_suite(write_suite(tmp_path / "s")), "terse")
    path = tmp_path / "out.jsonl"
    write_examples(examples, path, "chat", provenance=True)
    assert [replace(e, where="") for e in read_examples(path)] == [
        replace(e, where="") for e in examples
    ]


@pytest.mark.parametrize("form", ["alpaca", "csv"])
def test_what_holds_one_question_refuses_several_turns_naming_them(
    tmp_path: Path, conversation: Talk, form: FormatName
) -> None:
    path = tmp_path / "out"
    with pytest.raises(
        TrainingError,
        match=rf"{form} cannot hold a prompt that is not one question of the user: "
        r"talk#2 \(talk\.txt:2\), .*talk#6 \(talk\.txt:6\) and 2 more",
    ):
        write_examples(conversation(8), path, form)
    assert not path.exists()


def test_what_cannot_be_held_is_refused(tmp_path: Path, conversation: Talk) -> None:
    path = tmp_path / "out"
    (ticket,) = tickets(1)
    question = Message("user", "hi")

    def refused(example: Example, form: FormatName, said: str) -> None:
        with pytest.raises(TrainingError, match=said):
            write_examples([example], path, form)
        assert not path.exists()

    refused(conversation(2)[1], "sharegpt", "an answer in its prompt that is not learned itself")
    for form in ("chat", "sharegpt", "alpaca", "completion", "csv"):
        refused(replace(ticket, whole=False), form, "only the beginning of one")  # type: ignore[arg-type]
        refused(replace(ticket, answer="\ud83d"), form, "half a character")  # type: ignore[arg-type]
    refused(replace(ticket, answer="a\0b"), "csv", "a NUL character")
    refused(replace(ticket, answer="a" * csv.field_size_limit() + "b"), "csv", "more than 131072")
    refused(replace(ticket, answer="a" * (5 << 20)), "chat", "row of more than 4194304 bytes")
    for form in ("alpaca", "csv"):  # there, an empty system text and none look the same
        odd = replace(ticket, messages=(Message("system", ""), question))
        refused(odd, form, "not one question")  # type: ignore[arg-type]


def test_only_chat_keeps_provenance_and_ids_stand_once_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only the format chat keeps provenance"):
        write_examples(tickets(1), tmp_path / "out", "alpaca", provenance=True)
    with pytest.raises(TrainingError, match="two examples have the id 'case-0'"):
        write_examples([*tickets(1), *tickets(1)], tmp_path / "out", "chat", provenance=True)
    with pytest.raises(TrainingError, match="no examples to write"):
        write_examples([], tmp_path / "out", "chat")


def test_no_input_is_written_over_by_whichever_name(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    write_examples(tickets(2), source, "chat")
    before = source.read_bytes()
    examples = read_examples(source)
    (tmp_path / "link.jsonl").symlink_to(source)
    os.link(source, tmp_path / "hard.jsonl")
    (tmp_path / "sub").mkdir()
    for name in ("in.jsonl", "link.jsonl", "hard.jsonl", "sub/../in.jsonl"):
        with pytest.raises(TrainingError, match="examples were read from it"):
            write_examples(examples, tmp_path / name, "chat")
    assert source.read_bytes() == before


def test_a_failure_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.jsonl"
    write_examples(tickets(2), path, "chat")
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        write_examples(tickets(9), path, "chat")
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 1001])
def test_provenance_that_could_not_be_read_again_is_refused(tmp_path: Path, name: str) -> None:
    (ticket,) = tickets(1)
    for odd in (replace(ticket, case_id=name), replace(ticket, source=name)):
        with pytest.raises(TrainingError, match="an id, group or source that is empty, too long"):
            write_examples([odd], tmp_path / "out", "chat", provenance=True)
