"""A module of a suite's folder, loaded for tests under a name that no other suite's has."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

SUITES = Path(__file__).parents[2] / "suites"


def load_code(path: Path) -> ModuleType:
    """Run the file as a module of its own; what it imports must be found already."""
    name = "_".join(path.relative_to(SUITES).with_suffix("").parts)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
