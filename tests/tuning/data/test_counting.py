from __future__ import annotations

from pathlib import Path

from evals.suite import load_suite
from tests.sample_suite import write_suite
from tests.tuning.data.test_files import chat_row, suite_with_files
from tuning.data.counting import count_clean
from tuning.data.dataset import clean_examples
from tuning.learning.stored import subject_of
from tuning.training.tune import tuning_prompt


def test_without_files_it_is_what_the_train_cases_give(tmp_path: Path) -> None:
    suite = load_suite(write_suite(tmp_path / "s"))
    clean = count_clean(suite, tuning_prompt)
    assert clean == (clean_examples(suite), 0, 0)
    assert clean.total == 30


def test_only_clean_rows_of_files_count(tmp_path: Path) -> None:
    plain = load_suite(write_suite(tmp_path / "plain"))
    dev, test = (str(plain.split(name)[0].input["text"]) for name in ("dev", "test"))
    case = plain.split("train")[0]
    rows = (
        chat_row("a quite new question", "login")  # clean
        + chat_row("A quite  new question!", "login")  # the same again
        + chat_row("another new one", "login")
        + chat_row("another new one", "billing")  # contradicts the one before: neither counts
        + chat_row("no answer to this", " ")
        + chat_row(dev.upper(), "login")  # leaks
        + chat_row("go on", "login", "see " + test, "ok", test, "well")
        + chat_row(str(case.input["text"]), case.answer)  # a train case again
    )
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": rows})
    clean = count_clean(suite, tuning_prompt)
    assert (clean.cases, clean.rows, clean.total) == (30, 1, 31)
    assert clean.characters > 0


def test_a_row_that_contradicts_a_case_takes_it_out(tmp_path: Path) -> None:
    plain = load_suite(write_suite(tmp_path / "plain"))
    row = chat_row(str(plain.split("train")[0].input["text"]), "another")
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": row})
    assert count_clean(suite, tuning_prompt).total == 29


def test_a_last_message_that_all_cases_share_gives_none_of_them_away(tmp_path: Path) -> None:
    terse = (
        '{% message "system" %}Route: {{ input.text }}{% endmessage %}'
        '{% message "user" %}Which team?{% endmessage %}'
    )
    row = chat_row("Which team?", "login", system="Route: something new")
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": row}, prompts={"terse": terse})
    assert count_clean(suite, tuning_prompt)[:2] == (30, 1)


def test_a_changed_file_makes_a_stored_learning_curve_stale(tmp_path: Path) -> None:
    suite = suite_with_files(tmp_path / "s", {"x.jsonl": chat_row("one", "login")})
    before = subject_of(suite)
    (suite.root / "x.jsonl").write_text(chat_row("one", "billing"))
    assert subject_of(load_suite(suite.root)) != before
