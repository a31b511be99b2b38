"""Identity of a suite's own scorer files: code and data. They are hashed, never imported."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from evals.fingerprint import file_sha256
from evals.records import Json
from evals.suite.inside import resolve_inner
from evals.suite.section import Section
from evals.suite.source import Position, describe

PYTHON_SCORER = "python@1"
DATA_FILES: Mapping[str, tuple[str, ...]] = {
    "json_schema@1": ("schema",),
    "judge@1": ("calibration", "rubric"),
    "judge_pairwise@1": ("calibration", "rubric"),
    "sql_result@1": ("database",),
    "style@1": ("like", "unlike"),
}
"""By scorer, the options that may name a data file of the suite instead of holding the data."""
TEXT_OR_FILE = {"rubric": ".j2"}
"""Of these the options that may be any text; one with this ending names a file."""


NOT_READ = {"suite.yaml", "accepted.json", "looks.jsonl", "audit.jsonl", "preferences.jsonl"}
"""What stands in a suite's folder and is no data of its scorers."""


class ScorerFiles(NamedTuple):
    """SHA-256 over the files that a suite's scorers read: of all, and of each metric that has any.

    `all_sha256` is empty where there are none.
    """

    all_sha256: str
    by_metric: Mapping[str, str]


def find_scorer_files(root: Path, metrics: Section, others: Collection[Path]) -> ScorerFiles:
    """Hash the files that scorers may read, at a metric or inside another's options.

    Of `python@1` these are all files of the suite but `others` (files and folders that have a
    use of their own: cases, prompts, an adapter), what tunegate writes there, and what is
    written for people: code can read any file. Of `DATA_FILES` the one that is named. Raises
    SuiteError for a malformed name, a missing file, or code that is not Python.
    """
    files: dict[str, set[Path]] = {}
    for at, options in _scorers(metrics.values, ()):
        found = files.setdefault(str(at[0]), set())
        if options["scorer"] == PYTHON_SCORER:
            found.update(_with_imports(_named_file(root, metrics, at, options), root, metrics, at))
            found.update(_readable(root, others))
        for option in DATA_FILES.get(options["scorer"], ()):
            named = options.get(option)
            if isinstance(named, str) and names_file(option, named):
                found.add(resolve_inner(root, named, metrics, *at, option))
    return ScorerFiles(
        _sha256(root, set().union(*files.values())),
        {metric: _sha256(root, found) for metric, found in files.items() if found},
    )


def names_file(option: str, text: str) -> bool:
    """Whether an option's text is the name of a file of the suite, and not the data itself."""
    ending = TEXT_OR_FILE.get(option)
    return ending is None or (text.endswith(ending) and "\n" not in text)


def _readable(root: Path, others: Collection[Path]) -> Iterator[Path]:
    """Every file of the suite that code could read for its scores."""
    used = {path.resolve() for path in others}
    for path in root.rglob("*"):
        inner = path.relative_to(root)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in inner.parts)
        written = inner.name in NOT_READ or inner.suffix.lower() == ".md"
        if hidden or written or not path.is_file():
            continue
        if not used.intersection((path.resolve(), *path.resolve().parents)):
            yield path


def _sha256(root: Path, files: set[Path]) -> str:
    if not files:
        return ""
    digest = hashlib.sha256()
    for relative in sorted(path.relative_to(root).as_posix() for path in files):
        digest.update(f"{relative}\0{file_sha256(root / relative)}\n".encode())
    return digest.hexdigest()


def _scorers(value: Json, at: Position) -> Iterator[tuple[Position, Mapping[str, Json]]]:
    """Every mapping that names a scorer, and where it stands."""
    if isinstance(value, Mapping):
        if isinstance(value.get("scorer"), str):
            yield at, value
        for key, inner in value.items():
            yield from _scorers(inner, (*at, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _scorers(inner, (*at, i))


def _named_file(root: Path, metrics: Section, at: Position, options: Mapping[str, Json]) -> Path:
    function = options.get("function")
    file, _, attribute = function.rpartition(":") if isinstance(function, str) else ("", "", "")
    if not file.endswith(".py") or not attribute.isidentifier():
        metrics.fail(
            f"expected a function like 'scorers.py:name', found {describe(function)}",
            *at,
            "function",
        )
    return resolve_inner(root, file, metrics, *at, "function")


def _with_imports(path: Path, root: Path, metrics: Section, at: Position) -> set[Path]:
    """`path` and every file of the suite that it imports, directly or not."""
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        for module in _imported(current, metrics, at):
            for folder in {root, current.parent}:
                waiting.extend(p for p in [folder / f"{module}.py"] if p.is_file())
                waiting.extend(p for p in (folder / module).rglob("*.py") if p.is_file())
    return found


def _imported(path: Path, metrics: Section, at: Position) -> Iterator[str]:
    """First part of the name of every module that a file imports."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError) as cause:
        place = f" on line {cause.lineno}" if isinstance(cause, SyntaxError) else ""
        said = cause.msg if isinstance(cause, SyntaxError) else str(cause)
        metrics.fail(f"{path.name} is not valid Python{place}: {said}", *at, "function")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
