"""Where a report goes: checked before the work starts, put in place whole at its end."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from evals.atomic import write_atomically
from evals.errors import UsageError
from evals.suite.scorer_files import NOT_READ as OWNED

_OUTPUTS = {"output": "--output", "markdown": "--markdown", "junit": "--junit"}
_INPUTS = ("a", "b", "file", "csv", "prices")
_MODEL = "scripted:"
_MANIFEST = "suite.yaml"
_REPORTS = {".html", ".md", ".xml"}
"""What reports may overwrite in a suite's own folder, below which all else is its input."""
_DATA = b'{\n "format": "tunegate-'
"""How a report as JSON begins: other files of that ending are a suite's own."""
_README = "README.md"
"""Of these the one that only a report in Markdown may overwrite."""


def refuse_overwriting(options: Namespace) -> None:
    """Raise UsageError where a command would write over one of its own inputs. Reads nothing.

    Inputs are the files that it is told to read, the ledger, and what lies in a suite's folder
    but for reports. What is no file at all is refused here, too, and so is what tunegate keeps
    in any suite's folder or the ledger's, whether it is there yet or not.
    """
    for name, flag in _OUTPUTS.items():
        output = getattr(options, name, None)
        if output is None:
            continue
        _refuse_no_file(output, flag)
        if output.is_file() and (
            _in_suite(options, name, output) or any(map(output.samefile, _inputs(options)))
        ):
            raise UsageError(
                f"{flag} would overwrite what this command reads",
                path=output,
                hint="name another file for the output",
            )
        _refuse_owned(output, flag, options.ledger)


def _refuse_no_file(output: Path, flag: str) -> None:
    """Raise UsageError for `-`, a link to nothing and, of `--output`, a pipe or a device."""
    if output == Path("-"):
        hint = "name a file, or leave it out: results are printed anyway"
        raise UsageError(f"{flag} takes a file, and '-' is none", hint=hint)
    if output.is_symlink() and not output.exists():
        raise UsageError(
            f"{flag} is a link to nothing", path=output, hint="name the file that is meant"
        )
    if flag == "--output" and output.exists() and not (output.is_file() or output.is_dir()):
        raise UsageError(
            f"{flag} is no regular file", path=output, hint="name a file; it is put there whole"
        )


def _refuse_owned(output: Path, flag: str, ledger: Path) -> None:
    """Raise UsageError for a file that tunegate itself writes: no other text belongs there."""
    whole, kept, here = output.resolve(), ledger.resolve(), Path.cwd().resolve()
    if whole.name in OWNED and (whole.parent / _MANIFEST).is_file():
        owner = "the suite's own"
    elif kept in whole.parents and kept not in (here, *here.parents):
        owner = "in the ledger's folder"
    else:
        return
    raise UsageError(
        f"{flag} names a file that is {owner}",
        path=output,
        hint="name another file for the output",
    )


def _inputs(options: Namespace) -> Iterator[Path]:
    """The files that a command is told to read, as far as they are there."""
    named = [getattr(options, name, None) for name in _INPUTS]
    model = getattr(options, "model", None) or ""
    named += getattr(options, "data", None) or []
    named += [model.removeprefix(_MODEL)] if model.startswith(_MODEL) else []
    named += sorted(options.ledger.glob("ledger.sqlite3*"))
    yield from (path for path in map(Path, filter(None, named)) if path.is_file())


def _in_suite(options: Namespace, name: str, output: Path) -> bool:
    """Whether a file is part of a suite: of one that the command was given, or of any around it.

    A report at the option `name` is none.
    """
    named = [getattr(options, "suite", None), *getattr(options, "suites", ())]
    whole = output.resolve()
    around = next((each for each in whole.parents if (each / _MANIFEST).is_file()), None)
    if around is not None:
        return not _is_report(options, name, whole) or whole.parent != around
    for folder in (Path(name).resolve() for name in named if name and Path(name).is_dir()):
        if folder in whole.parents and list(folder.glob(f"*/{_MANIFEST}")):
            return not _is_report(options, name, whole)
    return False


def _is_report(options: Namespace, name: str, path: Path) -> bool:
    """Whether a file looks like an earlier report of what the option `name` writes."""
    if name == "output" and options.command not in ("run", "report"):
        return False
    if path.name == _README:
        return name == "markdown" or getattr(options, "format", None) == "markdown"
    if path.suffix == ".json":
        return path.is_file() and path.read_bytes()[: len(_DATA)] == _DATA
    return path.suffix in _REPORTS


def check_output(path: Path) -> None:
    """Raise UsageError where no file can be written to `path`. Writes and makes nothing."""
    if path.is_dir():
        raise UsageError("is a folder, not a file to write", path=path, hint="add a file name")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", path=path, hint="name another output")
    target = path if path.exists() else folder
    if not os.access(target, os.W_OK):
        raise UsageError(f"{target} cannot be written", path=path, hint="name another output")


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path`: at once and whole for a file, straight through for a device.

    A link stays one: the file that it leads to is replaced.
    """
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe: never replaced by a file
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path.resolve(), text)
