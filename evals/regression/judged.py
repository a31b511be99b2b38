"""Models that judge, and the regression gate: what rests on an unproven judge decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from evals.judges.records import JudgeStanding
from evals.regression.records import Check, GateDefinition


def check_judges(suite: str, judges: Sequence[JudgeStanding]) -> Iterator[Check]:
    """One check for each model that judges for `suite`: whether it is shown to agree with people.

    Where a verdict would rest on one that is not, that is for a person to review.
    """
    for judge in judges:
        if judge.suite != suite:
            continue  # a guard's: said by the guard's own check
        found = judge.calibration
        text, result = judge.sentence, "pass"
        if judge.blocks:
            text, result = f"{text}; so its scores decide nothing here", "review"
        elif not judge.may_gate:
            text, result = f"{text}; its scores are shown and decide nothing", "skipped"
        yield Check(
            "judge",
            judge.name,
            result,  # type: ignore[arg-type]  # one of the three words above
            text,
            value=found.kappa if found else None,
            low=found.least if found else None,
            limit=found.demanded if found else None,
            cases=found.labels if found else 0,
        )


def without_unshown_judges(
    check: Check, definition: GateDefinition, suite: str, judges: Sequence[JudgeStanding]
) -> Check:
    """The check as it is; where it rests on a judge that may not gate: for review.

    It then neither passes nor fails.
    """
    if check.result not in ("pass", "fail", "inconclusive"):
        return check
    if check.kind == "guard":
        unshown = [judge for judge in judges if judge.suite == check.name and judge.blocks]
    else:
        of_case = check.kind == "must_pass"
        metric = definition.primary if of_case else check.name
        unshown = [
            judge
            for judge in judges
            if judge.suite == suite and judge.metric == metric and not judge.may_gate
        ]
    if not unshown:
        return check
    why = unshown[0].sentence if check.kind == "guard" else f"{unshown[0].name} may not gate"
    text = f"{check.sentence}; this decides nothing: {why}"
    result = "skipped" if check.kind == "target" else "review"
    return replace(check, result=result, sentence=text, cases_needed=None)  # type: ignore[arg-type]
