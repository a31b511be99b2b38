"""What runs inside a scorer's worker process: load one function, judge, answer.

Started by `evals.scorers.worker` with two pipe ends of its own, so that prints of suite
code go nowhere near the protocol. Replies are lists: ["ready"], ["failed", message,
file, line], and per item [number, "ok", value, reason, kind, parts] or [number, "bad" or
"memory", message, file, line].
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from importlib.machinery import FileFinder, SourceFileLoader
from numbers import Real
from pathlib import Path
from types import CodeType
from typing import Any, cast

from evals.records import Case, Output, Score
from evals.scorers.wire import LENGTH, MAX_REASON, frame, pair_from_wire, parts_to_wire

Judge = Callable[[Case, Output], Any]


def main(read_fd: int, write_fd: int) -> None:
    """Serve until the owner closes its end of the pipe."""
    for descriptor in (read_fd, write_fd):
        os.set_inheritable(descriptor, False)
    with os.fdopen(read_fd, "rb") as source, os.fdopen(write_fd, "wb") as sink:
        config = _read(source)
        _limit(config["memory_bytes"])
        try:
            judge = _load(config["target"])
        except BaseException as error:  # noqa: BLE001 - suite code may raise anything; it is sent on
            _send(sink, ["failed", *_told(error, config["target"])])
            return
        _send(sink, ["ready"])
        while (items := _read(source)) is not None:
            for number, pair in items:
                _send(sink, [number, *_judged(judge, pair, config)])


def _read(source: Any) -> Any:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    return json.loads(source.read(length))


def _send(sink: Any, reply: list[Any]) -> None:
    sink.write(frame(reply))
    sink.flush()


def _limit(memory_bytes: int) -> None:
    """Bound this process's memory; where the system cannot, the time limit still holds."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    except (ValueError, OSError):  # macOS refuses RLIMIT_AS
        return


def _load(target: dict[str, Any]) -> Judge:
    if "module" in target:  # one of our own judges, made by its factory from JSON options
        module = importlib.import_module(target["module"])
        return cast(Judge, getattr(module, target["factory"])(target["options"]))
    path = Path(target["file"])
    _prefer(target["root"])
    _only_sources(Path(target["root"]).resolve())
    loader = _FromSource(path.stem, str(path))
    spec = importlib.util.spec_from_file_location(path.stem, path, loader=loader)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    judge = getattr(module, target["function"], None)
    if not callable(judge):
        own = [n for n, v in vars(module).items() if getattr(v, "__module__", "") == path.stem]
        raise LookupError(f"no function {target['function']!r}; there is: {', '.join(own)}")  # noqa: TRY004 - the name is wrong, not a type
    return cast(Judge, judge)


class _FromSource(SourceFileLoader):
    """Compiles what the source says: a compiled file beside it could say anything else."""

    def get_code(self, fullname: str) -> CodeType:
        """The source's code, whatever `__pycache__` holds."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _only_sources(root: Path) -> None:
    """Import modules of the suite from their sources alone."""
    find = FileFinder.path_hook((_FromSource, [".py"]))

    def hook(entry: str) -> Any:
        if not Path(entry).resolve().is_relative_to(root):
            raise ImportError(entry)
        return find(entry)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()


def _prefer(root: str) -> None:
    """Let the suite's own files win over installed packages, not over the standard library."""
    installed = [
        index
        for index, entry in enumerate(sys.path)
        if entry.endswith(("site-packages", "dist-packages"))
    ]
    sys.path.insert(installed[0] if installed else len(sys.path), root)


def _judged(judge: Judge, pair: Any, config: dict[str, Any]) -> list[Any]:
    # Should the owner be killed, nobody stops an endless loop here: the alarm then does.
    signal.setitimer(signal.ITIMER_REAL, 2 * config["seconds"] + 5)
    try:
        return _checked(judge(*pair_from_wire(pair)))
    except MemoryError:
        return ["memory", "", None, None]
    except BaseException as error:  # noqa: BLE001 - suite code may raise anything; it is sent on
        return ["bad", *_told(error, config["target"])]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _checked(result: Any) -> list[Any]:
    """A reply from what the function returned: Score, a real number or a bool."""
    score = result if isinstance(result, Score) else Score(result)
    value: Any = score.value  # whatever the author put there
    fits = isinstance(value, Real) and 0.0 <= value <= 1.0  # type: ignore[operator] # NaN fails it
    if not fits or not isinstance(score.reason, str) or not isinstance(score.kind, str):
        return [
            "bad",
            f"returned {_repr(result)}; expected a Score, a number from 0 to 1, or a bool",
            None,
            None,
        ]
    try:
        parts = parts_to_wire(score.parts)
    except (ValueError, OverflowError) as error:
        return ["bad", f"returned a Score that cannot be used: {error}", None, None]
    return ["ok", float(value), score.reason[:MAX_REASON], score.kind[:MAX_REASON], parts]


def _told(error: BaseException, target: dict[str, Any]) -> tuple[str, str | None, int | None]:
    """What went wrong, and the file and line of the suite's code where it did."""
    message = f"{type(error).__name__}: {_text(error)}"[:MAX_REASON]
    if isinstance(error, SyntaxError) and error.filename:
        return message, error.filename, error.lineno
    root = target.get("root")
    for entry in reversed(traceback.extract_tb(error.__traceback__)):
        if root is not None and entry.filename.startswith(root + os.sep):
            return message, entry.filename, entry.lineno
    return message, target.get("file"), None


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception class of the suite that cannot print itself
        return "(its message cannot be printed)"


def _repr(value: Any) -> str:
    try:
        return repr(value)[:80]
    except Exception:  # noqa: BLE001 - a value of the suite that cannot print itself
        return f"a {type(value).__name__}"
