"""Examples written in other people's formats: whole and exactly, or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from evals.atomic import write_atomically
from evals.errors import TrainingError, UsageError
from evals.suite.source import MAX_LINE_BYTES
from tuning.data.dataset import Example
from tuning.data.formats import alpaca, chat, completion, sharegpt, table
from tuning.data.formats.arrow import require_datasets, write_folder
from tuning.data.formats.conversations import Gathered, gather, name_of
from tuning.data.formats.messages import MAX_MESSAGES
from tuning.data.formats.recognise import FORMATS, FormatName, known
from tuning.data.formats.shape import Writer

_WRITERS: dict[FormatName, Writer] = {
    "chat": chat.WRITER,
    "sharegpt": sharegpt.WRITER,
    "alpaca": alpaca.WRITER,
    "completion": completion.WRITER,
    "csv": table.WRITER,
    "datasets": completion.MESSAGES_WRITER,
}
_NAMED = 5


def write_examples(
    examples: Iterable[Example],
    path: Path,
    format: FormatName,  # noqa: A002 - the option's name, as everywhere
    *,
    provenance: bool = False,
) -> None:
    """Write examples so that reading the file gives the same prompts and answers, in order.

    Examples of one conversation that follow each other become one row of `chat` and `sharegpt`.
    `provenance` (of `chat`) keeps their ids, groups and sources too, in a key of tunegate's own.
    A `.json` of sharegpt or alpaca is one list; otherwise they are JSONL. The file appears whole;
    where `path` is a link to one, that is replaced and the link stays.

    Raises TrainingError, naming the examples, for what the format cannot hold, for no examples,
    and where one of them was read from `path`; UsageError for an unknown format;
    MissingExtraError where `datasets` is needed.
    """
    given = list(examples)
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}", hint=known())
    if provenance and format != "chat":
        raise UsageError("only the format chat keeps provenance", hint="--format chat")
    if not given:
        raise TrainingError("there are no examples to write", path=path)
    if format == "datasets":
        require_datasets()
    _refuse_inputs(given, path)
    writer = chat.WRITER_WITH_PROVENANCE if provenance else _WRITERS[format]
    if provenance:
        _refuse_repeated_ids(given, path)
    units = [*gather(given)] if writer.whole_conversations else [Gathered(e) for e in given]
    _refuse_obstacles(units, writer, path, format)
    if format == "datasets":
        write_folder(writer.rows(units), path)
        return
    if format == "csv":
        text = table.table_text(writer.rows(units))
    else:
        as_list = format in ("sharegpt", "alpaca") and path.suffix == ".json"
        text = _json_text(units, writer, path, as_list=as_list)
    write_atomically(path.resolve(), text)


def _json_text(units: Sequence[Gathered], writer: Writer, path: Path, *, as_list: bool) -> str:
    lines = list(_json_rows(units, writer, path))
    if as_list:
        return "[\n" + ",\n".join(lines) + "\n]\n"
    return "\n".join(lines) + "\n"


def _json_rows(units: Sequence[Gathered], writer: Writer, path: Path) -> Iterator[str]:
    for unit, row in zip(units, writer.rows(units), strict=True):
        text = json.dumps(row, ensure_ascii=False, allow_nan=False)
        if len(text.encode("utf-8")) >= MAX_LINE_BYTES:
            said = f"{name_of(unit.examples[0])} makes a row of more than {MAX_LINE_BYTES} bytes"
            raise TrainingError(said, path=path, hint="nothing is truncated: leave it out")
        yield text


def _refuse_obstacles(
    units: Sequence[Gathered], writer: Writer, path: Path, form: FormatName
) -> None:
    """Refuse all that cannot be held for the first reason there is."""
    found = [(unit, _obstacle(unit, writer)) for unit in units]
    reason = next((reason for _, reason in found if reason), None)
    if reason is None:
        return
    named = [name_of(e) for unit, why in found if why == reason for e in unit.examples]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    raise TrainingError(
        f"{form} cannot hold {reason}: {', '.join(named[:_NAMED])}{more}",
        path=path,
        hint="write another format, or leave them out",
    )


def _obstacle(unit: Gathered, writer: Writer) -> str | None:
    if len(unit.turns) > MAX_MESSAGES:
        return f"more than {MAX_MESSAGES} messages in a row"
    try:
        "".join(turn.message.content for turn in unit.turns).encode("utf-8")
    except UnicodeEncodeError:
        return "half a character (a lone surrogate)"
    return writer.obstacle(unit)


def _refuse_inputs(examples: Sequence[Example], path: Path) -> None:
    """Refuse to write over, or into, what an example was read from."""
    inputs = {re.sub(r":\d+$", "", example.where) for example in examples if example.where}
    target = path.resolve()
    for name in sorted(inputs):
        source = Path(name)
        there = source.exists() and path.exists() and source.samefile(path)
        if there or source.resolve() in (target, *target.parents):
            raise TrainingError("examples were read from it", path=path, hint="name another file")


def _refuse_repeated_ids(examples: Sequence[Example], path: Path) -> None:
    seen: dict[str, Example] = {}
    for example in examples:
        if (first := seen.setdefault(example.case_id, example)) is not example:
            said = f"two examples have the id {example.case_id!r}: {name_of(first)}"
            raise TrainingError(f"{said}, {name_of(example)}", path=path, key="id")
