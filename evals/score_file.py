"""Scores of any harness: JSONL with `id`, `score` and perhaps `cluster`, read with care."""

from __future__ import annotations

import json
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import NoReturn

from evals.errors import RecordError
from evals.records import Json

_EXPECTED = 'expected a line like {"id": "case-1", "score": 0.5}'

_NUMBERS = (float, int)


@dataclass(frozen=True)
class ScoreFile:
    """Scores by case id in file order; ids in `errors` have no score, by their own account."""

    path: str
    scores: Mapping[str, float]
    clusters: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


def read_scores(path: Path | str) -> ScoreFile:
    """Read a JSONL file of scores.

    One object a line: `id` (text or integer, unique), `score` (0 to 1, true or false) and
    perhaps `cluster` (text). A case that ended without a score has a text `error` instead of
    `score`. Other keys are ignored, blank lines skipped.

    Raises `RecordError` with file and line at the first line that is anything else, and for
    a file that cannot be read or holds no line.
    """
    path = Path(path)
    scores: dict[str, float] = {}
    clusters: dict[str, str] = {}
    failed: dict[str, None] = {}  # a set that keeps the order
    names: dict[str, str] = {}  # one text for each cluster, however many lines name it
    content = _content(path)
    for line, entry in _entries(content, path):
        case = _case_id(entry, path, line)
        if case in scores or case in failed:
            first = _first_use(case, content, path)
            _refuse(f"the id {_shown(case)} was already used on line {first}", path, line, "id")
        if (cluster := _cluster(entry, path, line)) is not None:
            clusters[case] = names.setdefault(cluster, cluster)
        if (score := _score(entry, path, line)) is not None:
            scores[case] = score
        else:
            failed[case] = None
    if not scores and not failed:
        raise RecordError("the file holds no scores", path=path, hint=_EXPECTED)
    return ScoreFile(str(path), scores, clusters, tuple(failed))


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(
            f"cannot read scores: {error.strerror or error}",
            path=path,
            hint="name a JSONL file of id and score, or the id of a stored run",
        ) from error
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) or b"\0" in content[:4]:
        raise RecordError(
            "not UTF-8 but UTF-16 or UTF-32 text, or no text", path=path, hint="save it as UTF-8"
        )
    return content.removeprefix(BOM_UTF8)


def _entries(content: bytes, path: Path) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The object of each line that is not blank, with the line's number from 1."""
    from msgspec import DecodeError
    from msgspec.json import Decoder

    decode = Decoder().decode
    rows = content.splitlines()
    unended = 0 if content.endswith((b"\n", b"\r")) else len(rows)
    for line, raw in enumerate(rows, start=1):
        try:
            entry = decode(raw)
        except (DecodeError, ValueError, RecursionError):
            if not raw.strip():
                continue
            entry = None  # what is wrong, `_object` says
        known = entry.__class__ is dict and _each_key_once(entry, raw)
        yield line, entry if known else _object(raw, path, line, cut=line == unended)


def _each_key_once(entry: Mapping[str, Json], raw: bytes) -> bool:
    """Whether `raw` surely has each key of `entry` once; the decoder keeps the last of two.

    Every key and every text stands between two quotation marks: more of them mean a key that
    stands twice, or an escaped or nested text, which `_object` tells apart.
    """
    texts = len(entry)
    for value in entry.values():
        texts += value.__class__ is str
    return raw.count(b'"') == 2 * texts


def _first_use(case: str, content: bytes, path: Path) -> int:
    """The first line with this id."""
    return next(n for n, entry in _entries(content, path) if _case_id(entry, path, n) == case)


def _refuse(message: str, path: Path, line: int, key: str | None = None) -> NoReturn:
    raise RecordError(message, path=path, line=line, key=key, hint=_EXPECTED)


def _object(raw: bytes, path: Path, line: int, *, cut: bool) -> Mapping[str, Json]:
    """The object of one line, read without haste, or the error that says what is wrong."""
    try:
        entry = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        _refuse("not UTF-8 text", path, line)
    except RecursionError:
        _refuse("nested too deeply", path, line)
    except json.JSONDecodeError as error:
        end = "; the line has no end: the file may have been cut short" if cut else ""
        _refuse(f"malformed JSON at column {error.colno}: {error.msg}{end}", path, line)
    except ValueError as error:  # a key twice, or an integer beyond Python's digit limit
        _refuse(f"malformed JSON: {str(error).partition(';')[0]}", path, line)
    if not isinstance(entry, dict):
        _refuse(f"a JSON {type(entry).__name__} where an object belongs", path, line)
    return entry


def _once(pairs: list[tuple[str, Json]]) -> Mapping[str, Json]:
    """An object; ValueError where a key stands twice, so that neither value is guessed."""
    entry = dict(pairs)
    if len(entry) < len(pairs):
        twice = next(key for n, (key, _) in enumerate(pairs) if key in dict(pairs[:n]))
        raise ValueError(f"the key {twice[:60]!r} stands twice")
    return entry


def _case_id(entry: Mapping[str, Json], path: Path, line: int) -> str:
    value = entry.get("id")
    if value.__class__ is str and value:  # as nearly always; a million times this is worth it
        return value
    if "id" not in entry:
        has = f"only {', '.join(map(_shown, list(entry)[:5]))}" if entry else "nothing"
        _refuse(f"no id: the object has {has}", path, line, "id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        _refuse(f"the id is {_shown(value)}; it must be text or an integer", path, line, "id")
    return str(value)


def _cluster(entry: Mapping[str, Json], path: Path, line: int) -> str | None:
    value = entry.get("cluster")
    if value is None or value.__class__ is str:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        _refuse(
            f"the cluster is {_shown(value)}; it must be text or an integer", path, line, "cluster"
        )
    return str(value)


def _score(entry: Mapping[str, Json], path: Path, line: int) -> float | None:
    value = entry.get("score")
    error = entry.get("error")
    if error is None and value.__class__ in _NUMBERS and 0 <= value <= 1:
        return float(value)
    if value is None and isinstance(error, str) and error:
        return None
    if isinstance(error, str) and error:
        _refuse("both a score and an error; a case has one of them", path, line, "error")
    if "score" not in entry:
        _refuse("no score, and no error that says why", path, line, "score")
    if not isinstance(value, int | float):
        _refuse(f"the score is {_shown(value)}, not a number", path, line, "score")
    # A comparison first: float() of a huge integer would overflow.
    if not 0 <= value <= 1 or not isfinite(value):
        _refuse(f"the score is {_shown(value)}; scores lie between 0 and 1", path, line, "score")
    return float(value)


def _shown(value: Json) -> str:
    """A value as JSON for a message, at most 61 characters long."""
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
