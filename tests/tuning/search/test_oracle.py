"""The probe with each case's own documents: what it is, when it is due, which one counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.approach import Approach, Technique
from evals.ledger import Ledger
from evals.models.scripted import Rule, ScriptedModel
from evals.prompting import make_candidate
from evals.records import Candidate, Run
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import load_suite
from evals.suite.spec import Suite
from tests.facts_suite import knowing_rules, write_facts
from tuning.gate.tried import find_search
from tuning.search.oracle import find_oracle, oracle_candidate

BM25 = Technique(retrieval="bm25", documents=3, reasoning=True, max_tokens=64)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_facts(tmp_path / "facts"))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def model() -> ScriptedModel:
    return ScriptedModel(tuple(Rule(**rule) for rule in knowing_rules()), default="?")  # type: ignore[arg-type]


def run(suite: Suite, ledger: Ledger, candidate: Candidate) -> Run:
    with build_scorers(suite) as scorers:
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return Runner(model(), scorers, ledger, now=lambda: now).run(suite, candidate, "dev")


def test_the_probe_is_the_leader_in_all_but_its_documents(suite: Suite) -> None:
    leader = make_candidate(suite, model(), "terse", Approach("nearest", 2, technique=BM25))
    probe = oracle_candidate(suite, leader)
    assert probe.technique == replace(BM25, retrieval="oracle", documents=0)
    same = replace(
        probe, technique=leader.technique, documents_fingerprint=leader.documents_fingerprint
    )
    assert same == leader
    assert probe.fingerprint != leader.fingerprint


def test_the_probe_of_this_leader_is_found_and_no_other(suite: Suite, ledger: Ledger) -> None:
    terse, polite = (
        run(suite, ledger, make_candidate(suite, model(), p)) for p in ("terse", "polite")
    )
    assert find_oracle(suite, ledger, terse) is None
    probe = run(suite, ledger, oracle_candidate(suite, terse.candidate))
    assert find_oracle(suite, ledger, terse) == probe
    assert find_oracle(suite, ledger, polite) is None
    assert set(probe.values().values()) == {1.0}


def test_a_changed_document_makes_the_probe_due_again(suite: Suite, ledger: Ledger) -> None:
    leader = run(suite, ledger, make_candidate(suite, model(), "terse"))
    run(suite, ledger, oracle_candidate(suite, leader.candidate))
    other = replace(suite.documents[0], text="It is free.")
    changed = replace(suite, documents=(other, *suite.documents[1:]))
    assert find_oracle(changed, ledger, leader) is None
    assert find_oracle(suite, ledger, replace(leader, scoring_fingerprint="other")) is None


def test_the_search_never_counts_it(suite: Suite, ledger: Ledger) -> None:
    leader = run(suite, ledger, make_candidate(suite, model(), "terse"))
    run(suite, ledger, oracle_candidate(suite, leader.candidate))
    found = find_search(suite, ledger, "scripted")
    assert [tried.run.id for tried in found.tried] == [leader.id]
    assert found.left_out.older_suite == found.left_out.other_weights == 0
