"""The search for a prompt: the rounds in order, each candidate on dev.

Where the suite allows early stop, a candidate is first run on stage one of dev, and on the
rest only if it is not shown to be hopeless there. Where a round has a budget, no candidate of
it is begun once that is spent. The same search again, after a kill or because dev is as it
was, stops and leaves out the same candidates: it goes by their scores and tokens alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from evals.approach import Approach
from evals.errors import MissingExtraError, ModelError
from evals.ledger import Ledger
from evals.models.protocol import Model
from evals.records import Candidate, Run
from evals.rounding import least_points
from evals.staging import stages_of
from evals.suite.spec import RoundSpec, Suite
from tuning.evaluating import EvaluateCases
from tuning.gate.declared import UNHELD, named, rounds_of
from tuning.gate.evidence import Trial, arm_of, trial_of
from tuning.gate.stopping import leader_of, shown_worse, stopping_z
from tuning.gate.tried import policy_of
from tuning.records import Decision
from tuning.search.evaluating import taken_by
from tuning.search.finding import Finder
from tuning.stronger.running import OpenModel


@dataclass(frozen=True)
class PromptSearch:
    """One suite's search on one model.

    `find` gives a stored run of a candidate over all of dev, `decide` the gate's verdict from
    what is stored, `note` says a line to a person. `open_proposer` opens the model that writes
    prompts for an optimiser.
    """

    suite: Suite
    model: Model
    ledger: Ledger
    evaluate: EvaluateCases
    find: Callable[[Candidate], Run | None]
    decide: Callable[[], Decision]
    note: Callable[[str], None]
    open_proposer: OpenModel | None = None
    _whole: list[Trial] = field(default_factory=list, init=False)

    def run(self) -> Decision:
        """Try what is missing, round by round; end early only where the leader suffices."""
        rounds = rounds_of(self.suite)
        z = stopping_z(policy_of(self.suite), [len(spec.pairs) for spec in rounds])
        decision: Decision | None = None
        for index, spec in enumerate(rounds, 1):
            self._try_round(index, spec, z)
            decision = self.decide()
            if decision.verdict == "prompt_suffices":
                return decision
        assert decision is not None  # a suite has at least one prompt, so one round
        return self._settle(decision)

    def _try_round(self, index: int, spec: RoundSpec, z: float) -> None:
        """Every candidate of a round in order, until its budget is spent."""
        spent, budget = 0, spec.budget.tokens
        for place, (prompt, approach) in enumerate(spec.pairs):
            if budget and spent >= budget:
                self._note_spent(index, spec, spent, spec.pairs[place:])
                return
            try:
                spent += self._try(index, spec, prompt, approach, z)
            except (MissingExtraError, ModelError) as error:
                if not approach.technique.structured:
                    raise
                self._go_on(f"{prompt}{approach.label}", error)

    def _go_on(self, label: str, error: MissingExtraError | ModelError) -> None:
        """Say that a candidate of the ladder cannot be held to a structure; raise where declared.

        Nobody asked for it by name, so the rest goes on; the gate misses it nevertheless.
        """
        if self.suite.rounds:
            hint = f"{error.hint}; or {UNHELD}" if error.hint else UNHELD
            raise type(error)(
                error.message, path=error.path, line=error.line, key=error.key, hint=hint
            ) from error
        lacking = f" ({error.hint})" if isinstance(error, MissingExtraError) else ""
        self.note(f"{label} was left out: {error.message}{lacking}. To do without, {UNHELD}")

    def _note_spent(
        self, index: int, spec: RoundSpec, spent: int, left: Sequence[tuple[str, Approach]]
    ) -> None:
        labels = named([prompt + approach.label for prompt, approach in left])
        self.note(
            f"round {index}: {spec.family}: {spent:,} tokens, so its budget of "
            f"{spec.budget.tokens:,} is spent; not begun: {labels}"
        )

    def _try(self, index: int, spec: RoundSpec, prompt: str, approach: Approach, z: float) -> int:
        """Search for a candidate where it needs that, and run it; the tokens that both took."""
        label = f"round {index}: {spec.family}: {prompt}{approach.label}"
        candidate, searched = self._finder.make(prompt, approach)
        stopped = self._stop(candidate, label, z)
        if stopped is not None:
            return searched.tokens + stopped
        run = self.evaluate(self.suite, candidate, "dev", label)
        self._whole.append(trial_of(run, index, spec.family))
        return searched.tokens + taken_by(run).tokens

    @property
    def _finder(self) -> Finder:
        return Finder(
            self.suite, self.model, self.ledger, self.evaluate, self.note, self.open_proposer
        )

    def _stop(self, candidate: Candidate, label: str, z: float) -> int | None:
        """What stage one took where it shows a candidate to be hopeless, whose run is kept.

        One that was run on all of dev nevertheless is judged by its scores there, so that
        whatever follows is measured by the same leader as when it was first tried.
        """
        stages, leader = stages_of(self.suite), leader_of(self._whole)
        if stages is None or leader is None:
            return None
        whole = self.find(candidate)
        places = {case.id for case in stages.first}
        if whole is not None:
            run = self.evaluate(self.suite, candidate, "dev", label)
        else:
            run = self.evaluate(
                self.suite, candidate, "dev", f"{label}, stage one", cases=stages.first, keep=False
            )
        clusters = {case.id: case.cluster for case in stages.first}
        worse = shown_worse(arm_of(run).within(places), leader.arm, clusters, z)
        if worse is None:
            return None
        if whole is None:
            if self.ledger.find_run(run.id) != run:
                self.ledger.store_run(run, stages.first)
            self.note(
                f"{candidate.label}: stopped after {len(stages.first)} of "
                f"{len(self.suite.split('dev'))} cases: worse than '{leader.label}' by at least "
                f"{least_points(-worse.upper(z), '-')} points"
            )
        return taken_by(run, places).tokens

    def _settle(self, decision: Decision) -> Decision:
        """Run stopped candidates on the rest where stage one does not show them to be flat.

        Each that is run on the rest may become the anchor, so others may follow.
        """
        while pending := _unsettled(decision):
            for run_id in pending:
                candidate = self.ledger.run(run_id).candidate
                self.note(
                    f"{candidate.label}: run on the rest of dev after all, since it may yet gain "
                    f"{100 * decision.min_gain:g} points on the best early prompt"
                )
                self.evaluate(self.suite, candidate, "dev", f"{candidate.label}, rest of dev")
            decision = self.decide()
        return decision


def _unsettled(decision: Decision) -> list[str]:
    """The runs of stopped candidates that alone stand between the search and a plateau."""
    if decision.anchor is None or decision.verdict in ("prompt_suffices", "fix_evals"):
        return []
    open_trials = [t for t in decision.trials if not t.flat and t.run_id != decision.anchor]
    return [t.run_id for t in open_trials] if all(t.stopped for t in open_trials) else []
