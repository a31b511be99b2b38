"""An adapter that failed a proof: it is rejected, and no sealed case is looked at for it."""

from __future__ import annotations

from collections.abc import Sequence

from evals.errors import TrainingError
from tuning.forgetting.records import TextChange
from tuning.forgetting.wording import text_reason
from tuning.records import GuardLine, ShipDecision, TrainingRecord
from tuning.shipping.judging import Guard, guard_reasons, judge_guard
from tuning.shipping.wording import lost_too_much
from tuning.training.rates import rate_for

_MUCH = 3.0  # times the usual rate


def can_be_asked(training: TrainingRecord) -> bool:
    """Whether what an adapter answers means anything: what it failed is about what it learnt."""
    return all(proof.learnt for proof in training.failed_proofs)


def refuse_unproven(training: TrainingRecord) -> None:
    """Raise TrainingError for an adapter that failed a proof: no result of it means anything."""
    if failed := training.failed_proofs:
        reasons = "; ".join(f"{proof.name}: {proof.evidence}" for proof in failed)
        raise TrainingError(
            f"the trained adapter failed {len(failed)} of {len(training.proofs)} proofs: {reasons}",
            path=training.adapter_path,
            hint=f"nothing was evaluated with it; {_advice(training)}",
        )


def reject_unproven(
    training: TrainingRecord,
    guards: Sequence[Guard],
    *,
    min_gain: float,
    alpha: float = 0.05,
    text: TextChange | None = None,
) -> ShipDecision:
    """The verdict on an adapter that failed a proof. `guards` are empty where it cannot be asked.

    What it loses on them is told beside the proofs, which suffice for the verdict.
    """
    failed = training.failed_proofs
    lines = tuple(judge_guard(guard, alpha, pass_alpha=alpha) for guard in guards)
    names = "; ".join(proof.name for proof in failed)
    return ShipDecision(
        verdict="reject_adapter",
        sentence=(
            f"Reject the adapter: it failed {len(failed)} of {len(training.proofs)} proofs "
            f"({names}), so no sealed case was looked at.{_lost(lines, text)}"
        ),
        next_steps=("Keep the leading prompt.", f"Before training again, {_advice(training)}."),
        before=None,
        after=None,
        gain=None,
        wins=0,
        losses=0,
        ties=0,
        cases=0,
        cases_needed=None,
        look=0,
        alpha=alpha,
        min_gain=min_gain,
        guards=lines,
        reasons=(
            *(f"Proof failed, {proof.name}: {proof.evidence}." for proof in failed),
            *(guard_reasons(lines, guards, alpha) if lines else ()),
            *([text_reason(text)] if text else []),
        ),
        text=text,
    )


def _lost(lines: Sequence[GuardLine], text: TextChange | None) -> str:
    lost = lost_too_much(lines, text)
    return f" It also loses too much on {', '.join(lost)}." if lost else ""


def _advice(training: TrainingRecord) -> str:
    """Where to look first: at the rate, where it is above what such weights begin with."""
    settings = training.settings
    rate = settings.get("learning_rate")
    usual = rate_for(str(settings.get("weights", "lora")), str(settings.get("variant", "plain")))
    if isinstance(rate, float) and rate > _MUCH * usual:
        return f"lower the learning rate: it is {rate:g}, and such weights begin with {usual:g}"
    return "look at the training data and settings"
