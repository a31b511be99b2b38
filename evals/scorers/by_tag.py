"""`by_tag@1`: different scorers for different kinds of case in one suite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from evals.records import Case, Output, Score
from evals.scorers.nested import Pair, Result, check_all, fan_out
from evals.scorers.options import Options, suggestion
from evals.scorers.plain import case_error
from evals.scorers.protocol import Scorer


@dataclass(frozen=True)
class TagScorer:
    """Hands each case to the scorer of its tag's value, or to the default one."""

    tag: str
    scorers: Mapping[str, Scorer]
    default: Scorer | None

    def scorer_of(self, case: Case) -> Scorer:
        """The scorer for this case; raises ScorerError when its tag's value has none."""
        value = case.tags.get(self.tag)
        scorer = self.scorers.get(value, self.default) if value is not None else self.default
        if scorer is not None:
            return scorer
        known = ", ".join(sorted(self.scorers))
        said = f'tag "{self.tag}" is "{value}"' if value is not None else f'no tag "{self.tag}"'
        raise case_error(
            case,
            f"{said}, for which by_tag@1 has no scorer; it has: {known}",
            hint=suggestion(value or "", self.scorers),
        )

    def check(self, case: Case) -> None:
        """Raise ScorerError when no scorer, or not the right one, is there for this case."""
        check_all([self.scorer_of(case)], case)

    def __call__(self, case: Case, output: Output) -> Score:
        """What the case's own scorer says."""
        return self.scorer_of(case)(case, output)

    def stream(self, pairs: Iterable[Pair]) -> Iterator[Result]:
        """The same for many pairs, in order, as they come."""
        for (result,) in fan_out(pairs, lambda case: [self.scorer_of(case)]):
            yield result

    def close(self) -> None:
        """Close every scorer."""
        for scorer in (*self.scorers.values(), self.default):
            if scorer is not None:
                scorer.close()


def by_tag(options: Options) -> Scorer:
    """`by_tag@1`: options `tag`, `scorers` ({value: {scorer: ..., ...}}) and `default`.

    The kinds and reasons are those of the scorer that judged. Every case's tag must have
    a value that is listed, unless there is a default.
    """
    tag = options.text("tag")
    described = options.mapping("scorers", "a mapping from the tag's values to scorers")
    scorers = {value: options.nested(f"scorers.{value}", one) for value, one in described.items()}
    default = None
    if options.has("default"):
        default = options.nested("default", options.spec.options["default"])
    return TagScorer(tag, scorers, default)
