"""The gate's own definition: what it judges by, and how two versions of that differ.

Whoever can change the margin, the cases or the scorers in the same change as the prompt can
pass any gate. So the definition is a value of its own, kept with the baseline and compared
with the base revision's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from evals.fingerprint import fingerprint
from evals.prompting import prompt_fingerprint
from evals.records import Json, SplitName
from evals.regression.records import DefinitionChange, GateDefinition
from evals.regression.wording import counted
from evals.repeats import PassRule
from evals.suite.spec import CiSpec, Suite

MAX_LOSS, SPLIT = "ci.max_loss", "ci.split"
ON_INCONCLUSIVE, PASS_SCORE = "ci.on_inconclusive", "ci.pass_score"
THRESHOLD, GUARD = "ci.thresholds.", "guards."
SHARE_RIGHT = "repeats.pass_share"
"""The share of a case's repeats that must be right; left out where it is all of them."""
_MORE_IS_LOOSER = (MAX_LOSS, GUARD)


def define_gate(suite: Suite, guards: Mapping[str, Suite]) -> GateDefinition:
    """The definition that a suite and the suites that guard it state now."""
    cases = suite.split(suite.ci.split)
    return GateDefinition(
        primary=suite.primary,
        metrics={name: suite.metric_fingerprint(name) for name in suite.metrics},
        rules=_rules(suite),
        cases={case.id: case.fingerprint for case in cases},
        must_pass=tuple(sorted(case.id for case in cases if case.must_pass)),
        guards={name: _guard_identity(guard) for name, guard in guards.items()},
    )


def _rules(suite: Suite) -> dict[str, Json]:
    ci = suite.ci
    return {
        SPLIT: ci.split,
        MAX_LOSS: ci.max_loss,
        ON_INCONCLUSIVE: ci.on_inconclusive,
        PASS_SCORE: ci.pass_score,
        **({SHARE_RIGHT: share} if (share := suite.pass_rule.share) < 1 else {}),
        **{f"{THRESHOLD}{name}": least for name, least in ci.thresholds.items()},
        **{f"{GUARD}{guard.suite}": guard.max_loss for guard in suite.guards},
    }


def _guard_identity(guard: Suite) -> str:
    return fingerprint(
        "guard@2",
        guard.metric_fingerprint(guard.primary),
        prompt_fingerprint(guard, guard.default_prompt),
        guard.decoding,
        sorted(case.fingerprint for case in guard.split("dev")),
    )


def ci_rules(definition: GateDefinition) -> CiSpec:
    """The rules of a definition in the form of a suite's `ci` section."""
    rules = definition.rules
    splits: dict[str, SplitName] = {name: name for name in get_args(SplitName)}
    return CiSpec(
        split=splits[str(rules[SPLIT])],
        max_loss=float(rules[MAX_LOSS]),
        on_inconclusive="fail" if rules[ON_INCONCLUSIVE] == "fail" else "warn",
        thresholds=_named(rules, THRESHOLD),
        pass_score=float(rules[PASS_SCORE]),
    )


def pass_rule(definition: GateDefinition) -> PassRule:
    """When a case counts as right."""
    rules = definition.rules
    return PassRule(float(rules[PASS_SCORE]), float(rules.get(SHARE_RIGHT, 1.0)))


def guard_losses(definition: GateDefinition) -> dict[str, float]:
    """The tolerated loss of each guard suite."""
    return _named(definition.rules, GUARD)


def _named(rules: Mapping[str, Json], prefix: str) -> dict[str, float]:
    return {
        key.removeprefix(prefix): float(value)
        for key, value in rules.items()
        if key.startswith(prefix)
    }


def definition_changes(before: GateDefinition, now: GateDefinition) -> tuple[DefinitionChange, ...]:
    """Every difference of two definitions, in words; what loosens the gate says so."""
    return (
        *_changed_rules(before, now),
        *_changed_metrics(before, now),
        *_changed_cases(before, now),
        *_changed_guards(before, now),
    )


def _changed_rules(before: GateDefinition, now: GateDefinition) -> Iterator[DefinitionChange]:
    for key in sorted({*before.rules, *now.rules}):
        unsaid = 1.0 if key == SHARE_RIGHT else None
        old, new = before.rules.get(key, unsaid), now.rules.get(key, unsaid)
        if old != new:
            looser = " (looser)" if _is_looser(key, old, new) else ""
            text = f"{key}: {_shown(old)} -> {_shown(new)}{looser}"
            yield DefinitionChange("rules", text, (key,))


def _is_looser(key: str, old: Json, new: Json) -> bool:
    if key == ON_INCONCLUSIVE:
        return bool(new == "warn")
    if key == SPLIT:
        return False
    if new is None:  # no threshold or guard any more
        return True
    if old is None:
        return False
    return bool(new > old if key.startswith(_MORE_IS_LOOSER) else new < old)


def _shown(value: Json) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _changed_metrics(before: GateDefinition, now: GateDefinition) -> Iterator[DefinitionChange]:
    if before.primary != now.primary:
        text = f"the primary metric: {before.primary} -> {now.primary}"
        yield DefinitionChange("metrics", text, (before.primary, now.primary))
    for name in sorted({*before.metrics, *now.metrics}):
        if name not in now.metrics:
            yield DefinitionChange("metrics", f"metric {name} is gone", (name,))
        elif name not in before.metrics:
            yield DefinitionChange("metrics", f"metric {name} is new", (name,))
        elif before.metrics[name] != now.metrics[name]:
            text = f"metric {name}: its scorer, options or files changed"
            yield DefinitionChange("metrics", text, (name,))


def _changed_cases(before: GateDefinition, now: GateDefinition) -> Iterator[DefinitionChange]:
    removed = [name for name in before.cases if name not in now.cases]
    added = [name for name in now.cases if name not in before.cases]
    changed = [
        name for name in before.cases if name in now.cases and before.cases[name] != now.cases[name]
    ]
    for names, what in ((removed, "removed"), (changed, "changed"), (added, "added")):
        if names:
            yield DefinitionChange("cases", f"{counted(len(names), 'case')} {what}", tuple(names))
    spared = [name for name in before.must_pass if name not in now.must_pass]
    demanded = [name for name in now.must_pass if name not in before.must_pass]
    if spared:
        text = f"{counted(len(spared), 'case')} no longer must_pass (looser)"
        yield DefinitionChange("cases", text, tuple(spared))
    if demanded:
        text = f"{counted(len(demanded), 'case')} newly must_pass"
        yield DefinitionChange("cases", text, tuple(demanded))


def _changed_guards(before: GateDefinition, now: GateDefinition) -> Iterator[DefinitionChange]:
    for name, identity in before.guards.items():
        if now.guards.get(name, identity) != identity:
            text = f"guard {name}: its cases, prompt, decoding or metric changed"
            yield DefinitionChange("guards", text, (name,))
