"""promptfoo's JSON (`promptfoo eval -o out.json`): every prompt with every provider in one file.

Each pair is one candidate. A test's id comes from its content, so that an added test moves no
other: a test that stands twice, or was repeated, is one case with several attempts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from evals.errors import RecordError
from evals.fingerprint import fingerprint
from evals.imports.reading import MAX_CASES, Place, amount, number_of, shortened, text_of
from evals.imports.records import ImportedCase, ImportedResults
from evals.records import Json

FORMAT = "promptfoo"
PASS = "pass"  # noqa: S105 - what promptfoo calls a test whose assertions hold
SCORE = "score"

_NOT_IN_A_NAME = re.compile(r"[^\w.]+")
_FAILED_TO_RUN = 2
"""`failureReason`: 0 none, 1 an assertion, 2 an error; `error` is set for 1 as well."""


class _Test(NamedTuple):
    """A test as its content: what names it, and what tells it from one of the same name."""

    name: str
    told_apart: str


class _Row(NamedTuple):
    candidate: str
    test: _Test
    values: Mapping[str, Json]
    place: Place


def is_output(document: Json) -> bool:
    """Whether a document is such a file."""
    results = document.get("results") if isinstance(document, dict) else None
    return isinstance(results, dict) and isinstance(results.get("results"), list)


def read_promptfoo(document: Mapping[str, Json], path: Path) -> tuple[ImportedResults, ...]:
    """One result for each pair of a prompt and a provider, in the file's order."""
    place = Place(path)
    results = place.mapping(document["results"], "results")
    entries = place.items(results["results"], "results")
    if not entries or len(entries) > MAX_CASES:
        said = f"{len(entries)} results" if entries else "the file holds no results"
        raise RecordError(f"{said}; at most {MAX_CASES} are read", path=path, key="results")
    rows = [_row(entry, Place(path, f"result {n}")) for n, entry in enumerate(entries, 1)]
    ids = _identities(rows)
    candidates: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        candidates[row.candidate].append(row)
    names = _names(candidates)
    created = results.get("timestamp")
    return tuple(
        ImportedResults(
            format=FORMAT,
            candidate=names[key],
            model=_provider(of_one[0].values, of_one[0].place),
            cases=tuple(_case(row, ids[row.test]) for row in sorted(of_one, key=_position)),
            settings=_prompt(of_one[0].values, of_one[0].place),
            primary=PASS,
            created=created if isinstance(created, str) else "",
        )
        for key, of_one in candidates.items()
    )


def _position(row: _Row) -> float:
    """The test's place in the configuration: results come as they were finished."""
    return amount(row.values.get("testIdx"))


def _row(entry: Json, place: Place) -> _Row:
    values = place.mapping(entry, "results")
    index = values.get("promptIdx")
    pair = [_provider(values, place), _prompt(values, place)]
    candidate = fingerprint(index) if isinstance(index, int) else fingerprint(pair)
    test = place.mapping(values.get("testCase"), "testCase")
    content = place.plain([test.get("description"), _variables(values, place)], "vars")
    told_apart = fingerprint(place.plain(test.get("assert"), "assert"))
    return _Row(candidate, _Test(_name(content), told_apart), values, place)


def _name(content: Sequence[Json]) -> str:
    """A readable beginning and a hash: `What-is-2-2-1f3a9c20`."""
    description, variables = content
    texts = [text for text in variables.values() if isinstance(text, str)]
    longest = max(texts, key=lambda text: (len(text), text), default="test")
    shown = description if isinstance(description, str) and description.strip() else longest
    words = _NOT_IN_A_NAME.sub("-", shown[:40].encode("ascii", "ignore").decode()).strip("-")
    return f"{words or 'test'}-{fingerprint(content)[:8]}"


def _identities(rows: Sequence[_Row]) -> dict[_Test, str]:
    """Ids of the tests; those with the same content are told apart by what they assert."""
    named: dict[str, set[_Test]] = defaultdict(set)
    for row in rows:
        named[row.test.name].add(row.test)
    return {
        test: name if len(tests) == 1 else f"{name}-{test.told_apart[:6]}"
        for name, tests in named.items()
        for test in tests
    }


def _names(candidates: Mapping[str, Sequence[_Row]]) -> dict[str, str]:
    """What each candidate is called; a name that would stand twice gets a number."""
    names: dict[str, str] = {}
    for key, rows in candidates.items():
        prompt = _label(rows[0].place.mapping(rows[0].values.get("prompt"), "prompt"))
        name = f"{_provider(rows[0].values, rows[0].place)}: {prompt}"
        taken = sum(other == name or other.startswith(f"{name} #") for other in names.values())
        names[key] = f"{name} #{taken + 1}" if taken else name
    return names


def _label(prompt: Mapping[str, Json]) -> str:
    """A prompt's label, which is its template unless the configuration names it."""
    label = prompt.get("label") or prompt.get("raw")
    return label if isinstance(label, str) else "prompt"


def _prompt(values: Mapping[str, Json], place: Place) -> Json:
    """What identifies the prompt: its label, which holds the template where it has no name."""
    return _label(place.mapping(values.get("prompt"), "prompt"))


def _provider(values: Mapping[str, Json], place: Place) -> str:
    provider = values.get("provider")
    if isinstance(provider, str) and provider:
        return provider
    stated = place.mapping(provider, "provider")
    name = stated.get("label") or stated.get("id")
    return name if isinstance(name, str) else "provider"


def _variables(values: Mapping[str, Json], place: Place) -> Mapping[str, Json]:
    test = place.mapping(values.get("testCase"), "testCase")
    return place.mapping(test.get("vars") or values.get("vars"), "vars")


def _case(row: _Row, identity: str) -> ImportedCase:
    values, place = row.values, row.place
    test = place.mapping(values.get("testCase"), "testCase")
    variables = _variables(values, place)
    response = place.mapping(values.get("response"), "response")
    usage = place.mapping(values.get("tokenUsage"), "tokenUsage")
    error = _error(values)
    return ImportedCase(
        id=identity,
        scores={} if error else _scores(values, place),
        output=None if error else text_of(place.plain(response.get("output"), "output")),
        input=place.input(variables, "vars"),
        expected=place.plain(test.get("assert"), "assert"),
        error=error,
        aliases=_aliases(test, variables),
        seconds=amount(values.get("latencyMs")) / 1000,
        prompt_tokens=int(amount(usage.get("prompt"))),
        completion_tokens=int(amount(usage.get("completion"))),
    )


def _aliases(test: Mapping[str, Json], variables: Mapping[str, Json]) -> tuple[str, ...]:
    metadata = test.get("metadata")
    stated = metadata.get("id") if isinstance(metadata, dict) else None
    names = (stated, variables.get("id"), test.get("description"))
    return tuple(str(name) for name in names if isinstance(name, str | int))


def _error(values: Mapping[str, Json]) -> str | None:
    """Why there is no output, or None; a failed assertion is a score, not an error."""
    reason, error = values.get("failureReason"), values.get("error")
    if reason is None and error is not None and values.get("gradingResult") is None:
        reason = _FAILED_TO_RUN
    return shortened(str(error or "")) if reason == _FAILED_TO_RUN else None


def _scores(values: Mapping[str, Json], place: Place) -> dict[str, float]:
    named = place.mapping(values.get("namedScores"), "namedScores")
    scores = {place.name(key, "namedScores"): number_of(value) for key, value in named.items()}
    return {
        **scores,
        PASS: number_of(values.get("success")),
        SCORE: number_of(values.get("score")),
    }
