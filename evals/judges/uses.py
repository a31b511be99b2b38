"""Where a suite's metrics rest on a model's judgement, at any depth of their options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from evals.fingerprint import fingerprint
from evals.records import Json
from evals.suite.spec import MetricSpec, Suite

JUDGES = ("judge@1", "judge_pairwise@1")
DEFAULT_MIN_KAPPA = 0.6


class JudgeUse(NamedTuple):
    """A judge inside a metric: `spec` is named by where it stands, as in `quality.any[1]`."""

    metric: str
    spec: MetricSpec

    @property
    def model(self) -> str:
        """The name of the model that judges."""
        return str(self.spec.options.get("model", ""))

    @property
    def labels_file(self) -> str | None:
        """The file with people's labels; None where the suite has none."""
        named = self.spec.options.get("calibration")
        return named if isinstance(named, str) else None

    @property
    def min_kappa(self) -> float:
        """The agreement that the suite demands."""
        stated = self.spec.options.get("min_kappa", DEFAULT_MIN_KAPPA)
        return float(stated) if isinstance(stated, int | float) else DEFAULT_MIN_KAPPA

    def identity(self, suite: Suite) -> str:
        """Identity of what judges, apart from the model's weights, and of the labels."""
        files = suite.metric_files.get(self.metric, "")
        return fingerprint("judge@1", self.spec.scorer, self.spec.options, files)


def judges_of(suite: Suite, metric: str | None = None) -> tuple[JudgeUse, ...]:
    """The judges of one metric, or of all, in the order in which the suite states them."""
    names = suite.metrics if metric is None else [metric]
    return tuple(use for name in names for use in _uses(suite.metrics[name]))


def judge_models(suite: Suite) -> tuple[str, ...]:
    """The names of the models that judge for this suite, each once, sorted."""
    return tuple(sorted({use.model for use in judges_of(suite)}))


def _uses(metric: MetricSpec) -> Iterator[JudgeUse]:
    stated = {"scorer": metric.scorer, **metric.options}
    for name, found in _found(metric.name, stated):
        options = {key: value for key, value in found.items() if key != "scorer"}
        yield JudgeUse(metric.name, MetricSpec(name, found["scorer"], options, metric.line))


def _found(at: str, value: Json) -> Iterator[tuple[str, Mapping[str, Json]]]:
    if isinstance(value, Mapping):
        if value.get("scorer") in JUDGES:
            yield at, value
        else:
            for key, inner in value.items():
                yield from _found(f"{at}.{key}", inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _found(f"{at}[{number}]", inner)
