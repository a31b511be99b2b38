"""What of dev and test must not be trained on: inputs, their parts, rendered prompts, answers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from evals.approach import Technique
from evals.records import Case
from evals.suite.folding import comparable, input_text, leaves
from evals.suite.questions import Questions
from evals.suite.spec import Suite
from tuning.data.dataset import render
from tuning.data.lint.forms import EAST_ASIAN, Forms, words_in

RUN = 50
"""A stretch of so many letters and digits in common is no accident.

The measure, and the form without blanks and signs, are those of OpenAI (2023), GPT-4 Technical
Report, appendix C; it is about eleven English words. Brown et al. (2020, arXiv 2005.14165,
appendix C) took 13 words, and never fewer than 8. Of scripts that set no blanks, half as many.
"""
_WHOLE_WORDS, _WHOLE_LETTERS = 5, 20
# A text that many cases share, with different answers, is an instruction and not the question.
_FEW, _SHARE = 5, 50
_LONG, _STRIDE = 2_000, 25
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")
_SIGN = re.compile(f"[{EAST_ASIAN}]")

Stretch = tuple[str, int]


class Sealed:
    """The cases of dev and test, by the forms in which a row could hold them."""

    def __init__(self, suite: Suite, prompt: str, technique: Technique, forms: Forms) -> None:
        self.cases = tuple(case for case in suite.cases if case.split != "train")
        self.questions = Questions(suite.cases)
        self._forms = forms
        self._shared = _sharedleaves(suite.cases)
        self.runs: dict[str, Case] = {}
        self.letters: dict[str, Case] = {}
        for case in self.cases:
            for text in {comparable(case), input_text(case), *(t.user for t in case.turns)}:
                if text.strip():
                    self.runs.setdefault(forms.run(text), case)
                    self.letters.setdefault(forms.letters(text), case)
            if question := self.questions.of(case):
                self.letters.setdefault(forms.letters(question), case)
        by_id = {case.id: case for case in self.cases}
        rendered = render(suite, prompt, self.cases, technique) if self.cases else {}
        self.prompts = {
            forms.conversation(messages): by_id[name] for name, messages in rendered.items()
        }

    def own_text(self, case: Case) -> str:
        """The input without what many cases share: schemas, instructions."""
        return "\n".join(self._ownleaves(case)) or input_text(case)

    def stretches(self) -> list[Stretch]:
        """Whole inputs of some length, and parts of longer ones, with the case by index."""
        whole: list[Stretch] = []
        parts: list[Stretch] = []
        for index, case in enumerate(self.cases):
            turns = [turn.user for turn in case.turns]
            for text in {self.own_text(case), self.questions.of(case), input_text(case), *turns}:
                whole += [(each, index) for each in _whole(text, self._forms)]
            for text in {self.own_text(case), *self._ownleaves(case), *turns}:
                parts += [(each, index) for each in _parts(text, self._forms)]
        return whole + self._without_common(parts, [case.answer for case in self.cases])

    def sentences(self) -> list[Stretch]:
        """Whole inputs and sentences as they stand, of `RUN` letters at least and no long texts."""
        whole: list[Stretch] = []
        parts: list[Stretch] = []
        for index, case in enumerate(self.cases):
            texts = {self.own_text(case), *(turn.user for turn in case.turns)}
            for text in sorted({*texts, self.questions.of(case)}):
                whole.append((text, index))
                parts += [(each, index) for each in _SENTENCE_END.split(text) if each != text]
        found = whole + self._without_common(parts, [case.answer for case in self.cases])
        return [each for each in found if RUN <= len(self._forms.letters(each[0])) <= _LONG]

    def answer_stretches(self) -> list[Stretch]:
        """Parts of long answers that are no record in JSON: those are alike by their keys."""
        parts: list[Stretch] = []
        for index, case in enumerate(self.cases):
            texts = {case.answer, *(turn.answer for turn in case.turns)}
            texts |= {case.expected} if isinstance(case.expected, str) else set()
            for text in texts:
                if not text.lstrip().startswith(("{", "[")):
                    parts += [(each, index) for each in _parts(text, self._forms)]
        return self._without_common(parts, [case.id for case in self.cases])

    def _ownleaves(self, case: Case) -> list[str]:
        return [text for text in leaves(case.input) if text not in self._shared]

    def _without_common(self, found: Sequence[Stretch], told: Sequence[str]) -> list[Stretch]:
        """Less those that many cases have in common, or half of which; `told` tells them apart."""
        cases: dict[str, set[int]] = defaultdict(set)
        for text, index in found:
            for each in _halves(text):
                cases[each].add(index)
        many = max(_FEW, len(self.cases) // _SHARE)
        common = {
            half
            for half, places in cases.items()
            if len(places) > many and len({told[place] for place in places}) > 1
        }
        return [each for each in found if common.isdisjoint(_halves(each[0]))]


def _halves(stretch: str) -> tuple[str, str]:
    middle = len(stretch) // 2
    return stretch[:middle], stretch[middle:]


def _whole(text: str, forms: Forms) -> Iterator[str]:
    """The letters of a text that is long enough to be met by no accident, and not very long."""
    letters = forms.letters(text)
    least = _WHOLE_LETTERS if _run(letters) == RUN else _WHOLE_LETTERS // 2
    if least <= len(letters) <= _LONG and words_in(forms.words(text)) >= _WHOLE_WORDS:
        yield letters


def _parts(text: str, forms: Forms) -> Iterator[str]:
    """Parts of `RUN` letters, beginning with words, of a text that has more."""
    letters = forms.letters(text)
    run = _run(letters)
    last = len(letters) - run
    if last <= 0:
        return
    for start in _starts(forms.words(text).split(), letters, last):
        yield letters[start : start + run]
    yield letters[last:]


def _run(letters: str) -> int:
    """How long a stretch is: half as long where most of a text is of signs that are syllables."""
    return RUN // 2 if len(_SIGN.findall(letters)) * 2 > len(letters) else RUN


def _starts(words: Sequence[str], letters: str, last: int) -> Iterator[int]:
    """Where words begin; of a long text, and of one without blanks, every few letters."""
    if len(letters) > _LONG:
        yield from range(0, last, _STRIDE)
        return
    if len(words) * 12 < len(letters):
        yield from range(0, last, 2)
        return
    place = 0
    for word in words:
        place = letters.find(word, place)
        if place < 0 or place > last:
            return
        yield place
        place += len(word)


def _sharedleaves(cases: Sequence[Case]) -> frozenset[str]:
    """Texts within inputs that many cases share, with different answers."""
    counts: dict[str, int] = defaultdict(int)
    answers: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        for text in set(leaves(case.input)):
            counts[text] += 1
            answers[text].add(case.answer)
    many = max(_FEW, len(cases) // _SHARE)
    return frozenset(t for t, count in counts.items() if count > many and len(answers[t]) > 1)
