"""The rounds of a suite that declares none: what a good engineer would try, cheap first.

Pure in the suite: nothing hangs on a score, a model or what is installed, so that the gate can
tell what was declared from the suite alone. Every round leaves out what the suite cannot show.
The last two rounds refine what came before them and cost the most; so a plateau rests on an
anchor that was chosen among everything that is likely to gain much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from evals.approach import Approach, DemonstrationMethod, Technique
from evals.errors import SuiteError
from evals.records import Case
from evals.stated import MAX_TOKENS, REASONING_TOKENS, VOTING_TEMPERATURE
from evals.suite.folding import bare, input_text
from evals.suite.one_answer import why_not
from evals.suite.rounds import SETS
from evals.suite.spec import PromptSpec, RoundFamily, RoundSpec, Suite

MOST_PROMPTS = 2
"""How many prompts are tried beyond their wording; of more the shortest and the longest."""

COUNTS = (4, 8)
DOCUMENTS = (1, 3, 5)
VOTES = 5
FEW_VOTES = 3

ROOM = 2
"""Demonstrations are drawn from at least so many times as many cases: else no draw differs."""
SEARCH_ROOM = 8
"""The same where sets are searched for: half of the cases score them, and are not shown."""


class _Means(NamedTuple):
    """What a suite has to try with.

    `shown` are prompts that show demonstrations and `counts` how many of these; `bases` are the
    prompts of all else, and `searched` the counts of which sets can be searched for. `written`:
    every case that is asked is answered by one written text.
    """

    bases: tuple[str, ...]
    shown: tuple[str, ...]
    counts: tuple[int, ...]
    searched: tuple[int, ...]
    written: bool


def default_rounds(suite: Suite) -> tuple[RoundSpec, ...]:
    """The rounds of a suite that states none; at least one, of wording.

    In order: wording, few_shot, nearest, structured, retrieval, reasoning, searched, votes. A
    round of a single candidate stands before those of several, since the last two must have two.
    """
    wording = RoundSpec("wording", tuple(suite.prompts))
    if not suite.split("dev"):
        return (wording,)
    means = _means(suite)
    rounds = [
        _round("few_shot", means.shown, _few_shot(means)),
        _round("nearest", means.shown, (Approach("nearest", k) for k in means.counts)),
        _round("structured", means.bases, _structured(suite, means)),
        _round("retrieval", means.bases, _retrieval(suite)),
        _round("reasoning", means.bases, _reasoning(suite, means)),
        _round("searched", means.shown, _searched(means)),
        _round("votes", means.bases, _votes(means)),
    ]
    tried = [spec for spec in rounds if spec.pairs]
    return (wording, *sorted(tried, key=lambda spec: len(spec.pairs) > 1))  # stable


def _round(
    family: RoundFamily, prompts: tuple[str, ...], approaches: Iterable[Approach]
) -> RoundSpec:
    return RoundSpec(family, prompts, tuple(approaches))


def _means(suite: Suite) -> _Means:
    prompts = suite.prompts.values()
    shown = _few(list(filter(_shows, prompts)))
    room = _showable(suite) if shown else 0
    counts = tuple(k for k in COUNTS if room >= ROOM * k)
    shown = shown if counts else ()
    return _Means(
        bases=shown or _few(list(prompts)),
        shown=shown,
        counts=counts,
        searched=tuple(k for k in counts if room >= SEARCH_ROOM * k),
        written=not why_not(suite.cases, Technique(reasoning=True)),
    )


def _shows(prompt: PromptSpec) -> bool:
    """Whether it has a place for demonstrations; what does not compile (see `check`) has none."""
    from evals.suite.templates import compile_prompt

    try:
        return "demos" in compile_prompt(prompt).uses
    except SuiteError:
        return False


def _few(prompts: list[PromptSpec]) -> tuple[str, ...]:
    """Their names in the suite's order; of too many the shortest and the longest source."""
    if len(prompts) > MOST_PROMPTS:
        shortest = min(prompts, key=lambda each: len(each.source))
        longest = max(prompts, key=lambda each: len(each.source))
        prompts = [each for each in prompts if each in (shortest, longest)]
    return tuple(each.name for each in prompts)


def _showable(suite: Suite) -> int:
    """How many train cases can be shown whatever is asked: none that reads as a held-out one."""
    train = [case for case in suite.split("train") if case.is_plain]
    if not any(map(_has_text, train)):
        return 0
    held_out = {bare(input_text(case)) for case in suite.cases if case.split != "train"}
    return len({bare(input_text(case)) for case in train} - held_out)


def _has_text(case: Case) -> bool:
    return any(not isinstance(value, str) or value.strip() for value in case.input.values())


def _few_shot(means: _Means) -> Iterator[Approach]:
    methods: tuple[tuple[DemonstrationMethod, tuple[int, ...]], ...] = (
        ("static", means.counts),
        ("diverse", means.counts[-1:]),
    )
    return (Approach(method, k) for method, counts in methods for k in counts)


def _with(means: _Means, technique: Technique) -> Approach:
    """The technique with the fewest nearest demonstrations, where any can be shown."""
    if not means.counts:
        return Approach(technique=technique)
    return Approach("nearest", means.counts[0], technique=technique)


def _structured(suite: Suite, means: _Means) -> Iterator[Approach]:
    if suite.structure is not None and means.written:
        yield _with(means, Technique(structured=True))


def _retrieval(suite: Suite) -> Iterator[Approach]:
    for count in DOCUMENTS:
        if count <= len(suite.documents):
            yield Approach(technique=Technique(retrieval="bm25", documents=count))


def _reasoning(suite: Suite, means: _Means) -> Iterator[Approach]:
    if not means.written:
        return
    room = min(MAX_TOKENS, max(REASONING_TOKENS, 2 * suite.decoding.max_tokens))
    yield Approach(technique=Technique(reasoning=True, max_tokens=room))
    if len(means.bases) == 1 and len(means.searched) < MOST_PROMPTS and 2 * room <= MAX_TOKENS:
        # It is one of the last two rounds then, and those need two candidates each.
        yield Approach(technique=Technique(reasoning=True, max_tokens=2 * room))


def _searched(means: _Means) -> Iterator[Approach]:
    """One search for each of two prompts, two for one."""
    counts = means.searched if len(means.shown) == 1 else means.searched[-1:]
    return (Approach("searched", k, technique=Technique(tries=SETS)) for k in counts)


def _votes(means: _Means) -> Iterator[Approach]:
    if not means.written:
        return
    counts = (VOTES,) if len(means.bases) > 1 else (FEW_VOTES, VOTES)
    for votes in counts:
        yield _with(means, Technique(votes=votes, temperature=VOTING_TEMPERATURE))
