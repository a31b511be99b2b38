"""The forms in which texts of training data are compared, each made once for a text.

They go on from `evals.suite.folding`, without blanks: *run* is the loose form, *letters* the bare
one of what is left without disguise (`undisguised`). So neither spacing nor sentence punctuation,
accents nor look-alikes hide that two texts are the same. A blank between two digits stays, for
1 2 is not 12.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from evals.records import Case, Message
from evals.suite.folding import bare, fold, loosen
from evals.suite.questions import MIN_CHARACTERS
from evals.suite.spec import Suite
from tuning.data.dataset import Example, where_of
from tuning.data.lint.undisguised import undisguised

LEAST_WORDS = 3
"""With fewer, a part of a conversation is no text of its own but something anybody says."""

_BLANK = re.compile(r"(?<![0-9]) | (?![0-9])")
EAST_ASIAN = "\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_SIGNS = re.compile(f"[{EAST_ASIAN}\U00020000-\U0003ffff]")
_PARTS = re.compile(r"[\"“„«‘`']([^\"“”„«»‘’`']{8,400})[\"”“»’`']")
_MOST = 0.8
_MANY = 10


class Forms:
    """Forms of texts, remembered by text."""

    def __init__(self) -> None:
        self._folded: dict[str, str] = {}
        self._runs: dict[str, str] = {}
        self._words: dict[str, str] = {}
        self._letters: dict[str, str] = {}

    def folded(self, text: str) -> str:
        """`evals.suite.folding.fold`."""
        if text not in self._folded:
            self._folded[text] = fold(text)
        return self._folded[text]

    def run(self, text: str) -> str:
        """The loose form without blanks."""
        if text not in self._runs:
            self._runs[text] = _BLANK.sub("", loosen(self.folded(text)))
        return self._runs[text]

    def loose(self, text: str) -> str:
        """`evals.suite.folding.loosen` of the folded text."""
        return loosen(self.folded(text))

    def words(self, text: str) -> str:
        """Words of letters and digits, undisguised."""
        if text not in self._words:
            self._words[text] = bare(undisguised(text))
        return self._words[text]

    def letters(self, text: str) -> str:
        """Letters and digits alone, undisguised."""
        if text not in self._letters:
            self._letters[text] = _BLANK.sub("", self.words(text))
        return self._letters[text]

    def conversation(self, messages: Iterable[Message]) -> tuple[tuple[str, str], ...]:
        """What two prompts share that read the same."""
        return tuple((message.role, self.folded(message.content)) for message in messages)


def words_in(text: str) -> float:
    """Words of a bare text; of a script that sets no blanks, two signs are a word."""
    signs = len(_SIGNS.findall(text))
    return len(text.split()) if not signs else signs / 2 + len(_SIGNS.sub(" ", text).split())


def says_something(text: str) -> bool:
    """Whether a text is long enough to be told from what anybody says."""
    found = bare(text)
    return len(found) >= (MIN_CHARACTERS if found.isascii() else 6) and (
        words_in(found) >= LEAST_WORDS
    )


def parts_of(text: str) -> Iterator[str]:
    """Lines of a text, what follows the first colon of a line, and what stands in quotes."""
    lines = text.splitlines()
    if len(lines) > 1:
        yield from lines
    for line in lines:
        _, colon, rest = line.partition(":")
        if colon:
            yield rest
    for found in _PARTS.finditer(text):
        yield found[1]


def case_of(suite: Suite) -> dict[str, Case]:
    """Train cases by id."""
    return {case.id: case for case in suite.split("train")}


def judging(example: Example, cases: Mapping[str, Case]) -> Case | None:
    """The train case by whose scorer an answer is judged; None for a row of a file."""
    return None if example.source.startswith("file ") else cases.get(example.case_id)


def owned(example: Example, cases: Mapping[str, Case]) -> Case | None:
    """The train case that an example was made of; None for a row of a file.

    A file may claim any id and source for its rows, but not to be the file of the case.
    """
    case = cases.get(example.case_id)
    return case if case is not None and example.where == where_of(case) else None


def frame_of(contents: Sequence[str]) -> frozenset[str]:
    """Lines that most of the texts have in common: instructions, and no part of a question."""
    counts: Counter[str] = Counter()
    for text in contents:
        counts.update(dict.fromkeys(text.splitlines(), 1))
    least = max(_MANY, _MOST * len(contents))
    return frozenset(line for line, count in counts.items() if count >= least)


def without_frame(text: str, frame: frozenset[str]) -> str:
    """A text without the lines of the frame; the text itself where nothing else is there."""
    if not frame:
        return text
    return "\n".join(line for line in text.splitlines() if line not in frame) or text
