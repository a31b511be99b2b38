"""A wall time in words."""

from __future__ import annotations

DAYS_A_MONTH = 365.25 / 12


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


def months_said(months: float | None) -> str:
    """A time in months, days below one and hours below a day: `9.0 months`, `1.4 days`; `never`."""
    if months is None:
        return "never"
    days = months * DAYS_A_MONTH
    if days < 0.95:
        return f"{24 * days:.1f} hours"
    return f"{days:.1f} days" if months < 0.95 else f"{months:,.1f} months"


def after_said(months: float | None) -> str:
    """When something breaks even: `after 1.4 days`, or `never`."""
    return "never" if months is None else f"after {months_said(months)}"
