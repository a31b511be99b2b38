"""A suite's gate as it stands at another git revision: read from git, never checked out.

Blobs are written to a scratch folder as they are stored: no filter, hook or attribute of the
repository runs or applies.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.errors import TunegateError, UsageError
from evals.regression.accepted_file import FILE_NAME as ACCEPTED
from evals.regression.accepted_file import read_accepted
from evals.regression.definition import define_gate
from evals.regression.gate import Reference
from evals.suite.load import MANIFEST, load_suite
from evals.suite.spec import Suite

SECONDS = 120
MAX_BYTES = 1 << 30
_FILE, _LINK = "100", "120000"  # how modes begin; submodules are left out

FindGuards = Callable[[Suite], Mapping[str, Suite]]


@dataclass(frozen=True)
class Revision:
    """A commit of the repository in `top`; `name` is what a person called it.

    `is_fork` where it is not that revision itself, but where HEAD's history left it.
    """

    top: Path
    commit: str
    name: str
    is_fork: bool = False

    @property
    def label(self) -> str:
        """Name and abbreviated commit."""
        left = "where HEAD left " if self.is_fork else ""
        return f"{left}{self.name} ({self.commit[:10]})"


def find_revision(folder: Path, name: str) -> Revision:
    """Where the history of HEAD and of `name` part, in the repository around `folder`.

    Of a submodule it is the outermost repository: what a change brings along as a submodule
    has a history of its own making. Raises UsageError where `folder` is in no repository, and
    where `name` is no commit there or may be two.
    """
    top = _outermost(folder)
    try:
        _refuse_ambiguous(top, name)
        found = _git(top, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except UsageError as error:
        raise UsageError(
            f"there is no base revision {name!r} in this clone: {error.message}",
            path=top,
            hint="fetch it first (in CI, check out with full history: `fetch-depth: 0`)",
        ) from error
    named = commit = found.decode().strip()
    with suppress(UsageError):  # a shallow clone, or no common history: the commit itself
        commit = _git(top, "merge-base", commit, "HEAD").decode().strip()
    return Revision(top, commit, name, is_fork=commit != named)


def _outermost(folder: Path) -> Path:
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    around = _git(top, "rev-parse", "--show-superproject-working-tree").decode().rstrip("\n")
    return _outermost(Path(around)) if around else top


def _refuse_ambiguous(top: Path, name: str) -> None:
    """Raise UsageError for a name that is a tag and a branch: a tag would hide the branch."""
    forms = (f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/{name}")
    known = [form for form in forms if _is_ref(top, form)]
    if len(known) > 1:
        raise UsageError(f"it may be {' or '.join(known)}", hint="say which one")


def _is_ref(top: Path, name: str) -> bool:
    try:
        _git(top, "show-ref", "--verify", "--quiet", "--", name)
    except UsageError:
        return False
    return True


def read_reference(root: Path, revision: Revision, find_guards: FindGuards) -> Reference:
    """The gate of the suite in folder `root` as `revision` has it.

    `find_guards` finds a suite's guards beside it or elsewhere. Raises UsageError where git
    fails; a suite that is not there, or cannot be read, is a reference without a gate.
    """
    top = revision.top.resolve()
    if not root.resolve().is_relative_to(top):
        problem = f"the suite lies outside the repository of {revision.label}"
        return Reference(revision.label, revision.commit, problem=problem)
    inside = root.resolve().relative_to(top)
    with TemporaryDirectory(prefix="tunegate-base-") as scratch:
        there = Path(scratch) / "suites" / inside.name
        if not _write_folder(revision, inside, there):
            return Reference(
                revision.label, revision.commit, problem=f"the suite is new since {revision.label}"
            )
        try:
            suite = load_suite(there)
            for guard in suite.guards:
                _write_folder(revision, inside.parent / guard.suite, there.parent / guard.suite)
            definition = define_gate(suite, find_guards(suite))
            baseline = read_accepted(there / ACCEPTED)
        except TunegateError as error:
            problem = f"the gate cannot be read as {revision.label} has it: {error.message}"
            return Reference(revision.label, revision.commit, problem=problem)
    return Reference(revision.label, revision.commit, definition, baseline)


def removed_gates(revision: Revision) -> list[str]:
    """Folders, seen from the top, of suites that are no longer there, or are a link now."""
    folders = [
        path.parent
        for blob, path in _files(revision, Path())
        if path.name == ACCEPTED or (path.name == MANIFEST and _is_suite(revision, blob))
    ]
    top = revision.top.resolve()
    return sorted(
        folder.as_posix() for folder in set(folders) if not _stands(top / folder / MANIFEST)
    )


def _is_suite(revision: Revision, blob: str) -> bool:
    """Whether a `suite.yaml` is one of tunegate's: other tools have files of that name."""
    content = _git(revision.top, "cat-file", "blob", blob)
    return all(key in content for key in (b"format", b"cases", b"prompts", b"metrics"))


def _stands(manifest: Path) -> bool:
    return manifest.is_file() and manifest.resolve() == manifest


def refuse_committed(folder: Path) -> None:
    """Raise UsageError for a folder of stored runs that git tracks.

    Whoever may change the repository could put the results there that the gate should find.
    """
    if not folder.is_dir():
        return
    try:
        tracked = _git(folder, "ls-files", "-z", "--", ".")
    except UsageError:  # no repository, or no git: nothing is committed
        return
    if tracked:
        raise UsageError(
            "stored runs are committed here, and a gate cannot trust results that come with "
            "the change",
            path=folder,
            hint="take the folder out of git (`git rm -r --cached`), or name another --ledger",
        )


def _write_folder(revision: Revision, inside: Path, target: Path) -> bool:
    """Write the files of a folder as they were; whether there are any.

    A link to a file in the folder becomes that file; any other is left out.
    """
    files = list(_files(revision, inside))
    blobs = {path: blob for blob, path in files}
    linked = [(_link_target(revision, *one), one[1]) for one in _files(revision, inside, _LINK)]
    links = [(blobs[meant], path) for meant, path in linked if meant in blobs]
    total = 0
    for blob, path in [*files, *links]:
        content = _git(revision.top, "cat-file", "blob", blob)
        total += len(content)
        if total > MAX_BYTES:
            raise UsageError(f"more than {MAX_BYTES >> 30} GiB at {revision.label}", path=inside)
        place = target / path.relative_to(inside)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return bool(files)


def _link_target(revision: Revision, blob: str, path: Path) -> Path:
    named = _git(revision.top, "cat-file", "blob", blob).decode("utf-8", "surrogateescape")
    return Path(os.path.normpath(path.parent / named))


def _files(revision: Revision, inside: Path, mode: str = _FILE) -> Iterator[tuple[str, Path]]:
    """Object name and path, seen from the top, of every file of a mode below `inside`."""
    listed = _git(
        revision.top,
        "ls-tree",
        "-r",
        "-z",
        "--full-tree",
        revision.commit,
        "--",
        f"{inside}/" if inside.parts else ".",
    )
    for entry in listed.split(b"\0"):
        if entry.startswith(mode.encode()):
            about, _, path = entry.partition(b"\t")
            yield about.split()[2].decode(), Path(path.decode("utf-8", "surrogateescape"))


def _git(folder: Path, *arguments: str) -> bytes:
    """Run git in `folder`. Raises UsageError with what it said."""
    # Replaced objects would be another history than the one everybody reviews.
    command = ["git", "--no-replace-objects", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - fixed program, no shell
            command,
            capture_output=True,
            check=False,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            # A hook's GIT_DIR would point at another repository than the folder's.
            env={key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed", hint="install it, or leave --base away") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git took longer than {SECONDS} s", path=folder) from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"git: {said[0] if said else 'failed'}", path=folder)
    return done.stdout
