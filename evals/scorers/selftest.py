"""Do a suite's scorers tell right from wrong? Judged without any model.

Every case's own `answer` must score full marks; answers shuffled between cases, and empty
ones, must not. A scorer that fails either says nothing about models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from evals.errors import ScorerError, SuiteError
from evals.fingerprint import canonical_json, fingerprint
from evals.judges.calibrating import labels_of
from evals.judges.uses import JudgeUse, judges_of
from evals.records import SPLITS, Case, Finding, Output, Score
from evals.scorers.batch import iter_scores
from evals.scorers.plain import shown
from evals.scorers.protocol import Scorer
from evals.scorers.registry import build_scorers
from evals.suite.spec import MetricSpec, Suite

MAX_SHUFFLED = 500  # cases of each split whose answers are shuffled; gold is tried on all
MAX_WRONG_FULL = 0.10  # share of wrong answers that may score full marks by coincidence
MAX_NAMED = 5  # findings of one kind that name their case; the rest are counted
MAX_RAISED = 3  # a scorer that raised this often is not tried on more answers

NOT_SELF_TESTED = "judge_not_self_tested"

_Pair = tuple[Case, Output]


def self_test(suite: Suite, scorers: Mapping[str, Scorer] | None = None) -> tuple[Finding, ...]:
    """What is wrong with the suite's scorers; empty when nothing is.

    Errors: a scorer raises; the primary metric gives a case's own answer less than full
    marks, or more than `MAX_WRONG_FULL` of the shuffled or of the empty answers full
    marks. A secondary metric (of form, say) is held to gold answers only, by a warning. What a
    model judges is passed over with a note: no model runs here.
    Deterministic, and independent of the order of the cases.
    """
    if scorers is not None:
        return tuple(_all_findings(suite, scorers))
    with build_scorers(suite) as built:
        return tuple(_all_findings(suite, built))


def _all_findings(suite: Suite, scorers: Mapping[str, Scorer]) -> list[Finding]:
    findings: list[Finding] = []
    gold = [(case, _output(case, answers_of(case))) for case in suite.cases]
    sample = [case for split in SPLITS for case in _sample(suite.split(split))]
    shuffled, alike = derange(sample)
    for name, scorer in scorers.items():
        if judges := judges_of(suite, name):
            findings += [finding for use in judges for finding in _of_judge(suite, use)]
            continue
        if about := getattr(scorer, "about", ""):
            findings.append(Finding("note", "selftest_about", f"{name}: {about}"))
        is_primary = name == suite.primary
        trial = _try(name, scorer, gold)
        findings += trial.raised
        findings += _less_than_full(name, trial, "error" if is_primary else "warning")
        if is_primary and not trial.raised:
            findings += _wrong_but_full(suite, suite.metrics[name], scorer, shuffled)
            empty = [(c, _output(c, ("",))) for c in sample if not c.choices and c.answer.strip()]
            findings += _empty_but_full(name, _try(name, scorer, empty))
    if alike and not shuffled:
        findings.append(
            Finding(
                "note",
                "selftest_not_shuffled",
                "all cases expect the same, so answers could not be shuffled between them",
                str(suite.root / "suite.yaml"),
            )
        )
    return findings


def _of_judge(suite: Suite, use: JudgeUse) -> Iterable[Finding]:
    """What can be said of a model that judges while none runs: of people's labels for it."""
    where = str(suite.root / "suite.yaml")
    if use.labels_file is None:
        found = "there are none"
        if use.metric == suite.primary:
            message = f'"{use.spec.name}" has no labels by people: its judge may not gate'
            yield Finding("warning", "judge_without_labels", message, where)
    else:
        try:
            found = f"there are {len(labels_of(use, suite))}"
        except SuiteError as error:
            message = f'the labels for "{use.spec.name}" cannot be read: {error.message}'
            yield Finding("error", "judge_labels", message, error.where)
            return
    message = (
        f'"{use.spec.name}" is judged by the model {use.model} and is not self-tested: no model '
        f"runs here. Whether it may gate is for its agreement with people's labels; {found}"
    )
    yield Finding("note", NOT_SELF_TESTED, message, where)


@dataclass
class _Trial:
    """What one scorer said of some answers, and the findings for those it raised on."""

    scored: list[tuple[Case, Output, Score]] = field(default_factory=list)
    raised: list[Finding] = field(default_factory=list)

    @property
    def full(self) -> list[tuple[Case, Output, Score]]:
        return [one for one in self.scored if one[2].value >= 1.0]


def _try(metric: str, scorer: Scorer, pairs: Sequence[_Pair]) -> _Trial:
    trial = _Trial()
    results = iter_scores(scorer, pairs)
    for result, (case, output) in zip(results, pairs, strict=False):
        if isinstance(result, Score):
            trial.scored.append((case, output, result))
            continue
        trial.raised.append(_raised(metric, case, output, result))
        if len(trial.raised) == MAX_RAISED:
            break
    close = getattr(results, "close", None)
    if close is not None:  # a worker must not go on with what nobody waits for
        close()
    return trial


def _raised(metric: str, case: Case, output: Output, error: ScorerError) -> Finding:
    where = error.where or _where(case)
    told = error.message if case.id in error.message else f'case "{case.id}": {error.message}'
    message = f'metric "{metric}" cannot judge {shown(output.text or "")}: {told}'
    return Finding("error", "scorer_raised", message, where)


def _less_than_full(
    metric: str, trial: _Trial, level: Literal["error", "warning"]
) -> Iterable[Finding]:
    low = [one for one in trial.scored if one[2].value < 1.0]
    for case, output, score in low[:MAX_NAMED]:
        said = f": {score.reason}" if score.reason else ""
        if case.turns and not any(part.kind == "turn" for part in score.parts):
            said += " (of its turns this judges the last reply by the first answer: use turns@1)"
        message = (
            f'case "{case.id}": its own answer {shown(output.text or "")} scores '
            f'{score.value:g} on "{metric}", not 1{said}'
        )
        yield Finding(level, "gold_not_full", message, _where(case))
    if len(low) > MAX_NAMED:
        message = f'{len(low)} of {len(trial.scored)} own answers score below 1 on "{metric}"'
        yield Finding(level, "gold_not_full", message)


def _wrong_but_full(
    suite: Suite, spec: MetricSpec, scorer: Scorer, shuffled: Sequence[_Pair]
) -> Iterable[Finding]:
    trial = _try(spec.name, scorer, shuffled)
    yield from trial.raised
    if _too_many(len(trial.full), len(trial.scored)):
        case, output, _ = trial.full[0]
        yield Finding(
            "error",
            "shuffled_full_marks",
            f'"{spec.name}" gives full marks to {len(trial.full)} of {len(trial.scored)} answers '
            f'that belong to other cases; for one, case "{case.id}" accepts '
            f"{shown(output.text or '')}",
            str(suite.root / "suite.yaml"),
        )
        return
    yield from _blind_groups(spec, trial)


def _blind_groups(spec: MetricSpec, trial: _Trial) -> Iterable[Finding]:
    """The tag values of `by_tag@1` whose scorer lets too much pass: only warnings.

    Their answers may be alike on purpose, as where each case asks for a form only.
    """
    tag = spec.options.get("tag")
    if not spec.scorer.startswith("by_tag@") or not isinstance(tag, str):
        return
    groups: dict[str, list[bool]] = {}
    for case, _, score in trial.scored:
        groups.setdefault(case.tags.get(tag, ""), []).append(score.value >= 1.0)
    for value, full in sorted(groups.items()):
        if _too_many(sum(full), len(full)):
            message = (
                f'"{spec.name}" gives full marks to {sum(full)} of {len(full)} answers of '
                f'other cases where "{tag}" is "{value}"'
            )
            yield Finding("warning", "shuffled_full_marks", message)


def _empty_but_full(metric: str, trial: _Trial) -> Iterable[Finding]:
    yield from trial.raised
    if _too_many(len(trial.full), len(trial.scored)):
        case = trial.full[0][0]
        message = (
            f'"{metric}" gives full marks to {len(trial.full)} of {len(trial.scored)} empty '
            f'answers, case "{case.id}" among them'
        )
        yield Finding("error", "empty_full_marks", message, _where(case))


def _too_many(full: int, total: int) -> bool:
    """More than the share allowed; one alone counts only where it is most of them."""
    return full > max(1, total * MAX_WRONG_FULL) or (0 < total < 2 * full)


def derange(cases: Sequence[Case]) -> tuple[list[_Pair], list[Case]]:
    """Each case with a wrong answer, and the cases for which none was found.

    Wrong is the answer of another case that expects something else and answers
    differently, or, for a case with choices, another one of its own.
    """
    order = sorted(cases, key=lambda case: fingerprint("selftest@1", case.id))
    expected = [_all_expected(case) for case in order]
    pairs: list[_Pair] = []
    alike: list[Case] = []
    for index, case in enumerate(order):
        wrong = _wrong_choice(case) if case.choices else _other_answer(order, expected, index)
        if wrong is None:
            alike.append(case)
        else:
            pairs.append((case, _output(case, wrong)))
    return pairs, alike


def _all_expected(case: Case) -> str:
    return canonical_json([case.expected, *(turn.expected for turn in case.turns)])


def _wrong_choice(case: Case) -> tuple[str, ...] | None:
    wrong = next((one for one in case.choices if one not in {case.answer, case.expected}), None)
    return None if wrong is None else (wrong,)


def _other_answer(
    order: Sequence[Case], expected: Sequence[str], index: int
) -> tuple[str, ...] | None:
    case, size = order[index], len(order)
    own = [answer.strip().casefold() for answer in answers_of(case)]
    for step in range(1, size):
        other = (index + step) % size
        differs = expected[other] != expected[index] and not order[other].choices
        theirs = _fitted(answers_of(order[other]), len(own))
        if differs and [answer.strip().casefold() for answer in theirs] != own:
            return theirs
    return None


def answers_of(case: Case) -> tuple[str, ...]:
    """A full-mark answer to each turn of a case."""
    return (case.answer, *(turn.answer for turn in case.turns))


def _sample(cases: Sequence[Case]) -> list[Case]:
    ordered = sorted(cases, key=lambda case: fingerprint("selftest@1", case.id))
    return list(islice(ordered, MAX_SHUFFLED))


def _output(case: Case, answers: tuple[str, ...]) -> Output:
    """What a model would have given that said `answers`."""
    replies = _fitted(answers, 1 + len(case.turns))
    return Output(
        text=replies[-1],
        finish_reason="choice" if case.choices else "stop",
        replies=replies if case.turns else (),
    )


def _fitted(answers: tuple[str, ...], turns: int) -> tuple[str, ...]:
    """As many answers as turns; the last stands for those that are missing."""
    return tuple(answers[min(n, len(answers) - 1)] for n in range(turns))


def _where(case: Case) -> str:
    return f"{Path(case.path)}:{case.line}" if case.path else ""
