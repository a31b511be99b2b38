"""Samples of lm-evaluation-harness: `samples_<task>_<date>.jsonl`, written by `--log_samples`.

Each line is one document under one filter. The file names no model: that stands in the
`results_<date>.json` beside it, which is read where it is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from evals.errors import RecordError
from evals.imports.plain import read_lines
from evals.imports.reading import MAX_CASES, Place, number_of, parse, read_document, text_of
from evals.imports.records import ImportedCase, ImportedResults
from evals.records import Json

FORMAT = "lm_eval"
PLAIN_FILTER = "none"
"""The name of the filter of tasks that state none."""

_NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.?\d*)\.jsonl")


class _Source(NamedTuple):
    """What the file's name and the results beside it say."""

    task: str
    model: str
    created: str
    settings: Json


class _Answer(NamedTuple):
    output: str | None
    choices: tuple[str, ...] = ()


def is_sample(first: Json) -> bool:
    """Whether a line is one of these samples."""
    return isinstance(first, dict) and "doc_id" in first and "resps" in first


def read_lm_eval(path: Path) -> tuple[ImportedResults, ...]:
    """One candidate. Metrics are named as the harness does: `exact_match,strict` by filter."""
    cases: dict[str, ImportedCase] = {}
    seen: set[tuple[str, str]] = set()
    first_metric: str | None = None
    for line, sample in read_lines(path):
        place = Place(path, line=line)
        identity = place.name(sample.get("doc_id"), "doc_id")
        flavour = str(sample.get("filter", PLAIN_FILTER))
        if (identity, flavour) in seen:
            place.fail(f"document {identity} appears twice under filter {flavour!r}", "doc_id")
        seen.add((identity, flavour))
        scores = _scores(sample, flavour, place)
        first_metric = first_metric or next(iter(scores), None)
        if identity in cases:
            known = cases[identity]
            scores = {**known.scores, **scores}
            cases[identity] = _case(sample, identity, scores, place, output=known.output)
        else:
            cases[identity] = _case(sample, identity, scores, place)
        if len(cases) > MAX_CASES:
            raise RecordError(f"more than {MAX_CASES} cases", path=path, line=line)
    if not cases:
        raise RecordError("the file holds no samples", path=path)
    source = _source(path)
    return (
        ImportedResults(
            format=FORMAT,
            candidate=f"{source.model}: {source.task}" if source.task else source.model,
            model=source.model,
            cases=tuple(cases.values()),
            settings=source.settings,
            primary=first_metric,
            created=source.created,
        ),
    )


def _scores(sample: Mapping[str, Json], flavour: str, place: Place) -> dict[str, float]:
    names = [str(name) for name in place.items(sample.get("metrics"), "metrics")]
    ending = "" if flavour == PLAIN_FILTER else f",{flavour}"
    return {place.name(name + ending, "metrics"): number_of(sample.get(name)) for name in names}


def _case(
    sample: Mapping[str, Json],
    identity: str,
    scores: Mapping[str, float],
    place: Place,
    output: str | None = None,
) -> ImportedCase:
    answer = _answer(sample, place)
    return ImportedCase(
        id=identity,
        scores=scores,
        output=answer.output if output is None else output,
        input=place.input(sample.get("doc"), "doc"),
        expected=place.plain(sample.get("target"), "target"),
        choices=answer.choices,
        aliases=_aliases(sample.get("doc")),
        prompt_hash=str(sample.get("prompt_hash", ""))[:64],
        line=place.line,
    )


def _aliases(document: Json) -> tuple[str, ...]:
    stated = document.get("id") if isinstance(document, dict) else None
    return (str(stated),) if isinstance(stated, str | int) else ()


def _answer(sample: Mapping[str, Json], place: Place) -> _Answer:
    """The text generated, before any filter; for a choice the option that was likeliest."""
    responses = place.items(sample.get("resps"), "resps")
    options = _options(sample, place)
    if len(options) > 1 and len(options) == len(responses):
        likelihoods = [_likelihood(response) for response in responses]
        best = max(range(len(options)), key=likelihoods.__getitem__)
        return _Answer(options[best], options)
    first = responses[0] if responses else None
    while isinstance(first, list):
        first = first[0] if first else None
    return _Answer(text_of(first) if isinstance(first, str) and not options else None)


def _options(sample: Mapping[str, Json], place: Place) -> tuple[str, ...]:
    """The continuations whose likelihood was asked for; none where text was generated."""
    arguments = place.mapping(sample.get("arguments"), "arguments")
    second = [place.mapping(each, "arguments").get("arg_1") for each in arguments.values()]
    texts = [text.strip() for text in second if isinstance(text, str)]
    return tuple(texts) if len(texts) == len(second) else ()


def _likelihood(response: Json) -> float:
    """The log-likelihood in `[["-4.42", "False"]]`; the harness writes numbers as text."""
    while isinstance(response, list) and response:
        response = response[0]
    try:
        return float(response)
    except (TypeError, ValueError, OverflowError):
        return float("-inf")


def _source(path: Path) -> _Source:
    named = _NAME.fullmatch(path.name)
    if named is None:
        return _Source("", path.stem, "", None)
    date = named["date"]
    day, clock = date[:10], date[11:19].replace("-", ":")
    beside = path.with_name(f"results_{date}.json")
    model, settings = path.parent.name or path.stem, None
    if beside.is_file():
        place = Place(beside)
        results = place.mapping(parse(read_document(beside), beside), "results")
        stated = results.get("model_name")
        model = stated if isinstance(stated, str) and stated else model
        config = place.mapping(results.get("config"), "config")
        kept = {key: config.get(key) for key in ("model", "model_args", "gen_kwargs")}
        hashes = place.mapping(results.get("task_hashes"), "task_hashes")
        settings = place.plain({**kept, "task": hashes.get(named["task"])}, "config")
    return _Source(named["task"], model, f"{day}T{clock}", settings)
