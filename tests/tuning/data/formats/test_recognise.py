from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import TrainingError
from tuning.data.formats import FORMATS, read_data

EXPECTED = {
    "chat_support.jsonl": "chat",
    "chat_windows.jsonl": "chat",
    "sharegpt.jsonl": "sharegpt",
    "sharegpt_list.json": "sharegpt",
    "alpaca.jsonl": "alpaca",
    "alpaca_list.json": "alpaca",
    "completion_text.jsonl": "completion",
    "completion_messages.jsonl": "completion",
    "table_windows.csv": "csv",
    "table_utf16.csv": "csv",
    "instructions.csv": "csv",
}


def test_a_format_is_told_from_the_content_whatever_the_file_is_called(
    files: Path, tmp_path: Path
) -> None:
    assert {path.name for path in files.iterdir()} == set(EXPECTED)
    for name, form in EXPECTED.items():
        renamed = tmp_path / "data.bin"
        renamed.write_bytes((files / name).read_bytes())
        assert read_data(renamed).format == form == read_data(files / name).format
        assert form in FORMATS


AMBIGUOUS = (
    '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], '
    '"prompt": "c", "completion": "d"}'
)


def test_rows_of_two_formats_are_refused_until_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "both.jsonl"
    path.write_text(AMBIGUOUS)
    with pytest.raises(
        TrainingError,
        match=r"has the keys of chat \(messages\) and completion \(prompt, completion\) "
        r"\(name the one meant with --data-format, or format in tune.data\)",
    ):
        read_data(path)
    assert [e.answer for e in read_data(path, "chat").examples] == ["b"]
    assert [e.answer for e in read_data(path, "completion").examples] == ["d"]


def test_a_table_with_two_columns_of_answers_is_refused_until_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("input,output,expected\na,b,c\n")
    with pytest.raises(TrainingError, match="--column expected="):
        read_data(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"question": "a", "reply": "b"}', "of no format that is known here: its keys are 'quest"),
        ('{"prompt": "a", "chosen": "b", "rejected": "c"}', "preference pairs"),
        ('{"input": {}, "preferred_output": [], "non_preferred_output": []}', "preference pairs"),
        ('{"text": "a"}', "plain text, which has no answer to learn"),
        ("question,reply\na,b\n", "its keys are 'question', 'reply'"),
        ("just some words\n", "of no format that is known here"),
    ],
)
def test_rows_of_no_known_format_are_refused_with_what_was_looked_for(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "data"
    path.write_text(text)
    with pytest.raises(TrainingError, match=rf"{said}.*looked for .*alpaca: instruction, output"):
        read_data(path)
