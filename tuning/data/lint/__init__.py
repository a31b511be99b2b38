"""What is wrong with training data: found before a minute of training is spent on it."""

from tuning.data.lint.answers import Accepts
from tuning.data.lint.codes import CODES, Code
from tuning.data.lint.lengths import Lengths, within
from tuning.data.lint.linting import lint_examples, refuse_errors

__all__ = ["CODES", "Accepts", "Code", "Lengths", "lint_examples", "refuse_errors", "within"]
