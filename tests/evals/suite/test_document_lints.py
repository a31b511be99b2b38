"""What `check` says of documents before any model runs."""

from __future__ import annotations

from evals.records import Finding
from evals.suite import check_suite, load_suite
from tests.evals.suite.small_suite import PROMPT, TEXTS, MakeSuite, rows

FOLDER = "documents: documents/\n"
ROUND = "rounds:\n  - {family: retrieval, prompts: [terse, spec], documents: [1, 3]}\n"


def found(make_suite: MakeSuite, code: str, **options: object) -> list[Finding]:
    report = check_suite(load_suite(make_suite(**options)))
    return [finding for finding in report.findings if finding.code == code]


def named(document: str = "a") -> list[dict[str, object]]:
    return [row | {"documents": [document]} for row in rows()]


def test_a_retrieval_round_without_documents_is_an_error_at_its_line(make_suite: MakeSuite) -> None:
    (finding,) = found(make_suite, "no_documents", extra=ROUND)
    assert finding.level == "error"
    assert finding.where.endswith("suite.yaml:13")


def test_documents_that_no_case_names_are_noted(make_suite: MakeSuite) -> None:
    files = {"documents/a.md": "x"}
    (finding,) = found(make_suite, "documents_not_named", extra=FOLDER, files=files)
    assert finding.level == "note"


def test_a_short_question_in_a_document_may_be_chance(make_suite: MakeSuite) -> None:
    cases = named()
    cases[5]["input"] = {"text": "code was refused"}
    files = {"documents/a.md": "Code was refused: ask login."}
    assert not found(make_suite, "documents_hold_cases", extra=FOLDER, cases=cases, files=files)


def test_a_document_with_a_held_out_question_and_its_answer_is_a_warning(
    make_suite: MakeSuite,
) -> None:
    question = TEXTS[6]  # "invoice for last year please", of dev, expects billing
    files = {
        "documents/a.md": f"Q: {question.upper()}!\n\nA: ask Billing.\n",
        "documents/b.md": f"{question}, and nothing of the answer",
        "documents/c.md": "billing invoice for last week please",
    }
    (finding,) = found(make_suite, "documents_hold_cases", extra=FOLDER, cases=named(), files=files)
    assert finding.level == "warning"
    assert "document 'a' holds the question and the answer of 1 held-out cases" in finding.message
    assert "'t6'" in finding.message


def test_a_train_case_in_a_document_is_no_fault(make_suite: MakeSuite) -> None:
    files = {"documents/a.md": f"{TEXTS[0]}? billing"}
    assert not found(make_suite, "documents_hold_cases", extra=FOLDER, cases=named(), files=files)


def test_what_may_not_fit_a_context_is_warned_of(make_suite: MakeSuite) -> None:
    long = " ".join(f"word{n}" for n in range(4_000))
    options = {
        "extra": FOLDER + "retrieval: {chunk_words: 2000}\n" + ROUND,
        "cases": named(),
        "files": {"documents/a.md": long},
    }
    (shown,) = found(make_suite, "long_documents", **options)
    assert "a round shows 3 pieces" in shown.message
    assert shown.level == "warning"


def test_a_case_whose_own_documents_are_too_long_is_warned_of(make_suite: MakeSuite) -> None:
    long = " ".join(f"word{n}" for n in range(4_000))
    (own,) = found(
        make_suite,
        "long_own_documents",
        extra=FOLDER + ROUND,
        cases=named(),
        files={"documents/a.md": long},
    )
    assert "own documents of 3 dev cases" in own.message


def test_a_template_that_places_documents_is_tried_with_some(make_suite: MakeSuite) -> None:
    placing = "{% for one in documents %}{{ one.txt }}{% endfor %}{{ input.text }}"
    prompt = PROMPT.replace("{{ input.text }}", placing)
    root = make_suite(extra=FOLDER, files={"documents/a.md": "x"})
    (root / "prompts" / "spec.j2").write_text(prompt)
    errors = [f for f in check_suite(load_suite(root)).findings if f.code == "template"]
    assert len(errors) == 1
    assert "txt" in errors[0].message
