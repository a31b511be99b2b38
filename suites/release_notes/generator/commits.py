"""Commit lists: subjects of one sprint, in the habits of one team.

`subjects.txt` holds the subjects, each of one split, `words.json` what stands around them. What is
listed there as held out may be used by dev and test, and never by train.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from generator.house import AREAS, HEADINGS, INTERNAL, SILENT

HERE = Path(__file__).resolve().parent
WORDS: dict[str, dict[str, list[str]]] = json.loads(
    (HERE / "words.json").read_text(encoding="utf-8")
)
COUNTS = (2, 3, 3, 3, 4, 4, 4, 5)  # commits of a list
IN_A_SPRINT = 6

DARK = 0.11
WITH_ISSUE = 0.86
PAIR = 0.15
WITHDRAWN = 0.13


class Subject(NamedTuple):
    """What one commit is about: the `number`-th of its kind, in an area or an internal scope."""

    number: int
    area: str
    prefix: str
    text: str

    @property
    def split(self) -> str:
        """The one split that lists with it are in: of ten of a kind 4 are train's, 3 dev's."""
        return ("test", "dev", "train")[min(self.number % 10 // 3, 2)]


def read_subjects(path: Path = HERE / "subjects.txt") -> list[Subject]:
    """All subjects in file order."""
    subjects: list[Subject] = []
    counts: Counter[str] = Counter()
    area = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            area = line.strip("[]")
        elif not line.startswith("#"):
            prefix, text = line.split(": ", 1)
            kind = kind_of(area, prefix, text)
            subjects.append(Subject(counts[kind], area, prefix, text))
            counts[kind] += 1
    return subjects


def kind_of(area: str, prefix: str, text: str) -> str:
    """What is spread over the splits alike."""
    if area in INTERNAL:
        return "internal"
    if "{cve}" in text:
        return "security"
    if text.split(maxsplit=1)[0] in ("remove", "rename", "drop"):
        return f"{'breaking api' if area == 'API' else 'breaking'} {prefix in SILENT}"
    return prefix


def sprints(split: str, rng: random.Random) -> list[tuple[Subject, ...]]:
    """The subjects of a split in small groups: lists are drawn from one group each."""
    mine = [one for one in read_subjects() if one.split == split]
    rng.shuffle(mine)
    starts = range(0, len(mine) - IN_A_SPRINT + 1, IN_A_SPRINT)
    return [tuple(mine[start : start + IN_A_SPRINT]) for start in starts]


class Writer:
    """Writes commit lists; `held` says whether what is held out may be used."""

    def __init__(self, rng: random.Random, *, held: bool) -> None:
        self.rng = rng
        self.held = held

    def write(self, sprint: Sequence[Subject]) -> list[str]:
        """Two to five lines of a log, the newest first, as git gives them."""
        count = self.rng.choice(COUNTS)
        fate = self.rng.random()
        pair = count > 2 and fate < PAIR
        subjects = self.rng.sample(sprint, count - pair)
        issues = self.rng.sample(range(104, 3900), 2 * count + 2)
        commits = [self._commit(one, issues.pop(), issues.pop()) for one in subjects]
        able = [n for n, one in enumerate(subjects) if one.prefix in HEADINGS]
        if able and pair:
            place = self.rng.choice(able)
            commits.insert(self.rng.randint(0, place), self._revert(*commits[place], issues.pop()))
        elif able and PAIR <= fate < PAIR + WITHDRAWN:
            place = self.rng.choice(able)
            commits[place] = self._revert(*commits[place], issues.pop())
        return list(self._lines(commits))

    def _commit(self, subject: Subject, issue: int, other: int) -> tuple[str, str]:
        """Prefix, scope and words; and what is referred to."""
        scope = self.rng.choice([k for k, area in AREAS.items() if area == subject.area] or [""])
        dark = "!" if self._chance(DARK) and subject.prefix in HEADINGS else ""
        cve = self._draw("cve").format(number=self.rng.randint(1010, 29999))
        text = subject.text.replace("{cve}", cve)
        kind = "issue" if self._chance(WITH_ISSUE) else "no_issue"
        merge = self.rng.randint(310, 6900)
        refers = self._draw(kind).format(a=issue, b=other, merge=merge)
        return f"{subject.prefix}({scope or subject.area}){dark}: {text}", refers

    def _revert(self, commit: str, refers: str, issue: int) -> tuple[str, str]:
        """With the quoted commit's references, as git quotes it, or with those outside."""
        if self._chance(0.6) or "#" not in refers:
            return f'Revert "{commit}{refers}"', ""
        return f'Revert "{commit}"', refers if self._chance(0.5) else f" #{issue}"

    def _lines(self, commits: Sequence[tuple[str, str]]) -> Iterator[str]:
        """The commits in one team's way of logging."""
        lead, signed = self._draw("lead"), self._draw("signed")
        for commit, refers in commits:
            first = lead.format(hash=self._hash())
            yield f"{first}{commit}{refers}{signed.format(author=self._draw('author'))}"

    def _hash(self) -> str:
        """Seven hexadecimal digits, at least one of them a letter and one a digit."""
        digits = [*self.rng.choices("0123456789abcdef", k=5), self.rng.choice("abcdef")]
        return "".join([*digits, self.rng.choice("0123456789")])

    def _draw(self, kind: str) -> str:
        """One entry, held-out ones with a double chance where they are allowed."""
        entries = WORDS[kind]
        return self.rng.choice(entries["train"] + (entries["held"] * 2 if self.held else []))

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability
