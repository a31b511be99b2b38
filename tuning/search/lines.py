"""What every round of the search took and gained, told from what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import fsum

from evals.approach import Approach
from evals.ledger import Ledger
from evals.records import Run
from evals.spending.prices import Prices
from evals.spending.records import Machine
from evals.spending.usage import Usage
from evals.stats import BoundedDifference
from evals.suite.spec import RoundSpec, Suite
from tuning.cost.calls import HOUR, answered, call_cost
from tuning.gate.declared import rounds_of
from tuning.gate.evidence import Arm, arm_of, clusters_of
from tuning.gate.sample import Sample
from tuning.gate.tried import Tried
from tuning.records import Decision, Interval, RoundLine, SearchedLine, TrialLine
from tuning.search.evaluating import Taken, taken_by
from tuning.search.outcomes import searched_for

LEVEL = 0.95


def with_rounds(
    decision: Decision, suite: Suite, tried: Sequence[Tried], ledger: Ledger, prices: Prices
) -> Decision:
    """The decision with what its rounds and its candidates took; `tried` are those it rests on."""
    runs = {item.run.id: item.run for item in tried}
    trials = tuple(
        _with_taken(trial, runs[trial.run_id]) if trial.run_id in runs else trial
        for trial in decision.trials
    )
    scores = {trial.run_id: trial.score for trial in decision.trials}
    rounds = _Rounds.of(suite, tried, scores, ledger, prices)
    return replace(decision, trials=trials, rounds=rounds.lines())


def _with_taken(trial: TrialLine, run: Run) -> TrialLine:
    taken, cases = taken_by(run), len(run.results)
    return replace(
        trial,
        completion_tokens=taken.completion_tokens / cases if cases else 0.0,
        seconds=taken.seconds / cases if cases and taken.seconds > 0 else None,
        votes=run.candidate.technique.votes,
    )


@dataclass(frozen=True)
class _Rounds:
    """The runs of a search with all that its rounds are told from. `arms` are on all of dev."""

    suite: Suite
    tried: Sequence[Tried]
    scores: dict[str, Interval]
    arms: dict[str, Arm]
    sample: Sample
    searched: Callable[[Run], Taken]
    prices: Prices

    @classmethod
    def of(
        cls,
        suite: Suite,
        tried: Sequence[Tried],
        scores: dict[str, Interval],
        ledger: Ledger,
        prices: Prices,
    ) -> _Rounds:
        """From what is stored. Raises StatisticsError where arms do not cover the same cases."""
        whole = [item.run for item in tried if not item.stopped]
        arms = {run.id: arm_of(run) for run in whole}
        clusters = clusters_of(whole[0]) if whole else {}
        sample = Sample(list(arms.values()), clusters)

        def searched(run: Run) -> Taken:
            return searched_for(ledger, suite.name, run.candidate)

        return cls(suite, tried, scores, arms, sample, searched, prices)

    def lines(self) -> tuple[RoundLine, ...]:
        """One for each round that anything was tried of, in order."""
        found = []
        before = self._best([item.run for item in self.tried if item.round_index == 0])
        for index, spec in enumerate(rounds_of(self.suite), 1):
            items = [item for item in self.tried if item.round_index == index]
            if not items:
                continue
            found.append(self._line(index, spec, items, before))
            runs = [item.run for item in items]
            before = self._best([*([before] if before else []), *runs])
        return tuple(found)

    def _line(
        self, index: int, spec: RoundSpec, items: Sequence[Tried], before: Run | None
    ) -> RoundLine:
        runs = [item.run for item in items]
        best = self._best(runs)
        searches = [self.searched(run) for run in runs]
        taken = _sum([*map(taken_by, runs), *searches])
        cost = self._cost(runs, searches)
        return RoundLine(
            index=index,
            family=spec.family,
            declared=len(set(spec.pairs)),
            tried=len(runs),
            best=best.candidate.label if best else "",
            best_run=best.id if best else "",
            score=self.scores.get(best.id) if best else None,
            gain=self._difference(before, best) if before and best else None,
            prompt_tokens=taken.prompt_tokens,
            completion_tokens=taken.completion_tokens,
            seconds=taken.seconds,
            searching=_sum(searches).tokens,
            cost=cost,
            currency="" if cost is None else self.prices.currency,
            budget=spec.budget.tokens,
            searched=tuple(
                self._against_random(run)
                for run in runs
                if run.candidate.demonstrations == "searched"
            ),
        )

    def _best(self, runs: Sequence[Run]) -> Run | None:
        """The highest mean on all of dev; of equals fewer prompt tokens, then the earlier."""
        usable = [run for run in runs if run.id in self.arms and self.arms[run.id].usable]

        def rank(run: Run) -> tuple[float, int]:
            scores = self.arms[run.id].scores
            return (-round(fsum(scores.values()) / len(scores), 12), taken_by(run).prompt_tokens)

        return min(usable, key=rank, default=None)

    def _difference(self, first: Run, second: Run) -> Interval | None:
        """The second minus the first, paired, bounded by the worst case of errors."""
        pair = self.sample.pair(self.arms[first.id], self.arms[second.id])
        return None if pair is None else _interval(pair)

    def _cost(self, runs: Sequence[Run], searches: Sequence[Taken]) -> float | None:
        """Money for the runs and the searches; None where that of any of them is not known."""
        rate = self.prices.rate(runs[0].candidate.model)
        found: list[float] = []
        for run, search in zip(runs, searches, strict=True):
            thousand = call_cost(run, self.prices).thousand
            if thousand is None or rate is None:
                return None
            found.append(thousand * len(answered(run)) / 1000)
            if isinstance(rate, Machine):
                found.append(search.seconds * rate.hour / HOUR)
            else:
                usage = Usage(search.prompt_tokens, search.completion_tokens)
                found.append(float(rate.cost(usage, search.answers)))
        return fsum(found)

    def _against_random(self, run: Run) -> SearchedLine:
        label = run.candidate.label
        drawn = self._random_of(run)
        if drawn is None:
            random = f"{run.candidate.prompt}{_random_approach(run).label}"
            text = f"'{random}' was not tried, so whether '{label}' beats random demonstrations"
            return SearchedLine(label, random, None, f"{text} is not known.")
        random = drawn.candidate.label
        both = run.id in self.arms and drawn.id in self.arms
        difference = self._difference(drawn, run) if both else None
        said = _said(label, random, difference, sure=not self.sample.few_clusters)
        return SearchedLine(label, random, difference, said)

    def _random_of(self, run: Run) -> Run | None:
        """The run of random demonstrations, of the same prompt, number and technique."""
        wanted = run.candidate.prompt, _random_approach(run)
        for item in self.tried:
            if (item.run.candidate.prompt, item.run.candidate.approach) == wanted:
                return item.run
        return None


def _random_approach(run: Run) -> Approach:
    """What a round of few_shot would show in place of what was searched for."""
    approach = run.candidate.approach
    technique = replace(approach.technique, tries=0)
    return replace(approach, method="static", technique=technique, seed=0)


def _said(label: str, random: str, difference: Interval | None, *, sure: bool) -> str:
    """What a difference shows; nothing for certain where there are too few clusters."""
    if difference is None:
        return f"'{label}' and '{random}' were not both run on all of dev, and are not compared."
    points = (
        f"{100 * difference.estimate:+.1f} points, 95% interval {100 * difference.low:+.1f} to "
        f"{100 * difference.high:+.1f}"
    )
    if sure and difference.low > 0:
        shown = "searched demonstrations beat random ones"
    elif sure and difference.high < 0:
        shown = "searched demonstrations are worse than random ones"
    else:
        shown = "searched demonstrations are not shown to beat random ones"
    return f"'{label}' against '{random}': {shown} ({points})."


def _interval(pair: BoundedDifference) -> Interval:
    low, high = pair.interval(LEVEL)
    return Interval(pair.estimate, low, high, LEVEL)


def _sum(parts: Sequence[Taken]) -> Taken:
    total = Taken()
    for part in parts:
        total = total.plus(part)
    return total
