from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.errors import TrainingError, UsageError
from tuning.data.formats import Columns, read_examples

USER = {"role": "user", "content": "hi"}
ANSWER = {"role": "assistant", "content": "hello"}


def chat(*messages: Any, **more: Any) -> str:
    return json.dumps({"messages": messages, **more})


def told(**more: Any) -> dict[str, Any]:
    return {**ANSWER, **more}


GOOD = chat(USER, ANSWER)

BAD_ROWS = {
    "tool calls": (
        chat(USER, told(tool_calls=[{"id": "1"}])),
        r"messages\[1\]: key 'tool_calls' is not",
    ),
    "a function call": (
        chat(USER, told(function_call={"name": "f"})),
        r"\[1\]: key 'function_call'",
    ),
    "an answer of a tool": (
        chat(USER, {"role": "tool", "content": "4"}, ANSWER),
        r"messages\[1\]\.role: expected one of system.*found text 'tool' \(tool calls are not",
    ),
    "tools": (chat(USER, ANSWER, tools=[{"type": "function"}]), "tools: tools are not trained"),
    "functions": (chat(USER, ANSWER, functions=[{}]), "functions: tools are not trained"),
    "a picture": (
        chat({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, ANSWER),
        r"messages\[0\]\.content: .*images and sound are not trained on",
    ),
    "a picture beside text": (
        chat({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "x"}]}, ANSWER),
        "list of parts",
    ),
    "a text part without text": (
        chat({"role": "user", "content": [{"type": "text"}]}, ANSWER),
        r"content: expected text, found nothing \(null\)",
    ),
    "a named speaker": (chat({**USER, "name": "bob"}, ANSWER), r"messages\[0\]: key 'name' is not"),
    "an unknown role": (chat(USER, {"role": "bot", "content": "x"}), r"\[1\]\.role: expected one"),
    "a role that is no text": (chat({"role": ["user"], "content": ""}), r"role: expected one of"),
    "no answer": (chat(USER), "no message of the assistant: there is nothing to learn"),
    "no messages": (chat(), "messages: holds no message"),
    "messages that are text": ('{"messages": "hi"}', "expected a list of messages, found text"),
    "a message that is text": (chat("hi"), r"messages\[0\]: expected a message, found text 'hi'"),
    "no content": (chat({"role": "user"}, ANSWER), r"messages\[0\]: key 'content' is missing"),
    "content of nothing": (
        chat(USER, told(content=None)),
        r"content: expected text, found nothing",
    ),
    "half a weight": (chat(USER, told(weight=0.5)), r"weight: expected 0 or 1, found number 0\.5"),
    "a true weight": (chat(USER, told(weight=True)), "weight: expected 0 or 1, found boolean"),
    "a learned question": (chat({**USER, "weight": 1}, ANSWER), "of the user is never trained on"),
    "half a character": (chat({**USER, "content": "\ud83d"}, ANSWER), r"lone surrogate \\ud83d"),
    "another key": ('{"conversation": []}', "key 'messages' is missing"),
    "NaN": ('{"messages": [], "score": NaN}', "NaN is not a JSON number"),
    "a key twice": ('{"messages": [], "messages": []}', "key 'messages' appears twice"),
    "deep nesting": ('{"messages": ' + "[" * 5000 + "]" * 5000 + "}", "nested deeper than 64"),
    "half a line": ('{"messages": [{"role": "us', r"not valid JSON: .* at column"),
    "a list": ("[1]", "expected a JSON object, found a list"),
    "a foreign key of ours": (
        chat(USER, ANSWER, tunegate={"group": "g", "turns": [], "x": 1}),
        "tunegate: unknown key 'x'",
    ),
    "too few origins": (
        chat(USER, ANSWER, tunegate={"group": "g", "turns": []}),
        r"tunegate\.turns: names 0 examples, and 1 messages are trained",
    ),
    "an id with a control character": (
        chat(USER, ANSWER, tunegate={"group": "g", "turns": [{"id": "a\nb", "source": "s"}]}),
        r"tunegate\.turns\.id: control character U\+000A",
    ),
}


@pytest.mark.parametrize("fault", BAD_ROWS)
def test_a_row_that_cannot_be_read_is_named_with_its_line_and_key(
    tmp_path: Path, fault: str
) -> None:
    row, said = BAD_ROWS[fault]
    path = tmp_path / "data.jsonl"
    path.write_text(f"{GOOD}\n\n{row}\n{GOOD}\n")
    with pytest.raises(TrainingError, match=rf"data\.jsonl:3: (.*{said})"):
        read_examples(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"instruction": "a", "output": "b"},\n]', r":2: not valid JSON: Expecting value"),
        ('[{"instruction": "a", "output": "b"}\n', r":2: not valid JSON: expected , between"),
        ('[{"instruction": "a", "output": "b"}]\n{}', r"not valid JSON: expected , between"),
        ('[{"instruction": "a", "output": "b"}\n\n{}]', r":3: not valid JSON: expected ,"),
        ('[{"instruction": "a", "output": "b"},\n\n 7]', r":3: expected a JSON object, found num"),
        ('[{"instruction": "a", "output": null}]', r":1: output: expected text, found nothing"),
        ('[{"instruction": "a",\n "output": "b", "history": [["x"]]}]', r":1: history\[0\]: exp"),
        ('[\n{"instruction": "a", "output": "b", "output": "c"}]', r":2: .*key 'output' appears"),
        (
            '[\n{"instruction": "a", "output": ' + "[" * 90 + "]" * 90 + "}]",
            r":2: .*deeper than 64",
        ),
        ('[\n{"instruction": "a", "output": Infinity}]', r":2: .*Infinity is not a JSON number"),
        ("[]", "holds no rows"),
        (" \n", "the file is empty"),
        ('{"prompt": "a", "completion": "b", "label": false}', ":1: label: completions labelled"),
        ('{"prompt": "a", "completion": []}', ":1: completion: prompt and completion are both"),
        (
            '{"prompt": [], "completion": [{"role": "user", "content": "x"}]}',
            "completion: expected one message of the assistant",
        ),
        ('{"conversations": [{"from": "tool", "value": "x"}]}', r"\[0\]\.from: expected one of"),
        (
            '{"conversations": [{"from": "system", "value": "x"}], "system": "y"}',
            "system: a system text beside a conversation that begins with one",
        ),
        ('{"conversations": [{"role": "user", "content": "x"}]}', "key 'from' is missing"),
        ("input,output\na,b\nc\n", r":3: expected 2 fields, found 1"),
        ('input,output\na,"b\n', r":2: not valid CSV"),
        ("input,output\n", "holds no rows"),
        ("input,output,input\na,b,c\n", r":1: column 'input' appears twice"),
        ("input,output\na,b\0\n", ":2: a NUL character"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "data"
    path.write_text(text)
    with pytest.raises(TrainingError, match=said):
        read_examples(path)


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    for data in (
        f"{GOOD}\n".encode() + b'{"messages": "\xff"}',
        b'[{"messages":\n "\xff"}]',
        b"input,output\n\xff,a",
    ):
        path.write_bytes(data)
        with pytest.raises(TrainingError, match=r"jsonl:2: not valid UTF-8: byte 0xff"):
            read_examples(path)


def test_a_huge_line_and_a_huge_entry_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    row = chat({**USER, "content": "x" * (5 << 20)}, ANSWER)
    path.write_text(f"{GOOD}\n{row}\n")
    with pytest.raises(TrainingError, match=":2: line is longer than"):
        read_examples(path)
    path.write_text(f"[{GOOD},\n{row}]\n")
    with pytest.raises(TrainingError, match=":2: object is longer than"):
        read_examples(path)


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,input,output\n1,a,b\n1,c,d\n")
    with pytest.raises(TrainingError, match=r":3: id '1' appears twice, first on line 2"):
        read_examples(path, columns=Columns(id="id"))
    path.write_text("id,input,output\n1,a,b\n,c,d\n")
    with pytest.raises(TrainingError, match=":3: id: no id"):
        read_examples(path, columns=Columns(id="id"))


def test_options_that_do_not_go_together_are_refused(tmp_path: Path, files: Path) -> None:
    with pytest.raises(UsageError, match="only datasets on disk have some"):
        read_examples(files / "alpaca.jsonl", split="train")
    with pytest.raises(UsageError, match="for a table or a dataset on disk"):
        read_examples(files / "alpaca.jsonl", columns=Columns())
    with pytest.raises(UsageError, match="unknown format 'parrot'"):
        read_examples(files / "alpaca.jsonl", "parrot")  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="not a folder of datasets"):
        read_examples(files / "alpaca.jsonl", "datasets")
    with pytest.raises(TrainingError, match="no such file"):
        read_examples(tmp_path / "none.jsonl")
