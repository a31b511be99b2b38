"""Preference pairs of files: every shape is read whole, or refused where it stands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.errors import SuiteError, TrainingError
from evals.records import Message
from evals.suite import Suite, load_suite
from tests.sample_suite import write_suite
from tuning.data.pair_files import read_pairs

USER = {"role": "user", "content": "2 + 2?"}


def say(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def suite_with(folder: Path, rows: list[Any], stated: str = "[p.jsonl]") -> Suite:
    write_suite(folder, extra=f"tune: {{prompt: terse, pairs: {stated}}}\n")
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / "p.jsonl").write_text("\n".join(lines) + "\n")
    return load_suite(folder)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"},
        {"prompt": [USER], "chosen": [say("4")], "rejected": [say("5")]},
        {"prompt": "2 + 2?", "chosen": [say("4")], "rejected": [say("5")]},
        {"prompt": "2 + 2?", "chosen": [USER, say("4")], "rejected": [USER, say("5")]},
        {"chosen": [USER, say("4")], "rejected": [USER, say("5")]},
        {
            "prompt": "2 + 2?",
            "prompt_id": "x",
            "chosen": [USER, say("4")],
            "rejected": [USER, say("5")],
            "score_chosen": 8.0,
            "score_rejected": 2,
        },
    ],
)
def test_trls_shapes_and_ultrafeedbacks_give_the_same_pair(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    read = read_pairs(suite_with(tmp_path / "s", [row]), "terse")
    (pair,) = read.pairs
    assert pair.messages == (Message("user", "2 + 2?"),)
    assert (pair.chosen, pair.rejected) == ("4", "5")
    assert (pair.case_id, pair.group) == ("p.jsonl:1", "p.jsonl:1")
    assert pair.where.endswith("p.jsonl:1")
    assert (pair.by, pair.source) == ("not stated", "file p.jsonl")
    assert [f.code for f in read.findings] == (["unread_keys"] if "prompt_id" in row else [])


def test_own_rows_name_a_train_case_and_are_asked_as_training_asks_it(tmp_path: Path) -> None:
    rows = [
        {"case": "train-0001", "chosen": "login", "rejected": "billing", "by": "Ana"},
        {"case": "train-0002", "chosen": "a", "rejected": "b", "tie": True, "by": "Ana"},
        {"case": "train-0003", "chosen": "a", "rejected": "b", "case_fingerprint": "old"},
    ]
    suite = suite_with(tmp_path / "s", rows, '[{path: p.jsonl, by: "Ben"}]')
    read = read_pairs(suite, "terse")
    (pair,) = read.pairs
    assert (pair.case_id, pair.by) == ("train-0001", "Ana")
    assert [message.role for message in pair.messages] == ["system", "user"]
    assert pair.messages[0].content == "Route."
    assert {f.code: len(f.rows) for f in read.findings} == {"stale_pair": 1, "tie": 1}


def test_who_made_a_file_is_said_of_the_pairs_that_do_not_say_it(tmp_path: Path) -> None:
    rows = [{"prompt": "q", "chosen": "a", "rejected": "b"}]
    rows.append(rows[0] | {"prompt": "r", "by": "rule"})
    read = read_pairs(suite_with(tmp_path / "s", rows, "[{path: p.jsonl, by: Ben}]"), "terse")
    assert [pair.by for pair in read.pairs] == ["Ben", "rule"]


@pytest.mark.parametrize(
    ("row", "key", "said"),
    [
        ({"prompt": "q", "chosen": "a"}, None, "'rejected' is missing"),
        ({"chosen": "q a", "rejected": "q b"}, None, "'prompt' is missing"),
        ({"prompt": "q", "chosen": "a", "rejected": ["b"]}, "rejected", "both be text"),
        ({"prompt": "q", "chosen": 3, "rejected": 4}, "chosen", "a list of messages"),
        ({"chosen": [say("a")], "rejected": [say("b")]}, "chosen", "no prompt"),
        ({"chosen": [USER], "rejected": [USER]}, "chosen", "not the assistant's"),
        (
            {"chosen": [USER, say("a")], "rejected": [say("x"), say("b")]},
            "rejected",
            "differ before",
        ),
        (
            {"prompt": "other", "chosen": [USER, say("a")], "rejected": [USER, say("b")]},
            "prompt",
            "none of the user's messages",
        ),
        (
            {"prompt": "q", "chosen": "a", "rejected": "b", "score_chosen": 1, "score_rejected": 2},
            "score_chosen",
            "score 1, the rejected 2",
        ),
        ({"case": "train-0001", "chosen": "a", "rejected": "b", "by": "Human"}, "by", "who"),
        ({"case": "train-0001", "chosen": "a", "rejected": "b", "by": 3}, "by", "who"),
        ({"case": "nobody", "chosen": "a", "rejected": "b"}, "case", "no case 'nobody'"),
        ({"case": "dev-0001", "chosen": "a", "rejected": "b"}, "case", "is in dev"),
        ({"case": "test-0001", "chosen": "a", "rejected": "b"}, "case", "is in test"),
        ({"case": "train-0001", "chosen": "\ud800", "rejected": "b"}, "chosen", "surrogate"),
        ("not json", None, "not valid JSON"),
    ],
)
def test_a_row_that_is_no_pair_is_refused_with_its_line(
    tmp_path: Path, row: Any, key: str | None, said: str
) -> None:
    good = {"prompt": "q", "chosen": "a", "rejected": "b"}
    suite = suite_with(tmp_path / "s", [good, row])
    with pytest.raises(TrainingError) as caught:
        read_pairs(suite, "terse")
    assert said in str(caught.value)
    assert (caught.value.line, caught.value.key) == (2, key)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("p.jsonl", "a list of files"),
        ("[../p.jsonl]", "leads out of the suite"),
        ("[q.jsonl]", "does not exist"),
        ("[p.jsonl, p.jsonl]", "appears twice"),
        ("[{path: p.jsonl, who: Ana}]", "unknown key 'who'"),
        ("[{path: p.jsonl, by: human}]", "does not say who"),
    ],
)
def test_what_cannot_name_a_file_of_pairs_is_refused(
    tmp_path: Path, stated: str, said: str
) -> None:
    with pytest.raises(SuiteError, match=said):
        suite_with(tmp_path / "s", [], stated)


def test_pairs_and_choices_in_the_folder_leave_the_scoring_as_it_is(tmp_path: Path) -> None:
    plain = load_suite(write_suite(tmp_path / "plain", extra=""))
    suite = suite_with(tmp_path / "s", [{"prompt": "q", "chosen": "a", "rejected": "b"}])
    (tmp_path / "s" / "preferences.jsonl").write_text("{}\n")
    again = load_suite(tmp_path / "s")
    assert again.scoring_fingerprint == suite.scoring_fingerprint == plain.scoring_fingerprint
    assert replace(again, tune=plain.tune).fingerprint == plain.fingerprint
