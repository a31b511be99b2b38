"""Votes: which of several sampled answers is the commonest, and how far they agree.

Answers that differ in spelling alone are one: see `ballot_key`. Of the votes of one answer the
commonest spelling stands for it, of equals the one drawn first.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from evals.fingerprint import canonical_json
from evals.records import Json, Output, Run

VERSION = "votes@1"
"""Part of the identity of every candidate that votes: how answers are told apart and elected."""

_NUMBER = re.compile(r"[-+]?(?:\d{1,20}|\d{1,3}(?:,\d{3}){1,6})(?:\.\d{1,7})?")  # exact in Decimal
_FENCE = re.compile(r"```[a-z]{0,12}[ \t]*\n(.*)\n[ \t]*```", re.IGNORECASE | re.DOTALL)
_QUOTES = "\"'`"


class Standing(NamedTuple):
    """An answer and how many voted for it."""

    answer: str
    votes: int


class Poll(NamedTuple):
    """All votes of one case: the answers, most votes first, and how many gave none."""

    standings: tuple[Standing, ...]
    missing: int

    @property
    def drawn(self) -> int:
        """How many were asked."""
        return sum(each.votes for each in self.standings) + self.missing


def ballot_key(answer: str) -> str:
    """What answers share that count as the same one.

    JSON objects and lists are the same where their values are: order of keys, white space and
    a fence of Markdown around them say nothing. So are plain numbers of one value (1,000 and
    1000.0). Any other text is the same apart from case, white space, quotes around it and a
    full stop at its end.
    """
    text = answer.strip()
    fenced = _FENCE.fullmatch(text)
    inner = fenced[1].strip() if fenced else text
    if inner[:1] in ("{", "["):
        try:
            return "json:" + canonical_json(_plain(json.loads(inner)))
        except (ValueError, RecursionError):
            pass  # no JSON, or none with one spelling: a text like any other
    plain = " ".join(inner.split()).removesuffix(".").strip()
    if len(plain) > 2 and plain[0] in _QUOTES and plain[-1] == plain[0]:
        plain = plain[1:-1].strip().removesuffix(".")
    if _NUMBER.fullmatch(plain):
        number = Decimal(plain.replace(",", ""))
        return f"number:{number.normalize() if number else 0:f}"
    return f"text:{plain.casefold()}"


def _plain(value: Json) -> Json:
    """A JSON value in which 1.0 is 1."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def elect(ballots: Sequence[str | None], *, blank_abstains: bool) -> int | None:
    """The place of the ballot that stands for the commonest answer; None where there is none.

    None is an error, and no vote. With `blank_abstains` nor is an empty answer, unless all are.
    Of answers with as many votes the one that was drawn first wins.
    """
    cast = [n for n, each in enumerate(ballots) if each is not None]
    if blank_abstains:
        cast = [n for n in cast if (ballots[n] or "").strip()] or cast
    if not cast:
        return None
    keys = {n: ballot_key(ballots[n] or "") for n in cast}
    winner = Counter(keys.values()).most_common(1)[0][0]  # equals stand as they were counted
    spelled = Counter(ballots[n] for n in cast if keys[n] == winner).most_common(1)[0][0]
    return next(n for n in cast if ballots[n] == spelled)


def poll_of(ballots: Sequence[str | None]) -> Poll:
    """The votes of one case, counted by answer; each answer in its commonest spelling."""
    groups: dict[str, list[str]] = {}
    for each in ballots:
        if each is not None:
            groups.setdefault(ballot_key(each), []).append(each)
    found = [Standing(Counter(group).most_common(1)[0][0], len(group)) for group in groups.values()]
    standings = tuple(sorted(found, key=lambda each: -each.votes))  # stable: first drawn first
    return Poll(standings, sum(each is None for each in ballots))


def poll_said(ballots: Sequence[str | None], most: int = 60, answers: int = 6) -> str:
    """`5 votes: 3x billing, 1x login, 1 error`: so many answers on one line, each cut at `most`."""
    poll = poll_of(ballots)
    parts = [f"{each.votes}x {_short(each.answer, most)}" for each in poll.standings[:answers]]
    if others := sum(each.votes for each in poll.standings[answers:]):
        parts.append(f"{others} for other answers")
    if poll.missing:
        parts.append(f"{poll.missing} error" + "s" * (poll.missing > 1))
    return f"{poll.drawn} votes: {', '.join(parts)}"


def _short(answer: str, most: int) -> str:
    line = " ".join(answer[: 4 * most].split())
    if not line:
        return "no answer"
    return line if len(line) <= most and len(answer) <= 4 * most else line[: most - 1] + "…"


def support(output: Output) -> float | None:
    """The share of a case's votes that the elected answer has; errors are votes for nothing.

    None of an output that was not voted on, or has no answer.
    """
    if not output.ballots or output.text is None:
        return None
    key = ballot_key(output.text)
    same = sum(each is not None and ballot_key(each) == key for each in output.ballots)
    return same / len(output.ballots)


def agreement(run: Run) -> float | None:
    """The mean over cases of `support`: 1 where every vote was the same; None without votes."""
    shares = [share for one in run.results if (share := support(one.output)) is not None]
    return sum(shares) / len(shares) if shares else None
