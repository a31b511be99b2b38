"""Which harness wrote a file, told from its content, and the results in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from evals.errors import RecordError, UsageError
from evals.imports import inspect_log, lm_eval, plain, promptfoo
from evals.imports.reading import parse, read_document
from evals.imports.records import ImportedResults
from evals.records import Json
from evals.suite.source import BOM

FormatName = Literal["jsonl", "csv", "lm_eval", "inspect", "promptfoo"]

FORMATS: dict[FormatName, str] = {
    "jsonl": 'JSONL with lines like {"id": "case-1", "score": 0.5}',
    "csv": "CSV with the columns id and score",
    "lm_eval": "samples_*.jsonl of lm-evaluation-harness (--log_samples)",
    "inspect": "a log of Inspect, .eval or .json",
    "promptfoo": "JSON of promptfoo (promptfoo eval -o out.json)",
}

_ZIP = b"PK"
_HEAD_BYTES = 4 << 20


def read_results(
    path: Path, form: FormatName | None = None, fields: plain.Fields | None = None
) -> tuple[ImportedResults, ...]:
    """The results in a file, one for each candidate.

    `form` overrides what the content says; `fields` names the columns of plain files. Raises
    RecordError for a file that cannot be read, is damaged or is of no known format.
    """
    fields = fields or plain.Fields()
    if not path.is_file():
        said = "is a folder, expected a file" if path.is_dir() else "no such file"
        raise RecordError(said, path=path, hint="name the file that the harness wrote")
    form = form or _recognised(path, fields)
    if form == "jsonl":
        return plain.read_jsonl(path, fields)
    if form == "csv":
        return plain.read_csv(path, fields)
    if form == "lm_eval":
        return lm_eval.read_lm_eval(path)
    with path.open("rb") as handle:
        is_archive = handle.read(2) == _ZIP
    if form == "inspect" and is_archive:
        return inspect_log.read_archive(path)
    document = parse(read_document(path), path)
    if form == "inspect" and inspect_log.is_log(document):
        return inspect_log.read_document(document, path)
    if form == "promptfoo" and promptfoo.is_output(document):
        return promptfoo.read_promptfoo(document, path)
    raise RecordError(f"not {FORMATS[form]}", path=path, hint=_known())


def select(found: tuple[ImportedResults, ...], name: str | None, path: Path) -> ImportedResults:
    """The candidate meant: the only one, or the one whose name is `name` or alone holds it.

    Raises UsageError with all names where that is none or several.
    """
    exact = [each for each in found if name in (None, each.candidate)]
    part = [each for each in found if name and name.casefold() in each.candidate.casefold()]
    chosen = exact or part
    if len(chosen) == 1:
        return chosen[0]
    names = "; ".join(repr(each.candidate) for each in chosen or found)
    said = "no candidate" if not chosen else f"{len(chosen)} candidates"
    called = f" called {name!r}" if name else ""
    raise UsageError(f"{said}{called}: {names}", path=path, hint="name one with --select")


def _recognised(path: Path, fields: plain.Fields) -> FormatName:
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES).removeprefix(BOM)
    if head.startswith(_ZIP):
        return "inspect"
    text = head.decode("utf-8", errors="replace").lstrip()
    first, _, rest = text.partition("\n")
    if not text.startswith(("{", "[")):
        if plain.find_delimiter(first.rstrip("\r"), fields):
            return "csv"
    elif form := (rest and _of_line(first, rest, fields)) or _of_document(path, fields):
        return form
    raise RecordError(
        "of no format that is known here" if text else "the file is empty", path=path, hint=_known()
    )


def _of_line(first: str, rest: str, fields: plain.Fields) -> FormatName | None:
    """The format of JSONL by its first line; None where that is not an object by itself."""
    try:
        value = parse(first, Path())
    except RecordError:
        # Damaged JSONL has further lines that are objects; a document has none.
        root = fields.id.partition(".")[0]
        named = f'"{fields.id}"' in first or f'"{root}"' in first
        return "jsonl" if rest.lstrip().startswith("{") and named else None
    if isinstance(value, dict) and _has_id(value, fields) and rest.lstrip().startswith("{"):
        return "jsonl" if not lm_eval.is_sample(value) else "lm_eval"
    return _of_object(value, fields)


def _has_id(value: Mapping[str, Json], fields: plain.Fields) -> bool:
    """Whether an object has the id, or the object that a dotted name begins with."""
    return fields.id in value or fields.id.partition(".")[0] in value


def _of_object(value: Json, fields: plain.Fields) -> FormatName | None:
    if lm_eval.is_sample(value):
        return "lm_eval"
    named = isinstance(value, dict) and _has_id(value, fields)
    roots = {name.partition(".")[0] for name in fields.scores}
    telling = {*fields.scores, *roots, "scores", fields.error}
    return "jsonl" if named and telling & set(value) else None


def _of_document(path: Path, fields: plain.Fields) -> FormatName | None:
    text = read_document(path)
    document: Json = parse(text, path)
    if inspect_log.is_log(document):
        return "inspect"
    if promptfoo.is_output(document):
        return "promptfoo"
    if isinstance(document, dict) and "results" in document and "configs" in document:
        raise RecordError(
            "the results of lm-evaluation-harness, which hold no case",
            path=path,
            hint="name the samples_<task>_<date>.jsonl that --log_samples writes",
        )
    return _of_object(document, fields)  # JSONL of one line


def _known() -> str:
    listed = "; ".join(f"{name}: {what}" for name, what in FORMATS.items())
    return f"known formats, named with --format: {listed}"
