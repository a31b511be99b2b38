"""Which metrics of imported results can be kept, and which of them a run is judged by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from evals.errors import NothingRunError, RecordError
from evals.imports.records import ImportedCase, ImportedResults
from evals.records import Finding
from evals.suite.section import suggestion


class Metrics(NamedTuple):
    """The metrics that are kept, the primary one first, and what was left out."""

    primary: str
    names: tuple[str, ...]
    findings: tuple[Finding, ...]


def choose_metrics(results: ImportedResults, wanted: str | None, path: str) -> Metrics:
    """The metrics whose scores all lie in [0, 1]; `wanted` is the primary one, if stated.

    Without it: the harness's own, else the only one. A metric other than the primary one is
    kept only where every scored case has it. Raises NothingRunError where every case is an
    error, RecordError where no metric is left, the one wanted is not among them, or it is not
    clear which is meant.
    """
    scored = [case for case in results.cases if case.error is None]
    if not scored:
        raise NothingRunError(
            f"all {len(results.cases)} results are errors; the first: {results.cases[0].error}",
            path=path,
        )
    names = tuple(dict.fromkeys(name for case in scored for name in case.scores))
    faults = {name: _fault(name, scored) for name in names}
    good = [name for name in names if faults[name] is None]
    primary = _primary(results, wanted, good, faults, path)
    findings = [
        Finding("warning", "metric", f"left out {name!r:.80}: {fault}")
        for name, fault in faults.items()
        if fault is not None
    ]
    counted = [case for case in scored if _has(case, primary)]
    kept = [primary]
    for name in good:
        lacking = sum(not _has(case, name) for case in counted)
        if name != primary and lacking:
            said = f"left out {name!r:.80}: {lacking} of {len(counted)} scores lack it"
            findings.append(Finding("note", "metric", said))
        elif name != primary:
            kept.append(name)
    return Metrics(primary, tuple(kept), tuple(findings))


def _has(case: ImportedCase, name: str) -> bool:
    return not math.isnan(case.scores.get(name, math.nan))


def _fault(name: str, cases: Sequence[ImportedCase]) -> str | None:
    """Why a metric cannot be kept, or None."""
    for case in cases:
        value = case.scores.get(name, math.nan)
        if not (math.isnan(value) or 0 <= value <= 1):
            line = f" on line {case.line}" if case.line else ""
            return f"case {case.id!r} has {value:g}{line}; scores lie between 0 and 1"
    if not any(_has(case, name) for case in cases):
        return "it holds no numbers"
    return None


def _primary(
    results: ImportedResults,
    wanted: str | None,
    good: Sequence[str],
    faults: dict[str, str | None],
    path: str,
) -> str:
    if wanted is not None:
        if wanted in good:
            return wanted
        fault = faults.get(wanted)
        said = f"cannot be used: {fault}" if fault else "is not in the file"
        hint = suggestion(wanted, good)
        raise RecordError(f"the metric {wanted!r} {said}", path=path, key="--metric", hint=hint)
    if results.primary in good:
        return str(results.primary)
    if len(good) == 1:
        return good[0]
    if good:
        named = ", ".join(good[:20])
        raise RecordError(f"several metrics: {named}", path=path, hint="name one with --metric")
    why = "; ".join(f"{name!r:.80}: {fault}" for name, fault in list(faults.items())[:5])
    raise RecordError(f"no metric can be used ({why or 'the file has none'})", path=path)
