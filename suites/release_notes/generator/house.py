"""The house's rules, as `prompts/spec.j2` tells them: commits in, notes and bump out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

AREAS = {
    "pick": "Picking",
    "rf": "Handhelds",
    "runner": "Handhelds",
    "lbl": "Labels",
    "ink": "Labels",
    "inb": "Receiving",
    "bay": "Receiving",
    "rma": "Returns",
    "cyc": "Stocktake",
    "carr": "Carriers",
    "rpt": "Reports",
    "api": "API",
    "auth": "Accounts",
}
INTERNAL = ("dock", "crane", "tally")
SILENT = ("test", "docs", "ci")
HEADINGS = {"feat": "New", "fix": "Fixed", "perf": "Faster"}
OTHERS = ("build", "chore", "deps", "refactor", "style")

_LEAD = re.compile(r"(?:[-*•] |[0-9a-f]{7} )?")
_REVERT = re.compile(r'Revert "([^"]+)"')
_COMMIT = re.compile(r"(\w+)\((\w+)\)(!?): (\w+)")
_CVE = re.compile(r"\bCVE-\d{4}-\d{4,5}\b")


class Commit(NamedTuple):
    """One line of the list; `quote` is what it reverts, else empty."""

    prefix: str
    scope: str
    dark: bool
    first_word: str
    text: str
    quote: str

    @property
    def internal(self) -> bool:
        return self.scope in INTERNAL

    @property
    def note(self) -> str:
        """Heading, area and issue; empty where the commit is left out. Pairs are not seen here."""
        issue = re.search(r"#(\d+)", self.text)
        parts = [self._heading(), AREAS.get(self.scope, ""), issue[1] if issue else ""]
        return " ".join(filter(None, parts)) if parts[0] else ""

    def _heading(self) -> str:
        """The first rule that applies."""
        if self.internal or self.prefix in SILENT or self.dark:
            return ""
        if self.quote:
            return "Withdrawn"
        if _CVE.search(self.text):
            return "Security"
        if self.first_word in ("remove", "rename", "drop"):
            return "Breaking"
        return HEADINGS.get(self.prefix, "")


class Release(NamedTuple):
    """What is published."""

    notes: list[str]
    bump: str


def read_commit(line: str) -> Commit:
    """A line of the log. A revert has prefix and scope of what it quotes."""
    text = line[_LEAD.match(line).end() :]  # type: ignore[union-attr]
    revert = _REVERT.match(text)
    quote = revert[1] if revert else ""
    found = _COMMIT.match(quote or text)
    if found is None or found[1] not in (*SILENT, *HEADINGS, *OTHERS):
        raise ValueError(f"not a commit of this house: {line!r}")
    if found[2] not in AREAS and found[2] not in INTERNAL:
        raise ValueError(f"no scope of this house: {line!r}")
    return Commit(found[1], found[2], bool(found[3]), found[4], text, quote)


def release(lines: Sequence[str]) -> Release:
    """The notes of a list of commits, those on security first, and the bump they ask for."""
    commits = [read_commit(line) for line in lines]
    gone = _cancelled(commits)
    notes = [one.note for place, one in enumerate(commits) if one.note and place not in gone]
    notes.sort(key=lambda note: not note.startswith("Security "))
    return Release(notes, _bump(notes))


def _cancelled(commits: Sequence[Commit]) -> set[int]:
    """Places of reverts whose commit is in the list, and of these commits."""
    return {
        place
        for one, revert in enumerate(commits)
        for other, commit in enumerate(commits)
        if revert.quote and not commit.quote and commit.text.startswith(revert.quote)
        for place in (one, other)
    }


def _bump(notes: Sequence[str]) -> str:
    if any(note.startswith("Breaking API") for note in notes):
        return "major"
    if any(note.startswith(("Breaking ", "New ")) for note in notes):
        return "minor"
    return "patch" if notes else "none"


def hardest(lines: Sequence[str]) -> str:
    """The rule that is most likely to be missed in this list, for the slices of a report."""
    commits = [read_commit(line) for line in lines]
    notes = release(lines).notes
    if any(one.quote for one in commits):
        return "revert"
    for heading in ("Security", "Breaking"):
        if any(note.startswith(heading) for note in notes):
            return heading.lower()
    if any(one.dark for one in commits):
        return "dark"
    return "internal" if any(one.internal for one in commits) else "plain"
