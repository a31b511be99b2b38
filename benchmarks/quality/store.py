"""Measured cells, kept so that an interrupted command goes on where it stopped."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import scipy

from benchmarks.quality.cells import Cell, Experiment, Planned, Setting

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".tunegate" / "decision_quality"


class Store:
    """A folder with one JSON file for each measured cell, named by what made it.

    Each file is written whole and then renamed, so that a killed command leaves none by half.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder

    def read(self, key: str) -> list[Cell] | None:
        """The cells kept under `key`; None where there are none, or the file is not whole."""
        try:
            rows = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            return [Cell(**row) for row in rows]
        except (OSError, ValueError, TypeError):
            return None  # measured again: nothing is lost but time

    def write(self, key: str, cells: Sequence[Cell]) -> None:
        """Keep `cells` under `key`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = self._folder / f"{key}.{os.getpid()}.tmp"
        scratch.write_text(json.dumps([asdict(cell) for cell in cells]), encoding="utf-8")
        scratch.replace(self._folder / f"{key}.json")


def key_of(planned: Planned | None, name: str, quick: bool, source: str) -> str:
    """Name of the file of one planned cell, or of a whole experiment (None)."""
    parts: list[object] = [name, quick, source]
    if planned is not None:
        parts += [sorted(planned.setting.items()), planned.trials, planned.least, planned.most]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def seed_of(experiment: str, setting: Setting) -> np.random.Generator:
    """A generator that depends on nothing but the experiment's name and the cell's setting."""
    text = repr([experiment, sorted(setting.items())]).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:16], "big"))


def fingerprint(experiment: Experiment) -> str:
    """Hash of the code an experiment rests on: its module and whatever of ours that imports."""
    found: set[Path] = set()
    pending = [Path(inspect.getfile(experiment)).resolve()]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += _imported(path)
    digest = hashlib.sha256(f"{np.__version__} {scipy.__version__}".encode())
    for path in sorted(found):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _imported(path: Path) -> list[Path]:
    """The project's files that one imports, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    paths = [
        ROOT.joinpath(*name.split(".")).with_suffix(".py")
        if ROOT.joinpath(*name.split(".")).with_suffix(".py").is_file()
        else ROOT.joinpath(*name.split("."), "__init__.py")
        for name in sorted(names)
        if name.split(".")[0] in {"benchmarks", "evals", "tuning"}
    ]
    return [found for found in paths if found.is_file()]
