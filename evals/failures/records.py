"""What went wrong in a run, as frozen records: kinds of failure, slices and topics of inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

FailureKind = Literal[
    "error", "refusal", "runaway", "invalid_format", "language", "length", "wrong_content"
]
"""In the order in which they are asked; the first that applies is the kind of the failure."""

KINDS: tuple[FailureKind, ...] = get_args(FailureKind)

MEANINGS: Mapping[FailureKind, str] = {
    "error": "no output, or one that could not be scored",
    "refusal": "the model declines to answer",
    "runaway": "cut off at the token limit, or repeating itself at the end",
    "invalid_format": "not in the form that is asked for",
    "language": "written in another script than the expected answer",
    "length": "far longer or shorter than the expected answers",
    "wrong_content": "none of these: the content is wrong",
}

CONSTRAINABLE: frozenset[FailureKind] = frozenset({"runaway", "invalid_format", "length"})
"""Kinds that decoding held to a form can end, unless the form is known to be right already.

A refusal is not among them: what a model is made to write instead of one is a guess.
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failing case. `form` is whether the answer has the right form, None: not known.

    `value` is its primary score, None for an error. `detail` says in short what was seen.
    """

    case_id: str
    kind: FailureKind
    form: bool | None = None
    value: float | None = None
    detail: str = ""

    @property
    def constrainable(self) -> bool:
        """Whether decoding that is held to a form could have changed the answer."""
        return self.kind in CONSTRAINABLE and self.form is not True


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval; the bounds are None where clusters are too few for any."""

    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class KindLine:
    """How many cases fail in one way, as a share of all cases, with ids of examples."""

    kind: FailureKind
    count: int
    share: Share
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contrast:
    """The failing share of a part of the cases against that of all others.

    `difference` is part minus rest with a 95 % interval. `p` is corrected for all parts that
    were looked at (Holm); `differs`: it is below 0.05. Both None where nothing was tested:
    too few cases in or beside the part, or too few clusters.
    """

    rest: float
    difference: Share
    p: float | None
    differs: bool | None


@dataclass(frozen=True, slots=True)
class SliceLine:
    """The cases with one value of a tag: how many fail, and how that differs from the rest."""

    tag: str
    value: str
    cases: int
    failed: int
    share: Share
    kinds: Mapping[FailureKind, int]
    contrast: Contrast | None


@dataclass(frozen=True, slots=True)
class Topic:
    """Inputs that use the same words, found among all cases, with more failures than the rest.

    `terms` are the words that set them apart most; `examples` are ids of failing cases.
    """

    terms: tuple[str, ...]
    cases: int
    failed: int
    share: Share
    kinds: Mapping[FailureKind, int]
    contrast: Contrast
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics that fail more often, of so many `looked_at`; else why none was looked for."""

    found: tuple[Topic, ...] = ()
    looked_at: int = 0
    why_not: str = ""


@dataclass(frozen=True)
class FailureAnalysis:
    """Every failure of one run, each of one kind; counts and shares are of all its cases.

    A case fails where its primary score is below `pass_score`, or where it has none.
    `form_from` says what judges the form, empty where nothing can; `form_unknown` counts the
    failing answers of which nothing is known. `form_gain` is the most by which the mean score
    could rise if every failure that a constraint could end became a full score. `unread` cases
    are not stored any more: script and length of their answers are not judged.
    """

    run: str
    label: str
    split: str
    cases: int
    pass_score: float
    failures: tuple[Failure, ...]
    kinds: tuple[KindLine, ...]
    form_from: str
    form_unknown: int
    form_gain: float
    slices: tuple[SliceLine, ...] = ()
    slices_hidden: int = 0
    topics: Topics = Topics()
    unread: int = 0
    format: int = 1

    @property
    def failed(self) -> int:
        """How many cases fail."""
        return len(self.failures)

    @property
    def counts(self) -> dict[FailureKind, int]:
        """Failures by kind, in the order of `KINDS`; kinds that do not occur are left out."""
        return {line.kind: line.count for line in self.kinds}

    @property
    def form_known(self) -> bool:
        """Whether of every failing answer it is known if its form is right."""
        return self.form_unknown == 0

    @property
    def constrainable(self) -> int:
        """How many failures decoding that is held to a form could have ended."""
        return sum(failure.constrainable for failure in self.failures)
