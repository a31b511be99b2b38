from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import TunegateError
from evals.suite import load_suite
from evals.suite.spec import DataFile, Suite
from tests.sample_suite import write_suite
from tuning.data.dataset import Example, build_examples
from tuning.data.files import read_files
from tuning.data.lint import Lengths, lint_examples


def chat_row(question: str, answer: str, *earlier: str, system: str = "Route.") -> str:
    """One line of a chat file; `earlier` are turns before the question."""
    roles = ["user", "assistant"] * len(earlier)
    before = [{"role": r, "content": t} for r, t in zip(roles, earlier, strict=False)]
    turns = [*before, {"role": "user", "content": question}]
    messages = [{"role": "system", "content": system}, *turns]
    return json.dumps({"messages": [*messages, {"role": "assistant", "content": answer}]}) + "\n"


def suite_with_files(
    folder: Path, files: dict[str, str], tune: str = "", **options: object
) -> Suite:
    """A sample suite that also trains on these files."""
    names = ", ".join(files)
    extra = (
        f"tune: {{prompt: terse, min_examples: 20, rank: 2, epochs: 0.5, data: [{names}]{tune}}}\n"
    )
    write_suite(folder, extra=extra, **options)  # type: ignore[arg-type]
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return load_suite(folder)


def file_examples(suite: Suite, more: tuple[DataFile, ...] = ()) -> tuple[Example, ...]:
    own = {example.case_id: example for example in build_examples(suite, "terse")}
    return read_files(suite, own, more).examples


def test_rows_are_asked_as_they_stand_and_each_turn_of_the_assistant_is_an_example(
    tmp_path: Path,
) -> None:
    rows = chat_row("where is it", "shipping") + chat_row("and now?", "login", "hi", "hello")
    suite = suite_with_files(tmp_path / "s", {"extra.jsonl": rows})
    examples = file_examples(suite)
    assert [e.answer for e in examples] == ["shipping", "hello", "login"]
    assert [m.content for m in examples[2].messages] == ["Route.", "hi", "hello", "and now?"]
    assert examples[1].group == examples[2].group
    assert len({e.case_id for e in examples}) == 3
    assert {e.source for e in examples} == {"file extra.jsonl"}
    assert examples[0].where.endswith("extra.jsonl:1")


def test_files_of_one_name_and_cases_called_like_rows_stay_apart(tmp_path: Path) -> None:
    rows = {"a/x.jsonl": chat_row("one", "login"), "b/x.jsonl": chat_row("two", "login")}
    suite = suite_with_files(tmp_path / "s", rows)
    examples = file_examples(suite)
    assert [e.case_id for e in examples] == ["a/x.jsonl:1", "b/x.jsonl:1"]
    assert len({e.group for e in examples}) == 2


def test_files_that_the_suite_does_not_name_come_after_its_own(tmp_path: Path) -> None:
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": chat_row("one", "login")})
    more = tmp_path / "more.jsonl"
    more.write_text(chat_row("two", "billing"))
    examples = file_examples(suite, (DataFile(str(more)),))
    assert [e.case_id for e in examples] == ["x.jsonl:1", "more.jsonl:1"]


def test_a_row_that_cannot_be_read_is_named_with_file_and_line(tmp_path: Path) -> None:
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": chat_row("one", "login") + "{nonsense\n"})
    with pytest.raises(TunegateError) as caught:
        file_examples(suite)
    assert (caught.value.path, caught.value.line) == (str(suite.root / "x.jsonl"), 2)


def test_an_empty_file_is_an_error_at_the_key_that_names_it(tmp_path: Path) -> None:
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": "\n"})
    with pytest.raises(TunegateError, match=r"x\.jsonl"):
        file_examples(suite)


def test_an_id_of_a_sealed_case_that_a_file_states_is_a_leak(tmp_path: Path) -> None:
    suite = suite_with_files(tmp_path / "s", {})
    table = tmp_path / "t.csv"
    table.write_text("id,input,output\ntest-0003,brand new words,login\nz-1,other words,login\n")
    drawn = {"group": "dev-0002", "turns": [{"id": "dev-0002~3fa9c114", "source": "sampled m"}]}
    turns = [{"role": "user", "content": "quite new"}, {"role": "assistant", "content": "login"}]
    chat = tmp_path / "c.jsonl"
    chat.write_text(json.dumps({"messages": turns, "tunegate": drawn}))
    columns = {"input": "input", "expected": "output", "id": "id"}
    more = (DataFile(str(table), columns=columns), DataFile(str(chat)))
    examples = file_examples(suite, more)
    assert [e.case_id for e in examples] == ["t.csv:2", "z-1", "c.jsonl:1"]
    findings = lint_examples(suite, "terse", examples, (), Lengths(512))
    (leak,) = [finding for finding in findings if finding.code == "leak"]
    assert [row.split()[0] for row in leak.rows] == ["t.csv:2", "c.jsonl:1"]
    assert "has the id of test case test-0003" in leak.message
    assert "has the id of dev case dev-0002" in leak.message
