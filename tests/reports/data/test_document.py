"""The report as data: valid in every state of a job, with the records' own numbers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from evals.comparison import compare_runs
from evals.records import Finding
from evals.text import encodable
from reports import Disclosure, render_html, render_json, render_runs_json
from reports.disclosure import EVERYTHING
from tests.reports.case_reader import packed_cases
from tests.reports.data.filled import filled_job
from tests.reports.data.reading import read
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.partial_jobs import PARTIAL, gate_only, nothing_run, one_run, small_job
from tests.reports.parts_job import parts_job
from tests.reports.sample_job import sample_job
from tests.reports.test_disclosure import MARK, marked
from tests.reports.test_two_runs import pair
from tuning.records import Interval, JobRecord

QUIET = (Disclosure(), Disclosure(texts=False), Disclosure(texts=False, sealed=True))


def small_parts() -> JobRecord:
    return parts_job(test_cases=30)


@pytest.mark.parametrize("make", [*PARTIAL, small_job, small_parts, filled_job])
@pytest.mark.parametrize("told", [EVERYTHING, *QUIET[:2]])
def test_every_state_of_a_job_is_valid(make: Any, told: Disclosure) -> None:
    document = read(render_json(make(), told))
    assert document["format"] == "tunegate-report@1"
    assert document["told"] == {"texts": told.texts, "sealed": told.texts and told.sealed}


def test_what_was_not_run_is_null_or_empty() -> None:
    document = read(render_json(nothing_run()))
    assert document["verdict"]["code"] == "none"
    assert document["verdict"]["stage"] == "none"
    assert document["before_after"] is None
    assert document["training"] is None
    assert document["why"] == {"gate": None, "rules": [], "after_training": []}
    assert document["prompting"]["candidates"] == document["cases"] == []
    assert read(render_json(one_run()))["prompting"]["candidates"][0]["leader"] is False


def of(interval: Interval, sides: str = "two") -> dict[str, Any]:
    return {
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        "sides": sides,
    }


def test_numbers_are_those_of_the_records() -> None:
    job = small_job()
    document = read(render_json(job))
    ship, decision = job.shipping, job.decision
    assert ship is not None
    assert decision is not None
    first = document["before_after"]["metrics"][0]
    assert first["metric"] == job.primary
    assert ship.compared is not None
    assert first["before"] == of(ship.compared.before)
    assert first["after"] == of(ship.compared.after)
    assert first["difference"] == of(ship.compared.gain, "one")
    assert first["counts"] == {
        "wins": ship.wins, "losses": ship.losses, "ties": ship.ties, "cases": ship.cases
    }  # fmt: skip
    assert document["before_after"]["alpha_low"] == ship.alpha
    assert document["before_after"]["alpha_high"] == 0.05
    candidates = {each["run"]: each for each in document["prompting"]["candidates"]}
    assert len(candidates) == len(decision.trials)
    for trial in decision.trials:
        found = candidates[trial.run_id]
        assert found["score"] == of(trial.score)
        assert found["prompt_tokens"] == trial.prompt_tokens
        gain = trial.versus_anchor
        assert found["difference_to_anchor"] == (of(gain, "one") if gain else None)
        assert found["leader"] == (trial.run_id == decision.leader)
        assert found["anchor"] == (trial.run_id == decision.anchor)
    statuses = [(rule["status"], rule["evidence"]) for rule in document["why"]["rules"]]
    assert statuses == [(rule.status, rule.evidence or None) for rule in decision.rules]
    (guard,) = document["guards"]
    assert guard["difference"] == of(ship.guards[0].difference, "one")
    assert job.training is not None
    assert document["training"]["settings"] == job.training.settings
    assert [p["loss"] for p in document["training"]["curve"]] == [
        p.loss for p in job.training.curve
    ]


@pytest.mark.parametrize("make", [small_job, gate_only])
def test_cases_have_each_sides_own_scores_and_the_pages_statuses(make: Any) -> None:
    job = make()
    told = read(render_json(job, EVERYTHING))["cases"]
    shown = packed_cases(render_html(job, EVERYTHING))["sets"]
    for data, page in zip(told, shown, strict=True):
        assert page["name"] == ("sealed" if data["split"] == "test" else "dev")
        _agree(data, {case["id"]: case for case in page["cases"]}, job)


def _agree(data: Any, page: dict[str, Any], job: JobRecord) -> None:
    assert {case["id"] for case in data["cases"]} == page.keys()
    for side in data["sides"]:
        assert side["label"] == job.runs[side["run"]].candidate.label
    for case in data["cases"]:
        shown = page[case["id"]]
        assert case["status"] == shown["status"]
        for place, side in enumerate(data["sides"]):
            result = next(r for r in job.runs[side["run"]].results if r.case_id == case["id"])
            told = case["results"][place]
            score = None if result.failed else result.scores["correct"].value
            assert told["score"] == score == shown["sides"][place]["value"]
            assert told["error"] == result.failed
            said = result.output.said
            assert told["output"] == (None if said is None else encodable(said))
    assert data["statuses"] == Counter(case["status"] for case in data["cases"])


def test_errors_and_slices_are_counted() -> None:
    job = small_job()
    document = read(render_json(job))
    errors = {each["split"]: each["without_score"] for each in document["verdict"]["errors"]}
    sealed = [job.runs[name] for name in (job.leader_test, job.adapter_test) if name]
    assert errors["test"] == sum(len(run.errors) for run in sealed)
    slices = document["before_after"]["slices"]
    assert [(each["tag"], each["value"]) for each in slices] == [
        ("origin", "generated"), ("origin", "handwritten")
    ]  # fmt: skip
    compared = document["before_after"]["metrics"][0]["counts"]["cases"]
    assert sum(each["counts"]["cases"] for each in slices) == compared


@pytest.mark.parametrize("make", [small_job, filled_job])
def test_sealed_texts_are_told_only_by_choice(make: Any) -> None:
    job = marked(make())
    assert f"{MARK}-test" not in render_json(job)
    assert f"{MARK}-test" in render_json(job, EVERYTHING)
    dev, sealed = read(render_json(job))["cases"]
    assert (dev["texts"], sealed["texts"]) == ("told", "sealed")
    assert all(case["input"] is None for case in sealed["cases"])
    assert [each["role"] for each in dev["sides"]] == ["best_prompt", "adapter"]
    assert {each["texts"] for each in read(render_json(job, EVERYTHING))["cases"]} == {"told"}


@pytest.mark.parametrize("make", [small_job, gate_only, filled_job])
@pytest.mark.parametrize("sealed", [False, True])
def test_redacted_it_holds_no_text_of_any_case_or_output(make: Any, sealed: bool) -> None:
    job = marked(make())
    finding = Finding("error", "duplicate", f"two cases read {MARK}", rows=(MARK,))
    training = job.training and replace(job.training, preview=MARK, findings=(finding,))
    siblings = (training,) if training else ()
    whole = replace(job, checks=(finding,), training=training, siblings=siblings)
    assert MARK in render_json(whole, EVERYTHING)
    text = render_json(whole, Disclosure(texts=False, sealed=sealed))
    assert MARK not in text
    assert {each["texts"] for each in read(text)["cases"]} == {"redacted"}


def test_the_same_records_give_the_same_bytes_in_whatever_order_they_were_kept() -> None:
    job = sample_job(test_cases=24, dev_cases=12, guard_cases=12)
    turned = replace(
        job,
        runs=dict(reversed(job.runs.items())),
        cases=dict(reversed(job.cases.items())),
        environment=dict(reversed(job.environment.items())),
        split_sizes=dict(reversed(job.split_sizes.items())),
    )
    assert render_json(job, EVERYTHING) == render_json(turned, EVERYTHING)


@pytest.mark.parametrize("payload", [*PAYLOADS[::9], *PAYLOADS[27:32]])
def test_hostile_text_stays_text(payload: str) -> None:
    text = render_json(poisoned(payload), EVERYTHING)
    assert all(" " <= one <= "~" or one == "\n" for one in text)
    document = read(text)
    assert document["suite"] == encodable(f"{payload}query_assistant")
    json.dumps(document, ensure_ascii=False).encode("utf-8")


def test_numbers_that_are_not_finite_are_null() -> None:
    job = small_job()
    assert job.decision is not None
    nan = float("nan")
    trials = (replace(job.decision.trials[0], score=Interval(0.5, nan, nan)),)
    broken = replace(job, decision=replace(job.decision, trials=trials))
    (candidate,) = read(render_json(broken))["prompting"]["candidates"]
    assert (candidate["score"]["low"], candidate["score"]["estimate"]) == (None, 0.5)


def test_two_runs_have_the_comparisons_own_numbers() -> None:
    runs, cases = pair(0.4, 0.6, errors=4)
    found = compare_runs(*runs, margin=0.05, min_gain=0.1)
    document = read(render_runs_json(runs, cases, found, EVERYTHING))
    assert document["format"] == "tunegate-comparison@1"
    assert document["difference"]["estimate"] == found.estimate
    assert document["difference"]["low"] == found.low
    assert (document["wins"], document["losses"], document["ties"]) == (
        found.wins, found.losses, found.ties
    )  # fmt: skip
    assert found.margin is not None
    assert document["margin"]["result"] == found.margin.result
    assert document["verdict"]["sentence"] == found.verdict
    (cases_told,) = document["cases"]
    assert [side["role"] for side in cases_told["sides"]] == ["a", "b"]
    assert len(cases_told["cases"]) == 120


def test_of_two_runs_texts_may_be_left_out() -> None:
    runs, cases = pair(count=24)
    question = next(iter(cases.values())).input["question"]
    found = compare_runs(*runs)
    assert question in render_runs_json(runs, cases, found, EVERYTHING)
    text = render_runs_json(runs, cases, found, Disclosure(texts=False))
    assert question not in text
    assert read(text)["cases"][0]["texts"] == "redacted"
