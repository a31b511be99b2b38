"""The rule book's arithmetic: the one line of the firm that a clause gets."""

from __future__ import annotations

CODES = (
    "LOSS/CAP",
    "LOSS/BACK",
    "END/WALK",
    "END/FAULT",
    "END/ROLL",
    "PAY/LATE",
    "PAY/MOVE",
    "KEEP/MADE",
    "KEEP/QUIET",
    "KEEP/AWAY",
    "OPEN/BOOKS",
    "OPEN/COURT",
)


def side_of(on: str, acts_for: str) -> str:
    """Whom the clause weighs on, as the firm sees it: both, us or them."""
    if on == "both":
        return "both"
    return "us" if on == acts_for else "them"


def level_of(side: str, *, marked: bool) -> str:
    """What is to be done about a clause that weighs on `side`."""
    if side == "them":
        return "pass"
    steps = ("mention", "redraft", "refuse")
    return steps[(side == "us") + marked]


def line_of(code: str, on: str, acts_for: str, *, marked: bool) -> str:
    """The whole line, as the firm files it."""
    level = level_of(side_of(on, acts_for), marked=marked)
    return f"{code} | on {on} | for {acts_for} | {level}"
