"""All rules together: what is wrong with training data, the worst first.

An `error` refuses the training, a `warning` is shown, a `note` informs. Nothing is ever
truncated unsaid: an example that is too long is refused, or left out or cut where that was allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.approach import PLAIN, Technique
from evals.errors import TrainingError
from evals.records import Finding
from evals.suite.spec import Suite
from tuning.data.dataset import EncodedExample, Example
from tuning.data.lint.answers import Accepts, lint_balance, lint_empty, lint_hidden, lint_scores
from tuning.data.lint.forms import Forms, case_of
from tuning.data.lint.languages import lint_languages
from tuning.data.lint.leaks import lint_leaks
from tuning.data.lint.lengths import Lengths, lint_count, lint_lengths
from tuning.data.lint.personal import lint_personal
from tuning.data.lint.repeats import lint_repeats
from tuning.data.lint.roles import lint_roles
from tuning.data.lint.sealed import Sealed
from tuning.data.lint.secrets import lint_secrets


def lint_examples(
    suite: Suite,
    prompt: str,
    examples: Sequence[Example],
    encoded: Sequence[EncodedExample],
    lengths: Lengths,
    *,
    accepts: Accepts | None = None,
    technique: Technique = PLAIN,
) -> tuple[Finding, ...]:
    """All findings on examples that would be trained on, errors first; codes as in `CODES`.

    Examples come from the suite's train cases, rendered with `prompt` and `technique`, or from
    files (their `source` begins with `file `) and have no case then. `encoded` are the same
    examples as tokens; without them nothing is said of lengths. `accepts` says whether the
    suite's own scorer gives an answer full marks for its case.
    """
    cases, forms = case_of(suite), Forms()
    findings = [
        *lint_leaks(examples, Sealed(suite, prompt, technique, forms), cases, forms),
        *lint_empty(examples, forms),
        *lint_hidden(examples),
        *lint_roles(examples),
        *lint_repeats(examples, cases, forms),
        *lint_lengths(examples, encoded, lengths),
        *lint_scores(examples, cases, accepts),
        *lint_count(examples, encoded, lengths, suite.tune.min_examples, forms),
        *lint_balance(suite, examples),
        *lint_secrets(examples),
        *lint_personal(examples),
        *lint_languages(examples),
    ]
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.level]))


def refuse_errors(findings: Iterable[Finding]) -> None:
    """Raise TrainingError where any finding is an error, naming the first with its rows."""
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        more = ", ".join(dict.fromkeys(finding.code for finding in errors[1:]))
        faults = "faults" if len(errors) > 2 else "fault"
        rest = f"; and {len(errors) - 1} more {faults} ({more})" if more else ""
        raise TrainingError(
            f"the training data is refused: {errors[0].message}{rest}",
            path=errors[0].where or None,
            hint="fix the cases it names and train again",
        )
