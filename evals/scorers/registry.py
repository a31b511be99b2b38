"""Versioned names to scorers. A name that a suite has used never changes its meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from evals.errors import ScorerError
from evals.scorers.by_tag import by_tag
from evals.scorers.choice import choice
from evals.scorers.combined import all_of, any_of
from evals.scorers.judging.judge import judge
from evals.scorers.judging.pairwise import judge_pairwise
from evals.scorers.label import label
from evals.scorers.likeness.similarity import similarity
from evals.scorers.likeness.style import style
from evals.scorers.match import contains, exact, normalized
from evals.scorers.numeric import numeric
from evals.scorers.options import Options, suggestion
from evals.scorers.pattern import regex
from evals.scorers.protocol import Scorer
from evals.scorers.python import python
from evals.scorers.sql.equal import sql_equal
from evals.scorers.sql.result import sql_result
from evals.scorers.structured.json_fields import json_fields
from evals.scorers.structured.json_schema import json_schema
from evals.scorers.structured.tool_calls import tool_calls
from evals.scorers.text.edit import edit_similarity
from evals.scorers.text.ngrams import bleu, chrf
from evals.scorers.text.rouge import rouge
from evals.scorers.turns import turns
from evals.suite.spec import MetricSpec, Suite

if TYPE_CHECKING:
    from evals.asking import Asker

Factory = Callable[[Options], Scorer]

_FACTORIES: Mapping[str, Factory] = {
    "all_of@1": all_of,
    "any_of@1": any_of,
    "bleu@1": bleu,
    "by_tag@1": by_tag,
    "choice@1": choice,
    "chrf@1": chrf,
    "contains@1": contains,
    "edit_similarity@1": edit_similarity,
    "exact@1": exact,
    "json_fields@1": json_fields,
    "json_schema@1": json_schema,
    "judge@1": judge,
    "judge_pairwise@1": judge_pairwise,
    "label@1": label,
    "normalized@1": normalized,
    "numeric@1": numeric,
    "python@1": python,
    "regex@1": regex,
    "rouge@1": rouge,
    "similarity@1": similarity,
    "sql_equal@1": sql_equal,
    "sql_result@1": sql_result,
    "style@1": style,
    "tool_calls@1": tool_calls,
    "turns@1": turns,
}


class ScorerSet(dict[str, Scorer]):
    """A suite's scorers by metric; a context manager that closes them all."""

    def close(self) -> None:
        """Close every scorer."""
        for scorer in self.values():
            scorer.close()

    def __enter__(self) -> ScorerSet:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def scorer_names() -> tuple[str, ...]:
    """Every scorer a suite may name, sorted."""
    return tuple(sorted(_FACTORIES))


def build_scorer(spec: MetricSpec, suite_root: Path, asker: Asker | None = None) -> Scorer:
    """The scorer a metric names, with its options; `asker` is for those that ask a model.

    Raises ScorerError for an unknown name and for an unknown, missing or ill-typed
    option, with the suite's file, the metric's line and the option's key. Starts nothing:
    a worker process begins with the first score.
    """
    options = Options(spec, suite_root, partial(build_scorer, asker=asker), asker)
    factory = _FACTORIES.get(spec.scorer)
    if factory is None:
        hint = suggestion(f"{spec.scorer.split('@')[0]}@1", _FACTORIES)
        known = ", ".join(scorer_names())
        raise options.error(
            f'unknown scorer "{spec.scorer}"; there is: {known}', key="scorer", hint=hint
        )
    scorer = factory(options)
    options.finish()
    return scorer


def build_scorers(suite: Suite, asker: Asker | None = None) -> ScorerSet:
    """The scorers of all the suite's metrics, by metric name.

    Without `asker` a metric that a model judges is built but cannot score.
    Also raises ScorerError, with the case's file and line, when a case expects something
    that its scorer cannot judge: before a model has run for nothing.
    """
    scorers = ScorerSet(
        {name: build_scorer(spec, suite.root, asker) for name, spec in suite.metrics.items()}
    )
    for name, scorer in scorers.items():
        check = getattr(scorer, "check", None)
        if check is None:
            continue
        for case in suite.cases:
            try:
                check(case)
            except ScorerError as error:
                error.key = error.key or f"metrics.{name}"
                raise
    return scorers
