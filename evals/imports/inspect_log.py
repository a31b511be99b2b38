"""Logs of Inspect (inspect_ai): `.json`, one document, and `.eval`, a zip of documents.

Samples are read one by one; their events, which are most of a log, are not. Scores are
mapped to numbers as Inspect documents: C 1, P 0.5, I and N 0, yes and true 1, no and false 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from evals.errors import RecordError
from evals.imports.archive import Archive
from evals.imports.reading import (
    MAX_CASES,
    Place,
    amount,
    number_of,
    parse,
    shortened,
    text_of,
)
from evals.imports.records import ImportedCase, ImportedResults
from evals.records import Finding, Json

FORMAT = "inspect"

_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_HEADER, _START, _SAMPLES = "header.json", "_journal/start.json", "samples/"
_ATTACHMENT = "attachment://"


def is_log(document: Json) -> bool:
    """Whether a document is a log."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("eval"), dict)
        and "model" in document["eval"]
    )


def read_document(document: Mapping[str, Json], path: Path) -> tuple[ImportedResults, ...]:
    """The results of a `.json` log."""
    samples = Place(path).items(document.get("samples"), "samples")
    return (_results(document, samples, path),)


def read_archive(path: Path) -> tuple[ImportedResults, ...]:
    """The results of an `.eval` log; one that was cut off has its start instead of a header."""
    with Archive(path) as archive:
        header = next((name for name in (_HEADER, _START) if name in archive.names), None)
        if header is None:
            raise RecordError(
                f"a zip archive without {_HEADER}: not a log of Inspect",
                path=path,
                hint="name the .eval file that Inspect wrote",
            )
        document = Place(path, header).mapping(parse(archive.text(header), path), header)
        return (_results(document, _members(archive, path), path),)


def _members(archive: Archive, path: Path) -> Iterator[Json]:
    for name in archive.names:
        if name.startswith(_SAMPLES) and name.endswith(".json"):
            yield parse(archive.text(name), path)


def _results(document: Mapping[str, Json], samples: Iterable[Json], path: Path) -> ImportedResults:
    place = Place(path)
    task = place.mapping(document.get("eval"), "eval")
    read: list[tuple[float, ImportedCase]] = []
    for number, sample in enumerate(samples, 1):
        if number > MAX_CASES:
            raise RecordError(f"more than {MAX_CASES} samples", path=path)
        where = Place(path, f"sample {number}")
        entry = where.mapping(sample, "samples")
        read.append((number_of(entry.get("epoch")), _case(entry, where)))
    dataset = place.mapping(task.get("dataset"), "dataset")
    listed = place.items(dataset.get("sample_ids"), "sample_ids")
    planned = [place.name(each, "sample_ids") for each in listed]
    cases, findings = _whole(read, planned, str(document.get("status")))
    if not cases:
        raise RecordError(
            "the log holds no samples", path=path, hint="log them (Inspect's --log-samples)"
        )
    model = str(task.get("model"))
    name = str(task.get("task") or "")
    return ImportedResults(
        format=FORMAT,
        candidate=f"{model}: {name}" if name else model,
        model=model,
        cases=cases,
        settings=place.plain(_settings(document, task), "eval"),
        primary=_headline(document, place),
        created=str(task.get("created") or "")[:40],
        findings=findings,
    )


def _whole(
    read: list[tuple[float, ImportedCase]], planned: list[str], status: str
) -> tuple[tuple[ImportedCase, ...], tuple[Finding, ...]]:
    """The samples in the order of the data set, and an error for each that never came."""
    order = {identity: index for index, identity in enumerate(planned)}
    last = len(order)
    read = sorted(read, key=lambda item: (order.get(item[1].id, last), item[1].id, item[0]))
    cases = [case for _, case in read]
    if status == "success":
        return tuple(cases), ()
    there = {case.id for case in cases}
    missing = [identity for identity in planned if identity not in there]
    cases += [
        ImportedCase(id=identity, error=f"not run: the log ended with status {status!r:.40}")
        for identity in missing
    ]
    message = f"the log's status is {status!r:.40}; {len(missing)} samples were not run"
    return tuple(cases), (Finding("warning", "unfinished", message),)


def _settings(document: Mapping[str, Json], task: Mapping[str, Json]) -> Json:
    """What can change an output, as far as the log says: hashed by whoever gets it."""
    keys = ("model", "model_args", "model_generate_config", "task", "task_args", "task_version")
    plan = document.get("plan")
    steps = plan.get("steps") if isinstance(plan, dict) else None
    return {**{key: task.get(key) for key in keys}, "steps": steps}


def _headline(document: Mapping[str, Json], place: Place) -> str | None:
    """The metric that Inspect shows first; newer logs name it, in others it is the first."""
    results = place.mapping(document.get("results"), "results")
    headline = place.mapping(results.get("headline"), "headline")
    scorer, score = headline.get("scorer"), headline.get("score")
    if scorer is None:
        first = next(iter(place.items(results.get("scores"), "scores")), None)
        entry = place.mapping(first, "scores")
        scorer, score = entry.get("scorer"), entry.get("name")
    if not isinstance(scorer, str):
        return None
    return scorer if score in (None, scorer) else f"{scorer}.{score}"


def _case(sample: Mapping[str, Json], place: Place) -> ImportedCase:
    attachments = place.mapping(sample.get("attachments"), "attachments")
    given = _attached(place.plain(sample.get("input"), "input"), attachments)
    failure = sample.get("error")
    message = failure.get("message") if isinstance(failure, dict) else failure
    usage = [
        place.mapping(each, "model_usage")
        for each in place.mapping(sample.get("model_usage"), "model_usage").values()
    ]
    return ImportedCase(
        id=place.name(sample.get("id"), "id"),
        scores={} if failure else _scores(sample, place),
        output=None if failure else _output(sample, attachments, place),
        input={"messages": given} if isinstance(given, list) else place.input(given),
        expected=place.plain(sample.get("target"), "target"),
        error=shortened(str(message)) if failure else None,
        seconds=amount(sample.get("total_time")),
        prompt_tokens=int(sum(amount(each.get("input_tokens")) for each in usage)),
        completion_tokens=int(sum(amount(each.get("output_tokens")) for each in usage)),
    )


def _scores(sample: Mapping[str, Json], place: Place) -> dict[str, float]:
    """Numbers by scorer, and by `scorer.name` where a scorer gave several."""
    found: dict[str, float] = {}
    for name, score in place.mapping(sample.get("scores"), "scores").items():
        scorer = place.name(name, "scores")
        value = place.mapping(score, scorer).get("value")
        if isinstance(value, dict):
            found |= {place.name(f"{scorer}.{k}", scorer): _number(v) for k, v in value.items()}
        else:
            found[scorer] = _number(value)
    return found


def _number(value: Json) -> float:
    """A score as Inspect's `value_to_float` has it; NaN where that would guess a 0."""
    if not isinstance(value, str):
        return number_of(value)
    known = _LETTERS.get(value, _WORDS.get(value.lower()))
    if known is not None:
        return known
    try:
        return float(value)
    except ValueError:
        return math.nan


def _output(
    sample: Mapping[str, Json], attachments: Mapping[str, Json], place: Place
) -> str | None:
    output = place.mapping(sample.get("output"), "output")
    choices = place.items(output.get("choices"), "choices")
    said = output.get("completion")
    if not said and choices:
        message = place.mapping(place.mapping(choices[0], "choices").get("message"), "message")
        said = _spoken(message.get("content"))
    return text_of(_attached(place.plain(said, "output"), attachments)) if choices else None


def _spoken(content: Json) -> Json:
    """A message's text: contents of several parts keep only what is text."""
    if not isinstance(content, list):
        return content
    parts = [part for part in content if isinstance(part, dict)]
    return "".join(str(part["text"]) for part in parts if isinstance(part.get("text"), str))


def _attached(value: Json, attachments: Mapping[str, Json]) -> Json:
    """`value` with what was moved to the sample's attachments put back. Not nested deeply."""
    if isinstance(value, str) and value.startswith(_ATTACHMENT):
        found = attachments.get(value.removeprefix(_ATTACHMENT))
        return found if isinstance(found, str) else value
    if isinstance(value, list):
        return [_attached(item, attachments) for item in value]
    if isinstance(value, dict):
        return {key: _attached(item, attachments) for key, item in value.items()}
    return value
