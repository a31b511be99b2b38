"""What can be said of a suite's rounds before any model runs: faults, and effort that lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Literal

from evals.approach import Approach
from evals.records import Case, Finding
from evals.suite.spec import RoundSpec, Suite

Level = Literal["error", "warning", "note"]

LEAST_SEARCHED = 16
"""Fewer train cases cannot be parted into sets to show and cases that tell them apart."""

_OPTIMISERS = {"miprov2": "dspy", "gepa": "gepa"}


def lint_rounds(suite: Suite) -> Iterator[Finding]:
    """Faults of the rounds, each at its line; without rounds what the ladder will try."""
    if not suite.rounds:
        yield from _lint_ladder(suite)
        return
    shown = suite.split("train") if any(r.family == "nearest" for r in suite.rounds) else ()
    if shown and not any(map(has_text, shown)):
        text = "a round shows the nearest demonstrations, and no train input holds any text"
        yield Finding("error", "nearest_to_nothing", text, _manifest(suite))
    tried = {prompt for one in suite.rounds for prompt in one.prompts}
    used = tried | {suite.tune.prompt, suite.candidate.prompt}
    for name, prompt in suite.prompts.items():
        if name not in used:
            yield Finding("note", "unused_prompt", f"no round tries {name!r}", str(prompt.path))
    for one in suite.rounds:
        for level, code, text in _lint_round(suite, one):
            yield Finding(level, code, text, f"{_manifest(suite)}:{one.line}")
    yield from _lint_effort(suite, suite.rounds, "warning", "these rounds can")


def has_text(case: Case) -> bool:
    """Whether an input says anything."""
    return any(not isinstance(v, str) or v.strip() for v in case.input.values())


def _lint_ladder(suite: Suite) -> Iterator[Finding]:
    from evals.prompting.ladder import default_rounds

    rounds = default_rounds(suite)
    sizes = ", ".join(f"{one.family} {len(one.pairs)}" for one in rounds)
    total = sum(len(one.pairs) for one in rounds)
    candidates = f"{total} candidate{'' if total == 1 else 's'}"
    text = f"no rounds: `run` tries the default ladder, {candidates} in all ({sizes})"
    yield Finding("note", "no_rounds", text, _manifest(suite))
    yield from _lint_effort(suite, rounds, "note", "the default ladder can")


def _lint_round(suite: Suite, one: RoundSpec) -> Iterator[tuple[Level, str, str]]:
    """Level, code and text of what one round asks for that the suite has not."""
    what = f"a round of {one.family}"
    train = sum(case.is_plain for case in suite.split("train"))
    most = max(approach.k for approach in one.approaches)
    if most > train:
        text = f"{what} shows {most} demonstrations, train has {train}"
        yield "error", "few_demonstrations", text
    elif any(each.method == "searched" for each in one.approaches) and not _searchable(train, most):
        text = (
            f"{what} searches for {most} demonstrations among {train} train cases: at least "
            f"{max(LEAST_SEARCHED, 2 * most + 1)} are needed, half of them to score the sets"
        )
        yield "error", "few_demonstrations", text
    techniques = [approach.technique for approach in one.approaches]
    if any(each.structured for each in techniques) and suite.structure is None:
        text = f"{what} holds answers to a structure, and the suite has none: state `structure:`"
        yield "error", "no_structure", text
    yield from _lint_documents(suite, one, what)
    yield from _lint_room(suite, one, what)
    # Reasoning and votes on such cases are refused when the suite is read (`one_answer`).
    written = any(case.is_plain for case in suite.split("dev"))
    if one.family == "structured" and suite.split("dev") and not written:
        text = f"{what} asks for written answers, and every dev case has choices, turns or tools"
        yield "warning", "nothing_written", text
    missing = {
        package
        for each in techniques
        if each.optimiser and find_spec(package := _OPTIMISERS[each.optimiser]) is None
    }
    if missing:
        text = f"{what} needs {', '.join(sorted(missing))}: pip install 'tunegate[optimise]'"
        yield "note", "missing_extra", text


def _searchable(train: int, k: int) -> bool:
    """Whether sets of k can be told apart at all: half of train shows, the other half scores."""
    return train >= LEAST_SEARCHED and train - train // 2 > k


def _lint_documents(suite: Suite, one: RoundSpec, what: str) -> Iterator[tuple[Level, str, str]]:
    most = max(approach.technique.documents for approach in one.approaches)
    if not any(approach.technique.retrieval for approach in one.approaches):
        return
    there = len(suite.documents)
    if not there:
        text = f"{what} shows documents, and the suite has none: state `documents:`"
        yield "error", "no_documents", text
    elif most > there:
        text = f"{what} shows {most} documents, the suite has {there}"
        yield "warning", "few_documents", text


def _lint_room(suite: Suite, one: RoundSpec, what: str) -> Iterator[tuple[Level, str, str]]:
    """Thoughts and the answer share a room: one as small as the answer's leaves none to think."""
    rooms = [a.technique.max_tokens for a in one.approaches if a.technique.reasoning]
    if rooms and min(rooms) <= suite.decoding.max_tokens:
        text = (
            f"{what} gives thoughts and answer {min(rooms)} tokens together (max_tokens), and the "
            f"suite gives an answer alone {suite.decoding.max_tokens}"
        )
        yield "warning", "little_room", text


def _lint_effort(
    suite: Suite, rounds: Sequence[RoundSpec], level: Level, what: str
) -> Iterator[Finding]:
    """The least that a plateau may be concluded from; DESIGN's rule, said early.

    A candidate that two rounds declare counts in the first of them, for the gate as well.
    """
    seen: set[tuple[str, Approach]] = set()
    sizes = []
    for one in rounds:
        fresh = set(one.pairs) - seen
        sizes.append(len(fresh))
        seen |= fresh
    families = [one.family for one in rounds]
    short: list[str] = []
    if sum(sizes) < 5:
        short.append(f"{sum(sizes)} candidates, at least 5 are needed")
    if len(sizes) < 3:
        short.append(f"{len(sizes)} rounds, at least 3 are needed")
    if len(sizes) < 2 or min(sizes[-2:]) < 2:
        short.append("the last two rounds need at least 2 candidates each")
    if len(families) > 1 and families[-1] == families[-2]:
        short.append("the last two rounds are of the same family")
    if short:
        text = f"{what} never show a plateau: {'; '.join(short)}"
        yield Finding(level, "little_effort", text, _manifest(suite))


def _manifest(suite: Suite) -> str:
    return str(suite.root / "suite.yaml")
