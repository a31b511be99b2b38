"""The search for a prompt: the declared rounds in order, each candidate on dev.

Where the suite allows early stop, a candidate is first run on stage one of dev, and on the
rest only if it is not shown to be hopeless there. The same search again, after a kill or
because dev is as it was, stops the same candidates: it goes by their scores alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from evals.ledger import Ledger
from evals.models.protocol import Model
from evals.prompting import round_candidates
from evals.records import Candidate, Case, Run, SplitName
from evals.staging import stages_of
from evals.suite.spec import Suite
from tuning.gate.declared import rounds_of
from tuning.gate.evidence import Trial, arm_of, trial_of
from tuning.gate.stopping import leader_of, shown_worse, stopping_z
from tuning.gate.tried import policy_of
from tuning.records import Decision


class Evaluate(Protocol):
    """One run; found again where it is stored, and stored unless `keep` is false."""

    def __call__(
        self,
        suite: Suite,
        candidate: Candidate,
        split: SplitName,
        label: str,
        *,
        cases: Sequence[Case] | None = None,
        keep: bool = True,
    ) -> Run:
        """See `evals.runner.Runner.run`."""
        ...


@dataclass(frozen=True)
class PromptSearch:
    """One suite's search on one model.

    `find` gives a stored run of a candidate over all of dev, `decide` the gate's verdict from
    what is stored, `note` says a line to a person.
    """

    suite: Suite
    model: Model
    ledger: Ledger
    evaluate: Evaluate
    find: Callable[[Candidate], Run | None]
    decide: Callable[[], Decision]
    note: Callable[[str], None]
    _whole: list[Trial] = field(default_factory=list, init=False)

    def run(self) -> Decision:
        """Try what is missing, round by round; end early only where the leader suffices."""
        rounds = rounds_of(self.suite)
        planned = [round_candidates(self.suite, self.model, spec) for spec in rounds]
        z = stopping_z(policy_of(self.suite), [len(candidates) for candidates in planned])
        decision: Decision | None = None
        for index, (spec, candidates) in enumerate(zip(rounds, planned, strict=True), 1):
            for candidate in candidates:
                label = f"round {index}: {spec.family}: {candidate.label}"
                if not self._stop(candidate, label, z):
                    run = self.evaluate(self.suite, candidate, "dev", label)
                    self._whole.append(trial_of(run, index, spec.family))
            decision = self.decide()
            if decision.verdict == "prompt_suffices":
                return decision
        assert decision is not None  # a suite has at least one prompt, so one round
        return self._settle(decision)

    def _stop(self, candidate: Candidate, label: str, z: float) -> bool:
        """Whether a candidate is hopeless on stage one; then its run over that is kept.

        One that was run on all of dev nevertheless is judged by its scores there, so that
        whatever follows is measured by the same leader as when it was first tried.
        """
        stages, leader = stages_of(self.suite), leader_of(self._whole)
        if stages is None or leader is None:
            return False
        whole = self.find(candidate)
        if whole is not None:
            whole = self.evaluate(self.suite, candidate, "dev", label)
            first = arm_of(whole).within({case.id for case in stages.first})
        else:
            run = self.evaluate(
                self.suite, candidate, "dev", f"{label}, stage one", cases=stages.first, keep=False
            )
            first = arm_of(run)
        clusters = {case.id: case.cluster for case in stages.first}
        worse = shown_worse(first, leader.arm, clusters, z)
        if worse is None:
            return False
        if whole is None:
            if self.ledger.find_run(run.id) != run:
                self.ledger.store_run(run, stages.first)
            self.note(
                f"{candidate.label}: stopped after {len(stages.first)} of "
                f"{len(self.suite.split('dev'))} cases: worse than '{leader.label}' by at least "
                f"{-100 * worse.upper(z):.1f} points"
            )
        return True

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
