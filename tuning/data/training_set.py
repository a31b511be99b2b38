"""The whole training set of a suite: gathered from its cases and files, fitted, and linted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Any, NamedTuple

from evals.approach import PLAIN, Technique
from evals.records import Finding
from evals.suite.spec import DataFile, Suite
from tuning.data.dataset import EncodedExample, Example, build_examples, count_sources
from tuning.data.files import read_files
from tuning.data.fitting import Fitted, fit
from tuning.data.letting_pass import let_pass
from tuning.data.lint import Accepts, Lengths, lint_examples, within


@dataclass(frozen=True)
class TokenLimit:
    """How examples become tokens, and how many one may have, prompt and answer together."""

    tokenizer: Any
    tokens: int


class TrainingSet(NamedTuple):
    """The examples that would be trained on, encoded, with the lint's findings on all.

    Without a tokenizer `encoded` is empty: nothing is known of lengths. `truncated` and
    `left_out` are the ids of those whose prompt was cut, and that are too long to be trained on.
    """

    examples: tuple[Example, ...]
    encoded: tuple[EncodedExample, ...]
    findings: tuple[Finding, ...]
    truncated: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether any finding refuses the training."""
        return any(finding.level == "error" for finding in self.findings)

    @property
    def sources(self) -> dict[str, int]:
        """How many examples each source gave, the suite first, then in their order."""
        return count_sources(self.examples)


class Gathered(NamedTuple):
    """All examples before they are fitted and linted, and what of the files is in none."""

    examples: tuple[Example, ...]
    findings: tuple[Finding, ...] = ()


def gather_examples(
    suite: Suite, prompt: str, technique: Technique = PLAIN, more: Iterable[DataFile] = ()
) -> Gathered:
    """The suite's train cases rendered with a prompt, then the rows of its files and of `more`.

    Raises SuiteError for a prompt that fails to render, and what reading a file raises.
    """
    own = build_examples(suite, prompt, technique)
    rows = read_files(suite, {example.case_id: example for example in own}, more)
    return Gathered((*own, *rows.examples), rows.findings)


def assemble(
    suite: Suite,
    prompt: str,
    gathered: Gathered,
    limit: TokenLimit | None,
    *,
    accepts: Accepts | None = None,
    technique: Technique = PLAIN,
) -> TrainingSet:
    """Fit and lint gathered examples; refuses nothing. Without `limit` lengths are unknown.

    Errors whose codes the suite lets pass (`tune.allow`) become warnings that say so. Raises
    SuiteError for a code there that is no error of the lint.
    """
    too_long = suite.tune.too_long
    fitted = (
        fit(limit.tokenizer, gathered.examples, limit.tokens, too_long)
        if limit
        else Fitted(gathered.examples, (), (), ())
    )
    lengths = Lengths(
        limit.tokens if limit else 0, too_long == "leave_out", cut=len(fitted.truncated)
    )
    findings = lint_examples(
        suite,
        prompt,
        (*fitted.examples, *fitted.refused),
        fitted.encoded,
        lengths,
        accepts=accepts,
        technique=technique,
    )
    fits = [within(item, lengths) for item in fitted.encoded] or [True] * len(fitted.examples)
    return TrainingSet(
        tuple(compress(fitted.examples, fits)),
        tuple(compress(fitted.encoded, fits)),
        let_pass((*findings, *fitted.findings, *gathered.findings), suite),
        fitted.truncated,
        tuple(e.case_id for e, whole in zip(fitted.examples, fits, strict=True) if not whole),
    )
