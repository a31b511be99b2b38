"""Judges answers by meaning: `ebb` reads both queries and compares what they ask for.

Answers are hostile: length, nesting, digits and the truth table are bounded, and nothing
backtracks. Prose around the query is not forgiven, since the product would refuse it too.
"""

from __future__ import annotations

import re

from ebb.meaning import differences
from ebb.parser import parse
from ebb.tokens import QueryError

from evals.records import Case, Output, Score

_FENCE = re.compile(r"```[a-z]*\n(.*?)\n?```", re.DOTALL)


def unwrap(text: str) -> str:
    """The query without surrounding space and without one enclosing fence or backticks."""
    text = text.strip()
    if fence := _FENCE.fullmatch(text):
        return fence[1].strip()
    if len(text) > 2 and text[0] == text[-1] == "`" and "`" not in text[1:-1]:
        return text[1:-1].strip()
    return text


def score_query(case: Case, output: Output) -> Score:
    """1 when the answer means what `case.expected` means, else 0 with the differing clauses.

    Raises QueryError when the expected query itself does not parse: the case is at fault.
    """
    expected = parse(str(case.expected))
    try:
        answer = parse(unwrap(output.text or ""))
    except QueryError as error:
        return Score(0.0, str(error), "grammar")
    wrong = differences(expected, answer)
    return Score(0.0, "; ".join(wrong), "wrong_query") if wrong else Score(1.0)


def score_grammar(case: Case, output: Output) -> Score:  # noqa: ARG001 - a scorer's signature
    """1 when the answer is a query at all, right or wrong."""
    try:
        parse(unwrap(output.text or ""))
    except QueryError as error:
        return Score(0.0, str(error), "grammar")
    return Score(1.0)
