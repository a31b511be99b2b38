"""Whether a suite's own scorer accepts an answer: only such answers are trained on."""

from __future__ import annotations

from collections.abc import Sequence

from evals.records import Case, Output, Score
from evals.scorers.batch import score_many
from evals.scorers.protocol import Scorer
from tuning.data.lint import Accepts


def accepted_by(scorer: Scorer, cases: Sequence[Case]) -> Accepts:
    """Whether a scorer gives an answer full marks: what may be trained on.

    The cases' own answers are judged together, which a model that judges does much faster.
    """
    own = score_many(scorer, ((case, Output(case.answer, "stop")) for case in cases))
    known = {(case.id, case.answer): said for case, said in zip(cases, own, strict=True)}

    def accepts(case: Case, answer: str) -> bool:
        said = known.get((case.id, answer))
        if not isinstance(said, Score):
            said = scorer(case, Output(answer, "stop"))  # raises again what it raised
        return said.value >= 1.0

    return accepts
