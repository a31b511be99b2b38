"""What commands open: suites by path or shipped name, models, the ledger, one job at a time."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evals.errors import SuiteError
from evals.ledger_file import check_folder
from evals.locks import only_one
from evals.looks import FILE_NAME as LOOKS
from evals.models import open_model
from evals.models.names import check_model_name
from evals.models.protocol import AdaptableModel
from evals.suite import Suite, load_suite
from evals.suite.shipped import resolve_suite
from tunegate.cli.console import Terminal
from tunegate.shipped import shipped_root


@dataclass(frozen=True)
class OpenedSuite:
    """A suite and whether it was named as one that ships with tunegate."""

    suite: Suite
    shipped: bool

    def looks_path(self, ledger_folder: Path) -> Path:
        """Where looks at its sealed split are counted.

        Beside the suite, to be committed with it. A shipped suite is everybody's, so its
        looks are counted per ledger.
        """
        if self.shipped:
            return ledger_folder / f"{self.suite.name}-{LOOKS}"
        return self.suite.root / LOOKS


def open_suite(name: str) -> OpenedSuite:
    """Load a suite by path or shipped name. Raises SuiteError."""
    root = resolve_suite(name, shipped_root())
    return OpenedSuite(load_suite(root), shipped=root.parent == shipped_root())


def open_guards(suite: Suite) -> dict[str, Suite]:
    """The suites that guard `suite`: beside it, or shipped. Raises SuiteError for a missing one."""
    guards: dict[str, Suite] = {}
    for guard in suite.guards:
        beside = suite.root.parent / guard.suite
        try:
            root = beside if beside.is_dir() else resolve_suite(guard.suite, shipped_root())
        except SuiteError as error:
            raise SuiteError(
                f"the guard {guard.suite!r} is no suite: {error.message}",
                path=suite.root / "suite.yaml",
                key="guards",
                hint="put it beside this suite, or name a shipped one",
            ) from error
        guards[guard.suite] = load_suite(root)
    return guards


def open_named_model(options: Namespace, terminal: Terminal) -> AdaptableModel:
    """Open `--model`; the embedded one is fetched, with a progress bar, on first use."""
    check_model_name(options.model)
    with terminal.fraction(f"opening {options.model}") as progress:
        return open_model(options.model, precision=options.precision or "auto", progress=progress)


@contextmanager
def only_job(folder: Path) -> Iterator[None]:
    """Keep a second job off the same ledger.

    Raises UsageError when one is at work, and where the folder is a file.
    A folder made for the lock goes again where the job failed before it stored anything.
    """
    check_folder(folder)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = folder / "job.lock"
    hint = "wait for it, or give this one its own --ledger"
    with only_one(lock, busy=f"another tunegate command is at work on {folder}", hint=hint):
        try:
            yield
        finally:
            if is_new and list(folder.iterdir()) == [lock]:
                lock.unlink()
                folder.rmdir()
