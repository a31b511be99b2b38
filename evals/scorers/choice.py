"""`choice@1`: the option that the model found most likely."""

from __future__ import annotations

from evals.records import Case, Score
from evals.scorers.options import Options
from evals.scorers.plain import FULL, PlainScorer, case_error, shown
from evals.scorers.protocol import Scorer


def choice(options: Options) -> Scorer:
    """`choice@1`: the winning option is `case.expected`. Kind: "wrong_choice"."""
    del options  # it takes none; `finish` refuses any

    def expected(case: Case) -> str:
        if not case.choices:
            raise case_error(case, "choice@1 needs a case with choices")
        if not isinstance(case.expected, str) or case.expected not in case.choices:
            raise case_error(case, f"expected {case.expected!r:.80} is not one of its choices")
        return case.expected

    def judge(case: Case, text: str) -> Score:
        wanted = expected(case)
        if text == wanted:
            return FULL
        return Score(0.0, f"expected {shown(wanted)}, got {shown(text)}", "wrong_choice")

    return PlainScorer(judge, expected)
