"""The words for what is decided after training: the verdict's sentence and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from evals.comparison import points
from evals.rounding import least_share, limit_share, most_share
from evals.stats import BoundedDifference
from tuning.forgetting.records import TextChange
from tuning.forgetting.wording import text_lost
from tuning.records import GuardLine, Interval, Outcome

_TRAIN_LESS = "Train so that less is forgotten, with a lower learning rate or fewer steps"

_LEARN_MORE = (
    "See which kinds of cases it still gets wrong: more examples of those, more passes or a larger "
    "base model may reach the target."
)

TargetResult = Literal["reached", "missed", "not settled"]


class Quality(NamedTuple):
    """What the sealed split says, and the words for it. `by_cost`: by the cost route alone.

    `clause` then says that the adapter is good enough, or what is not settled.
    """

    verdict: Outcome
    reasons: tuple[str, ...]
    cases_needed: int | None
    by_cost: bool = False
    clause: str = ""


class Target(NamedTuple):
    """The suite's target beside the adapter's score on the sealed split."""

    wanted: float
    scored: Interval

    @property
    def result(self) -> TargetResult:
        """Whether the adapter's whole interval lies on one side of the target."""
        if self.scored.low >= self.wanted:
            return "reached"
        return "missed" if self.scored.high < self.wanted else "not settled"

    @property
    def reason(self) -> str:
        """The line of evidence."""
        seen = f"Target: the adapter scores {self.scored.estimate:.2f} on the sealed split"
        asked = f"the suite's target is {limit_share(self.wanted)}"
        least = least_share(self.scored.low, self.wanted)
        most = most_share(self.scored.high, self.wanted)
        if self.result == "reached":
            return f"{seen}, at least {least}; {asked}: reached."
        if self.result == "missed":
            return f"{seen}, at most {most}; {asked}: missed."
        return f"{seen}, between {least} and {most}; {asked}: not settled."


def _kept_text(guards: Sequence[str], text: TextChange | None) -> str:
    """Who says that nothing is lost, where everything that was asked says so."""
    held = [*guards, *(["on neutral text"] if text is not None and text.result else [])]
    if len(held) > 1:
        return f"all {len(held)} guards pass"
    return f"the guard {held[0]} passes" if held else "no guard was configured"


def sentence_of(
    verdict: Outcome,
    quality: Quality,
    lines: Sequence[GuardLine],
    pair: BoundedDifference,
    target: Target | None,
    *,
    text: TextChange | None = None,
) -> str:
    """The verdict in a sentence; of an adapter that ships, also whether it is good enough."""
    gain = f"{points(pair.estimate)} on {pair.n} sealed cases"
    failed = lost_too_much(lines, text)
    if verdict == "ship_adapter":
        kept = _kept_text([line.suite for line in lines], text)
        route = "cheaper and hardly worse" if quality.by_cost else "better"
        enough = f"; {quality.clause}" if quality.by_cost else ""
        said = f"Ship the adapter: it is {route} ({gain}){enough}, and {kept}."
        if target is not None and target.result == "missed":
            said += (
                f" But {target.scored.estimate:.2f} is below the suite's target of "
                f"{limit_share(target.wanted)}: {route} than prompting, not yet good enough."
            )
        return said
    if failed:
        return (
            f"Reject the adapter: whatever it gains ({gain}), "
            f"it loses too much on {', '.join(failed)}."
        )
    if verdict == "reject_adapter":
        return f"Reject the adapter: the gain asked for is implausible ({gain})."
    missed = _missed_text(target)
    if quality.verdict == "ship_adapter":
        real = "it is cheaper and hardly worse" if quality.by_cost else "the gain is real"
        return f"Inconclusive: {real} ({gain}), but {_open_guards_text(lines, text)}.{missed}"
    needed = f"; about {quality.cases_needed} cases would tell" if quality.cases_needed else ""
    if quality.by_cost:
        unsettled = f"it is cheaper, but the sealed cases do not settle whether {quality.clause}"
        return f"Inconclusive: {unsettled} ({gain}){needed}.{missed}"
    return f"Inconclusive: the sealed cases do not settle the gain ({gain}){needed}.{missed}"


def _missed_text(target: Target | None) -> str:
    """What is known whatever more cases show, with a space before it."""
    if target is None or target.result != "missed":
        return ""
    return (
        f" The suite's target of {limit_share(target.wanted)} is missed either way: at most "
        f"{most_share(target.scored.high, target.wanted)} is plausible of the adapter."
    )


def lost_too_much(lines: Sequence[GuardLine], text: TextChange | None) -> list[str]:
    """Each guard that failed, with what was lost, and neutral text where its limit was passed."""
    failed = [
        f"{line.suite} ({points(line.difference.estimate)}; at most {100 * line.margin:g} may go)"
        for line in lines
        if line.result == "fail"
    ]
    if text is not None and text.result == "fail":
        failed.append(text_lost(text))
    return failed


def _open_guards_text(lines: Sequence[GuardLine], text: TextChange | None) -> str:
    """What is unsettled about the guards; a likely loss is said as such."""
    parts = []
    for line in lines:
        if line.result != "inconclusive":
            continue
        if line.likely_loss:
            lost = f"{-100 * line.difference.estimate:.1f} points"
            margin = f"{100 * line.margin:g} are tolerated"
            parts.append(f"it probably loses too much on {line.suite} ({lost}; {margin})")
        else:
            parts.append(f"{line.suite} is not settled")
    if text is not None and text.result == "inconclusive":
        parts.append("the rise on neutral text is not settled")
    return ", and ".join(parts)


def _guard_step(line: GuardLine) -> str:
    if line.likely_loss or line.result == "fail":
        declared = line.is_shared  # among the remedies, so they were tried already
        tries = "" if declared else ": `tunegate tune --remedies` tries that by itself"
        return (
            f"{_TRAIN_LESS}, or with more replay of general examples, and judge the new adapter"
            f"{tries}."
        )
    more = f" (about {line.cases_needed})" if line.cases_needed else ""
    if line.difference.high >= 0 or line.is_shared:
        return f"Add cases to {line.suite}{more}."
    return (
        f"Something is lost on {line.suite} for certain, perhaps not too much. {_TRAIN_LESS}, or "
        f"with more replay of general examples; or add cases to it{more}."
    )


def next_steps_of(
    verdict: Outcome,
    quality: Quality,
    lines: Sequence[GuardLine],
    target: Target | None,
    *,
    asked: str = "",
    text: TextChange | None = None,
) -> tuple[str, ...]:
    """What to do now, in order. `asked`: the prompt it was judged with, if not that of training."""
    if verdict == "ship_adapter":
        deploy = f"Deploy the adapter with {asked or 'the prompt it was trained with'}."
        if target is None or target.result != "missed":
            return (deploy,)
        return (
            _LEARN_MORE,
            f"{deploy[:-1]}, if what it reaches is worth having before that.",
        )
    if verdict == "reject_adapter":
        forgot = [_guard_step(line) for line in lines if line.result == "fail"]
        if text is not None and text.result == "fail" and not forgot:
            forgot = [f"{_TRAIN_LESS}, and judge the new adapter."]
        learnt = (
            "See which kinds of cases the adapter lost; more or cleaner examples of those may help."
        )
        return ("Keep the leading prompt.", *(forgot or [learnt]))
    steps = []
    if target is not None and target.result == "missed":
        steps.append(_LEARN_MORE)
    if quality.verdict != "ship_adapter":
        steps.append("Add sealed cases that nobody has seen; each look costs confidence.")
    steps += [_guard_step(line) for line in lines if line.result == "inconclusive"]
    if text is not None and text.result == "inconclusive" and not steps:
        steps.append(f"{_TRAIN_LESS}, and judge the new adapter.")
    return (*steps, "Until then keep the leading prompt.")
