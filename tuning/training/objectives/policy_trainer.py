"""TRL's GRPOTrainer and RLOOTrainer over the suite's cases, made to resume exactly.

TRL applies a chat template to messages, generates with the global generator and buffers answers.
Here prompts come as token ids, encoded as the evals do; answers come from the evals' own decoder,
each with a generator of its own; and every step writes its own answers and uses them up, so that
a checkpoint, which is made between two steps, finds the buffer empty.

Importing this module loads torch, transformers and trl: `PolicyObjective` does so late.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from evals.records import Decoding, Output
from evals.suite.policy_settings import GrpoSettings, PolicySettings
from tuning.training.forward import causal_of
from tuning.training.looking import Asked, mean_reward
from tuning.training.objectives.answer_logprobs import answers_are_exact, scored_answers
from tuning.training.objectives.arguments import common_arguments
from tuning.training.objectives.every_trainer import EveryTrainer
from tuning.training.recomputing import recomputes
from tuning.training.rewards import Reward
from tuning.training.rollouts import Rollout, Rollouts, answer_seed
from tuning.training.settings import TrainSettings, micro_batch_for

UNSCORED = "unscored"
"""Under this name the number of answers without a reward stands in the trainer's log."""


@dataclass
class Asking:
    """What a trainer asks and how: its rows, and the answers of the step it is at."""

    rows: Sequence[Asked]
    rollouts: Rollouts
    decoding: Decoding
    reward: Reward
    seed: int
    written: list[Output] = field(default_factory=list)

    def write(self, model: Any, prompts: Sequence[Sequence[int]], step: int) -> list[Rollout]:
        """One answer to each prompt, drawn for this step."""
        seeds = [answer_seed(self.seed, step, n) for n in range(len(prompts))]
        done = self.rollouts(model, prompts, self.decoding, seeds)
        self.written = [one.output for one in done]
        return done

    def rewards(
        self, prompts: Sequence[str], log_metric: Callable[[str, float], None], **_: Any
    ) -> list[float | None]:
        """TRL's reward function; `prompts` are the places of rows. None: no reward."""
        cases = [self.rows[int(place)].case for place in prompts]
        values = self.reward(list(zip(cases, self.written, strict=True)))
        mean_reward(values, self.reward)  # refuses a scorer that fails on most of them
        log_metric(UNSCORED, float(sum(value is None for value in values)))
        return values


class _AskedAsInEvals(EveryTrainer):
    """What both trainers do in another way than TRL's own; `asking` is set before training."""

    asking: Asking
    exact: bool | None = None

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        return [list(self.asking.rows[int(place)].prompt) for place in prompts], None, {}

    def _answers(self, prompt_ids: list[list[int]]) -> list[list[int]]:
        trainer: Any = self
        done = self.asking.write(trainer.model, prompt_ids, trainer.state.global_step)
        ids = [one.ids for one in done]
        self.trained_tokens += sum(map(len, ids)) + sum(map(len, prompt_ids))
        return ids

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Any,
        attention_mask: Any,
        logits_to_keep: int,
        *args: Any,
        **kw: Any,
    ) -> Any:
        """TRL's, through `answer_logprobs` where that is exact and nothing but text is asked."""
        trainer: Any = self
        trl: Any = super()
        given = (input_ids, attention_mask, logits_to_keep)
        causal = causal_of(trainer.accelerator.unwrap_model(model))
        if kw.get("compute_aux_loss") or recomputes(causal):
            return trl._get_per_token_logps_and_entropies(model, *given, *args, **kw)
        with trainer.accelerator.autocast():
            if self.exact is None:
                few = (input_ids[:2], attention_mask[:2], logits_to_keep)
                self.exact = answers_are_exact(
                    causal,
                    *few,
                    temperature=trainer.temperature,
                    own=lambda: trl._get_per_token_logps_and_entropies(model, *few)[0],
                )
            if self.exact:
                return *scored_answers(causal, *given, trainer.temperature), None
        return trl._get_per_token_logps_and_entropies(model, *given, *args, **kw)


class SuiteGrpoTrainer(_AskedAsInEvals, GRPOTrainer):  # type: ignore[misc]  # trl is untyped
    """GRPO, asked and answered as in evaluation."""

    def _generate_single_turn(self, prompt_ids: Any, *_: Any, **__: Any) -> Any:
        return self._answers(prompt_ids), None

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """TRL's, refused where it is not finite."""
        return self.refuse_infinite(super().compute_loss(*args, **kwargs))


class SuiteRlooTrainer(_AskedAsInEvals, RLOOTrainer):  # type: ignore[misc]  # trl is untyped
    """RLOO, asked and answered as in evaluation."""

    def _generate_single_turn(self, prompt_ids: Any, *_: Any, **__: Any) -> Any:
        return self._answers(prompt_ids)

    def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
        """TRL's, refused where it is not finite."""
        return self.refuse_infinite(super().compute_loss(*args, **kwargs))


def make_policy_trainer(
    model: Any,
    tokenizer: Any,
    asked: Sequence[Asked],
    reward: Reward,
    *,
    own: PolicySettings,
    settings: TrainSettings,
    decoding: Decoding,
    rollouts: Rollouts,
    scratch: Path,
    callbacks: Sequence[Any],
) -> Any:
    """A trainer of the method that `own` are the settings of, checkpointing under `scratch`."""
    sampled = replace(
        decoding, temperature=own.temperature, top_p=1.0, schema=None, grammar="", regex=""
    )
    asking = Asking(asked, rollouts, sampled, reward, settings.seed)

    def scored(**kwargs: Any) -> list[float | None]:
        return asking.rewards(**kwargs)

    scored.__name__ = reward.name  # what TRL's log calls it
    longest = max(len(one.prompt) for one in asked) + decoding.max_tokens
    grpo = isinstance(own, GrpoSettings)
    trainer_type: Any = SuiteGrpoTrainer if grpo else SuiteRlooTrainer
    order = prompt_order(len(asked), own.steps * own.prompts, settings.seed)
    trainer = trainer_type(
        model=model,
        reward_funcs=scored,
        args=_arguments(own, settings, scratch, longest, decoding.max_tokens),
        train_dataset=Dataset.from_dict({"prompt": [str(place) for place in order]}),
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.asking = asking
    trainer.rate_key = f"tune.{settings.method}.learning_rate"
    return trainer


def prompt_order(rows: int, wanted: int, seed: int) -> list[int]:
    """Rows to ask, all of them once before any a second time, shuffled anew each time.

    The order of the whole training, so that a resume need not know how often it was drawn.
    """
    generator = random.Random(f"{seed}/prompts")  # noqa: S311 - an order, no secret
    order: list[int] = []
    while len(order) < wanted:
        order += generator.sample(range(rows), rows)
    return order[:wanted]


_TOKENS_AT_ONCE = 2048
"""Of answers with their prompts in one forward. With four times as many the embedded model held
15 GB: the probabilities of all tokens are needed, of the policy and of where it began."""


def _arguments(
    own: PolicySettings, settings: TrainSettings, scratch: Path, longest: int, most: int
) -> Any:
    answers = own.prompts * own.generations
    at_once = micro_batch_for(answers, longest, _TOKENS_AT_ONCE)
    shared: dict[str, Any] = {
        **common_arguments(settings, scratch, max(1, -(-own.steps // settings.evaluations))),
        "run_name": settings.method,
        "max_steps": own.steps,
        "per_device_train_batch_size": at_once,
        # Answers are written once for each step, and are used up in it.
        "gradient_accumulation_steps": answers // at_once,
        "steps_per_generation": answers // at_once,
        "num_iterations": 1,
        "num_generations": own.generations,
        "max_completion_length": most,
        "temperature": own.temperature,
        "beta": own.beta,
        "shuffle_dataset": False,
        "pad_to_multiple_of": None,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": max(1, round(settings.warmup * own.steps)),
        "eval_strategy": "no",
    }
    if isinstance(own, GrpoSettings):
        return GRPOConfig(**shared, loss_type=own.loss, scale_rewards=own.scale)
    return RLOOConfig(**shared)
