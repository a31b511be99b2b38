"""The rounds of `suite.yaml`: each one family of prompts times approaches, with its budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar, get_args

from evals.approach import Approach, DemonstrationMethod, Optimiser, Technique
from evals.errors import ModelError
from evals.models.names import check_form
from evals.stated import (
    MAX_DEMONSTRATIONS,
    MAX_DOCUMENTS,
    MAX_TOKENS,
    MAX_VOTES,
    REASONING_TOKENS,
    SHOWN,
    VOTING_TEMPERATURE,
    Stated,
)
from evals.suite.approach_keys import read_shown
from evals.suite.policy import Prompts, known_prompt
from evals.suite.section import Section
from evals.suite.spec import RoundBudget, RoundFamily, RoundSpec

Word = TypeVar("Word", bound=str)

FAMILIES: tuple[RoundFamily, ...] = get_args(RoundFamily)
OPTIMISERS: tuple[Optimiser, ...] = ("miprov2", "gepa")
MAX_TRIES = 512
MAX_BUDGET = 10**12

SETS = 16
"""How many sets of demonstrations a search tries, where a round does not say."""

_SHOWN = tuple(SHOWN)


class _Family(NamedTuple):
    """The keys of a family besides `family`, `prompts` and `budget`, and what they declare."""

    keys: tuple[str, ...]
    read: Callable[[Section], tuple[Approach, ...]]


def read_rounds(top: Section, prompts: Prompts) -> tuple[RoundSpec, ...]:
    """The rounds in order. Raises SuiteError for unknown prompts, families and keys."""
    return tuple(_read_round(section, prompts) for section in top.sections("rounds"))


def _read_round(section: Section, prompts: Prompts) -> RoundSpec:
    section.require("family", "prompts")
    family = section.choice("family", FAMILIES, FAMILIES[0])
    if family == "wording" and section.has("k"):
        section.fail("a round of wording shows no demonstrations, so it has no k", "k")
    form = _FORMS[family]
    section.only("family", "prompts", "budget", *form.keys)
    named = section.texts("prompts", at_least=1)
    for i, name in enumerate(named):
        known_prompt(section, name, prompts, "prompts", i)
    approaches = tuple(dict.fromkeys(form.read(section)))
    return RoundSpec(family, named, approaches, section.line, _budget(section))


def _budget(section: Section) -> RoundBudget:
    if not section.has("budget"):
        return RoundBudget()
    inner = section.section("budget")
    inner.only("tokens")
    inner.require("tokens")
    return RoundBudget(inner.integer("tokens", low=1, high=MAX_BUDGET))


def _wording(_: Section) -> tuple[Approach, ...]:
    return (Approach(),)


def _few_shot(section: Section) -> tuple[Approach, ...]:
    return _by_k(section, "draw", {"random": "static", "diverse": "diverse"})


def _nearest(section: Section) -> tuple[Approach, ...]:
    return _by_k(section, "by", {"tfidf": "nearest", "embedding": "similar"})


def _by_k(
    section: Section, key: str, methods: Mapping[str, DemonstrationMethod]
) -> tuple[Approach, ...]:
    """Every way that `key` names (by default the first) with every k."""
    named = _chosen(section, key, tuple(methods))
    return tuple(Approach(methods[name], k) for name in named for k in _counts(section, "k"))


def _chosen(section: Section, key: str, options: tuple[Word, ...]) -> tuple[Word, ...]:
    """Those of `options` that one word or a list of words names; by default the first."""
    if not section.has(key):
        return options[:1]
    if isinstance(section.values[key], str):
        return (section.choice(key, options, options[0]),)
    named = section.texts(key, at_least=1)
    for i, name in enumerate(named):
        if name not in options:
            section.expect(f"one of {', '.join(options)}", key, i)
    return tuple(option for name in named for option in options if option == name)


def _searched(section: Section) -> tuple[Approach, ...]:
    tries = section.integer("sets", low=2, high=MAX_TRIES) if section.has("sets") else SETS
    technique = Technique(tries=tries)
    return tuple(Approach("searched", k, technique=technique) for k in _counts(section, "k"))


def _reasoning(section: Section) -> tuple[Approach, ...]:
    return (_shown(section, Technique(reasoning=True, max_tokens=_reasoning_tokens(section))),)


def _votes(section: Section) -> tuple[Approach, ...]:
    has = section.has
    heat = (
        section.number("temperature", above=0, at_most=2)
        if has("temperature")
        else VOTING_TEMPERATURE
    )
    thinks = section.flag("reasoning")
    if has("max_tokens") and not thinks:
        section.fail("max_tokens is the room for reasoning, which is not asked for", "max_tokens")
    room = _reasoning_tokens(section) if thinks else 0
    votes = _counts(section, "votes", low=2, high=MAX_VOTES)
    return tuple(
        _shown(section, Technique(reasoning=thinks, votes=n, temperature=heat, max_tokens=room))
        for n in votes
    )


def _structured(section: Section) -> tuple[Approach, ...]:
    return (_shown(section, Technique(structured=True)),)


def _retrieval(section: Section) -> tuple[Approach, ...]:
    return tuple(
        _shown(section, Technique(retrieval="bm25", documents=documents))
        for documents in _counts(section, "documents", high=MAX_DOCUMENTS)
    )


def _optimised(section: Section) -> tuple[Approach, ...]:
    named = _chosen(section, "optimiser", OPTIMISERS)
    proposer = section.optional_text("proposer") or ""
    if proposer:
        try:
            check_form(proposer)
        except ModelError as error:
            section.fail(error.message, "proposer", hint=error.hint or "")
    tries = section.integer("tries", low=1, high=MAX_TRIES) if section.has("tries") else 0
    return tuple(
        Approach(technique=Technique(optimiser=name, proposer=proposer, tries=tries))
        for name in named
    )


def _shown(section: Section, technique: Technique) -> Approach:
    """The technique with the demonstrations that the round names, if any."""
    stated = Stated(read_shown(section, SHOWN))
    if found := stated.conflict():
        section.fail(found[1], found[0])
    return replace(stated.approach or Approach(), technique=technique)


def _counts(
    section: Section, key: str, *, low: int = 1, high: int = MAX_DEMONSTRATIONS
) -> tuple[int, ...]:
    section.require(key)
    return section.integers(key, low=low, high=high)


def _reasoning_tokens(section: Section) -> int:
    if section.has("max_tokens"):
        return section.integer("max_tokens", low=1, high=MAX_TOKENS)
    return REASONING_TOKENS


_FORMS: Mapping[RoundFamily, _Family] = {
    "wording": _Family((), _wording),
    "few_shot": _Family(("k", "draw"), _few_shot),
    "nearest": _Family(("k", "by"), _nearest),
    "searched": _Family(("k", "sets"), _searched),
    "reasoning": _Family(("max_tokens", *_SHOWN), _reasoning),
    "votes": _Family(("votes", "temperature", "reasoning", "max_tokens", *_SHOWN), _votes),
    "structured": _Family(_SHOWN, _structured),
    "retrieval": _Family(("documents", *_SHOWN), _retrieval),
    "optimised": _Family(("optimiser", "proposer", "tries"), _optimised),
}
