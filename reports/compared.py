"""A comparison as Markdown for a pull request: what it means first, then the numbers and cases."""

from __future__ import annotations

from collections.abc import Sequence

from evals.comparison import Comparison, points
from evals.judges.wording import AGREEMENT
from evals.rounding import points_span
from reports.markup import MOST_CHARACTERS, literal, table, words

MOST_IDS = 30
"""Cases named under one heading; the rest is counted."""

_NAME = 200
_HEADINGS = {
    "better": "B is better than A",
    "worse": "B is worse than A",
    "none": "No difference shown",
}


def render_comparison(found: Comparison, names: tuple[str, str], judges: Sequence[str] = ()) -> str:
    """The comparison of A and B, as they were named by whoever asked, as Markdown.

    `judges` are the names of the models that judged them. At most 60,000 characters; the same
    comparison gives the same text.
    """
    parts = [
        f"# {_heading(found)}\n\n**{words(found.verdict, 1_000)}**\n",
        f"- A: {literal(names[0], _NAME)}{_called(found.name_a, names[0], 'A')}\n"
        f"- B: {literal(names[1], _NAME)}{_called(found.name_b, names[1], 'B')}\n",
        _judged(judges),
        _asked(found),
        _numbers(found),
        _errors(found),
        _cases(found),
    ]
    text = "\n".join(part for part in parts if part)
    assert len(text) <= MOST_CHARACTERS  # every list and name above is bounded
    return text


def _judged(judges: Sequence[str]) -> str:
    if not judges:
        return ""
    named = ", ".join(literal(name, _NAME) for name in judges[:MOST_IDS])
    more = f" and {len(judges) - MOST_IDS} more" if len(judges) > MOST_IDS else ""
    return f"Judged by {named}{more}: {AGREEMENT}.\n"


def _heading(found: Comparison) -> str:
    """What was asked for decides; without a margin or a gain, the direction."""
    results = []
    if found.margin:
        results.append(f"Margin {found.margin.margin:.3g}: {found.margin.result.upper()}")
    if found.gain:
        result = found.gain.result.replace("_", " ").upper()
        results.append(f"Gain of {found.gain.min_gain:.3g}: {result}")
    if results:
        return ", ".join(results)
    return "Nothing is claimed" if found.too_many_errors else _HEADINGS[found.direction]


def _called(label: str, name: str, side: str) -> str:
    return "" if label in (side, name) else f" ({words(label, _NAME)})"


def _asked(found: Comparison) -> str:
    """The margin's and the gain's result in a sentence each; empty where none was asked."""
    lines = []
    if found.margin:
        check = found.margin
        said = {
            "pass": "a loss of this size is ruled out, errors included",
            "fail": "B is worse by more than this",
            "inconclusive": "whether B is worse by this much is not settled",
        }[check.result]
        lines.append(
            _line(f"Margin {check.margin:.3g}", check.result, said, found.open_said(check))
        )
    if found.gain:
        gain = found.gain
        said = {
            "reached": "B is better, and the estimate is at least this much",
            "not_reached": "a gain of this size is ruled out, errors included",
            "inconclusive": "whether B is better by this much is not settled",
        }[gain.result]
        lines.append(
            _line(f"Gain of {gain.min_gain:.3g}", gain.result, said, found.open_said(gain))
        )
    return "\n".join(lines) + "\n" if lines else ""


def _line(what: str, result: str, said: str, why: str) -> str:
    more = f"; {why}" if why else ""
    return f"- {what}: **{result.replace('_', ' ').upper()}** ({said}{more})"


def _numbers(found: Comparison) -> str:
    head = ["Cases", "A", "B", "B minus A", f"{found.level:.0%} interval"]
    head += ["Wins", "Losses", "Ties", found.p_name]
    row = [
        str(found.cases),
        _percent(found.mean_a),
        _percent(found.mean_b),
        f"**{points(found.estimate)}**",
        points_span(found.low, found.high),
        str(found.wins),
        str(found.losses),
        str(found.ties),
        f"{found.p_value:.2g}",
    ]
    return table(head, [row], numeric_from=0)


def _errors(found: Comparison) -> str:
    """How many cases ended without a score, and what that could hide."""
    if not (found.errors_a or found.errors_b):
        return ""
    text = (
        f"Without a score: {len(found.errors_a)} shared cases in A, {len(found.errors_b)} in B "
        f"({found.error_share:.1%} of the shared cases in either)."
    )
    worst = found.worst_case
    if worst is not None:
        text += (
            f" With every error counted against B it is {points(worst.estimate_against)}, at least "
            f"{points(worst.low_against)}; counted for B {points(worst.estimate_for)}, at most "
            f"{points(worst.high_for)}."
        )
    return text + "\n"


def _cases(found: Comparison) -> str:
    lists = (
        ("Changed in content, not compared", found.changed),
        ("Errors in A", found.errors_a),
        ("Errors in B", found.errors_b),
        ("Only in A", found.only_in_a),
        ("Only in B", found.only_in_b),
    )
    return "\n".join(_listed(title, ids) for title, ids in lists if ids)


def _listed(title: str, ids: Sequence[str]) -> str:
    shown = ", ".join(literal(identity, 80) for identity in ids[:MOST_IDS])
    rest = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
    return f"{title} ({len(ids)}): {shown}{rest}\n"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
