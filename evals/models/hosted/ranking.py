"""Options ranked by the log-probabilities of the first token that a model would write.

The protocol gives no log-probability of a given continuation, so this is an approximation: an
option has the probability of the listed first tokens that begin it ("bill" of "billing") or
that it begins, up to the end of a word ("A)" of "A", but not "Answer"). White space before a
token does not count, nor does case where the options differ without it. Options that begin
with the same token cannot be told apart, which is an error where it could change the winner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from evals.models.hosted.reply import Candidate


class Ranked(NamedTuple):
    """The winner's index and each option's log-probability; or why there is none."""

    best: int = 0
    logprobs: tuple[float, ...] = ()
    error: str | None = None


def rank(options: Sequence[str], candidates: Sequence[Candidate]) -> Ranked:
    """Rank options by the listed first tokens.

    An option that none of them begins gets one nat less than the least listed. Ties go to
    the first option.
    """
    if not candidates:
        return Ranked(error="the endpoint gave no log-probabilities")
    form = _form(options)
    forms = [form(option) for option in options]
    if not all(forms):
        return Ranked(error="an option is empty")
    own: list[list[float]] = [[] for _ in options]
    shared: list[float] = []
    between: set[int] = set()
    for token, logprob in candidates:
        matched = [n for n, option in enumerate(forms) if begins(form(token), option)]
        if len(matched) == 1:
            own[matched[0]].append(logprob)
        elif matched:
            shared.append(logprob)
            between.update(matched)
    floor = min(logprob for _, logprob in candidates) - 1.0
    sums = tuple(_log_sum(found) if found else floor for found in own)
    best = max(range(len(sums)), key=lambda n: (sums[n], -n))
    if not any(own) and not shared:
        return Ranked(
            error=f"none of the {len(candidates)} likeliest first tokens begins one of the options"
        )
    if shared and _could_win(sums, own, best, between, _log_sum(shared)):
        names = " and ".join(repr(options[n]) for n in sorted(between)[:2])
        return Ranked(
            error=f"the options {names} begin with the same token, so that the first token cannot "
            "tell them apart: give options that begin differently"
        )
    return Ranked(best, sums)


def begins(token: str, option: str) -> bool:
    """Whether a model that writes `token` first is about to write `option`."""
    if not token:
        return False
    if option.startswith(token):
        return True
    rest = token[len(option) :]
    return token.startswith(option) and not (rest[0].isalnum() and option[-1].isalnum())


def _form(options: Sequence[str]) -> Callable[[str], str]:
    """How texts are compared: without leading space, and without case if that is no loss."""
    stripped = [option.lstrip() for option in options]
    folded = {option.casefold() for option in stripped}
    if len(folded) == len(set(stripped)):
        return lambda text: text.lstrip(" \t\n\r\u2581\u0120").casefold()
    return lambda text: text.lstrip(" \t\n\r\u2581\u0120")


def _could_win(
    sums: Sequence[float], own: Sequence[list[float]], best: int, between: set[int], shared: float
) -> bool:
    """Whether the shared tokens, given to another option, would make that one the winner."""
    lead = sums[best] if own[best] else -math.inf
    return any(_log_sum([shared, *own[other]]) >= lead for other in between if other != best)


def _log_sum(values: Sequence[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))
