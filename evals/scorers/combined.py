"""`all_of@1` and `any_of@1`: several scorers that judge the same answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from evals.errors import ScorerError
from evals.records import Case, Output, Part, Score
from evals.scorers.nested import Pair, Result, check_all, fan_out
from evals.scorers.options import Options
from evals.scorers.protocol import Scorer
from evals.scorers.wire import MAX_PART_TEXT, MAX_PARTS

_Scores = Sequence[Score]


@dataclass(frozen=True)
class CombinedScorer:
    """Asks every scorer, and makes one score of theirs: `value_of` them, told by `told_by`.

    `told_by` picks the one whose reason and kind stand where the score is not full.
    """

    scorers: Mapping[str, Scorer]
    value_of: Callable[[_Scores], float]
    told_by: Callable[[_Scores], int]

    def check(self, case: Case) -> None:
        """Raise ScorerError when one of the scorers cannot judge this case."""
        check_all(self.scorers.values(), case)

    def __call__(self, case: Case, output: Output) -> Score:
        """One score of all; raises the first scorer's ScorerError when one gives none."""
        return self._combined([scorer(case, output) for scorer in self.scorers.values()])

    def stream(self, pairs: Iterable[Pair]) -> Iterator[Result]:
        """The same for many pairs, in order, as they come."""
        scorers = tuple(self.scorers.values())
        for results in fan_out(pairs, lambda _case: scorers):
            scores = [result for result in results if isinstance(result, Score)]
            errors = [result for result in results if isinstance(result, ScorerError)]
            yield errors[0] if errors else self._combined(scores)

    def close(self) -> None:
        """Close every scorer."""
        for scorer in self.scorers.values():
            scorer.close()

    def _combined(self, scores: _Scores) -> Score:
        names = list(self.scorers)
        value = self.value_of(scores)
        parts = [Part("scorer", n, one.value) for n, one in zip(names, scores, strict=True)]
        for name, one in zip(names, scores, strict=True):
            inner = (replace(p, name=f"{name}.{p.name}"[:MAX_PART_TEXT]) for p in one.parts)
            parts.extend(inner)
        if value >= 1.0:
            return Score(1.0, parts=tuple(parts[:MAX_PARTS]))
        index = self.told_by(scores)
        told = scores[index]
        reason = f"{names[index]}: {told.reason}" if told.reason else f"{names[index]} is not full"
        return Score(value, reason, told.kind, tuple(parts[:MAX_PARTS]))


def all_of(options: Options) -> Scorer:
    """`all_of@1`: options `scorers` ({name: {scorer: ..., ...}}), `combine`, `weights`.

    The value is the lowest of all (`combine: min`, the default) or their mean (`combine:
    mean`), weighted by `weights` ({name: number above 0}, 1 where not named). Reason and kind
    are those of the lowest. Parts: one for each scorer, then theirs, named "scorer.part".
    """
    scorers = _scorers(options)
    combine = options.one_of("combine", ("min", "mean"), default="min")
    weights = _weights(options, tuple(scorers))
    if weights and combine != "mean":
        raise options.error("weights mean nothing without combine: mean", key="weights")
    total = sum(weights.values()) or len(scorers)
    factors = [weights.get(name, 1.0) / total for name in scorers]

    def mean(scores: _Scores) -> float:
        if all(one.value == 1.0 for one in scores):
            return 1.0  # not 0.9999999 by rounding
        return min(1.0, sum(f * one.value for f, one in zip(factors, scores, strict=True)))

    return CombinedScorer(scorers, mean if combine == "mean" else _lowest, _index_of_lowest)


def any_of(options: Options) -> Scorer:
    """`any_of@1`: option `scorers` ({name: {scorer: ..., ...}}); the value is the highest.

    Reason and kind are those of the highest. Parts are as those of `all_of@1`.
    """
    return CombinedScorer(_scorers(options), _highest, _index_of_highest)


def _lowest(scores: _Scores) -> float:
    return min(one.value for one in scores)


def _highest(scores: _Scores) -> float:
    return max(one.value for one in scores)


def _index_of_lowest(scores: _Scores) -> int:
    return min(range(len(scores)), key=lambda index: scores[index].value)


def _index_of_highest(scores: _Scores) -> int:
    return max(range(len(scores)), key=lambda index: scores[index].value)


def _scorers(options: Options) -> dict[str, Scorer]:
    described = options.mapping("scorers", "a mapping from names to scorers")
    return {name: options.nested(f"scorers.{name}", one) for name, one in described.items()}


def _weights(options: Options, names: tuple[str, ...]) -> dict[str, float]:
    """Every scorer's weight, or none where the suite states none."""
    if not options.has("weights"):
        return {}
    given = options.mapping("weights", "a mapping from the scorers' names to numbers above 0")
    for name, weight in given.items():
        if name not in names:
            raise options.error(f'there is no scorer "{name}" to weigh', key=f"weights.{name}")
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number or not 0 < weight < 1e9:
            raise options.error(f"{weight!r:.80} is no number above 0", key=f"weights.{name}")
    return {name: float(given.get(name, 1.0)) for name in names}
