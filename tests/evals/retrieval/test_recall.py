"""Recall of a run, recomputed from what is stored, apart from how good its answers are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Approach, Technique
from evals.ledger import Ledger
from evals.models.scripted import Rule, ScriptedModel
from evals.prompting import make_candidate
from evals.records import Case, Run
from evals.rescoring import find_sources, rescore
from evals.retrieval.recall import recall_of
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import load_suite
from evals.suite.spec import Suite
from tests.facts_suite import knowing_rules, write_facts

BM25 = Technique(retrieval="bm25", documents=1)


def made(folder: Path, technique: Technique = BM25, vague: int = 4) -> tuple[Suite, Ledger, Run]:
    from datetime import UTC, datetime

    suite = load_suite(write_facts(folder / "facts", vague=vague))
    rules = tuple(Rule(**rule) for rule in knowing_rules())  # type: ignore[arg-type]
    model = ScriptedModel(rules, default="no idea")
    ledger = Ledger(folder / "ledger")
    with build_scorers(suite) as scorers:
        runner = Runner(model, scorers, ledger, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        candidate = make_candidate(suite, model, "terse", Approach(technique=technique))
        run = runner.run(suite, candidate, "dev")
    return suite, ledger, run


def stored_cases(ledger: Ledger, run: Run) -> dict[str, Case]:
    return dict(ledger.cases([result.case_fingerprint for result in run.results]))


def test_what_was_shown_is_stored_with_the_run(tmp_path: Path) -> None:
    _, ledger, run = made(tmp_path)
    again = ledger.run(run.id)
    assert again == run
    assert again.results[1].documents == ("p0021",)


def test_recall_is_told_apart_from_quality(tmp_path: Path) -> None:
    # Every fourth question names no product: its document is found by chance at best.
    _, ledger, run = made(tmp_path)
    found = recall_of(ledger.run(run.id), stored_cases(ledger, run))
    assert found is not None
    right = [r.documents[:1] == (f"p{20 + n:04d}",) for n, r in enumerate(run.results)]
    assert 45 <= sum(right) < 60
    assert found.recall.mean == pytest.approx(sum(right) / 60)
    assert (found.recall.name, found.recall.n, found.without) == ("recall@1", 60, 0)
    assert found.recall.low is not None
    assert found.recall.low < found.recall.mean
    assert found.found is not None
    assert found.missed is not None
    assert (found.found.mean, found.found.n) == (1.0, sum(right))
    assert (found.missed.mean, found.missed.n) == (0.0, 60 - sum(right))
    assert "recall@1" in found.sentence


def test_a_case_with_two_documents_is_found_in_part(tmp_path: Path) -> None:
    suite, _, run = made(tmp_path, vague=0)
    cases = {
        case.id: replace(case, documents=(*case.documents, "p0000")) for case in suite.split("dev")
    }
    found = recall_of(run, cases)
    assert found is not None
    assert found.recall.mean == 0.5
    assert found.found is None  # nothing is whole
    assert found.missed is not None
    assert found.missed.mean == 1.0


def test_cases_without_documents_are_counted_and_left_out(tmp_path: Path) -> None:
    suite, _, run = made(tmp_path, vague=0)
    dev = suite.split("dev")
    cases = {case.id: replace(case, documents=()) for case in dev[:20]}
    cases |= {case.id: case for case in dev[20:]}
    found = recall_of(run, cases)
    assert found is not None
    assert (found.recall.n, found.without) == (40, 20)
    assert recall_of(run, {}) is None


@pytest.mark.parametrize("technique", [Technique(), Technique(retrieval="oracle")])
def test_what_does_not_search_has_no_recall(tmp_path: Path, technique: Technique) -> None:
    suite, _, run = made(tmp_path, technique)
    assert recall_of(run, {case.id: case for case in suite.cases}) is None


def test_scores_made_anew_keep_what_was_shown(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    suite, ledger, run = made(tmp_path)
    (source,) = find_sources(suite, ledger, "dev").candidates[0]
    with build_scorers(suite) as scorers:
        anew = rescore(suite, source, scorers, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    assert [r.documents for r in anew.results] == [r.documents for r in run.results]
