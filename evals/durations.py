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


def months_said(months: float | None, limit: float | None = None) -> str:
    """A time in months, days below one and hours below a day: `9.0 months`, `1.4 days`; `never`.

    Beside the `limit` that it is held against it has as many decimals as tell the two apart.
    """
    if months is None:
        return "never"
    days = months * DAYS_A_MONTH
    if days < 0.95:
        return f"{24 * days:.1f} hours" if 24 * days >= 0.05 else "less than 0.1 hours"
    a_unit, unit = (DAYS_A_MONTH, "days") if months < 1 else (1.0, "months")
    return f"{_apart(a_unit * months, None if limit is None else a_unit * limit)} {unit}"


def limit_said(months: float) -> str:
    """A time that somebody stated, in its own unit from a month on: `12 months`, `7.3 hours`."""
    return f"{months:g} months" if months >= 1 else months_said(months)


def _apart(value: float, limit: float | None) -> str:
    """A number with one decimal, or with as many as make it another than `limit`, four at most."""
    digits = 1
    while limit is not None and value != limit and digits < 4:
        if f"{value:.{digits}f}" != f"{limit:.{digits}f}":
            break
        digits += 1
    return f"{value:,.{digits}f}"


def after_said(months: float | None) -> str:
    """When something breaks even: `after 1.4 days`, or `never`."""
    return "never" if months is None else f"after {months_said(months)}"
