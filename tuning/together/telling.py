"""What was tried with an adapter, in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from evals.comparison import points
from evals.errors import RecordError
from evals.records import Run
from evals.regression.recipes import named_approach
from evals.stated import names_of, words_of
from tuning.gate.evidence import arm_of, clusters_of, trial_of
from tuning.gate.sample import Sample
from tuning.intervals import Interval, interval_of
from tuning.search.evaluating import taken_by
from tuning.together.asking import Way
from tuning.together.records import Together, TogetherLine


class Tried(NamedTuple):
    """One way to ask: the adapter's run, and the base's. No run, and why, where it was left out.

    `open`: as dev has it, it could ship by quality or for cost.
    """

    way: Way
    run: Run | None
    base: Run | None
    left_out: str = ""
    open: bool = False


def together_of(tried: Sequence[Tried], chosen: Run) -> Together:
    """The record of a choice; the first of `tried` is the training prompt, which has a run."""
    first = tried[0].run
    assert first is not None
    lines = tuple(_line(one, first) for one in tried)
    names = _names(chosen)
    record = Together(
        lines=lines,
        trained=first.id,
        chosen=chosen.id,
        sentence="",
        stated=_stated(names),
        options=tuple(words_of(names)),
    )
    return replace(record, sentence=sentence_of(record))


def asked_with(record: Together | None) -> str:
    """The chosen prompt in words, for those who deploy it; empty for the training prompt."""
    if record is None or not record.changed:
        return ""
    if not record.stated:
        return (
            f"the prompt '{record.line.label}', of which a search wrote a part (`tunegate show "
            f"{record.chosen} --prompt`)"
        )
    return (
        f"the prompt '{record.line.label}', which did best with it on dev: in suite.yaml "
        f"`{record.stated}`, or `tunegate eval SUITE --adapter FOLDER {' '.join(record.options)}`"
    )


def sentence_of(record: Together) -> str:
    """What was chosen, and why."""
    chosen, trained = record.line, record.lines[0]
    run = [line for line in record.lines if line.run_id]
    if not record.changed:
        return f"Kept: {_said(trained)}, the prompt it was trained with. {_why_kept(run)}"
    said = f"Chosen: {_said(chosen)}, in place of {_said(trained)}, which it was trained with. "
    return said + _why_changed(chosen, trained, run)


def _why_kept(run: Sequence[TogetherLine]) -> str:
    trained, others = run[0], run[1:]
    if not others:
        return "It leaves so little that no longer prompt could be told to be better."
    best = max(others, key=_score)
    if _score(best) <= _score(trained):
        return "No other prompt scores higher with the adapter."
    lead = f"{_said(best)} scores higher ({points(_score(best) - _score(trained))})"
    if not best.usable:
        return f"{lead}, but too many of its cases ended in errors."
    if trained.open and not best.open:
        return f"{lead}, but could not ship as it is: it would neither gain enough nor pay."
    return f"{lead}, but not by more than chance would have it (one standard error)."


def _why_changed(chosen: TogetherLine, trained: TogetherLine, run: Sequence[TogetherLine]) -> str:
    if not trained.usable:
        return "With that, too many cases ended in errors."
    gain = chosen.prompting
    lead = f"{points(gain.estimate)} (95 %: {_bounds(gain)})" if gain else "not known"
    if (chosen.prompt_tokens or 0) < (trained.prompt_tokens or 0):
        return (
            f"It takes fewer tokens, and none is better by more than chance would have it: {lead}."
        )
    if chosen.open and not trained.open and _score(chosen) <= _score(trained):
        return f"As dev has it, only that could ship: {lead}."
    text = f"It is better by more than chance would have it (one standard error): {lead}."
    best = max((line for line in run if line.usable), key=_score)
    if _score(best) > _score(chosen):
        text += f" {_said(best)} leads it by less than that, or could not ship."
    return text


def _score(line: TogetherLine) -> float:
    return -1.0 if line.score is None else round(line.score.estimate, 12)


def _said(line: TogetherLine) -> str:
    scored = "no score" if line.score is None else f"{100 * line.score.estimate:.1f} %"
    return f"'{line.label}' ({scored} on dev, {line.prompt_tokens or 0:.0f} prompt tokens a case)"


def _bounds(interval: Interval) -> str:
    return f"{100 * interval.low:+.1f} to {100 * interval.high:+.1f}"


def _line(tried: Tried, first: Run) -> TogetherLine:
    run, base = tried.run, tried.base
    known = run or base
    taken = taken_by(run) if run else None
    cases = len(run.results) if run else 0
    return TogetherLine(
        label=tried.way.label,
        why=tried.way.why,
        run_id=run.id if run else "",
        score=_scored(run),
        cases=cases,
        errors=len(run.errors) if run else 0,
        prompt_tokens=trial_of(known, 0, "").prompt_tokens if known else None,
        completion_tokens=taken.completion_tokens / cases if taken and cases else 0.0,
        seconds=taken.seconds / cases if taken and cases and taken.seconds > 0 else None,
        base_run=base.id if base else "",
        base=_scored(base),
        tuning=_difference(base, run),
        prompting=_difference(first, run) if run is not first else None,
        usable=arm_of(run).usable if run else False,
        left_out=tried.left_out,
        open=tried.open,
    )


def _scored(run: Run | None) -> Interval | None:
    if run is None:
        return None
    arm = arm_of(run)
    found = Sample([arm], clusters_of(run)).interval(arm)
    return None if found is None else interval_of(found)


def _difference(before: Run | None, after: Run | None) -> Interval | None:
    """After minus before, paired, with its 95 % interval taken alone; None where one is missing."""
    if before is None or after is None:
        return None
    first, second = arm_of(before), arm_of(after)
    pair = Sample([first, second], clusters_of(after)).pair(first, second)
    return None if pair is None else Interval(pair.estimate, *pair.interval())


def _names(run: Run) -> dict[str, object]:
    """The prompt and its use by the keys that state them; nothing where no keys can."""
    try:
        return {"prompt": run.candidate.prompt, **names_of(named_approach(run))}
    except RecordError:
        return {}


def _stated(names: dict[str, object]) -> str:
    import yaml

    if not names:
        return ""
    stated = {**names, "adapter": "FOLDER"}
    text = yaml.safe_dump(stated, default_flow_style=True, sort_keys=False, width=10**9)
    return f"candidate: {text.strip()}"
