"""How much there is to train on, counted honestly and without a model.

An example counts once, and only if it could be trained on: it has an answer, nothing else
answers the same prompt otherwise, and neither dev nor test asks the same. How long it is
in tokens only a model's tokenizer can say: what is left out for that is still counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from evals.approach import PLAIN, Technique
from evals.suite.spec import Suite
from tuning.data.dataset import DRAWN, Example, clean_examples
from tuning.data.lint.answers import lint_empty
from tuning.data.lint.forms import Forms, case_of
from tuning.data.lint.leaks import lint_leaks
from tuning.data.lint.rows import row
from tuning.data.lint.sealed import Sealed
from tuning.data.training_set import gather_examples

SUITE = "suite"

_Key = tuple[tuple[str, str], ...]


class Clean(NamedTuple):
    """Clean examples: of the suite's train cases, and those that only its files have.

    `characters` are those of the files' clean rows, prompts and answers.
    """

    cases: int
    rows: int = 0
    characters: int = 0

    @property
    def total(self) -> int:
        """All that could be trained on."""
        return self.cases + self.rows


def count_clean(
    suite: Suite, prompt_of: Callable[[Suite], str], technique: Technique = PLAIN
) -> Clean:
    """Count the clean examples of a suite, its files included.

    `prompt_of` names the prompt that a suite is tuned with. It is asked, and files are read,
    only where the suite names some. Raises what reading a file raises.
    """
    if not suite.tune.data:
        return Clean(clean_examples(suite))
    prompt, forms = prompt_of(suite), Forms()
    examples = gather_examples(suite, prompt, technique).examples
    unclean = _unclean(suite, examples, Sealed(suite, prompt, technique, forms), forms)
    asked: dict[_Key, list[Example]] = {}
    for example in examples:
        key = tuple((message.role, forms.run(message.content)) for message in example.messages)
        asked.setdefault(key, []).append(example)
    clean = [
        same[0]
        for same in asked.values()
        if _agree(same) and not any(row(example) in unclean for example in same)
    ]
    rows = [example for example in clean if example.source != SUITE]
    return Clean(len(clean) - len(rows), len(rows), sum(map(_characters, rows)))


def _agree(examples: Sequence[Example]) -> bool:
    """Whether the same prompt has one answer, or several to one case that a scorer let pass."""
    several = len({example.case_id for example in examples}) == 1
    drawn = any(example.source.startswith(DRAWN) for example in examples)
    return len({example.answer for example in examples}) == 1 or (several and drawn)


def _unclean(
    suite: Suite, examples: Sequence[Example], sealed: Sealed, forms: Forms
) -> frozenset[str]:
    """The names of rows that the lint refuses for what they hold, or for holding nothing."""
    cases = case_of(suite)
    found = (*lint_leaks(examples, sealed, cases, forms), *lint_empty(examples, forms))
    return frozenset(name for one in found if one.level == "error" for name in one.rows)


def _characters(example: Example) -> int:
    return sum(len(message.content) for message in example.messages) + len(example.answer)
