"""What a candidate shows each case, and what makes it another candidate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Approach, Technique
from evals.errors import SuiteError
from evals.models.scripted import ScriptedModel
from evals.prompting import build_requests, changed_since, make_candidate
from evals.retrieval import index
from evals.retrieval.showing import documents_fingerprint, documents_for, shown_ids
from evals.suite import load_suite
from evals.suite.spec import Document, RetrievalSpec, Suite
from tests.facts_suite import write_facts

BM25 = Technique(retrieval="bm25", documents=2)
ORACLE = Technique(retrieval="oracle")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_facts(tmp_path / "facts"))


def test_as_many_pieces_are_shown_as_are_asked_for(suite: Suite) -> None:
    cases = suite.split("dev")
    shown = documents_for(suite, BM25, cases)
    assert all(len(pieces) == 2 for pieces in shown)
    assert all(pieces[0].id == case.documents[0] for case, pieces in zip(cases, shown, strict=True))


def test_the_oracle_shows_whole_documents_of_the_case_in_its_order(suite: Suite) -> None:
    case = replace(suite.split("dev")[0], documents=("p0003", "p0001"))
    (shown,) = documents_for(suite, ORACLE, [case])
    known = {document.id: document for document in suite.documents}
    assert shown == (known["p0003"], known["p0001"])
    assert documents_for(suite, ORACLE, [replace(case, documents=())]) == [()]


def test_a_document_of_which_two_pieces_are_shown_counts_once(suite: Suite) -> None:
    text = " ".join("kettle costs much." for _ in range(40))
    long = replace(suite, documents=(Document("a", text),), retrieval=RetrievalSpec(30, 5))
    case = replace(suite.split("dev")[0], input={"text": "kettle"})
    assert len(documents_for(long, BM25, [case])[0]) == 2
    assert shown_ids(long, BM25, [case]) == [("a",)]


def test_documents_asked_for_where_there_are_none_are_an_error(suite: Suite) -> None:
    with pytest.raises(SuiteError, match="the suite has none"):
        documents_for(replace(suite, documents=()), BM25, suite.split("dev"))


def test_identity_covers_documents_cutting_and_the_library(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = suite.documents[0]
    changed = replace(suite, documents=(replace(first, text="other"), *suite.documents[1:]))
    cut = replace(suite, retrieval=RetrievalSpec(50, 0))
    prints = {documents_fingerprint(each, BM25) for each in (suite, changed, cut)}
    oracles = {documents_fingerprint(each, ORACLE) for each in (suite, changed, cut)}
    assert (len(prints), len(oracles)) == (3, 2)  # whole documents are not cut
    assert documents_fingerprint(suite, Technique()) == ""
    monkeypatch.setattr(index.metadata, "version", lambda _name: "99")
    other = replace(suite, retrieval=RetrievalSpec(161, 40))  # not what is remembered
    assert documents_fingerprint(other, BM25) != documents_fingerprint(suite, BM25)


def test_a_changed_document_changes_the_candidate_and_only_where_it_is_shown(suite: Suite) -> None:
    model = ScriptedModel({})
    plain = make_candidate(suite, model, "terse")
    retrieving = make_candidate(suite, model, "terse", Approach(technique=BM25))
    text = replace(suite.documents[0], text="other")
    changed = replace(suite, documents=(text, *suite.documents[1:]))
    assert changed_since(changed, retrieving) == ("documents",)
    assert changed_since(changed, plain) == changed_since(suite, retrieving) == ()


def test_the_same_suite_asks_the_same(suite: Suite) -> None:
    candidate = make_candidate(suite, ScriptedModel({}), "terse", Approach(technique=BM25))
    index.open_index.cache_clear()
    first = list(build_requests(suite, candidate, suite.split("dev")))
    index.open_index.cache_clear()
    assert list(build_requests(suite, candidate, suite.split("dev"))) == first
