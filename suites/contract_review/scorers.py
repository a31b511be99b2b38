"""Judges a line of the firm: CODE | on PARTY | for PARTY | LEVEL.

A program of the firm reads these lines, so a line is right only as it is written in the rule book;
blanks, tabs and line ends around it are all that is forgiven. The other metrics look at one field,
wherever a line that is not wholly right has it.
"""

from __future__ import annotations

from evals.records import Case, Output, Score

LONGEST = 200  # characters: no right line has more than 70
AROUND = " \t\r\n"  # what `form` lets stand before and after a line, too
FIELDS = ("code", "bearer", "client", "risk")


def score_line(case: Case, output: Output) -> Score:
    """1 when the whole line is right; else the kind names the first field that is not."""
    got, wanted = _line(output), str(case.expected)
    if got == wanted:
        return Score(1.0)
    fields = _fields(got)
    if len(fields) != len(FIELDS):
        return Score(0.0, f"{len(fields)} fields, not {len(FIELDS)}", "form")
    for name, found, right in zip(FIELDS, fields, _fields(wanted), strict=True):
        if found != right:
            return Score(0.0, f"{name}: expected {right}", name)
    return Score(0.0, "spaced otherwise", "form")


def score_category(case: Case, output: Output) -> Score:
    """1 when the first field is the right code."""
    return _score_field(case, output, 0)


def score_bearer(case: Case, output: Output) -> Score:
    """1 when the second field is the right party, or both."""
    return _score_field(case, output, 1)


def score_risk(case: Case, output: Output) -> Score:
    """1 when the fourth field is the right level."""
    return _score_field(case, output, 3)


def _score_field(case: Case, output: Output, place: int) -> Score:
    found, right = _fields(_line(output)), _fields(str(case.expected))[place]
    if len(found) <= place:
        return Score(0.0, f"no field {place + 1}", "form")
    if found[place] == right:
        return Score(1.0)
    return Score(0.0, f"expected {right}", "wrong")


def _line(output: Output) -> str:
    """The answer without what may stand around it; nothing if it is too long for a line."""
    line = (output.text or "").strip(AROUND)
    return line if len(line) <= LONGEST else ""


def _fields(line: str) -> list[str]:
    """What stands between the bars."""
    return [field.strip() for field in line.split("|")]
