"""Public names that are imported on first use, so that importing a package stays instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def importing(
    package: str, homes: Mapping[str, str], names: dict[str, Any]
) -> Callable[[str], Any]:
    """A module's `__getattr__`: `homes` maps each public name to the module that has it.

    `names` is the module's `globals()`, where a name is kept once it was asked for.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        names[name] = getattr(import_module(homes[name]), name)
        return names[name]

    return find
