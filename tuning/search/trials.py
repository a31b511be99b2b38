"""Instructions tried on train cases: as they will run, by tunegate's own templates and scorers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from evals.approach import Approach, Found
from evals.models.protocol import Model
from evals.prompting import make_candidate
from evals.prompting.candidates import decoding_of
from evals.records import Case, CaseResult
from evals.suite.spec import Suite
from tuning.evaluating import EvaluateCases
from tuning.search.instruction import Instruction


class Tried(NamedTuple):
    """What one case came to under an instruction: the answer, its score in [0, 1], and why."""

    answer: str
    score: float
    reason: str = ""


_TOO_LONG = Tried("", 0.0, "the instruction is too long")


@dataclass
class Trials:
    """Runs one prompt with other instructions on train cases, each on the same cases once.

    `approach` is how the prompt is used beside the optimiser. A case without a score counts 0
    here: what is chosen by it is judged again, on dev. So does every case under an instruction
    that takes more than half of the model's context; with that nothing is run.
    """

    suite: Suite
    model: Model
    approach: Approach
    instruction: Instruction
    evaluate: EvaluateCases
    judge: tuple[Case, ...]
    means: dict[str, float] = field(default_factory=dict)
    answers: int = 0
    tokens: int = 0
    _numbers: dict[str, int] = field(default_factory=dict)
    _tried: dict[tuple[str, tuple[str, ...]], list[Tried]] = field(default_factory=dict)

    @property
    def seed(self) -> str:
        """The instruction that stands in the prompt; of one without any, the suite's task."""
        return self.instruction.text or self.suite.task.strip()

    def template(self, text: str) -> str:
        """The prompt with that instruction; empty where it is the prompt as it stands."""
        return "" if text == self.seed else self.instruction.template(text)

    def on(self, text: str, cases: Sequence[Case]) -> list[Tried]:
        """What each of `cases` came to under the instruction. Raises as the evaluation does."""
        key = text, tuple(case.id for case in cases)
        if key not in self._tried:
            fits = text == self.seed or self.model.count_tokens(text) <= self._room
            self._tried[key] = self._run(text, cases) if fits else [_TOO_LONG] * len(cases)
        return self._tried[key]

    def judged(self, text: str) -> float:
        """The instruction's mean score on the cases that are set apart to judge by."""
        if text not in self.means:
            tried = self.on(text, self.judge)
            self.means[text] = sum(each.score for each in tried) / len(tried)
        return self.means[text]

    @property
    def best(self) -> str:
        """The instruction that was judged best; of equals the one that was judged first."""
        self.judged(self.seed)
        order = sorted(self.means, key=lambda text: text != self.seed)  # ties: as it stands
        return max(order, key=self.means.__getitem__)

    @property
    def _room(self) -> int:
        """The most tokens of an instruction: cases and answers need the rest of the context."""
        answer = decoding_of(self.suite, self.approach.technique).max_tokens
        return (self.model.context_tokens - answer) // 2

    def _run(self, text: str, cases: Sequence[Case]) -> list[Tried]:
        technique = replace(self.approach.technique, optimiser="", proposer="", tries=0)
        template = self.template(text)
        candidate = make_candidate(
            self.suite,
            self.model,
            self.instruction.prompt.name,
            replace(self.approach, technique=technique),
            found=Found("trial", template=template) if template else None,
        )
        number = self._numbers.setdefault(text, len(self._numbers))
        label = (
            f"{self.instruction.prompt.name}{self.approach.label}: "
            f"{f'instruction {number}' if number else 'as it stands'}, {len(cases)} train cases"
        )
        run = self.evaluate(self.suite, candidate, "train", label, cases=cases, keep=False)
        outputs = [result.output for result in run.results]
        self.answers += len(outputs)
        self.tokens += sum(output.prompt_tokens + output.completion_tokens for output in outputs)
        return [_tried(result, self.suite.primary) for result in run.results]


def _tried(result: CaseResult, primary: str) -> Tried:
    answer = result.output.said or ""
    if result.failed:
        return Tried(answer, 0.0, result.failed)
    score = result.scores[primary]
    return Tried(answer, score.value, score.reason)
