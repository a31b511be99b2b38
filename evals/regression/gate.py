"""By what a suite is judged: its own definition, or the reference's where the two differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import NamedTuple

from evals.regression.definition import define_gate, definition_changes
from evals.regression.records import Baseline, DefinitionChange, GateDefinition
from evals.regression.tables import metric_scores
from evals.suite.spec import Suite

ACCEPTED = "the accepted baseline"


class Reference(NamedTuple):
    """A suite's gate as it stands at another revision, `name`; None where it has none there.

    `problem` says why there is none: the suite is new, or cannot be read as it was.
    """

    name: str
    definition: GateDefinition | None = None
    baseline: Baseline | None = None
    problem: str = ""


@dataclass(frozen=True)
class Gate:
    """By what a suite is judged: the reference's definition where the suite's own differs.

    Unless `reviewed`, `changes` from `reference` stand for review and do not judge yet.
    """

    definition: GateDefinition
    baseline: Baseline | None
    changes: tuple[DefinitionChange, ...]
    reference: str
    reviewed: bool


def gate_of(
    suite: Suite,
    guards: Mapping[str, Suite],
    baseline: Baseline | None,
    reference: Reference | None,
    *,
    reviewed: bool = False,
) -> Gate:
    """By what `suite` is judged, given its baseline and (if known) the base revision's gate.

    Without a base revision, the definition that was accepted is the reference.
    """
    now = define_gate(suite, guards)
    if reference is None:
        before = baseline.definition if baseline else now
        changes = definition_changes(before, now)
        name, judging = (ACCEPTED if baseline else ""), baseline
    elif reference.definition is None:
        before, name, judging = now, reference.name, baseline
        changes = (DefinitionChange("suite", reference.problem),)
    else:
        before, name = reference.definition, reference.name
        changes = (
            *definition_changes(before, now),
            *_changed_baseline(reference.baseline, baseline),
        )
        judging = reference.baseline or baseline
    if reviewed:
        return Gate(now, baseline, changes, name, reviewed)
    return Gate(before, judging, changes, name, reviewed)


def _changed_baseline(before: Baseline | None, now: Baseline | None) -> Iterator[DefinitionChange]:
    if before == now:
        return
    if now is None:
        yield DefinitionChange("baseline", "accepted.json is gone (looser)")
        return
    said = f"accepted by {now.by} on {now.when[:10]}: {now.why}"
    if before is None:
        yield DefinitionChange("baseline", f"accepted.json is new, {said}")
        return
    means = [
        fmean(values)
        for one in (before, now)
        if (values := metric_scores(one.cases, one.definition.primary).values.values())
    ]
    moved = " -> ".join(f"{100 * mean:.1f}%" for mean in means)
    yield DefinitionChange("baseline", f"accepted.json changed, {moved}, {said}")
