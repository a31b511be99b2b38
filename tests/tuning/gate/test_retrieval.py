"""The rule of missing knowledge: each case's own documents, and what retrieval finds of them."""

from __future__ import annotations

import pytest

from evals.retrieval.recall import Recall
from evals.summaries import Mean
from tests.tuning.gate.test_deciding import arm, judge, search
from tuning.gate.evidence import Arm
from tuning.records import Decision, RuleLine

N = 250


def probe(wins: int, losses: int = 0, errors: tuple[int, ...] = ()) -> Arm:
    """Own documents: so many cases won and lost against a leader with 60 right of 250."""
    values = [0.0] * losses + [1.0] * (60 - losses + wins) + [0.0] * (N - 60 - wins)
    return arm("oracle", values, errors)


def recall(run_id: str, mean: float, pieces: int = 3) -> Recall:
    share = Mean(f"recall@{pieces}", mean, mean - 0.05, min(1.0, mean + 0.05), N)
    return Recall(run_id, f"{run_id} + {pieces} documents", pieces, share, None, None)


def asked(oracle: Arm | None, **options: object) -> Decision:
    options.setdefault("names_documents", True)
    return judge(search(0, 0, N, 60), oracle_context=oracle, **options)


def rule(decision: Decision) -> RuleLine:
    return next(line for line in decision.rules if line.verdict == "use_retrieval")


def test_knowledge_is_missing_where_own_documents_gain_at_least_delta() -> None:
    decision = asked(probe(25))
    assert decision.verdict == "use_retrieval"
    assert "gains +10.0 points" in decision.sentence
    assert "knowledge is missing" in decision.sentence
    assert "Add a retrieval round" in decision.next_steps[0]
    assert decision.oracle is not None
    assert decision.oracle.difference is not None
    assert decision.oracle.difference.estimate == pytest.approx(0.10)
    assert decision.oracle.run_id == "oracle"


def test_one_case_less_than_delta_is_behaviour_and_says_what_is_not_ruled_out() -> None:
    decision = asked(probe(24))
    assert decision.verdict == "fine_tune"
    assert rule(decision).status == "does_not_apply"
    assert "not ruled out" in rule(decision).evidence


def test_a_gain_that_may_be_chance_is_none() -> None:
    # 60 won and 35 lost of 250: 10 points, but two-sided noise of 95 changed answers.
    noisy = asked(probe(85, 60))
    assert noisy.oracle is not None
    assert noisy.oracle.difference is not None
    assert noisy.oracle.difference.estimate == pytest.approx(0.10)
    assert noisy.oracle.difference.low > 0
    assert noisy.verdict == "use_retrieval"
    small = judge(
        search(0, 0, 60, 20),
        min_gain=0.10,
        oracle_context=arm("oracle", [0.0] * 18 + [1.0] * 26 + [0.0] * 16),
        names_documents=True,
    )
    assert small.oracle is not None
    assert small.oracle.difference is not None
    assert small.oracle.difference.estimate == pytest.approx(0.10)
    assert small.oracle.difference.low < 0
    assert small.verdict != "use_retrieval"


@pytest.mark.parametrize("examples", [5, 300])
def test_nothing_is_concluded_of_training_before_the_probe(examples: int) -> None:
    decision = asked(None, clean_examples=examples)
    assert decision.verdict == "prompt_more"
    assert decision.plateau
    assert not decision.open
    assert rule(decision).status == "not_tested"
    assert "not run yet" in rule(decision).evidence
    assert decision.next_steps == (
        "Run `tunegate run`: it runs the leader once with each case's own documents in its prompt, "
        "which tells missing knowledge from missing behaviour.",
    )
    assert decision.dev_look == 1  # its scores have told that there is a plateau


def test_without_documents_it_stays_as_it_was() -> None:
    decision = asked(None, names_documents=False)
    assert decision.verdict == "fine_tune"
    assert "Whether knowledge is missing was not tested" in decision.next_steps[-1]


def test_before_a_plateau_the_probe_decides_nothing() -> None:
    decision = judge(search(60, 10, N, 60), oracle_context=probe(100), names_documents=True)
    assert decision.verdict == "prompt_more"
    assert rule(decision).evidence.startswith("No plateau yet.")


def test_too_many_errors_of_long_documents_claim_nothing() -> None:
    decision = asked(probe(100, errors=tuple(range(20))))
    assert decision.verdict == "fine_tune"
    assert "20 of 250" in rule(decision).evidence
    assert "too long" in rule(decision).evidence


def test_cases_without_documents_are_counted() -> None:
    decision = asked(probe(30), without_documents=12)
    assert "12 of 250 cases name no documents, and were shown none." in decision.sentence
    assert decision.oracle is not None
    assert decision.oracle.without == 12


def test_where_the_leader_retrieves_too_little_the_finding_is_to_be_improved() -> None:
    decision = asked(probe(40), recalls=(recall("anchor", 0.62), recall("n1", 0.9)))
    assert decision.verdict == "use_retrieval"
    assert "retrieval does not give what it could" in decision.sentence
    assert "recall@3 0.62" in decision.sentence
    assert decision.next_steps[0].startswith("Improve retrieval: recall@3 is 0.62")


def test_where_all_is_found_and_not_used_the_step_is_another() -> None:
    decision = asked(probe(40), recalls=(recall("anchor", 1.0),))
    assert decision.next_steps[0].startswith("What is needed is found (recall@3 is 1.00")


def test_where_retrieval_was_tried_and_does_not_lead_the_best_is_named() -> None:
    decision = asked(probe(40), recalls=(recall("n1", 0.4), recall("n2", 0.5, 5)))
    assert "Retrieval was tried and does not lead: 'n2 + 5 documents'" in decision.sentence
    assert decision.next_steps[0].startswith("Improve retrieval: recall@5 is 0.50")


def test_facts_that_change_often_are_said() -> None:
    steps = asked(probe(40), facts_change="often").next_steps
    assert any("an index does not" in step for step in steps)
