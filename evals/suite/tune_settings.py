"""How a method's own settings are declared: fields that say within which bounds they are read."""

from __future__ import annotations

from dataclasses import field
from typing import Any


def setting(default: Any, **bounds: Any) -> Any:
    """A field of a method's own settings, with the bounds it is read with.

    A whole number takes `low` and `high`; a number `above`, `at_least`, `below`, `at_most`; a
    text `options`; true and false take none.
    """
    return field(default=default, metadata=bounds)
