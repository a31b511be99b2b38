from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import SuiteError
from evals.suite import load_suite
from tests.tuning.data.test_files import chat_row, suite_with_files
from tuning.data.dataset import build_examples, data_fingerprint
from tuning.data.formats import write_examples
from tuning.data.looking import lengths_of
from tuning.data.training_set import assemble, gather_examples
from tuning.training.base import BaseModel
from tuning.training.tune import parts_of, training_set


def test_rows_of_files_are_trained_on_beside_the_cases_and_change_the_datas_identity(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": chat_row("brand new words", "login")})
    data = training_set(suite, tiny_base)
    assert data.sources == {"suite": 30, "file x.jsonl": 1}
    assert len(data.encoded) == 31
    assert not data.refused
    assert data_fingerprint(data.examples) != data_fingerprint(build_examples(suite, "terse"))
    (suite.root / "x.jsonl").write_text(chat_row("brand new words", "billing"))
    other = training_set(load_suite(suite.root), tiny_base)
    assert data_fingerprint(other.examples) != data_fingerprint(data.examples)


def test_a_leak_refuses_whatever_the_suite_lets_pass(tmp_path: Path, tiny_base: BaseModel) -> None:
    plain = suite_with_files(tmp_path / "plain", {"x.jsonl": chat_row("new", "login")})
    leaked = chat_row(str(plain.split("test")[0].input["text"]), "login")
    codes = "contradiction, rejected_answer, empty_answer"
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": leaked}, f", allow: [{codes}]")
    data = training_set(suite, tiny_base)
    assert data.refused
    assert [f.code for f in data.findings if f.level == "error"] == ["leak"]


def test_what_was_let_pass_is_a_warning_that_says_so(tmp_path: Path, tiny_base: BaseModel) -> None:
    rows = {"x.jsonl": chat_row("new words", "login") + chat_row("new words", "billing")}
    strict = training_set(suite_with_files(tmp_path / "a", rows), tiny_base)
    assert [f.code for f in strict.findings if f.level == "error"] == ["contradiction"]
    lax = training_set(
        suite_with_files(tmp_path / "b", rows, ", allow: [contradiction]"), tiny_base
    )
    assert not lax.refused
    (found,) = [f for f in lax.findings if f.code == "contradiction"]
    assert (found.level, found.allowed) == ("warning", True)
    assert found.message.startswith("let pass by tune.allow: ")
    assert len(found.rows) == 2


def test_a_code_that_is_no_error_of_the_lint_cannot_be_allowed(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    rows = {"x.jsonl": chat_row("new words", "login")}
    suite = suite_with_files(tmp_path / "s", rows, ", allow: [contradictoin]")
    with pytest.raises(
        SuiteError, match=r"suite.yaml:\d+: tune\.allow\[0\].*did you mean .contradiction"
    ):
        training_set(suite, tiny_base)


@pytest.mark.parametrize(
    ("too_long", "refused", "left_out", "truncated", "count"),
    [
        ("refuse", True, ("x.jsonl:2",), (), 31),
        ("leave_out", False, ("x.jsonl:2",), (), 31),
        ("truncate", False, (), ("x.jsonl:2",), 32),
    ],
)
def test_what_becomes_of_long_rows_is_a_choice_and_each_is_named(
    tmp_path: Path,
    tiny_base: BaseModel,
    too_long: str,
    refused: bool,
    left_out: tuple[str, ...],
    truncated: tuple[str, ...],
    count: int,
) -> None:
    rows = {"x.jsonl": chat_row("short words", "login") + chat_row("many words " * 300, "login")}
    suite = suite_with_files(tmp_path / "s", rows, f", too_long: {too_long}")
    data = training_set(suite, tiny_base)
    assert (data.refused, data.left_out, data.truncated) == (refused, left_out, truncated)
    assert len(data.examples) == len(data.encoded) == count
    code = {"refuse": "too_long", "leave_out": "left_out", "truncate": "truncated"}[too_long]
    (found,) = [finding for finding in data.findings if finding.code == code]
    assert found.rows == (f"x.jsonl:2 ({suite.root}/x.jsonl:2)",)


@pytest.mark.parametrize(
    ("too_long", "said"),
    [
        ("leave_out", ", 1 longer one is left out; nothing truncated"),
        ("truncate", ", 0 have more; 1 prompt cut to fit"),
    ],
)
def test_the_note_on_lengths_is_of_what_is_trained_on(
    tmp_path: Path, tiny_base: BaseModel, too_long: str, said: str
) -> None:
    rows = {"x.jsonl": chat_row("short words", "login") + chat_row("many words " * 300, "login")}
    suite = suite_with_files(tmp_path / "s", rows, f", too_long: {too_long}")
    data = training_set(suite, tiny_base)
    (note,) = [finding for finding in data.findings if finding.code == "lengths"]
    lengths = lengths_of(data.encoded, 512)
    assert lengths is not None
    assert note.message.startswith(f"{lengths.tokens:,} tokens, {lengths.trained:,} of them")
    assert note.message.endswith(f"has {lengths.longest:,} of 512{said}")


def test_an_answer_that_does_not_fit_is_refused_also_where_prompts_are_cut(
    tmp_path: Path, tiny_base: BaseModel
) -> None:
    rows = {"x.jsonl": chat_row("short words", "endless answer " * 300)}
    data = training_set(suite_with_files(tmp_path / "s", rows, ", too_long: truncate"), tiny_base)
    assert data.refused
    assert "too_long" in {finding.code for finding in data.findings}


def test_without_a_tokenizer_all_but_the_lengths_is_linted(tmp_path: Path) -> None:
    rows = {"x.jsonl": chat_row("new words", "login") + chat_row("new words", "billing")}
    suite = suite_with_files(tmp_path / "s", rows)
    data = assemble(suite, "terse", gather_examples(suite, "terse"), None)
    assert len(data.examples) == 32
    assert data.encoded == ()
    codes = {finding.code for finding in data.findings}
    assert "contradiction" in codes
    assert not codes & {"lengths", "too_few", "too_long"}


def test_a_conversation_is_held_out_whole(tmp_path: Path) -> None:
    rows = "".join(
        chat_row(f"question {n} end", "login", f"first {n}", f"answer {n}") for n in range(40)
    )
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": rows})
    parts = parts_of(gather_examples(suite, "terse").examples)
    assert {e.group for e in parts.held_out if e.source != "suite"}
    assert not {e.group for e in parts.train} & {e.group for e in parts.held_out}


def test_a_row_that_calls_itself_a_case_is_one_only_if_it_asks_the_same(tmp_path: Path) -> None:
    plain = suite_with_files(tmp_path / "plain", {"x.jsonl": chat_row("new", "login")})
    own = build_examples(plain, "terse")[0]
    sealed = str(plain.split("test")[0].input["text"])
    rows = ""
    for identity, source, question in (
        (f"{own.case_id}~3fa9c114", "distilled other", own.messages[-1].content),
        (f"{own.case_id}~3fa9c114", "sampled other", sealed),
        (own.case_id, "suite", sealed),
    ):
        row = json.loads(chat_row(question, "billing", system=own.messages[0].content))
        row["tunegate"] = {"group": "g", "turns": [{"id": identity, "source": source}]}
        rows += json.dumps(row) + "\n"
    files = {f"{n}.jsonl": line + "\n" for n, line in enumerate(rows.splitlines())}
    suite = suite_with_files(tmp_path / "s", files)
    gathered = gather_examples(suite, "terse")
    drawn, posing, faking = gathered.examples[30:]
    assert (drawn.case_id, drawn.source, drawn.group) == (own.case_id, "distilled other", own.group)
    assert (posing.case_id, posing.source) == ("1.jsonl:1", "sampled other")
    assert (faking.case_id, faking.source) == ("2.jsonl:1", "file 2.jsonl")
    data = assemble(suite, "terse", gathered, None)
    (leak,) = [finding for finding in data.findings if finding.code == "leak"]
    assert [name.split(" ")[0] for name in leak.rows] == ["1.jsonl:1", "2.jsonl:1"]


def test_what_was_written_out_and_read_again_is_the_same_training_data(tmp_path: Path) -> None:
    rows = chat_row("new words", "login") + chat_row("and now?", "billing", "hi", "hello")
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": rows})
    examples = gather_examples(suite, "terse").examples[30:]
    write_examples(examples, tmp_path / "out.jsonl", "chat")
    again = suite_with_files(tmp_path / "t", {"x.jsonl": (tmp_path / "out.jsonl").read_text()})
    read = gather_examples(again, "terse").examples[30:]
    assert [(e.case_id, e.messages, e.answer) for e in read] == [
        (e.case_id, e.messages, e.answer) for e in examples
    ]
