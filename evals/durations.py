"""A wall time in words."""

from __future__ import annotations


def elapsed(seconds: float) -> str:
    """A wall time in the two largest fitting units: `0.12 s`, `7.4 s`, `6 min 20 s`."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"
