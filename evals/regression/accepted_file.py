"""`accepted.json`: the baseline beside its suite, in a form that reviews well in git.

What a person reads stands first; then one line a case, sorted by id, so that a diff shows
which cases changed. The text is ASCII: nothing in it can look other than it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from statistics import fmean
from typing import Any

from evals.approach import Approach
from evals.atomic import write_atomically
from evals.codec import decode
from evals.errors import RecordError
from evals.fingerprint import canonical
from evals.records import SPLITS, Json, SplitName
from evals.regression.definition import MAX_LOSS, ON_INCONCLUSIVE, PASS_SCORE, SPLIT
from evals.regression.records import Baseline, GateDefinition, Recipe, ScoredCase
from evals.regression.tables import metric_scores
from evals.stated import MAX_DEMONSTRATIONS, MAX_DOCUMENTS, MAX_TOKENS, MAX_VOTES

FILE_NAME = "accepted.json"
FORMAT = 1
MAX_BYTES = 256 << 20

_HINT = "restore it from git, or accept a run again"


@dataclass(frozen=True)
class _Acceptance:
    by: str
    when: str
    why: str


@dataclass(frozen=True)
class _Case:
    case: str
    request: str = ""
    output: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    cluster: str | None = None
    error: str | None = None
    must_pass: bool = False


@dataclass(frozen=True)
class _File:
    """The file as it is written. `scores` are means by metric, for the reader."""

    format: int
    suite: str
    split: SplitName
    accepted: _Acceptance
    scores: Mapping[str, float]
    candidate: Recipe
    primary: str
    rules: Mapping[str, Json]
    metrics: Mapping[str, str]
    guards: Mapping[str, str]
    identity: Mapping[str, str]
    runs: tuple[str, ...]
    cases: Mapping[str, _Case]


def write_accepted(path: Path, baseline: Baseline) -> None:
    """Write the baseline to `path`, whole. Raises OSError as `open` does."""
    write_atomically(path, accepted_text(baseline))


def accepted_text(baseline: Baseline) -> str:
    """The file's text; the same baseline always gives the same."""
    must_pass = set(baseline.definition.must_pass)
    head = canonical(_as_file(baseline))
    del head["cases"]
    lines = [
        f"    {json.dumps(name)}: {json.dumps(_line(case, name in must_pass))}"
        for name, case in sorted(baseline.cases.items())
    ]
    opened = json.dumps(head, indent=2).removesuffix("\n}")
    return f'{opened},\n  "cases": {{\n' + ",\n".join(lines) + "\n  }\n}\n"


def _as_file(baseline: Baseline) -> _File:
    definition = baseline.definition
    return _File(
        format=FORMAT,
        suite=baseline.suite,
        split=baseline.split,
        accepted=_Acceptance(baseline.by, baseline.when, baseline.why),
        scores=_means(baseline.cases, definition.metrics),
        candidate=baseline.recipe,
        primary=definition.primary,
        rules=definition.rules,
        metrics=definition.metrics,
        guards=definition.guards,
        identity=baseline.identity,
        runs=baseline.runs,
        cases={},
    )


def _means(cases: Mapping[str, ScoredCase], metrics: Mapping[str, str]) -> dict[str, float]:
    """Means to six digits, over the cases that have a score."""
    scores = {name: metric_scores(cases, name).values.values() for name in metrics}
    return {name: round(fmean(values), 6) for name, values in scores.items() if values}


def _line(case: ScoredCase, must_pass: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"case": case.case, "request": case.request, "output": case.output}
    if case.error is None:
        line["scores"] = {name: _short(value) for name, value in sorted(case.scores.items())}
    else:
        line["error"] = case.error
    if case.cluster is not None:
        line["cluster"] = case.cluster
    return line | ({"must_pass": True} if must_pass else {})


def _short(value: float) -> float | int:
    """1 for 1.0: most scores are right or wrong."""
    return int(value) if value in (0.0, 1.0) else value


def read_accepted(path: Path) -> Baseline | None:
    """The baseline in `path`, or None where there is no such file.

    Raises RecordError for a file that is no baseline, or none that this version reads.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RecordError(f"more than {MAX_BYTES >> 20} MiB", path=path, hint=_HINT)
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise RecordError("not UTF-8 text", path=path, hint=_HINT) from error
    return parse_accepted(text, str(path))


def parse_accepted(text: str, where: str) -> Baseline:
    """A baseline from a file's text; `where` names the file in errors. Raises RecordError."""
    _check_format(text, where)
    try:
        file = decode(text, _File)
    except RecordError as error:
        raise RecordError(f"not a baseline: {error.message}", path=where, hint=_HINT) from error
    baseline = _as_baseline(file)
    if problem := _problem(file, baseline):
        raise RecordError(problem, path=where, hint=_HINT)
    return baseline


def _check_format(text: str, where: str) -> None:
    """Raise RecordError for text that is no JSON object, with its line, or of another format."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise RecordError(
            f"malformed JSON: {error.msg}", path=where, line=error.lineno, hint=_HINT
        ) from error
    except (ValueError, RecursionError) as error:
        raise RecordError(f"malformed JSON: {error}", path=where, hint=_HINT) from error
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT:
        raise RecordError(
            f"expected format {FORMAT}, found {version!r}",
            path=where,
            key="format",
            hint="use the tunegate version that wrote it, or accept a run again",
        )


def _as_baseline(file: _File) -> Baseline:
    return Baseline(
        suite=file.suite,
        split=file.split,
        recipe=file.candidate,
        definition=GateDefinition(
            primary=file.primary,
            metrics=file.metrics,
            rules=file.rules,
            cases={name: case.case for name, case in file.cases.items()},
            must_pass=tuple(sorted(name for name, case in file.cases.items() if case.must_pass)),
            guards=file.guards,
        ),
        identity=file.identity,
        runs=file.runs,
        by=file.accepted.by,
        when=file.accepted.when,
        why=file.accepted.why,
        cases={
            name: ScoredCase(
                case.case, case.request, case.output, case.scores, case.cluster, case.error
            )
            for name, case in file.cases.items()
        },
    )


def _problem(file: _File, baseline: Baseline) -> str | None:
    """What is wrong with a file of the right shape, or None."""
    if not file.cases:
        return "it holds no cases"
    if file.primary not in file.metrics:
        return f"its primary metric {file.primary!r} is none of its metrics"
    if not _rules_fit(file.rules):
        return "its rules are incomplete, or one of them is no share"
    return _problem_of_recipe(file.candidate) or _problem_of_scores(file, baseline)


def _problem_of_scores(file: _File, baseline: Baseline) -> str | None:
    for name, case in file.cases.items():
        if case.error is None and set(case.scores) != set(file.metrics):
            return f"case {name!r} does not have a score of every metric"
        if not all(0 <= value <= 1 for value in case.scores.values()):
            return f"case {name!r} has a score outside 0 to 1"
    if dict(file.scores) != _means(baseline.cases, file.metrics):
        return "its means are not those of its cases: it was edited by hand"
    return None


def _rules_fit(rules: Mapping[str, Json]) -> bool:
    """Whether every rule is there that a gate needs, and each has a value it can have."""
    words = {SPLIT: SPLITS, ON_INCONCLUSIVE: ("warn", "fail")}
    return {*words, MAX_LOSS, PASS_SCORE} <= set(rules) and all(
        value in words[key] if key in words else _is_share(value) for key, value in rules.items()
    )


def _is_share(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


def _problem_of_recipe(recipe: Recipe) -> str | None:
    folder = PurePath(recipe.adapter_path)
    if folder.is_absolute() or ".." in folder.parts:
        return f"its adapter {recipe.adapter_path!r} lies outside the suite"
    stated = (bool(recipe.few_shot), bool(recipe.nearest), recipe.use is not None)
    if sum(stated) > 1 or recipe.repeats < 1 or not _possible(recipe.approach):
        return "its candidate shows an impossible number of demonstrations or repeats"
    return None


def _possible(approach: Approach) -> bool:
    """Whether an approach is one that a suite could state."""
    technique = approach.technique
    listed = len(approach.listed) if approach.method == "listed" else 0
    return (
        0 <= approach.k <= MAX_DEMONSTRATIONS
        and approach.method != "searched"
        and len(approach.listed) == listed
        and 1 <= technique.votes <= MAX_VOTES
        and 0 <= technique.documents <= MAX_DOCUMENTS
        and 0 <= technique.max_tokens <= MAX_TOKENS
        and 0 <= technique.temperature <= 2
        and technique.retrieval != "oracle"
        and not technique.optimiser
    )
