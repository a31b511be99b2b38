"""How a file is stored and of which format its rows are, told from the content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from evals.errors import TrainingError
from evals.suite.source import BOM
from evals.suite.table import UTF16
from tuning.data.formats import alpaca, chat, completion, sharegpt, table
from tuning.data.formats.shape import Shape
from tuning.data.formats.table import Columns, shapes_of

FormatName = Literal["chat", "sharegpt", "alpaca", "completion", "csv", "datasets"]
Storage = Literal["jsonl", "json", "csv", "arrow"]

FORMATS: dict[FormatName, str] = {
    "chat": 'JSONL with "messages" of "role" and "content", as OpenAI and TRL have it',
    "sharegpt": 'JSON or JSONL with "conversations" of "from" and "value"',
    "alpaca": 'JSON or JSONL with "instruction", "input" and "output"',
    "completion": 'JSONL with "prompt" and "completion", text or lists of messages',
    "csv": "a table with the columns input and output (or expected)",
    "datasets": "a folder of datasets' save_to_disk, a .parquet or an .arrow file",
}

IN_JSON = (chat.SHAPE, sharegpt.SHAPE, alpaca.SHAPE, completion.SHAPE)
IN_TABLES = (alpaca.SHAPE, completion.SHAPE, *table.SHAPES)
IN_COLUMNS = (*IN_JSON, *table.SHAPES)

BY_COLUMN = "name the columns: --column input=NAME --column expected=NAME, or columns in tune.data"
BY_FORMAT = "name the one meant with --data-format, or format in tune.data"
_HEAD_BYTES = 4096
_ARROW = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff")


def storage_of(path: Path) -> Storage:
    """How a file is stored. Raises TrainingError for one that is not there or empty."""
    if path.is_dir():
        return "arrow"
    if not path.is_file():
        said = "not a regular file" if path.exists() else "no such file"
        raise TrainingError(said, path=path, hint="name a file of training data")
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    if head.startswith(_ARROW):
        return "arrow"
    if head.startswith(UTF16):
        return "csv"
    text = head.removeprefix(BOM).lstrip()
    if not text:
        raise TrainingError("the file is empty", path=path, hint=known())
    return "json" if text[:1] == b"[" else "jsonl" if text[:1] == b"{" else "csv"


def shape_of(keys: Iterable[str], shapes: Sequence[Shape], path: Path) -> Shape:
    """The one shape that rows with these keys have.

    Raises TrainingError with what was looked for where that is none or several.
    """
    found = sorted(keys)
    fitting = [shape for shape in shapes if shape.fits(found)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        what = " and ".join(f"{s.name} ({', '.join(s.needs)})" for s in fitting)
        same = len({shape.name for shape in fitting}) == 1
        hint = BY_COLUMN if same else BY_FORMAT
        raise TrainingError(f"has the keys of {what}", path=path, hint=hint)
    shown = ", ".join(repr(key)[:40] for key in found[:12]) or "none"
    raise TrainingError(
        f"{_unfit(set(found))}: its keys are {shown}{' and more' if len(found) > 12 else ''}",
        path=path,
        hint="looked for "
        + "; ".join(f"{shape.name}: {', '.join(shape.needs)}" for shape in shapes),
    )


def shape_with(columns: Columns, keys: Sequence[str], path: Path) -> Shape:
    """The shape of a table with these keys of which some columns are named.

    One that the keys do not fit is told by whoever reads them. Raises TrainingError where
    they fit several.
    """
    shapes = shapes_of(columns)
    if any(shape.fits(keys) for shape in shapes):
        return shape_of(keys, shapes, path)
    return shapes[0]


def known() -> str:
    """All formats, for a hint."""
    return "known formats: " + "; ".join(f"{name}: {what}" for name, what in FORMATS.items())


def _unfit(keys: set[str]) -> str:
    if keys >= {"chosen", "rejected"} or "preferred_output" in keys:
        return "preference pairs, which are no examples with one answer"
    if "text" in keys:
        return "plain text, which has no answer to learn"
    return "of no format that is known here"
