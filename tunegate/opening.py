"""What is opened: suites by path or shipped name with their guards, and one job at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evals.errors import SuiteError
from evals.ledger_file import check_folder
from evals.locks import only_one
from evals.looks import FILE_NAME as LOOKS
from evals.looks import take_look
from evals.models import DEFAULT_MODEL
from evals.suite import Suite, load_suite
from evals.suite.load import MANIFEST
from evals.suite.shipped import resolve_suite
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

    def take_look(self, ledger_folder: Path, subject: str, purpose: str) -> None:
        """Write a look at the sealed split down, before anything is seen of it."""
        take_look(
            self.looks_path(ledger_folder),
            self.suite.split("test"),
            subject,
            purpose=purpose,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def open_suite(name: str) -> OpenedSuite:
    """Load a suite by path or shipped name. Raises SuiteError."""
    root = resolve_suite(name, shipped_root())
    return OpenedSuite(load_suite(root), shipped=root.parent == shipped_root())


def model_name(suite: Suite, wished: str | None) -> str:
    """The model that was asked for, else the suite's candidate's, else the embedded one."""
    return wished or suite.candidate.model or DEFAULT_MODEL


def open_suites(names: Sequence[str]) -> list[OpenedSuite]:
    """Load suites, each once; a folder stands for the suites in it, too. Raises SuiteError.

    Also one that is a suite itself: a `suite.yaml` put there must not hide the others.
    """
    found: dict[Path, OpenedSuite] = {}
    for name in names:
        inner = [str(path.parent) for path in sorted(Path(name).glob(f"*/{MANIFEST}"))]
        itself = [name] if (Path(name) / MANIFEST).is_file() or not inner else []
        for one in (*itself, *inner):
            opened = open_suite(one)
            found.setdefault(opened.suite.root.resolve(), opened)
    return list(found.values())


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


@contextmanager
def only_job(folder: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Keep a second job off the same ledger.

    Raises UsageError when one is at work, after `patience` seconds still, and where the folder
    is a file.
    A folder made for the lock goes again where the job failed before it stored anything.
    """
    check_folder(folder)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = folder / "job.lock"
    hint = "wait for it, or give this one its own --ledger"
    with only_one(
        lock, busy=f"another tunegate command is at work on {folder}", hint=hint, patience=patience
    ):
        try:
            yield
        finally:
            if is_new and list(folder.iterdir()) == [lock]:
                lock.unlink()
                folder.rmdir()
