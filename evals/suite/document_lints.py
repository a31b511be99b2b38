"""What can be said of a suite's documents before any model runs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from evals.records import Case, Finding
from evals.suite.folding import bare, input_text
from evals.suite.spec import Document, Suite

MAX_NAMED = 5
LEAST_WORDS = 4
"""An input of fewer words stands in a document by chance."""
_KEY_WORDS = LEAST_WORDS
_SAMPLED = 2_000

MANY_TOKENS = 6_000
"""Documents of more tokens than this leave little of the usual context of 8,192 (the embedded
model's) to the prompt and the answer."""
_CHARACTERS_A_TOKEN = 3.0
"""Fewer than usual in English (4): other languages are not to be thought shorter than they are."""


def lint_documents(suite: Suite) -> Iterator[Finding]:
    """Findings on documents: none named or shown, answers given away, and sizes."""
    where = str(suite.root / "suite.yaml")
    if not suite.documents:
        return
    retrieving = not suite.rounds or any(one.family == "retrieval" for one in suite.rounds)
    if not suite.names_documents:
        text = (
            "no dev case names documents: whether knowledge is missing cannot be tested, and "
            "recall cannot be reported"
        )
        yield Finding("note", "documents_not_named", text, where)
        if not retrieving:
            yield Finding("note", "documents_not_shown", "no round shows the documents", where)
    yield from _lint_given_away(suite)
    yield from _lint_sizes(suite, where)


class _Sealed(NamedTuple):
    """A held-out case by the words of its input, and its answer in the same form."""

    case: Case
    words: tuple[str, ...]
    answer: str


def _lint_given_away(suite: Suite) -> Iterator[Finding]:
    """Documents that hold the very question of a held-out case, and its answer."""
    sealed = _by_beginning(case for case in suite.cases if case.split != "train")
    found: dict[str, list[str]] = defaultdict(list)
    for document in suite.documents if sealed else ():
        for case in _held(document, sealed):
            found[document.id].append(case.id)
    for name, cases in list(found.items())[:MAX_NAMED]:
        named = ", ".join(map(repr, cases[:MAX_NAMED])) + (
            ", ..." if len(cases) > MAX_NAMED else ""
        )
        text = (
            f"the document {name!r} holds the question and the answer of {len(cases)} held-out "
            f"cases, word for word ({named}): finding it is no proof of use"
        )
        yield Finding("warning", "documents_hold_cases", text, str(suite.root / "suite.yaml"))
    if len(found) > MAX_NAMED:
        text = f"and {len(found) - MAX_NAMED} more documents hold held-out cases"
        yield Finding("warning", "documents_hold_cases", text, "")


def _by_beginning(cases: Iterator[Case]) -> Mapping[tuple[str, ...], list[_Sealed]]:
    """Held-out cases by the first words of their inputs, so that a document is read once."""
    found: dict[tuple[str, ...], list[_Sealed]] = defaultdict(list)
    for case in cases:
        words = tuple(bare(input_text(case)).split())
        answer = bare(case.answer)
        if len(words) >= LEAST_WORDS and answer:
            found[words[:_KEY_WORDS]].append(_Sealed(case, words, answer))
    return found


def _held(document: Document, sealed: Mapping[tuple[str, ...], list[_Sealed]]) -> Iterator[Case]:
    text = bare(f"{document.title}\n{document.text}")
    words = text.split()
    padded = f" {' '.join(words)} "
    seen: set[str] = set()
    for start in range(len(words) - _KEY_WORDS + 1):
        for one in sealed.get(tuple(words[start : start + _KEY_WORDS]), ()):
            whole = tuple(words[start : start + len(one.words)]) == one.words
            if whole and one.case.id not in seen and f" {one.answer} " in padded:
                seen.add(one.case.id)
                yield one.case


def _lint_sizes(suite: Suite, where: str) -> Iterator[Finding]:
    """Rounds and cases whose documents may not fit a context: such cases end in errors."""
    from evals.prompting.ladder import default_rounds
    from evals.retrieval.chunks import cut

    rounds = suite.rounds or default_rounds(suite)
    sizes = {document.id: _tokens(document) for document in suite.documents}
    most = max((how.technique.documents for one in rounds for how in one.approaches), default=0)
    pieces = sorted(
        (
            _tokens(piece)
            for document in suite.documents
            for piece in cut(document, suite.retrieval)
        ),
        reverse=True,
    )
    if (shown := sum(pieces[:most])) > MANY_TOKENS:
        text = f"a round shows {most} pieces of documents, up to about {shown:,} tokens: {_FITS}"
        yield Finding("warning", "long_documents", text, where)
    long = [c for c in suite.split("dev") if sum(map(sizes.__getitem__, c.documents)) > MANY_TOKENS]
    if long:
        named = ", ".join(repr(case.id) for case in long[:MAX_NAMED])
        text = (
            f"the own documents of {len(long)} dev cases have more than about {MANY_TOKENS:,} "
            f"tokens ({named}): {_FITS}"
        )
        yield Finding("warning", "long_own_documents", text, where)


_FITS = "with a context of 8,192 tokens such cases may end in errors"


def _tokens(document: Document) -> int:
    """About how many tokens a document has; more than most models count."""
    return math.ceil(len(f"{document.title}\n{document.text}") / _CHARACTERS_A_TOKEN)


def sample_documents(suite: Suite) -> Sequence[Mapping[str, str]]:
    """Two documents as a template sees them, to try templates on."""
    return [
        {"id": each.id, "title": each.title, "text": each.text[:_SAMPLED]}
        for each in suite.documents[:2]
    ]
