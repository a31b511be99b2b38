"""The ways to ask an adapter: which prompts are worth trying with it, each of them once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from evals.approach import Approach, Technique
from evals.models.protocol import AdaptableModel
from evals.prompting import find_prompt, make_candidate
from evals.records import Candidate
from evals.suite.spec import Suite, TogetherSpec
from evals.suite.templates import compile_prompt
from tuning.gate.declared import rounds_of
from tuning.records import TrainingRecord
from tuning.shipping.sealed import tuned_candidate

TRAINED = "trained with it"
LEADER = "the best prompt"
SHOWN = "with demonstrations"
NAMED = "named by the suite"
TRIED = "tried in the search"


@dataclass(frozen=True)
class Way:
    """One candidate with the adapter, and how it came to be tried."""

    candidate: Candidate
    why: str

    @property
    def label(self) -> str:
        """How it is asked; that all of them have the adapter goes without saying."""
        return replace(self.candidate, adapter="").label

    @property
    def base(self) -> Candidate:
        """The same without the adapter."""
        return replace(self.candidate, adapter="", adapter_path="")


def ways_to_ask(
    suite: Suite,
    model: AdaptableModel,
    leader: Candidate,
    tried: Sequence[Candidate],
    training: TrainingRecord,
) -> tuple[Way, ...]:
    """What to try, the prompt it was trained with first; what asks the same is there once.

    `tried` are the candidates of the search, best first. All keep the documents and the structure
    that the adapter was trained for. Raises what `tuned_candidate` and `make_candidate` raise.
    """
    trained = tuned_candidate(suite, model, training, leader.technique)
    spec = suite.tune.together or TogetherSpec()
    ways = [Way(trained, TRAINED)]
    if spec.prompts:
        ways += _named(suite, model, trained, spec.prompts)
    elif spec.what != "none":
        ways += [Way(_adapted(leader, trained), LEADER)] if _is_shown_so(leader, trained) else []
        ways += _demonstrated(suite, model, trained, tried)
    if spec.what == "all":
        ways += [Way(_adapted(one, trained), TRIED) for one in tried if _is_shown_so(one, trained)]
    distinct: dict[str, Way] = {}
    for way in ways:
        distinct.setdefault(way.candidate.fingerprint, way)
    return tuple(distinct.values())


def _is_shown_so(candidate: Candidate, trained: Candidate) -> bool:
    """Whether it keeps the documents and the structure that the adapter was trained for."""
    own, kept = candidate.technique, trained.technique
    shown = (own.structured, own.retrieval, own.documents)
    return shown == (kept.structured, kept.retrieval, kept.documents)


def _adapted(candidate: Candidate, trained: Candidate) -> Candidate:
    """A tried prompt, with all it does, on the model with the adapter."""
    return replace(candidate, adapter=trained.adapter, adapter_path=trained.adapter_path)


def _named(
    suite: Suite, model: AdaptableModel, trained: Candidate, prompts: Sequence[str]
) -> Iterator[Way]:
    how = Approach(technique=trained.technique)
    for name in prompts:
        yield Way(_adapted(make_candidate(suite, model, name, how), trained), NAMED)


def _demonstrated(
    suite: Suite, model: AdaptableModel, trained: Candidate, tried: Sequence[Candidate]
) -> Iterator[Way]:
    """The training prompt with the best demonstrations of the search, where it shows any."""
    shows = "demos" in compile_prompt(find_prompt(suite, trained.prompt)).uses
    shown = best_demonstrations(suite, tried, trained.technique) if shows else None
    if shown is not None:
        yield Way(_adapted(make_candidate(suite, model, trained.prompt, shown), trained), SHOWN)


def best_demonstrations(
    suite: Suite, tried: Sequence[Candidate], technique: Technique
) -> Approach | None:
    """Those of the best tried prompt that shows any, else the first that the rounds declare.

    The best prompt comes first in `tried`, so its own are taken where it has some. What a search
    found is shown by name. None where nothing shows demonstrations.
    """
    for candidate in tried:
        if candidate.found and candidate.found.listed:
            listed = candidate.found.listed
            return Approach("listed", len(listed), listed=listed, technique=technique)
        if candidate.demonstrations not in ("none", "searched"):
            return replace(candidate.approach, technique=technique)
    for spec in rounds_of(suite):
        for _, how in spec.pairs:
            if spec.family in ("few_shot", "nearest") and how.k:
                return replace(how, technique=technique)
    return None
