"""Verdicts as the regression gate gives them: a failure, a review, a doubt, and passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from evals.comparison import Comparison, compare_scores
from evals.records import Finding
from evals.regression.records import (
    Baseline,
    CaseChange,
    Check,
    CheckResult,
    DefinitionChange,
    DetectableLoss,
    GateDefinition,
    Recipe,
    SuiteVerdict,
)

MARGIN = 0.05
RECIPE = Recipe(model="smollm2-135m", prompt="spec", few_shot=4)
SENTENCES: dict[CheckResult, str] = {
    "pass": "label_accuracy lost at most 3.1 points, and 5.0 are tolerated",
    "fail": "label_accuracy lost 12.0 points (at least 8.6), and 5.0 are tolerated",
    "inconclusive": "label_accuracy may have lost up to 7.9 points, and 5.0 are tolerated",
}


def comparison(cases: int, lost: int, gained: int) -> Comparison:
    """A real comparison in which `lost` cases went wrong and `gained` came right."""
    before = {f"t-{n:03}": float(n >= gained) for n in range(cases)}
    after = {f"t-{n:03}": float(n < cases - lost) for n in range(cases)}
    return compare_scores(before, after, margin=MARGIN)


def baseline_check(result: CheckResult, pair: Comparison, needed: int | None = None) -> Check:
    assert pair.margin
    return Check(
        kind="baseline",
        name="label_accuracy",
        result=result,
        sentence=SENTENCES[result],
        value=pair.estimate,
        low=pair.margin.low,
        high=pair.margin.high,
        limit=MARGIN,
        cases=pair.cases,
        cases_needed=needed,
        comparison=pair,
    )


def threshold(result: CheckResult = "pass") -> Check:
    sentence = "label_accuracy is 0.784 (at least 0.737), and 0.700 is asked for"
    return Check(
        "threshold", "label_accuracy", result, sentence, 0.784, 0.737, 0.824, 0.7, cases=250
    )


def lost_case(number: int) -> CaseChange:
    return CaseChange(
        id=f"t-{number:03}",
        before=1.0,
        after=None if number % 7 == 3 else 0.0,
        input={"text": f"Hello, I was charged twice for order {number} and nobody answers my mail"},
        expected="billing",
        got="login" if number % 7 != 3 else None,
        why="expected billing, got login" if number % 7 != 3 else "no output: context too long",
        path="suites/ticket_routing/cases.jsonl",
        line=number,
    )


def baseline(suite: str) -> Baseline:
    definition = GateDefinition("label_accuracy", {}, {}, {}, must_pass=("t-002",))
    why = "first accepted prompt, after the wording round"
    when = "2026-03-01T09:30:00+00:00"
    return Baseline(suite, "dev", RECIPE, definition, {}, ("r0",), "ada", when, why, {})


def verdict(suite: str, result: CheckResult, *checks: Check, **changes: Any) -> SuiteVerdict:
    settled = SuiteVerdict(
        suite=suite,
        path=f"suites/{suite}/suite.yaml",
        split="dev",
        recipe=RECIPE,
        result=result,
        checks=checks,
        score=0.784,
        low=0.729,
        high=0.830,
        cases=250,
        errors=0,
        runs=(f"{suite}-dev-4f2a9c1be07d3355",),
        primary="label_accuracy",
        on_inconclusive="warn",
        baseline=baseline(suite),
    )
    return replace(settled, **changes)


def failing(lost: int = 34) -> SuiteVerdict:
    must = Check("must_pass", "t-002", "fail", "t-002 must pass and scored 0", cases=1)
    fine = [Check("must_pass", f"t-{n:03}", "pass", "passed", cases=1) for n in (100, 101)]
    return verdict(
        "ticket_routing",
        "fail",
        baseline_check("fail", comparison(250, lost, 4)),
        must,
        *fine,
        threshold(),
        errors=1,
        lost=tuple(lost_case(n) for n in range(1, lost + 1)),
        gained=tuple(replace(lost_case(n), before=0.0, after=1.0) for n in range(200, 204)),
        drift=(
            Finding(
                "warning",
                "prompt_changed",
                "the text of prompt 'spec' is not what was accepted",
                "suites/ticket_routing/prompts/spec.j2",
            ),
        ),
        detectable=DetectableLoss(250, 0.8, 0.05, 0.2, 0.124, 640, 0.71),
    )


def reviewing(*, reviewed: bool = False) -> SuiteVerdict:
    changes = (
        DefinitionChange("rules", "max_loss was 0.05 and is 0.15"),
        DefinitionChange("cases", "3 cases were removed", ("t-007", "t-019", "t-101")),
    )
    result: CheckResult = "pass" if reviewed else "review"
    check = Check("definition", "definition", result, "the gate's definition changed in 2 places")
    return verdict(
        "query_assistant",
        result,
        baseline_check("pass", comparison(250, 2, 3)),
        check,
        changes=changes,
        reference="origin/main",
        reviewed=reviewed,
    )


def doubtful(**changes: Any) -> SuiteVerdict:
    return verdict(
        "style_guard",
        "inconclusive",
        baseline_check("inconclusive", comparison(120, 7, 4), needed=410),
        lost=tuple(lost_case(n) for n in (11, 12)),
        detectable=DetectableLoss(120, 0.7, 0.05, 0.2, 0.17, 640, 0.42),
        **changes,
    )


def passing(suite: str = "general_ability") -> SuiteVerdict:
    return verdict(
        suite, "pass", baseline_check("pass", comparison(250, 2, 3)), threshold(), score=0.91
    )


def mixed(lost: int = 34) -> list[SuiteVerdict]:
    return [passing(), doubtful(), failing(lost), reviewing()]


WORDS_OF_OURS = {"result", "split", "kind", "part", "level", "on_inconclusive", "direction"}


def poisoned(payload: str) -> list[SuiteVerdict]:
    """The mixed verdicts, few enough to fit, with `payload` before every text from anywhere."""
    made: list[SuiteVerdict] = _poison(payload, mixed(lost=7))
    return made


def _poison(payload: str, value: Any) -> Any:
    if isinstance(value, str):
        return payload + value
    if isinstance(value, Mapping):
        return {_poison(payload, key): _poison(payload, item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_poison(payload, item) for item in value)
    if not is_dataclass(value) or isinstance(value, type | Comparison):
        return value
    kept = {f.name for f in fields(value)} - WORDS_OF_OURS
    return replace(value, **{name: _poison(payload, getattr(value, name)) for name in kept})
