"""How a prompt is used: what is shown to it, done around it, or searched for it.

A round of a suite declares prompts times approaches; a candidate is a model with one prompt and
one approach. A leaf: plain records that are stored with every run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from evals.fingerprint import LATER

DemonstrationMethod = Literal[
    "none", "static", "diverse", "nearest", "similar", "searched", "listed"
]
"""Which train cases are shown. The same for every case: `static` (drawn by seed), `diverse`
(spread over the inputs), `searched` (found by `tuning.search.demonstrations`), `listed` (named by
id). For each case its own: `nearest` (TF-IDF) and `similar` (embeddings)."""

Retrieval = Literal["", "bm25", "oracle"]
"""Which documents are shown: none, those that an index finds, or the case's own references."""

Optimiser = Literal["", "miprov2", "gepa"]


@dataclass(frozen=True, slots=True)
class Technique:
    """What is done around a prompt besides demonstrations; the default does nothing.

    `reasoning`: the model thinks before it answers, and the answer is extracted.
    `votes`: the commonest of so many answers, sampled at `temperature`. `structured`: the answer
    is constrained to the suite's `structure`. `retrieval` shows `documents` documents (`oracle`:
    all of the case's own). `max_tokens`: in place of the suite's, 0 keeps that. `optimiser`
    writes the prompt anew, with `proposer` (a model's name; empty: the model itself).
    `tries` is how many sets or prompts a search may try.
    """

    reasoning: bool = field(default=False, metadata=LATER)
    votes: int = field(default=1, metadata=LATER)
    temperature: float = field(default=0.0, metadata=LATER)
    structured: bool = field(default=False, metadata=LATER)
    retrieval: Retrieval = field(default="", metadata=LATER)
    documents: int = field(default=0, metadata=LATER)
    max_tokens: int = field(default=0, metadata=LATER)
    optimiser: Optimiser = field(default="", metadata=LATER)
    proposer: str = field(default="", metadata=LATER)
    tries: int = field(default=0, metadata=LATER)


PLAIN = Technique()


@dataclass(frozen=True, slots=True)
class Approach:
    """Demonstrations by `method` (how many, and the seed of those that are drawn), and the rest.

    `listed` are ids of train cases, for the method of that name.
    """

    method: DemonstrationMethod = "none"
    k: int = 0
    seed: int = 0
    listed: tuple[str, ...] = field(default=(), metadata=LATER)
    technique: Technique = field(default=PLAIN, metadata=LATER)

    @property
    def is_searched(self) -> bool:
        """Whether a search must put something into a candidate before it can be tried."""
        return self.method == "searched" or bool(self.technique.optimiser)

    @property
    def label(self) -> str:
        """What is added to the prompt's name, e.g. ` + 4 nearest + 3 documents`; may be empty."""
        technique = self.technique
        parts = [f"{self.k} {self.method}"] if self.method != "none" else []
        if technique.retrieval == "oracle":
            parts.append("its own documents")
        elif technique.retrieval:
            parts.append(f"{technique.documents} document{'s' * (technique.documents != 1)}")
        parts += ["reasoning"] if technique.reasoning else []
        parts += ["structured"] if technique.structured else []
        parts += [technique.optimiser] if technique.optimiser else []
        parts += [f"{technique.votes} votes"] if technique.votes > 1 else []
        return "".join(f" + {part}" for part in parts)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search put into a candidate: ids of demonstrations, or a template's source.

    `origin` is the identity of all that the search rested on: another prompt, other train cases
    or other settings make it out of date.
    """

    origin: str
    listed: tuple[str, ...] = ()
    template: str = field(default="", metadata=LATER)
