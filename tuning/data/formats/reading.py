"""Training data of other people's formats, read whole and strictly into examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from evals.errors import TrainingError, UsageError
from evals.imports.reading import Place
from evals.records import Finding
from evals.text import visible
from tuning.data.dataset import Example
from tuning.data.formats.arrow import ArrowRows, files_of
from tuning.data.formats.conversations import Conversation, RowName, examples_of
from tuning.data.formats.messages import refuse_keys
from tuning.data.formats.recognise import (
    FORMATS,
    IN_COLUMNS,
    IN_JSON,
    FormatName,
    Storage,
    known,
    shape_of,
    shape_with,
    storage_of,
)
from tuning.data.formats.rows import Row, read_cells, read_lines, shape_of_table
from tuning.data.formats.shape import Shape
from tuning.data.formats.table import Columns
from tuning.data.lint.rows import NAMED, count_of

MAX_ROWS = 1_000_000
_SHOWN_KEYS = 10

_TOOLS = "tools are not trained on here"
_MEDIA = "images, sound and video are not trained on here"
REFUSED: Mapping[str, str] = {
    "tools": _TOOLS,
    "functions": _TOOLS,
    "function_call": _TOOLS,
    "images": _MEDIA,
    "videos": _MEDIA,
    "audios": _MEDIA,
    "kto_tag": "answers labelled good or bad: the bad ones must not be learned",
}
"""Keys of a row that change what its answer means, by why such rows are refused."""


@dataclass(frozen=True)
class Reading:
    """What a file gave. `rows` counts all its rows, also those that gave no example.

    `findings` say what of the file is in no example: nothing is left out silently.
    """

    path: Path
    format: FormatName
    rows: int
    examples: tuple[Example, ...]
    findings: tuple[Finding, ...] = ()


class _Source(NamedTuple):
    """The rows of a file, their shape, and the format's name."""

    rows: Iterator[Row]
    shape: Shape
    format: FormatName


@dataclass
class _Seen:
    """What was read, and what of it no example holds."""

    rows: int = 0
    examples: list[Example] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)
    unread: Counter[str] = field(default_factory=Counter)
    untrained: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


def read_examples(
    path: Path,
    format: FormatName | None = None,  # noqa: A002 - the option's name, as everywhere
    *,
    columns: Columns | None = None,
    split: str | None = None,
    name: str | None = None,
) -> tuple[Example, ...]:
    """The examples of `read_data`, which also says what of the file is in none of them."""
    return read_data(path, format, columns=columns, split=split, name=name).examples


def read_data(
    path: Path,
    format: FormatName | None = None,  # noqa: A002 - the option's name, as everywhere
    *,
    columns: Columns | None = None,
    split: str | None = None,
    name: str | None = None,
) -> Reading:
    """Read a file or folder of training data; each turn of an assistant becomes an example.

    `format` is told from the content where it is None. `columns` are those of a table or of a
    dataset on disk; `split` names the one to read of a DatasetDict; `name` is what the file is
    called in ids (else its own name). An example's id is `name:LINE`, in one JSON list
    `name[INDEX]`, with `#2` for the second turn of the assistant; its group is its row's.

    Raises TrainingError with file, line and key for what cannot be read, for rows without an
    answer and a file without rows; UsageError for options that do not go together;
    MissingExtraError where `datasets` is needed and not installed.
    """
    source = _open(path, format, columns, split)
    called = name or path.name or path.resolve().name
    seen = _Seen()
    for row in source.rows:
        _add(row, source.shape, called, path, seen)
    if not seen.rows:
        raise TrainingError("holds no rows", path=path, hint="give at least one example")
    findings = tuple(_findings(seen, path, source.format))
    return Reading(path, source.format, seen.rows, tuple(seen.examples), findings)


def _open(
    path: Path, form: FormatName | None, columns: Columns | None, split: str | None
) -> _Source:
    if form is not None and form not in FORMATS:
        raise UsageError(f"unknown format {form!r}", path=path, hint=known())
    storage = storage_of(path)
    if form == "csv" and storage in ("json", "jsonl"):
        storage = "csv"  # a header may begin with a bracket
    _check_options(path, form, storage, columns, split)
    if storage == "arrow":
        return _open_arrow(path, form, columns, split)
    chosen = _named(form)
    if storage == "csv":
        chosen = chosen or shape_of_table(path, columns)
        if len(chosen.needs) < 2:  # a table's cells hold no lists of messages
            raise TrainingError(f"not {FORMATS[_name(chosen)]}", path=path, hint=known())
        return _Source(read_cells(path, chosen), chosen, "csv")
    if chosen is None:
        first = next(read_lines(path, storage), None)
        chosen = shape_of(first.fields, IN_JSON, path) if first else IN_JSON[0]
    return _Source(read_lines(path, storage), chosen, _name(chosen))


def _open_arrow(
    path: Path, form: FormatName | None, columns: Columns | None, split: str | None
) -> _Source:
    found = ArrowRows(files_of(path, split), path)
    shape = shape_with(columns, found.columns, path) if columns else _named(form)
    shape = shape or shape_of(found.columns, IN_COLUMNS, path)
    if missing := sorted(set(shape.needs) - set(found.columns)):
        raise TrainingError(
            f"has no column {missing[0]!r}",
            path=path,
            hint=f"it has {', '.join(repr(c[:40]) for c in found.columns)}",
        )
    return _Source(found.rows(shape.reads | REFUSED.keys()), shape, "datasets")


def _check_options(
    path: Path,
    form: FormatName | None,
    storage: Storage,
    columns: Columns | None,
    split: str | None,
) -> None:
    if (form == "datasets") != (storage == "arrow") and form in ("csv", "datasets"):
        raise TrainingError(f"not {FORMATS[form]}", path=path, hint=known())
    if split is not None and storage != "arrow":
        raise UsageError("a split is named, and only datasets on disk have some", path=path)
    if columns and (storage not in ("csv", "arrow") or form not in (None, "csv", "datasets")):
        said = "columns are named for a table or a dataset on disk, and this is neither"
        raise UsageError(said, path=path)


def _named(form: FormatName | None) -> Shape | None:
    return next((shape for shape in IN_JSON if shape.name == form), None)


def _name(shape: Shape) -> FormatName:
    return next(name for name in FORMATS if name == shape.name)


def _add(row: Row, shape: Shape, called: str, path: Path, seen: _Seen) -> None:
    place = Place(path, line=row.line, error=TrainingError)
    seen.rows += 1
    if seen.rows > MAX_ROWS:
        place.fail(f"more than {MAX_ROWS} rows", hint="split the file")
    fields = row.fields
    for key in shape.needs:
        if key not in fields:
            place.fail(f"key {key!r} is missing", hint=f"rows of {shape.name} have it")
    refuse_keys(fields, REFUSED, place)
    seen.unread.update(fields.keys() - shape.reads)
    conversation = shape.read(fields, place)
    name = RowName(f"{called}{row.name}", f"{path}:{row.line}", f"file {called}")
    _report(conversation, name, place, seen)
    for example in examples_of(conversation, name):
        first = seen.ids.setdefault(example.case_id, row.line)
        if len(seen.ids) <= len(seen.examples):
            place.fail(f"id {example.case_id!r} appears twice, first on line {first}")
        seen.examples.append(example)


def _report(conversation: Conversation, name: RowName, place: Place, seen: _Seen) -> None:
    roles = [turn.message.role for turn in conversation.turns]
    if "assistant" not in roles:
        hint = "end it with a message of the assistant, or take it out"
        place.fail("no message of the assistant: there is nothing to learn", hint=hint)
    label = f"{name.id} ({name.where})"
    if not any(turn.trained for turn in conversation.turns):
        seen.untrained.append(label)
    elif roles[-1] != "assistant":
        seen.unanswered.append(label)


def _findings(seen: _Seen, path: Path, form: FormatName) -> Iterator[Finding]:
    where = str(path)
    if seen.unanswered:
        on = "goes on" if len(seen.unanswered) == 1 else "go on"
        said = f"{on} after the assistant's last message: that is in no example"
        yield _about("unanswered_end", said, where, seen.unanswered)
    if seen.untrained:
        said = "without an example, of weight 0 on every answer"
        yield _about("nothing_trained", said, where, seen.untrained)
    if seen.unread:
        common = seen.unread.most_common(_SHOWN_KEYS)
        shown = [f"{key[:40]!r} ({count_of(n, 'row')})" for key, n in common]
        more = len(seen.unread) - len(shown)
        said = f"keys that are not read: {', '.join(shown)}" + (f" and {more} more" * (more > 0))
        yield Finding("note", "unread_keys", said, where)
    gives = "gives" if seen.rows == 1 else "give"
    given = f"{gives} {count_of(len(seen.examples), 'example')}"
    said = f"{count_of(seen.rows, 'row')} of {path.name} ({form}) {given}"
    yield Finding("note", "read", said, where)


def _about(code: str, said: str, where: str, rows: Sequence[str]) -> Finding:
    """A warning on rows, whose message names the first few."""
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    named = ", ".join(visible(row) for row in rows[:NAMED])
    message = f"{count_of(len(rows), 'row')} {said}: {named}{more}"
    return Finding("warning", code, message, where, (*rows,))
