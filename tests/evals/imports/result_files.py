"""The real files of other harnesses, and ways to change them into hostile ones."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evals.imports import ImportedResults, read_results
from evals.imports.archive import Archive

FILES = Path(__file__).parent / "files"
STAMP = "2026-11-22T07-58-31.777034"
QA = FILES / f"samples_small_qa_{STAMP}.jsonl"
CHOICE = FILES / f"samples_small_choice_{STAMP}.jsonl"
PROMPTFOO = FILES / "promptfoo.json"
PROMPTFOO_REPEATED = FILES / "promptfoo_repeated.json"
LETTERS = FILES / "inspect_letters.json"
LETTERS_EVAL = FILES / "inspect_letters.eval"
REPEATED = FILES / "inspect_repeated.json"
FAILING = FILES / "inspect_failing.json"


def only(path: Path) -> ImportedResults:
    """The results of a file with one candidate."""
    (found,) = read_results(path)
    return found


def changed(source: Path, target: Path, change: Callable[[Any], Any]) -> Path:
    """A copy of a JSON file with something changed in it."""
    document = json.loads(source.read_text())
    document = change(document) or document
    target.write_text(json.dumps(document))
    return target


def members(path: Path = LETTERS_EVAL) -> dict[str, str]:
    """The texts in an .eval log by name."""
    with Archive(path) as archive:
        return {name: archive.text(name) for name in archive.names}


def write_eval(target: Path, texts: Mapping[str, str]) -> Path:
    """An .eval log packed with deflate, as older versions of Inspect wrote them."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return target


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A JSONL file of objects."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
