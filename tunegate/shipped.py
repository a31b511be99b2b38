"""Where the suites that ship with tunegate lie: beside it in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def shipped_root() -> Path:
    """The folder of the shipped suites."""
    packed = _HERE / "suites"
    return packed if packed.is_dir() else _HERE.parent / "suites"
