"""`turns@1`: a conversation of several turns, each reply judged by the same scorer."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from evals.errors import ScorerError
from evals.records import Case, Output, Part, Score
from evals.scorers.batch import iter_scores, only_score
from evals.scorers.nested import check_all
from evals.scorers.options import Options
from evals.scorers.plain import case_error
from evals.scorers.protocol import Scorer


@dataclass(frozen=True)
class TurnsScorer:
    """Hands every turn's reply to one scorer, and sums up. `value` is mean, all or last."""

    scorer: Scorer
    value: str

    def check(self, case: Case) -> None:
        """Raise ScorerError when some turn expects what the scorer cannot judge."""
        for turn in turn_cases(case):
            check_all([self.scorer], turn)

    def __call__(self, case: Case, output: Output) -> Score:
        """One score for the whole conversation; raises ScorerError where a turn has none."""
        return only_score(self, case, output)

    def stream(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """A score for each conversation in order; all turns go through the scorer's own stream."""
        waiting: deque[int | ScorerError] = deque()

        def turns() -> Iterator[tuple[Case, Output]]:
            for case, output in pairs:
                try:
                    found = list(zip(turn_cases(case), replies_of(case, output), strict=True))
                except ScorerError as error:
                    waiting.append(error)
                    continue
                waiting.append(len(found))
                yield from found

        scores: list[Score | ScorerError] = []
        for score in iter_scores(self.scorer, turns()):
            scores.append(score)
            yield from self._whole(waiting, scores)
        yield from self._whole(waiting, scores)

    def _whole(
        self, waiting: deque[int | ScorerError], scores: list[Score | ScorerError]
    ) -> Iterator[Score | ScorerError]:
        """The conversations at the front of the queue of which every turn has been judged."""
        while waiting:
            front = waiting[0]
            if isinstance(front, ScorerError):
                yield front
            elif len(scores) >= front:
                yield self._summed_up(scores[:front])
                del scores[:front]
            else:
                return
            waiting.popleft()

    def _summed_up(self, turns: Sequence[Score | ScorerError]) -> Score | ScorerError:
        scores: list[Score] = []
        for turn in turns:
            if isinstance(turn, ScorerError):
                return turn
            scores.append(turn)
        values = [score.value for score in scores]
        value = {"mean": sum(values) / len(values), "all": min(values), "last": values[-1]}
        wrong = [(n, score) for n, score in enumerate(scores, 1) if score.value < 1.0]
        parts = tuple(Part("turn", str(n), score.value) for n, score in enumerate(scores, 1))
        if not wrong:
            return Score(1.0, parts=parts)
        number, first = wrong[0]
        said = f"{len(wrong)} of {len(scores)} turns below 1, first turn {number}: {first.reason}"
        return Score(value[self.value], said, first.kind, parts)

    def close(self) -> None:
        """Close the turns' scorer."""
        self.scorer.close()


def turn_cases(case: Case) -> tuple[Case, ...]:
    """The turns of a case as cases of their own, alike in all but what they expect."""
    alone = replace(case, turns=())
    later = (replace(alone, expected=turn.expected, answer=turn.answer) for turn in case.turns)
    return (alone, *later)


def replies_of(case: Case, output: Output) -> list[Output]:
    """One output for each turn. Raises ScorerError unless there is a reply to every one."""
    if output.text is None:
        raise case_error(case, f"there is no output to score: {output.error or 'no text'}")
    replies = output.replies or (output.text,)
    if len(replies) != 1 + len(case.turns):
        raise case_error(case, f"has {1 + len(case.turns)} turns and {len(replies)} replies")
    if len(replies) == 1:
        return [output]
    return [replace(output, text=reply, replies=(), tool_calls=()) for reply in replies]


def turns(options: Options) -> Scorer:
    """`turns@1`: options `turn` (the scorer of one reply: `{scorer: ..., ...}`) and `value`.

    Every reply is judged against what its turn expects. `value` is the `mean` over the turns
    (default), `all` (the worst of them) or the `last`. Parts hold every turn's value, so that
    a run shows how quality drifts. Reasons and kinds are those of the first turn below 1.
    """
    scorer = options.nested("turn", options.required("turn", "the scorer of one reply"))
    return TurnsScorer(scorer, options.one_of("value", ("mean", "all", "last"), default="mean"))
