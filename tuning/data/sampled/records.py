"""What sampling is asked for, and what it gives: examples with their origin, and the counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from evals.errors import UsageError
from evals.records import Candidate, Run
from tuning.data.dataset import Example

TEMPERATURE = 0.8
"""Of sampled answers, where nobody says: warm enough for answers to differ."""
KEEP = 1
"""Answers kept of a case, where nobody says: one prompt teaches one further answer."""
MAX_TIMES = 1000


@dataclass(frozen=True)
class SamplePlan:
    """How often each train case is asked, how warm, and what of it is kept.

    Kept are at most `keep` answers of a case whose primary score is at least `least`, and none
    that is the case's own answer, but `with_own`. The first draw has the seed `seed * times`, as
    votes have: another seed shares no draw, and more draws find those made before. Raises
    UsageError for numbers that make no sense.
    """

    times: int
    temperature: float = TEMPERATURE
    keep: int = KEEP
    least: float = 1.0
    with_own: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.times <= MAX_TIMES:
            raise UsageError(
                f"{self.times} samples of a case: from 1 to {MAX_TIMES:,} can be drawn"
            )
        if not 0 < self.temperature <= 2:
            raise UsageError(
                f"samples at temperature {self.temperature:g}: above 0 and at most 2 is needed",
                hint="at 0 all samples of a case are the same",
            )
        if self.keep < 1:
            raise UsageError("at least one answer of a case must be allowed to be kept")
        if not 0 < self.least <= 1:
            raise UsageError(f"a score of at least {self.least:g} is none above 0, at most 1")


@dataclass(frozen=True)
class Provenance:
    """Where a sampled answer comes from. No dates: the same draws give the same records.

    `source` is what `Example.source` says. `model`, `model_fingerprint`, `candidate` (a label) and
    `candidate_fingerprint` are of the one that answered, `asked` is the hash of its request, and
    `seed` and `temperature` are of the draw. `score` is of `metric` by the scorers that `scoring`
    identifies. Of `drawn` answers `agreed` were this one. `prompt` names the prompt that the
    example is rendered with.
    """

    case: str
    case_fingerprint: str
    source: str
    model: str
    model_fingerprint: str
    candidate: str
    candidate_fingerprint: str
    asked: str
    seed: int
    temperature: float
    metric: str
    score: float
    scoring: str
    drawn: int
    agreed: int
    prompt: str


class Kept(NamedTuple):
    """An example, and where its answer comes from."""

    example: Example
    provenance: Provenance


@dataclass(frozen=True)
class CaseSamples:
    """What became of the draws of one case.

    `right` scored enough; of these `unusable` cannot be trained on (cut off, empty, with hidden
    characters, or rejected as they would be trained on). The others are `distinct` answers,
    `own` of which (0 or 1) is the case's own, and `kept` of which are kept.
    """

    case: str
    drawn: int
    errors: int
    right: int
    unusable: int
    distinct: int
    own: int
    kept: int

    @property
    def usable(self) -> int:
        """How many draws gave an answer that could be trained on."""
        return self.right - self.unusable


@dataclass(frozen=True)
class Sampling:
    """All that came of it: the examples in the order of the cases, and the counts of each case.

    `runs` are those of each draw. `left_out` are ids of train cases that are not asked: they read
    like a case of dev or test, or are not answered by one text.
    """

    candidate: Candidate
    plan: SamplePlan
    kept: tuple[Kept, ...]
    cases: tuple[CaseSamples, ...]
    left_out: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def unsolved(self) -> tuple[str, ...]:
        """Ids of the cases that no draw answered so that it could be trained on."""
        return tuple(one.case for one in self.cases if not one.usable)

    @property
    def solved(self) -> int:
        """How many cases some draw answered so."""
        return sum(one.usable > 0 for one in self.cases)

    @property
    def own(self) -> int:
        """How many cases some draw gave the case's own answer, however it is spelled."""
        return sum(one.own for one in self.cases)

    @property
    def drawn(self) -> int:
        """Answers that were asked for."""
        return sum(one.drawn for one in self.cases)

    @property
    def errors(self) -> int:
        """Draws that gave no answer, or one that could not be scored."""
        return sum(one.errors for one in self.cases)

    @property
    def right(self) -> int:
        """Draws that scored enough."""
        return sum(one.right for one in self.cases)

    @property
    def unusable(self) -> int:
        """Right ones that cannot be trained on."""
        return sum(one.unusable for one in self.cases)

    @property
    def transient(self) -> bool:
        """Whether a draw ended in an error that another try may not give."""
        results = (result for run in self.runs for result in run.results)
        return any(result.transient or result.output.transient for result in results)
