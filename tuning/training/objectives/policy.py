"""Learning from rewards: answers to train cases, written by the model and scored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import variance
from typing import Any, NamedTuple

from evals.errors import TrainingError
from evals.fingerprint import fingerprint
from evals.records import Decoding
from evals.suite.policy_settings import PolicySettings
from tuning.records import LossPoint, Proof
from tuning.training.looking import Asked, RewardLook, mean_reward
from tuning.training.loss_curve import SCORE, best_step, loss_curve
from tuning.training.recomputing import Batch
from tuning.training.reward_hacking import Judged, hacking_proof, judge_hacking, looks_in
from tuning.training.rewards import Reward
from tuning.training.rollouts import Rollouts, answer_seed
from tuning.training.stages import Course, Measured, Opened, TaskType

LOW, HIGH = 0.2, 0.8
"""Base rates between which groups of answers differ often enough to learn from."""

_PROBED = 16  # prompts of which the base rate is measured
_BASE, _SIGNAL = "base_reward", "base_signal"


@dataclass(frozen=True)
class PolicyObjective:
    """`asked` are learnt from, `look` sees others. `method` is "grpo" or "rloo"."""

    method: str
    asked: tuple[Asked, ...]
    own: PolicySettings
    decoding: Decoding
    reward: Reward
    rollouts: Rollouts
    look: RewardLook

    @property
    def task_type(self) -> TaskType:
        """The model writes."""
        return "CAUSAL_LM"

    def fingerprint(self) -> str:
        """Identity of the cases and their prompts, the decoding and the reward."""
        cases = [[one.case.fingerprint, one.prompt] for one in self.asked]
        return fingerprint("policy@1", self.method, cases, self.decoding, self.reward.fingerprint())

    def open(self, course: Course) -> Opened:
        """TRL's trainer of the method. Raises TrainingError where nothing can be learnt from."""
        from tuning.training.objectives.policy_callbacks import Begin, KeepLooks
        from tuning.training.objectives.policy_trainer import make_policy_trainer

        begin = Begin(lambda model: self._base_rate(model, course.settings.seed))
        trainer = make_policy_trainer(
            course.model,
            course.base.tokenizer,
            self.asked,
            self.reward,
            own=self.own,
            settings=course.settings,
            decoding=self.decoding,
            rollouts=self.rollouts,
            scratch=course.scratch,
            callbacks=(begin, *course.callbacks, KeepLooks(self.look)),
        )
        rows, most = trainer.args.per_device_train_batch_size, self.decoding.max_tokens
        largest = Batch(rows, max(len(one.prompt) for one in self.asked) + most, rows * most)
        return Opened(trainer, len(self.asked), len(self.look.asked), largest)

    def learnt(self, curve: Sequence[LossPoint]) -> Proof:
        """Whether losses and rewards are finite. That the score rose is for evals to tell."""
        losses = [point.loss for point in curve if point.loss is not None]
        rewards = [point.reward for point in curve if point.reward is not None]
        finite = bool(losses) and bool(rewards) and all(map(math.isfinite, [*losses, *rewards]))
        rise = sampled_rise(rewards)
        told = f"; mean reward of sampled answers {rise}" if rise else ""
        return Proof("losses and rewards are finite", finite, f"{len(losses)} steps{told}")

    def proofs(self, log: Sequence[Mapping[str, Any]], /) -> tuple[Proof, ...]:
        """That the reward was not cheated, where a held-out scorer can tell."""
        proof = hacking_proof(self.judged(log))
        return () if proof is None else (proof,)

    def judged(self, log: Sequence[Mapping[str, Any]]) -> Judged:
        """The kept step's look held against the first."""
        if self.look.unseen is None:
            return Judged("not tested", "no held-out scorer is stated")
        looks, kept = looks_in(log), best_step(loss_curve(log))
        best = next((look for look in looks if look.step == kept), None)
        if best is None:
            return Judged("not tested", "there was no look")
        if best.step == looks[0].step:
            return Judged("not seen", "no step had more reward than the start, which is kept")
        groups = [one.group for one in self.look.asked]
        return judge_hacking(looks[0], best, groups, self.own.expect)

    def measured(self, log: Sequence[Mapping[str, Any]], /) -> Measured:
        """Base rate, what differs from start to end, answers without a reward, and the verdict."""
        judged = self.judged(log)
        told: dict[str, float | int | str | bool] = {
            "reward": self.reward.name,
            "held_out": self.look.unseen.name if self.look.unseen else "",
            "reward_hacking": f"{judged.verdict}: {judged.evidence}",
            "unscored": int(sum(float(entry.get("unscored") or 0) for entry in log)),
        }
        for entry in log:
            if _BASE in entry:
                told |= {_BASE: entry[_BASE], _SIGNAL: entry[_SIGNAL]}
                told["base_rate"] = _rate_told(float(entry[_BASE]))
        rise = sampled_rise([p.reward for p in loss_curve(log) if p.reward is not None])
        if rise:
            told |= {f"drawn_reward_{name}": value for name, value in rise._asdict().items()}
            told["drawn_reward_change"] = rise.last - rise.first
        looks = [float(entry[SCORE]) for entry in log if SCORE in entry]
        if looks:
            told |= {"first_look": looks[0], "best_look": max(looks), "last_look": looks[-1]}
        for name, difference in (("reward", judged.reward), ("held_out", judged.unseen)):
            if difference is not None:
                low, high = difference.interval()
                change = {"change": difference.estimate, "low": low, "high": high}
                told |= {f"{name}_{key}": value for key, value in change.items()}
        for key in ("kl", "entropy", "frac_reward_zero_std", "completions/mean_length"):
            values = [float(entry[key]) for entry in log if entry.get(key) is not None]
            if values:
                told |= {f"{key} first": _mean(values[:5]), f"{key} last": _mean(values[-5:])}
        return told

    def _base_rate(self, model: Any, seed: int) -> Mapping[str, float]:
        """Mean reward before learning, and the share of prompts whose answers differ in it.

        Raises TrainingError where all rewards are equal: there is nothing to learn from.
        """
        from dataclasses import replace

        probed = self.asked[:_PROBED]
        many = [one for one in probed for _ in range(self.own.generations)]
        decoding = replace(self.look.decoding, temperature=self.own.temperature, top_p=1.0)
        seeds = [answer_seed(seed, -1, n) for n in range(len(many))]
        written = self.rollouts(model, [one.prompt for one in many], decoding, seeds)
        answers = [(a.case, w.output) for a, w in zip(many, written, strict=True)]
        rewards = self.reward(answers)
        base = mean_reward(rewards, self.reward)
        size = self.own.generations
        groups = [rewards[n : n + size] for n in range(0, len(rewards), size)]
        differing = [len({value for value in group if value is not None}) > 1 for group in groups]
        if not any(differing):
            raise TrainingError(
                f"no signal: every one of {size} answers to each of {len(probed)} train cases "
                f"got the same reward ({self.reward.name} is {base:.2f} on average)",
                key=f"tune.{self.method}",
                hint="where it is 0, learn the answers longer first (sft_epochs); where it is 1, "
                "there is nothing left to learn; or reward with a graded metric",
            )
        return {_BASE: base, _SIGNAL: sum(differing) / len(differing)}


class Rise(NamedTuple):
    """Mean reward of the answers drawn in the first and the last quarter of the steps.

    `low` and `high` bound the difference: Welch's 95 % interval, over steps, each of which asks
    other questions.
    """

    first: float
    last: float
    low: float
    high: float

    def __str__(self) -> str:
        change = f"{self.last - self.first:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        return f"{self.first:.3f} → {self.last:.3f}, {change}"


def sampled_rise(rewards: Sequence[float]) -> Rise | None:
    """How the steps' mean rewards rose; None for fewer than 8 steps or equal ones."""
    from scipy.special import stdtrit

    quarter = len(rewards) // 4
    if quarter < 2 or not all(map(math.isfinite, rewards)):
        return None
    first, last = rewards[:quarter], rewards[len(rewards) - quarter :]
    one, other = (variance(part) / quarter for part in (first, last))
    if one + other == 0:
        return None
    freedom = (one + other) ** 2 * (quarter - 1) / (one**2 + other**2)
    within = float(stdtrit(freedom, 0.975)) * math.sqrt(one + other)
    change = _mean(last) - _mean(first)
    return Rise(_mean(first), _mean(last), change - within, change + within)


def _rate_told(base: float) -> str:
    if LOW <= base <= HIGH:
        return f"{base:.2f}: between {LOW} and {HIGH}, where there is most to learn from"
    where = "below" if base < LOW else "above"
    return f"{base:.2f}: {where} {LOW if base < LOW else HIGH}, so few answers differ in reward"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
