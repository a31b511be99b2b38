"""What `tune.pairs` names: files of preference pairs inside the suite.

    tune:
      pairs:
        - preferences.jsonl
        - {path: reviewed.jsonl, by: "Ana Silva"}

Here the files are found and hashed; `tuning.data` reads what is in them.
"""

from __future__ import annotations

from dataclasses import replace

from evals.fingerprint import file_sha256
from evals.records import Json
from evals.suite.inside import resolve_inner
from evals.suite.section import Section
from evals.suite.source import MAX_JSONL_BYTES
from evals.suite.spec import PairFile

MAX_FILES = 100
MAX_BY = 200
NOBODY = frozenset({"human", "humans", "person", "people", "annotator", "user"})
"""Words that say that somebody chose, and not who: a pair names its maker, or says "rule"."""


def read_pair_files(section: Section) -> tuple[PairFile, ...]:
    """The files under `pairs`, each proved to lie inside the suite, in the order stated.

    Raises SuiteError with line and key for a path that leads out or is not there, a file twice,
    an unknown key, and a maker that is no name.
    """
    stated = section.values.get("pairs")
    if stated is None:
        return ()
    if not isinstance(stated, list):
        section.expect("a list of files", "pairs")
    if len(stated) > MAX_FILES:
        section.fail(f"{len(stated)} files are too many: at most {MAX_FILES}", "pairs")
    files: list[PairFile] = []
    for number, item in enumerate(stated):
        one = _read_file(section, item, number)
        if one.path in {other.path for other in files}:
            section.fail(f"{one.path!r} appears twice", "pairs", number)
        files.append(one)
    return tuple(files)


def is_maker(text: str) -> bool:
    """Whether a text can say who made a pair: one line that is no word for just anybody."""
    return 0 < len(text.strip()) <= MAX_BY and text.isprintable() and not _is_anybody(text)


def _is_anybody(text: str) -> bool:
    return text.strip().casefold() in NOBODY


def _read_file(section: Section, item: Json, number: int) -> PairFile:
    at: tuple[str | int, ...] = ("pairs", number)
    if isinstance(item, str):
        return _found(section, PairFile(item, line=section.line_of(*at)), *at)
    if not isinstance(item, dict):
        section.expect("a path inside the suite, or {path: ..., by: ...}", *at)
    inner = Section(section.path, item, section.line_of(*at), (*section.at, *at), section.lines)
    inner.only("path", "by")
    by = inner.optional_text("by") or ""
    if by and not is_maker(by):
        inner.fail(f"{by!r} does not say who", "by", hint='a name, or "rule", or "author"')
    return _found(section, PairFile(inner.text("path"), by, line=section.line_of(*at)), *at, "path")


def _found(section: Section, stated: PairFile, *keys: str | int) -> PairFile:
    """The file with the hash of its content."""
    if not stated.path.strip() or "\0" in stated.path:
        section.expect("a path inside the suite", *keys)
    path = resolve_inner(section.path.parent, stated.path, section, *keys)
    if path.stat().st_size > MAX_JSONL_BYTES:
        section.fail(f"{stated.path!r} has more than {MAX_JSONL_BYTES:,} bytes", *keys)
    return replace(stated, sha256=file_sha256(path))
