"""What `tune.pairs` names: files of preference pairs inside the suite.

    tune:
      pairs:
        - preferences.jsonl
        - {path: reviewed.jsonl, by: "Ana Silva"}

Here the files are found and hashed; `tuning.data` reads what is in them.
"""

from __future__ import annotations

from evals.records import Json
from evals.suite.section import Section
from evals.suite.spec import PairFile
from evals.suite.tune_files import hash_file, item_section, read_list

MAX_BY = 200
NOBODY = frozenset({"human", "humans", "person", "people", "annotator", "user"})
"""Words that say that somebody chose, and not who: a pair names its maker, or says "rule"."""


def read_pair_files(section: Section) -> tuple[PairFile, ...]:
    """The files under `pairs`, each proved to lie inside the suite, in the order stated.

    Raises SuiteError with line and key for a path that leads out or is not there, a file twice,
    an unknown key, and a maker that is no name.
    """
    return read_list(section, "pairs", _read_file)


def is_maker(text: str) -> bool:
    """Whether a text can say who made a pair: one line that is no word for just anybody."""
    return 0 < len(text.strip()) <= MAX_BY and text.isprintable() and not _is_anybody(text)


def _is_anybody(text: str) -> bool:
    return text.strip().casefold() in NOBODY


def _read_file(section: Section, item: Json, at: tuple[str | int, ...]) -> PairFile:
    line = section.line_of(*at)
    if isinstance(item, str):
        return PairFile(item, line=line, sha256=hash_file(section, item, *at))
    if not isinstance(item, dict):
        section.expect("a path inside the suite, or {path: ..., by: ...}", *at)
    inner = item_section(section, item, at)
    inner.only("path", "by")
    by = inner.optional_text("by") or ""
    if by and not is_maker(by):
        inner.fail(f"{by!r} does not say who", "by", hint='a name, or "rule", or "author"')
    path = inner.text("path")
    return PairFile(path, by, line=line, sha256=hash_file(section, path, *at, "path"))
