"""Pairs of drawn answers: one that passes against one that fails, of train cases alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import PLAIN
from evals.ledger import Ledger
from evals.models.scripted import open_scripted
from evals.records import Candidate, Case, CaseResult, Message, Output, Run, Score
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.scenes import write_model
from tuning.data.drawn_pairs import (
    Asked,
    DrawPlan,
    build_pairs,
    draw_pairs,
    drawn_cases,
    draws_fingerprint,
)
from tuning.data.pair_lint import lint_pairs

CASE = Case("c", {"text": "q"}, "yes", "yes", "train")
MESSAGES = {"c": (Message("user", "q"),)}


def answer(
    text: str, value: float, *, finish: str = "stop", error: str | None = None
) -> CaseResult:
    output = Output(None if error else text, finish, error=error)
    scores = {} if error else {"acc": Score(value)}
    return CaseResult("c", CASE.fingerprint, "p", output, scores)


def pairs_of(*results: CaseResult, most: int = 2) -> list[tuple[str, str]]:
    pairs = build_pairs(
        [CASE], {"c": results}, "acc", MESSAGES, pairs_of_a_case=most, source="drawn m"
    )
    assert {pair.by for pair in pairs} <= {"rule"}
    return [(pair.chosen, pair.rejected) for pair in pairs]


def test_the_greedy_failure_comes_first_then_the_commonest() -> None:
    draws = [answer(t, 0.0) for t in ("no", "never", "never", "maybe")]
    assert pairs_of(*draws, answer("yes!", 1.0)) == [("yes!", "no"), ("yes!", "never")]
    assert pairs_of(*draws, answer("yes!", 1.0), most=1) == [("yes!", "no")]


def test_where_nothing_passed_the_cases_own_answer_is_chosen_and_the_source_says_so() -> None:
    assert pairs_of(answer("no", 0.0)) == [("yes", "no")]
    (pair,) = build_pairs(
        [CASE], {"c": [answer("no", 0.0)]}, "acc", MESSAGES, pairs_of_a_case=1, source="drawn m"
    )
    assert pair.source == "drawn m; chosen: suite"


@pytest.mark.parametrize(
    "result",
    [
        answer("no and no and", 0.0, finish="length"),
        answer("", 0.0),
        answer("no\u200b", 0.0),
        answer("", 0.0, error="timeout"),
        answer(" YES ", 0.0),  # the chosen answer in another spelling
    ],
)
def test_what_cannot_be_learnt_from_gives_no_pair(result: CaseResult) -> None:
    assert pairs_of(result) == []


def test_where_all_answers_pass_or_none_was_given_there_is_no_pair() -> None:
    assert pairs_of(answer("yes", 1.0), answer("yes.", 1.0)) == []
    assert pairs_of() == []


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_suite(tmp_path / "s", extra="tune: {prompt: terse}\n"))


def asked(suite: Suite, times: int = 3) -> Asked:
    among = frozenset(case.id for case in suite.split("train"))
    return Asked("terse", PLAIN, DrawPlan(times, 0.9, 2, 0), among)


def test_answers_are_drawn_through_the_runner_of_train_alone_and_never_twice(
    tmp_path: Path, suite: Suite
) -> None:
    wrong = [{"contains": t, "reply": n} for n, t in TOPICS.items() if n != "login"]
    write_model(tmp_path / "m.json", [*wrong, {"contains": TOPICS["login"], "reply": "billing"}])
    seen: list[tuple[float, int, set[str]]] = []

    def drawn() -> tuple[object, int]:
        model = open_scripted(tmp_path / "m.json", "scripted:m")
        with build_scorers(suite) as scorers:
            runner = Runner(model, scorers, Ledger(tmp_path / "ledger"))

            def draw(candidate: Candidate, cases: Sequence[Case]) -> Run:
                decoding = candidate.decoding
                seen.append((decoding.temperature, decoding.seed, {c.split for c in cases}))
                return runner.run(suite, candidate, "train", cases=cases, keep=False)

            return draw_pairs(suite, model, asked(suite), draw), model.calls

    first, calls = drawn()
    assert seen == [(0.0, 0, {"train"}), (0.9, 1, {"train"}), (0.9, 2, {"train"})]
    assert calls > 0
    assert (first.answers, first.passed) == (90, 60)  # type: ignore[attr-defined]
    pairs = first.pairs  # type: ignore[attr-defined]
    assert len(pairs) == 10
    assert {(pair.chosen, pair.rejected) for pair in pairs} == {("login", "billing")}
    assert {pair.case_id.split("-")[0] for pair in pairs} == {"train"}
    assert lint_pairs(suite, "terse", pairs) == ()
    again, calls = drawn()
    assert (again, calls) == (first, 0)


def test_train_cases_that_read_like_dev_and_those_not_trained_on_are_not_asked(
    suite: Suite,
) -> None:
    everyone = {case.id for case in suite.cases}
    leaking = replace(suite.split("dev")[0], id="train-leak", split="train")
    more = replace(suite, cases=(*suite.cases, leaking))
    assert "train-leak" not in {case.id for case in drawn_cases(more, everyone | {"train-leak"})}
    assert [case.id for case in drawn_cases(suite, {"train-0004", "dev-0004"})] == ["train-0004"]


def test_whatever_decides_the_pairs_is_in_their_identity(suite: Suite) -> None:
    one = asked(suite)
    changed = [
        one,
        one._replace(prompt="spec"),
        one._replace(plan=replace(one.plan, times=4)),
        one._replace(plan=replace(one.plan, seed=1)),
        one._replace(among=frozenset(["train-0001"])),
    ]
    assert len({draws_fingerprint(suite, each) for each in changed}) == len(changed)
    other = replace(suite, decoding=replace(suite.decoding, max_tokens=3))
    assert draws_fingerprint(other, one) != draws_fingerprint(suite, one)
