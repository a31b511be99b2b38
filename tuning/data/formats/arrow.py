"""What the library `datasets` writes: folders of Arrow files, and single Parquet or Arrow files.

Read with pyarrow, which comes with `datasets`, and not with its loaders: those copy files into a
cache, decode pictures, and follow whatever names a folder's own lists hold.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evals.errors import MissingExtraError, TrainingError
from evals.imports.reading import MAX_FILE_BYTES, Place
from evals.records import Json
from evals.suite.source import describe, read_json
from tuning.data.formats.rows import Row
from tuning.data.formats.shape import Fields

MAX_UNPACKED_BYTES = 1 << 30
_BATCH_ROWS = 256
_DICT, _STATE = "dataset_dict.json", "state.json"


def require_datasets() -> None:
    """Raise MissingExtraError unless `datasets`, and pyarrow with it, is installed."""
    missing = [name for name in ("datasets", "pyarrow") if not importlib.util.find_spec(name)]
    if missing:
        raise MissingExtraError(
            f"datasets on disk need {' and '.join(missing)}: pip install 'tunegate[tune]'"
        )


def files_of(path: Path, split: str | None) -> tuple[Path, ...]:
    """The Arrow or Parquet files that hold the rows, in order.

    `split` names one of a DatasetDict, and nothing else. Raises TrainingError.
    """
    if path.is_dir() and (path / _DICT).exists():
        path = _of_split(path, split)
    elif split is not None:
        raise TrainingError(f"has no splits, and {split!r} was asked for", path=path)
    if not path.is_dir():
        return (path,)
    if not (path / _STATE).is_file():
        raise TrainingError(
            "a folder that was not written by datasets' save_to_disk",
            path=path,
            hint="name a file of training data, or a folder that holds state.json",
        )
    place = Place(path / _STATE, error=TrainingError)
    state = place.mapping(read_json(path / _STATE, error=TrainingError), "")
    if state.get("_indices_data_files") or state.get("_indices_files"):
        place.fail("rows chosen by an index, as old versions wrote them", "_indices_data_files")
    listed = place.items(state.get("_data_files"), "_data_files")
    entries = [place.mapping(item, "_data_files").get("filename") for item in listed]
    return tuple(path / _inside(name, "_data_files", place) for name in entries)


def _of_split(path: Path, split: str | None) -> Path:
    place = Place(path / _DICT, error=TrainingError)
    listed = place.mapping(read_json(path / _DICT, error=TrainingError), "")
    names = [_inside(n, "splits", place) for n in place.items(listed.get("splits"), "splits")]
    if split not in names:
        said = "no split is named" if split is None else f"has no split {split!r}"
        hint = f"its splits are {', '.join(names) or 'none'}: name one with --data-split"
        raise TrainingError(said, path=path, hint=hint)
    return path / split


def _inside(name: Json, key: str, place: Place) -> str:
    """A name in a folder that leads nowhere else."""
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".."):
        place.fail(f"expected the name of something in the folder, found {describe(name)}", key)
    if not name.isprintable():
        place.fail(f"{describe(name)} is no name", key)
    if (place.path.parent / name).is_symlink():
        place.fail(f"{name} is a link, which may lead out of the folder", key)
    return name


class ArrowRows:
    """The rows of files with the same columns, read in batches. A context for one reading.

    Raises TrainingError for a file that is too large, damaged or has other columns, and
    MissingExtraError without `datasets`.
    """

    def __init__(self, files: Sequence[Path], path: Path) -> None:
        require_datasets()
        if not files:
            raise TrainingError("holds no rows", path=path)
        self._files, self._path = files, path
        size = sum(_size(file) for file in files)
        if size > MAX_FILE_BYTES:
            raise TrainingError(f"has {size} bytes, the limit is {MAX_FILE_BYTES}", path=path)
        self.columns = _guarded(files[0], lambda: tuple(_Opened(files[0]).columns))

    def rows(self, columns: Iterable[str]) -> Iterator[Row]:
        """All rows with those of `columns` that there are."""
        wanted = [column for column in self.columns if column in set(columns)]
        number, unpacked = 0, 0
        for batch in self._batches(wanted):
            unpacked += batch.nbytes
            if unpacked > MAX_UNPACKED_BYTES:
                said = f"unpacks to more than {MAX_UNPACKED_BYTES} bytes"
                raise TrainingError(said, path=self._path)
            for fields in _guarded(self._path, batch.to_pylist):
                number += 1
                yield Row(number, f":{number}", fields)

    def _batches(self, wanted: list[str]) -> Iterator[Any]:
        for file in self._files:
            opened = _guarded(file, lambda file=file: _Opened(file))
            if tuple(opened.columns) != self.columns:
                raise TrainingError("has other columns than the files before it", path=file)
            batches = opened.batches(wanted)
            while (
                batch := _guarded(file, lambda batches=batches: next(batches, None))
            ) is not None:
                yield batch


class _Opened:
    """One file, by its first bytes Parquet or Arrow (as a stream or as a file)."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        with path.open("rb") as handle:
            head = handle.read(6)
        source = pa.memory_map(str(path))
        self._parquet = pq.ParquetFile(source) if head[:4] == b"PAR1" else None
        self._reader: Any = None
        if self._parquet is None:
            is_file = head == b"ARROW1"
            self._reader = pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)
        schema = self._parquet.schema_arrow if self._parquet is not None else self._reader.schema
        self.columns = list(schema.names)
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column stands twice")

    def batches(self, wanted: list[str]) -> Iterator[Any]:
        """Batches of a bounded number of rows, proved sound before anything is taken from them."""
        for batch in self._raw(wanted):
            batch.validate(full=True)
            for start in range(0, batch.num_rows, _BATCH_ROWS):
                yield batch.slice(start, _BATCH_ROWS)

    def _raw(self, wanted: list[str]) -> Iterator[Any]:
        if self._parquet is not None:
            yield from self._parquet.iter_batches(_BATCH_ROWS, columns=wanted)
            return
        count = getattr(self._reader, "num_record_batches", None)
        found = self._reader if count is None else map(self._reader.get_batch, range(count))
        for batch in found:
            yield batch.select(wanted)


def _size(path: Path) -> int:
    if not path.is_file():
        raise TrainingError("no such file, and the folder's list names it", path=path)
    return path.stat().st_size


def _guarded(path: Path, read: Any) -> Any:
    """What `read` gives; what the libraries raise about a damaged file as one error."""
    import pyarrow as pa

    try:
        return read()
    except (pa.ArrowException, OSError, OverflowError, ValueError, KeyError) as cause:
        said = str(cause).strip().split("\n")[0][:200] or type(cause).__name__
        raise TrainingError(f"damaged, or neither Parquet nor Arrow: {said}", path=path) from None


def write_folder(rows: Iterable[Fields], path: Path) -> None:
    """Write rows of `prompt` and `completion` (lists of messages) as `save_to_disk` does.

    The folder gets its name when all of it is written. Raises TrainingError where there is one.
    """
    require_datasets()
    import datasets

    if path.exists() or path.is_symlink():
        raise TrainingError("is there already", path=path, hint="name a new folder")
    text = datasets.Value("string")
    messages = [{"role": text, "content": text}]
    features = datasets.Features({"prompt": messages, "completion": messages})
    scratch = path.with_name(f".{path.name}.{os.getpid()}.new")
    shown = datasets.utils.logging.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        datasets.Dataset.from_list(list(rows), features=features).save_to_disk(str(scratch))
        scratch.rename(path)
    finally:
        if shown:
            datasets.enable_progress_bars()
        shutil.rmtree(scratch, ignore_errors=True)
