"""What may not be told is nowhere in the file: not in a table, not in the packed cases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evals.failures.records import Topic, Topics
from evals.records import Case, Finding, Message, Output, Part, Request, Score
from reports import Disclosure, render_html, render_markdown
from reports.disclosure import EVERYTHING
from tests.reports.case_reader import case_set, packed_cases
from tests.reports.partial_jobs import gate_only, small_job
from tests.reports.test_analysed import job as analysed_job
from tuning.records import JobRecord

MARK = "zyzzyva"


def marked(job: JobRecord) -> JobRecord:
    """The job with a word in every text of its cases and outputs, another for each split."""
    cases = {key: _case(case) for key, case in job.cases.items()}
    splits = {key: case.split for key, case in job.cases.items()}
    runs = {
        name: replace(
            run,
            results=tuple(
                replace(
                    result,
                    output=_output(result.output, f"{MARK}-{splits[result.case_fingerprint]}"),
                    scores={n: _score(s, run.split) for n, s in result.scores.items()},
                    error=result.error and f"{MARK}-{run.split}",
                )
                for result in run.results
            ),
        )
        for name, run in job.runs.items()
    }
    return replace(job, cases=cases, runs=runs)


def _case(case: Case) -> Case:
    word = f"{MARK}-{case.split}"
    return replace(case, input={"question": word}, expected={"a": word}, answer=word)


def _output(output: Output, word: str) -> Output:
    if output.error:
        return replace(output, error=word)
    return replace(output, text=word, full=f"Hm. {word}", ballots=(word, "other"))


def _score(score: Score, split: str) -> Score:
    part = Part("label", "label", score.value, f"{MARK}-{split}", "other")
    return replace(score, reason=f"{MARK}-{split}", parts=(part,))


def told(job: JobRecord, disclosure: Disclosure) -> str:
    page = render_html(job, disclosure)
    return page + str(packed_cases(page)) + render_markdown(job, disclosure)


def test_sealed_texts_are_told_only_by_choice() -> None:
    job = marked(small_job())
    quiet = told(job, Disclosure())
    assert f"{MARK}-test" not in quiet
    assert f"{MARK}-dev" in quiet, "labels of dev stay, also where sealed cases have them"
    assert "Sealed cases stay sealed" in quiet
    assert "does not show its outputs" in quiet
    assert f"{MARK}-test" in told(job, EVERYTHING)
    assert "shows its outputs, so it counts as opened" in told(job, EVERYTHING)


def test_without_a_sealed_run_the_cases_of_dev_are_told() -> None:
    page = told(marked(gate_only()), Disclosure())
    assert f"{MARK}-dev" in page
    assert "stay sealed" not in page


@pytest.mark.parametrize("make", [small_job, gate_only])
def test_redacted_it_holds_no_text_of_any_case_or_output(make: Any) -> None:
    job = marked(make())
    finding = Finding("error", "duplicate", f"two cases read {MARK}", rows=(MARK,))
    training = job.training and replace(job.training, preview=MARK, findings=(finding,))
    whole = replace(job, checks=(finding,), training=training)
    assert MARK in told(whole, EVERYTHING)
    page = told(whole, Disclosure(texts=False, sealed=True))
    assert MARK not in page
    assert "This report leaves out texts of cases and outputs." in page


def test_what_was_found_may_quote_sealed_cases_and_is_not_told() -> None:
    found = Finding("error", "contradiction", f"two cases expect {MARK}", rows=(MARK,))
    counted = Finding("warning", "few_dev_cases", "12 dev cases are few")
    job = small_job()
    decision = job.decision
    assert decision is not None
    faulty = replace(decision.rules[0], status="applies", evidence=f"Fix: {MARK}")
    faulty_job = replace(
        job,
        checks=(found, counted),
        decision=replace(decision, sentence=MARK, rules=(faulty, *decision.rules[1:])),
    )
    assert MARK in told(faulty_job, EVERYTHING)
    for disclosure in (Disclosure(), Disclosure(texts=False)):
        page = told(faulty_job, disclosure)
        assert MARK not in page
        assert "contradiction: what it says may quote cases" in page
        assert "12 dev cases are few" in page


def test_statuses_scores_and_ids_stay() -> None:
    for disclosure in (Disclosure(), Disclosure(texts=False)):
        shut = packed_cases(render_html(marked(small_job()), disclosure))
        whole = packed_cases(render_html(marked(small_job()), EVERYTHING))
        sealed = case_set(shut, "sealed"), case_set(whole, "sealed")
        for one, other in zip(*(each["cases"] for each in sealed), strict=True):
            assert (one["id"], one["status"], one["tags"]) == (
                (other["id"], other["status"], other["tags"])
            )
            assert [side["value"] for side in one["sides"]] == (
                [side["value"] for side in other["sides"]]
            )
            assert one["fields"] == []
            assert one["gist"] == ""


def test_topics_are_words_of_inputs_and_left_out_with_them() -> None:
    job = analysed_job()
    share, contrast = job.failures[-1].kinds[0].share, job.failures[-1].slices[0].contrast
    whole = replace(
        job,
        failures=tuple(
            replace(found, topics=Topics((Topic((word,), 4, 3, share, {}, contrast, ()),), 8))
            for found, word in zip(job.failures, ("lead", "ofdev", "ofleader", MARK), strict=True)
        ),
    )
    assert MARK in render_html(whole, EVERYTHING)
    assert MARK not in render_html(whole)
    assert "ofdev" in render_html(whole)
    redacted = render_html(whole, Disclosure(texts=False))
    assert MARK not in redacted
    assert "ofdev" not in redacted
    assert "texts are left out" in redacted


def test_what_was_asked_is_shown_beside_the_output_and_left_out_with_it() -> None:
    job = small_job()
    assert job.leader_test is not None
    run = job.runs[job.leader_test]
    case_id = run.results[0].case_id
    asked = {run.id: {case_id: Request((Message("user", f"{MARK} asks"),))}}
    shown = packed_cases(render_html(job, Disclosure(sealed=True, asked=asked)))
    cases = case_set(shown, "sealed")["cases"]
    (side,) = [one["sides"][0] for one in cases if one["id"] == case_id]
    ((role, place, rest),) = side["asked"]
    assert (role, shown["texts"][place], rest) == ("user", f"{MARK} asks", "")
    assert MARK not in str(packed_cases(render_html(job, Disclosure(asked=asked))))
