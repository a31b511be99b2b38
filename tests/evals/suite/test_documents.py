"""A suite's documents: a folder of texts or a file of lines, bounded and inside the suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.errors import SuiteError
from evals.suite import check_suite, load_suite
from evals.suite import documents as documents_module
from evals.suite.spec import RetrievalSpec
from tests.evals.suite.small_suite import MakeSuite, rows

FOLDER = "documents: documents/\n"
LINES = "documents: pages.jsonl\n"


def refusal(root: Path) -> SuiteError:
    with pytest.raises(SuiteError) as caught:
        load_suite(root)
    return caught.value


def lines(*values: dict[str, object]) -> dict[str, str]:
    return {"pages.jsonl": "".join(json.dumps(value) + "\n" for value in values)}


def test_a_folder_gives_one_document_a_file_in_the_order_of_their_names(
    make_suite: MakeSuite,
) -> None:
    files = {
        "documents/refunds.md": "\n# Refunds #\n\nMoney comes back in a week.\n",
        "documents/billing.txt": "# no heading in plain text\n",
        "documents/z.md": "Later:\n\n## Second\n\nText.",
        "documents/.hidden": "not read",
    }
    suite = load_suite(make_suite(extra=FOLDER, files=files))
    assert [(each.id, each.title, each.text) for each in suite.documents] == [
        ("billing", "", "# no heading in plain text"),
        ("refunds", "Refunds", "Money comes back in a week."),
        ("z", "Second", "Later:\n\n## Second\n\nText."),
    ]


def test_a_file_of_lines_keeps_its_order_and_states_titles_itself(make_suite: MakeSuite) -> None:
    files = lines({"id": "b", "text": "# kept"}, {"id": "a", "title": "A", "text": "x"})
    suite = load_suite(make_suite(extra=LINES, files=files))
    assert [(d.id, d.title, d.text) for d in suite.documents] == [
        ("b", "", "# kept"),
        ("a", "A", "x"),
    ]


@pytest.mark.parametrize(
    ("values", "key", "said"),
    [
        (
            [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}],
            "id",
            "'a' appears twice, first on line 1",
        ),
        ([{"id": "a", "text": " "}], "text", "expected text"),
        ([{"id": "a"}], None, "'text' is missing"),
        ([{"id": "a", "text": "x", "titel": "T"}], "titel", "unknown key 'titel'"),
        ([{"id": "a\nb", "text": "x"}], "id", "control character"),
        ([{"id": "a", "text": "x", "title": "two\nlines"}], "title", "a title of one line"),
    ],
)
def test_a_line_that_is_no_document_is_named(
    make_suite: MakeSuite, values: list[dict[str, object]], key: str | None, said: str
) -> None:
    error = refusal(make_suite(extra=LINES, files=lines(*values)))
    assert said in error.message
    assert (error.key, error.line) == (key, len(values))
    assert str(error.path).endswith("pages.jsonl")


def test_the_same_stem_twice_is_refused(make_suite: MakeSuite) -> None:
    files = {"documents/faq.md": "a", "documents/faq.txt": "b"}
    error = refusal(make_suite(extra=FOLDER, files=files))
    assert "'faq' is there twice, first as faq.md" in error.message
    assert str(error.path).endswith("faq.txt")


@pytest.mark.parametrize("name", ["documents/page.pdf", "documents/more/page.md"])
def test_what_is_no_text_file_is_refused_and_not_left_out(make_suite: MakeSuite, name: str) -> None:
    error = refusal(make_suite(extra=FOLDER, files={"documents/a.md": "a", name: "b"}))
    assert "expected a text file that ends in .md or .txt" in error.message


def test_bad_utf_8_is_named_with_its_line(make_suite: MakeSuite) -> None:
    root = make_suite(extra=FOLDER, files={"documents/a.md": "a"})
    (root / "documents" / "b.txt").write_bytes(b"fine\n\xff\xfe")
    error = refusal(root)
    assert "not valid UTF-8: byte 0xff" in error.message
    assert (str(error.path).endswith("b.txt"), error.line) == (True, 2)


def test_links_out_of_the_suite_are_refused(make_suite: MakeSuite, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key.txt").write_text("secret")
    root = make_suite(extra=FOLDER, files={"documents/a.md": "a"})
    (root / "documents" / "b.txt").symlink_to(tmp_path / "secret" / "key.txt")
    assert "link that leads out of the suite" in refusal(root).message
    (root / "documents" / "b.txt").unlink()
    (root / "documents" / "a.md").unlink()
    (root / "documents").rmdir()
    (root / "documents").symlink_to(tmp_path / "secret")
    error = refusal(root)
    assert "is a link that leads out of the suite" in error.message
    assert error.key == "documents"


@pytest.mark.parametrize("named", ["../documents", "/etc", "elsewhere/", "cases.jsonl/"])
def test_a_folder_that_is_not_there_or_not_inside_is_refused(
    make_suite: MakeSuite, named: str
) -> None:
    assert refusal(make_suite(extra=f"documents: {named}\n")).key == "documents"


def test_an_empty_folder_is_refused(make_suite: MakeSuite) -> None:
    root = make_suite(extra=FOLDER)
    (root / "documents").mkdir()
    assert "holds no documents" in refusal(root).message


@pytest.mark.parametrize(("name", "most"), [("MAX_DOCUMENTS", 1), ("MAX_BYTES", 3)])
def test_documents_are_bounded(
    make_suite: MakeSuite, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    root = make_suite(extra=FOLDER, files={"documents/a.md": "aa", "documents/b.md": "bb"})
    monkeypatch.setattr(documents_module, name, most)
    assert "more than" in refusal(root).message


def test_a_case_that_names_an_unknown_document_is_refused_with_the_closest(
    make_suite: MakeSuite,
) -> None:
    cases = rows()
    cases[4]["documents"] = ["refund"]
    root = make_suite(extra=FOLDER, cases=cases, files={"documents/refunds.md": "a"})
    error = refusal(root)
    assert "case 't4' names the document 'refund'" in error.message
    assert (error.line, error.key, error.hint) == (5, "documents", "did you mean 'refunds'?")


def test_documents_of_cases_are_used_only_where_the_suite_has_documents(
    make_suite: MakeSuite,
) -> None:
    cases = rows()
    cases[4]["documents"] = ["refunds"]
    root = make_suite(cases=cases, files={"documents/refunds.md": "a"})
    assert load_suite(root).not_used_yet == ("documents (of cases)",)
    (root / "suite.yaml").write_text((root / "suite.yaml").read_text() + FOLDER)
    suite = load_suite(root)
    assert suite.not_used_yet == ()
    assert suite.names_documents
    assert check_suite(suite).passed


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("", RetrievalSpec()),
        ("retrieval: {chunk_words: 60}\n", RetrievalSpec(60, 15)),
        ("retrieval: {chunk_words: 60, overlap_words: 0}\n", RetrievalSpec(60, 0)),
    ],
)
def test_how_documents_are_cut_can_be_stated(
    make_suite: MakeSuite, stated: str, expected: RetrievalSpec
) -> None:
    root = make_suite(extra=FOLDER + stated, files={"documents/a.md": "a"})
    assert load_suite(root).retrieval == expected


@pytest.mark.parametrize(
    "stated",
    [
        "retrieval: {chunk_words: 5}\n",
        "retrieval: {chunk_words: 40, overlap_words: 21}\n",
        "retrieval: {words: 40}\n",
    ],
)
def test_sizes_that_make_no_sense_are_refused(make_suite: MakeSuite, stated: str) -> None:
    error = refusal(make_suite(extra=FOLDER + stated, files={"documents/a.md": "a"}))
    assert error.key is not None
    assert error.key.startswith("retrieval")


def test_retrieval_without_documents_is_refused(make_suite: MakeSuite) -> None:
    assert refusal(make_suite(extra="retrieval: {chunk_words: 60}\n")).key == "retrieval"


def test_a_changed_document_makes_another_suite_and_not_another_scoring(
    make_suite: MakeSuite,
) -> None:
    root = make_suite(extra=FOLDER, files={"documents/a.md": "a"})
    before = load_suite(root)
    (root / "documents" / "a.md").write_text("b")
    after = load_suite(root)
    assert after.fingerprint != before.fingerprint
    assert after.scoring_fingerprint == before.scoring_fingerprint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (r'"a\0b"', "not a path of a file"),
        (r'"\ud800"', "lone surrogate"),
        ("a" * 100_000, "not a path of a file"),
        ("loop", "leads back to itself"),
        ("folder", "leads back to itself"),
    ],
)
def test_a_path_that_no_file_can_have_is_one_clear_error(
    make_suite: MakeSuite, name: str, said: str
) -> None:
    root = make_suite(extra=f"documents: {name}\n", files={"folder/a.txt": "text"})
    (root / "loop").symlink_to("loop")
    (root / "folder" / "b.txt").symlink_to("b.txt")
    error = refusal(root)
    assert said in error.message
    assert (Path(error.path), error.key, bool(error.line)) == (
        root / "suite.yaml",
        "documents",
        True,
    )
