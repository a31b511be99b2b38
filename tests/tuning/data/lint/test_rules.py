"""One poisoned data set for each rule: caught by its code and row, and the clean one is not."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from evals.records import Case, Message
from evals.suite import load_suite
from tests.sample_suite import write_suite
from tests.tuning.data.lint.poisoned import (
    ANSWERS,
    QUESTIONS,
    TUNE,
    ask,
    asking,
    clean_rows,
    clean_suite,
    file_row,
    lint,
    named,
    saying,
    with_row,
)
from tuning.data.dataset import EncodedExample, Example, build_examples
from tuning.data.lint import CODES, Lengths
from tuning.data.lint.languages import lint_languages
from tuning.data.lint.personal import lint_personal

FRENCH = (
    "Pourriez-vous m'expliquer pourquoi la livraison de mon colis a pris autant de retard cette "
    "semaine, alors que tout avait été payé ?"
)
HELLO = Message("assistant", "Good morning, how can I help?")


def repeated(question: str, answer: str) -> list[Example]:
    return [*clean_rows(), file_row(13, ask(question), answer=answer)]


def unknown_role(text: str) -> Message:
    return Message(cast("str", "tool"), text)  # type: ignore[arg-type]


POISONED: dict[str, tuple[Callable[[], list[Example]], tuple[int, ...]]] = {
    "contradiction": (lambda: repeated(f" {QUESTIONS[0].upper()}", "No."), (1, 13)),
    "duplicate": (lambda: repeated(QUESTIONS[0], ANSWERS[0]), (13,)),
    "near_duplicate": (
        lambda: repeated(QUESTIONS[1].replace("night.", "nights?"), ANSWERS[1]),
        (2, 13),
    ),
    "near_contradiction": (
        lambda: repeated(QUESTIONS[1].replace("night.", "nights?"), "Nothing."),
        (2, 13),
    ),
    "empty_answer": (lambda: saying(" \u200b\n"), (6,)),
    "hidden_characters": (lambda: saying("b\u202eug"), (6,)),
    "empty_prompt": (lambda: asking(" \u2060 "), (6,)),
    "roles": (
        lambda: with_row(file_row(6, Message("system", "Be brief."), answer="Yes.")),
        (6,),
    ),
    "role_order": (
        lambda: with_row(file_row(6, HELLO, ask(QUESTIONS[5]), answer="Yes.")),
        (6,),
    ),
    "huge": (lambda: asking("word " * 5_000), (6,)),
    "secrets": (lambda: saying("Use AKIA" + "QWERTYUIOP234567 for it."), (6,)),
    "personal_data": (lambda: asking("Write to anna.berg@nordkai.se about it."), (6,)),
    "mixed_scripts": (lambda: asking("Почему лебеди улетают каждый год осенью?"), (6,)),
    "mixed_languages": (lambda: asking(FRENCH), (6,)),
}


@pytest.mark.parametrize("code", POISONED)
def test_a_poisoned_row_is_found_and_the_clean_rows_are_not(code: str) -> None:
    if code == "mixed_languages":
        pytest.importorskip("py3langid")
    make, numbers = POISONED[code]
    assert code not in lint(clean_rows())
    found = lint(make())[code]
    assert found.level == {each.name: each.level for each in CODES}[code]
    assert found.rows == tuple(map(named, numbers))
    assert all(named(number) in found.message for number in numbers)


def test_only_that_no_scorer_judged_them_is_said_of_clean_rows() -> None:
    found = lint(clean_rows())
    assert set(found) - {"not_looked_for"} == {"not_judged"}
    assert found["not_judged"].rows == tuple(map(named, range(1, 13)))


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u2800 \u2800", "\u3164"])
def test_a_system_message_is_no_question(text: str) -> None:
    asked = with_row(file_row(6, Message("system", "Be brief."), ask(text), answer="Yes."))
    assert lint(asked)["empty_prompt"].rows == (named(6),)
    talk = [ask(text), HELLO, ask("So?")]
    assert "empty_prompt" not in lint(with_row(file_row(6, *talk, answer="Yes.")))


@pytest.mark.parametrize(
    ("answer", "named_as"),
    [
        ("\x1b[2Jcleared", r"\x1b"),
        ("b\u202eug\u200b", r"\u202e, \u200b"),
        ("a\0b", r"\x00"),
        ("a\rb", r"\r"),
    ],
)
def test_what_is_hidden_in_an_answer_is_refused_and_named(answer: str, named_as: str) -> None:
    found = lint(saying(answer))["hidden_characters"]
    assert found.level == "error"
    assert f"1 answer with characters that cannot be seen ({named_as})" in found.message


@pytest.mark.parametrize(
    "answer", ["a\r\n\tb\n", "\U0001f469\u200d\U0001f52c", "क्\u200dष", "naïve"]
)
def test_line_ends_and_joiners_hide_nothing(answer: str) -> None:
    assert "hidden_characters" not in lint(saying(answer))


@pytest.mark.parametrize(
    ("code", "messages", "fault"),
    [
        ("roles", [unknown_role("{}"), ask("And?")], "unknown role 'tool'"),
        ("roles", [ask("And?"), HELLO], "two assistant turns in a row"),
        ("role_order", [ask("And?"), ask("So?")], "two user turns in a row"),
        ("role_order", [ask("And?"), HELLO, HELLO, ask("So?")], "two assistant turns in a row"),
        ("role_order", [ask("And?"), Message("system", "Be brief.")], "not the first"),
        ("role_order", [Message("system", "Be brief."), HELLO, ask("So?")], "speaking first"),
        ("role_order", [Message("system", " "), ask("So?")], "an empty message"),
    ],
)
def test_each_fault_of_roles_is_named(code: str, messages: list[Message], fault: str) -> None:
    found = lint(with_row(file_row(6, *messages, answer="Yes.")))[code]
    assert fault in found.message
    assert found.rows == (named(6),)


def test_a_conversation_in_turns_is_in_order() -> None:
    talk = [Message("system", "Be brief."), ask("And?"), HELLO, ask("So?")]
    assert not {"roles", "role_order"} & lint(with_row(file_row(6, *talk, answer="Y."))).keys()


def test_prompts_that_differ_in_their_numbers_may_have_different_answers() -> None:
    question = QUESTIONS[0].replace("two", "42")
    rows = [*clean_rows(), file_row(13, ask(question), answer="A.")]
    rows.append(file_row(14, ask(question.replace("42", "43")), answer="B."))
    assert "near_contradiction" not in lint(rows)


def test_several_answers_that_were_drawn_for_one_case_do_not_contradict_each_other() -> None:
    suite = clean_suite()
    own = build_examples(suite, "terse")[0]
    drawn = replace(own, answer=f"{own.answer}!", source="sampled small")
    found = lint([drawn])
    assert "contradiction" not in found
    assert found["several_answers"].level == "note"


def test_two_cases_that_ask_the_same_contradict_each_other_though_each_is_accepted() -> None:
    own = build_examples(clean_suite(), "terse")[0]
    other = replace(own, case_id="train-0001", answer="login")
    found = lint([other], accepts=lambda case, answer: True)["contradiction"]
    assert len(found.rows) == 2


def test_a_scorer_judges_rows_of_the_suite_and_of_a_sample_but_not_of_files() -> None:
    own = build_examples(clean_suite(), "terse")[0]
    drawn = replace(own, answer="nonsense", source="sampled small", where="drawn")
    foreign = replace(own, answer="other", source="file extra.jsonl", where="extra.jsonl:1")
    judged: list[str] = []

    def accepts(case: Case, answer: str) -> bool:
        judged.append(answer)
        return answer != "nonsense"

    found = lint([drawn, foreign], accepts=accepts)
    assert found["rejected_answer"].rows == (f"{own.case_id} (drawn)",)
    assert found["not_judged"].rows == (f"{own.case_id} (extra.jsonl:1)",)
    assert "other" not in judged


def test_a_label_that_no_row_has_is_named(tmp_path: Path) -> None:
    def change(row: dict[str, object]) -> dict[str, object]:
        spoiled = str(row["id"]).startswith("train") and row["expected"] == "shipping"
        return row | {"expected": "login"} if spoiled else row

    suite = load_suite(write_suite(tmp_path / "s", extra=TUNE, change=change))
    assert "'shipping'" in lint([], suite=suite)["missing_labels"].message
    assert "missing_labels" not in lint([])


def test_a_secret_that_most_rows_answer_is_not_quoted() -> None:
    secret = "ghp_" + "a1B2" * 9
    rows = [file_row(n, ask(f"{q} {n}"), answer=secret) for n, q in enumerate(QUESTIONS * 30, 1)]
    found = lint(rows)
    assert "imbalance" in found
    assert all(secret not in finding.message for finding in found.values())


def test_lengths_are_told_against_the_limit_and_nothing_is_cut_unsaid() -> None:
    rows = clean_rows()
    examples = [*build_examples(clean_suite(), "terse"), *rows]
    sizes = [10 + n for n in range(len(examples))]
    sizes[-1] = 900
    encoded = [
        EncodedExample(e.case_id, (1,) * (size - 2), (2, 2))
        for e, size in zip(examples, sizes, strict=True)
    ]
    refused = lint(rows, encoded=encoded, lengths=Lengths(512))
    assert refused["too_long"].level == "error"
    assert refused["too_long"].rows == (named(12),)
    said = refused["lengths"].message
    assert "half of the examples have at most 30" in said
    assert "95 % at most 49" in said
    assert "the longest example has 900 of 512, 1 has more; nothing truncated" in said
    cut = lint(rows, encoded=encoded, lengths=Lengths(512, truncate_longer=True))
    assert cut["truncated"].rows == (named(12),)
    assert cut["lengths"].message.endswith("cut where longer")


def test_languages_of_short_texts_are_not_told() -> None:
    rows = [*clean_rows(), file_row(13, ask("Merci bien, monsieur"), answer="De rien.")]
    assert "mixed_languages" not in lint(rows)


def test_what_a_missing_library_leaves_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    examples = clean_rows()
    notes = [
        *(f.message for f in lint_personal(examples)),
        *(f.message for f in lint_languages(examples)),
    ]
    assert any("telephone numbers and card and account numbers" in note for note in notes)
    assert any("languages were not told apart" in note for note in notes)
    assert all("tunegate[tune]" in note for note in notes)


def test_what_is_reserved_for_examples_is_nobodys_data() -> None:
    text = (
        "Mail anna@example.com or bob@shop.test, connect to 192.168.0.12, 203.0.113.9 or 8.8.8.8, "
        "with version 12.4.31.2 of build v1.20.3.44, call 212-555-0143, order 4111111111111112 "
        "and 20261122093012, run at 2026-11-22 09:30:12"
    )
    assert "personal_data" not in lint(asking(text))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("e-mail address", "to o.lind+post@mail.nordkai.co.uk, please"),
        ("IP address", "host 81.2.69.142 did it"),
        ("IP address", "host 2a02:26f0:6c00:2a1:0:0:0:10 did it"),
        ("card number", "my card 4539 1488 0343 6467."),
        ("card number", "amex 371449635398431"),
        ("IBAN", "to DE89 3704 0044 0532 0130 00 AND THANKS"),
        ("IBAN", "GB82WEST12345698765432"),
        ("telephone number", "call +46 8 123 456 78 today"),
        ("telephone number", "call (212) 736-5000 today"),
    ],
)
def test_each_kind_of_personal_data_is_named_and_never_shown(kind: str, text: str) -> None:
    if kind not in ("e-mail address", "IP address"):
        pytest.importorskip("phonenumbers" if kind == "telephone number" else "stdnum")
    found = lint(asking(text))["personal_data"]
    assert f"{kind}: 1" in found.message
    assert found.rows == (named(6),)
    assert not any(word in found.message for word in text.split() if any(map(str.isdigit, word)))


SECRETS = {
    "AWS access key id": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "x9Y8" * 9,
    "GitLab token": "glpat-" + "abcd1234" * 3,
    "Slack token": "xoxb-" + "123456789012-abcdefghijkl",
    "Stripe key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "OpenAI key": "sk-proj-" + "a1" * 12 + "T3BlbkFJ" + "b2" * 12,
    "Anthropic key": "sk-ant-" + "api03-" + "Zz09" * 10,
    "Google API key": "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"[:35],
    "Hugging Face token": "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
    "npm token": "npm_" + "a1b2" * 9,
    "SendGrid key": "SG." + "a" * 22 + "." + "b" * 43,
    "private key": "-----BEGIN RSA PRIVATE" + " KEY-----",
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NSJ9" + ".c2lnbmF0dXJlLWhlcmU",
    "password in an address": "postgres://admin:" + "hunter22@db.nordkai.se/x",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_each_kind_of_secret_is_named_and_never_shown(kind: str) -> None:
    secret = SECRETS[kind]
    found = lint(asking(f"Why does {secret} not work?"))["secrets"]
    assert f"{kind}: 1" in found.message
    assert found.rows == (named(6),)
    assert secret[4:12] not in found.message


def test_placeholders_are_no_secrets() -> None:
    text = (
        "Set sk-... or $OPENAI_API_KEY, token ghp_xxx, https://user:${PASSWORD}@host, "
        "postgres://{user}:{password}@host, sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b8"
    )
    assert "secrets" not in lint(asking(text))


def test_a_long_list_of_rows_is_kept_whole_and_five_are_spelled_out() -> None:
    rows = [
        replace(row, answer="", case_id=f"extra.jsonl:{n}", where=f"data/extra.jsonl:{n}")
        for n, row in enumerate(clean_rows(), 1)
    ]
    found = lint(rows)["empty_answer"]
    assert found.rows == tuple(map(named, range(1, 13)))
    assert named(5) in found.message
    assert named(6) not in found.message
    assert found.message.endswith("and 7 more")
