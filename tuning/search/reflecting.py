"""GEPA on one instruction: it is written anew from what went wrong on a few cases at a time.

GEPA is the package that DSPy brings with it and wraps as `dspy.GEPA`. It is asked directly: its
own adapter takes whole batches, so that cases are run together, and an instruction is asked for
and read in plain text, which a small model manages better than DSPy's fields.

Read for this in gepa 0.1.4: `api.py`, `core/adapter.py`, `strategies/instruction_proposal.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.records import Case, Message
from tuning.search.mipro import shown_text
from tuning.search.proposer import Proposals, Proposer
from tuning.search.quiet import Quiet
from tuning.search.train_parts import TrainParts
from tuning.search.trials import Trials, Tried

SEED = 9
REFLECTED = 4
"""Cases that are looked at for each new instruction."""

_NAME = "instruction"


def search_by_reflection(
    trials: Trials, parts: TrainParts, proposer: Proposer, proposals: Proposals, tries: int
) -> None:
    """Have at most `tries` instructions written and judged; `trials` holds what they came to.

    Raises as asking and evaluating do.
    """
    import gepa

    quiet = Quiet()
    adapter = _Adapter(trials, proposer, proposals, quiet, gepa.EvaluationBatch)
    with quiet.hushed():
        gepa.optimize(
            seed_candidate={_NAME: trials.seed},
            trainset=list(parts.learn),
            valset=list(parts.judge),
            adapter=adapter,
            reflection_minibatch_size=min(REFLECTED, len(parts.learn)),
            stop_callbacks=lambda _: proposals.offered >= tries or max(trials.means.values()) >= 1,
            max_metric_calls=(tries + 1) * (len(parts.judge) + 2 * REFLECTED),
            logger=_Silent(),
            track_best_outputs=False,
            display_progress_bar=False,
            raise_on_exception=True,
            seed=SEED,
        )


class _Silent:
    def log(self, message: str) -> None:
        """Nothing: what matters is said at the end."""


@dataclass(frozen=True)
class _Adapter:
    """What GEPA needs of us: scores of a batch, what to reflect on, and a new instruction.

    `batch_type` is GEPA's record of an evaluated batch.
    """

    trials: Trials
    proposer: Proposer
    proposals: Proposals
    quiet: Quiet
    batch_type: Any

    def evaluate(
        self, batch: list[Case], candidate: dict[str, str], capture_traces: bool = False
    ) -> Any:
        """Run the instruction on the cases; GEPA's words for the arguments."""
        tried = self.quiet.aloud(lambda: self._run(candidate[_NAME], batch))
        return self.batch_type(
            outputs=[each.answer for each in tried],
            scores=[each.score for each in tried],
            trajectories=list(zip(batch, tried, strict=True)) if capture_traces else None,
        )

    def _run(self, instruction: str, batch: Sequence[Case]) -> list[Tried]:
        if tuple(batch) == self.trials.judge:
            self.trials.judged(instruction)
        return self.trials.on(instruction, batch)

    def make_reflective_dataset(
        self, _candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What the proposer sees of each case, in the form that GEPA's question shows."""
        return {
            name: [_record(case, tried) for case, tried in eval_batch.trajectories]
            for name in components_to_update
        }

    def propose_new_texts(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        _components_to_update: list[str],
    ) -> dict[str, str]:
        """The proposer's next instruction; the same again where it wrote nothing usable."""
        from gepa.strategies.instruction_proposal import InstructionProposalSignature as Form

        now = candidate[_NAME]
        question = Form.prompt_renderer(
            {
                "current_instruction_doc": now,
                "dataset_with_feedback": reflective_dataset[_NAME],
                "prompt_template": None,
            }
        )
        text = self.quiet.aloud(lambda: self.proposer.ask([Message("user", str(question))]))
        whole = "" if text in self.proposer.cut else Form.output_extractor(text)["new_instruction"]
        return {_NAME: self.proposals.take(whole) or now}


def _record(case: Case, tried: Tried) -> dict[str, str]:
    why = f" {tried.reason}." if tried.reason else ""
    return {
        "Inputs": shown_text(case),
        "Generated Outputs": tried.answer or "(nothing)",
        "Feedback": f"Score {tried.score:.2g} of 1.{why} A right answer: {case.answer}",
    }
