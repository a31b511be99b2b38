"""Candidates: a suite's prompt on a model, with how it is used and its identity."""

from __future__ import annotations

from dataclasses import replace

from evals.approach import Approach, Found, Technique
from evals.errors import SuiteError
from evals.fingerprint import fingerprint
from evals.models.protocol import Model
from evals.prompting.answers import steps_fingerprint
from evals.prompting.demonstrations import (
    method_fingerprint,
    refuse_unusable,
    train_groups,
)
from evals.records import Candidate, Decoding
from evals.retrieval.showing import documents_fingerprint
from evals.suite.one_answer import PLAIN_CASES, why_not
from evals.suite.spec import PromptSpec, RoundSpec, Suite

_DRAWN = ("static", "searched")


def make_candidate(
    suite: Suite,
    model: Model,
    prompt: str,
    approach: Approach | None = None,
    *,
    found: Found | None = None,
    adapter: str = "",
    adapter_path: str = "",
) -> Candidate:
    """The candidate that `prompt` makes on `model`, with its identity filled in.

    `found` is what a search put in, where the approach asks for one. Raises SuiteError when the
    suite has no such prompt, none of the structure or documents that the approach needs, and
    where cases have no one written answer to reason towards or to vote on.
    """
    how = _settled(approach or Approach())
    if said := why_not(suite.cases, how.technique):
        raise SuiteError(said, path=suite.root / "suite.yaml", key="rounds", hint=PLAIN_CASES)
    refuse_unusable(suite, how)
    decoding = decoding_of(suite, how.technique)
    return Candidate(
        model=model.name,
        model_fingerprint=model.fingerprint,
        prompt=prompt,
        prompt_fingerprint=prompt_fingerprint(suite, prompt),
        demonstrations=how.method,
        k=how.k,
        seed=how.seed,
        demonstrations_fingerprint=method_fingerprint(suite, how),
        adapter=adapter,
        adapter_path=adapter_path,
        decoding=decoding,
        technique=how.technique,
        listed=how.listed,
        found=found,
        documents_fingerprint=documents_fingerprint(suite, how.technique),
        steps_fingerprint=steps_fingerprint(how.technique, suite.decoding.stop),
        constrained_by=held_by(model, decoding),
    )


def held_by(model: Model, decoding: Decoding) -> str:
    """What holds the model's answers to a structure; empty where it does not say."""
    says = getattr(model, "constrained_by", None)
    return str(says(decoding)) if says is not None and decoding.constrained else ""


def _settled(approach: Approach) -> Approach:
    """One spelling for what is one approach: no k without a method, no seed that draws nothing.

    One vote is none, at no temperature of its own.
    """
    if approach.technique.votes <= 1:
        technique = replace(approach.technique, votes=1, temperature=0.0)
        approach = replace(approach, technique=technique)
    if approach.method == "listed":
        approach = replace(approach, k=len(approach.listed))
    if approach.method == "none" or not approach.k:
        return replace(approach, method="none", k=0, seed=0, listed=())
    return approach if approach.method in _DRAWN else replace(approach, seed=0)


def decoding_of(suite: Suite, technique: Technique) -> Decoding:
    """How one answer is generated. Raises SuiteError where there is no structure to hold to."""
    decoding = suite.decoding
    if technique.max_tokens:
        decoding = replace(decoding, max_tokens=technique.max_tokens)
    if technique.reasoning:  # thoughts may hold what ends an answer
        decoding = replace(decoding, stop=())
    if technique.votes > 1:
        if technique.temperature <= 0:
            raise SuiteError(
                f"{technique.votes} votes at temperature 0 are one answer, {technique.votes} times",
                key="temperature",
                hint="sample above 0: 0.7 is usual",
            )
        decoding = replace(decoding, temperature=technique.temperature)
    return _held(suite, decoding, technique) if technique.structured else decoding


def _held(suite: Suite, decoding: Decoding, technique: Technique) -> Decoding:
    """Decoding held to the suite's structure, which says where an answer ends: no stop strings.

    A stop string could only cut an answer short of its structure.
    """
    form, where = suite.structure, suite.root / "suite.yaml"
    if form is None:
        raise SuiteError(
            "structured answers were asked for, and no structure is known to hold them to",
            path=where,
            key="structure",
            hint="state `structure: {schema: answer.schema.json}`, or a grammar",
        )
    if technique.reasoning:
        raise SuiteError(
            "an answer that is held to a structure from its first token has no room for reasoning",
            path=where,
            key="rounds",
            hint="ask for one of the two",
        )
    return replace(
        decoding, schema=form.schema, ordered="", grammar=form.grammar, regex=form.regex, stop=()
    )


def prompt_fingerprint(suite: Suite, prompt: str) -> str:
    """Identity of a prompt with all that is filled in from the suite. Raises SuiteError."""
    tools = [suite.tools] if suite.tools else []
    spec = find_prompt(suite, prompt)
    return fingerprint(spec.fingerprint, suite.variables, suite.labels, *tools)


def search_origin(suite: Suite, prompt: str, approach: Approach) -> str:
    """Identity of all of a suite that a search for `prompt` and `approach` rests on.

    What was found is out of date where it changes: prompt, train cases and which of them leak to
    dev or test, approach, decoding or scoring. Raises SuiteError as `make_candidate` does.
    """
    how = _settled(approach)
    return fingerprint(
        "search@1",
        prompt_fingerprint(suite, prompt),
        [case.fingerprint for case in suite.split("train")],
        how,
        method_fingerprint(suite, how),
        decoding_of(suite, how.technique),
        suite.scoring_fingerprint,
        *_parted(suite, how.technique),
    )


def _parted(suite: Suite, technique: Technique) -> list[list[list[str]]]:
    """What an optimiser may learn from, by ids, where that is not each train case alone."""
    if not technique.optimiser:
        return []
    groups = train_groups(suite.cases)
    alone = len(groups) == len(suite.split("train"))
    return [] if alone else [[[case.id for case in one] for one in groups]]


def find_prompt(suite: Suite, name: str) -> PromptSpec:
    """The suite's prompt of that name. Raises SuiteError with the names it has."""
    if name not in suite.prompts:
        known = ", ".join(sorted(suite.prompts))
        raise SuiteError(
            f"there is no prompt {name!r}; there are: {known}",
            path=suite.root / "suite.yaml",
            key="prompts",
        )
    return suite.prompts[name]


def changed_since(suite: Suite, candidate: Candidate) -> tuple[str, ...]:
    """What a suite would ask otherwise now than when `candidate` was made, in words.

    The seed of decoding tells repeats apart and is no change. Of a prompt that is gone no more
    is said than that it changed.
    """
    if candidate.prompt not in suite.prompts:
        return (f"prompt {candidate.prompt!r}",)
    technique = candidate.technique
    if technique.structured and suite.structure is None:
        return ("structure",)
    shown = method_fingerprint(suite, candidate.approach)
    parts = {
        f"prompt {candidate.prompt!r}": candidate.prompt_fingerprint
        != prompt_fingerprint(suite, candidate.prompt),
        "decoding": fingerprint(replace(candidate.decoding, seed=0))
        != fingerprint(replace(decoding_of(suite, technique), seed=0)),
        "demonstrations": candidate.demonstrations_fingerprint != shown,
        "documents": candidate.documents_fingerprint != documents_fingerprint(suite, technique),
        "what was searched for": _is_outdated(suite, candidate),
        "how reasoning and votes are done": candidate.steps_fingerprint
        != steps_fingerprint(technique, suite.decoding.stop),
    }
    return tuple(name for name, differs in parts.items() if differs)


def _is_outdated(suite: Suite, candidate: Candidate) -> bool:
    """Whether a search would have to be made again, or was never made."""
    approach, found = candidate.approach, candidate.found
    if found is None:
        return approach.is_searched
    return found.origin != search_origin(suite, candidate.prompt, approach)


def round_candidates(suite: Suite, model: Model, spec: RoundSpec) -> list[Candidate]:
    """Every prompt of a round with every approach, in the order the suite states them.

    What must be searched for is not in them yet: see `tuning.search`.
    """
    return [make_candidate(suite, model, prompt, approach) for prompt, approach in spec.pairs]
