"""QLoRA: LoRA trained over a base whose weights are rounded to four bits.

Dettmers et al. 2023, arXiv 2305.14314: NF4 with double quantisation, by bitsandbytes. Rounding
saves memory while training; evaluations open the base as it is, in full, and the adapter is
judged and proven over that. What the rounding does to the adapter thus counts against it.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from evals.errors import MissingExtraError, TrainingError
from tuning.training.adaptations.kinds import peft_config
from tuning.training.adaptations.through_peft import PeftWeights
from tuning.training.base import BaseModel
from tuning.training.settings import TrainSettings
from tuning.training.stages import TaskType


class QuantisedBase(PeftWeights):
    """LoRA whose base is held in four bits while it is trained, and in full afterwards."""

    def open(self, base: BaseModel, settings: TrainSettings, task_type: TaskType) -> Any:
        """The rounded base with a new adapter, drawn from the settings' seed.

        Raises MissingExtraError without bitsandbytes, TrainingError for a model that scores.
        """
        from peft import get_peft_model, prepare_model_for_kbit_training
        from transformers import set_seed

        require_bitsandbytes()
        if task_type != "CAUSAL_LM":
            raise TrainingError(
                "a model that scores is trained over its whole base", key="tune.weights"
            )
        model = prepare_model_for_kbit_training(
            _rounded(base, settings), use_gradient_checkpointing=False
        )
        set_seed(settings.seed)
        return get_peft_model(model, peft_config(settings, task_type))

    def judged(self, model: Any, base: BaseModel, settings: TrainSettings) -> Any:
        """The adapter over the base as it is, which is how it will be used."""
        whole = PeftWeights().open(base, settings, "CAUSAL_LM")
        self.put(whole, self.state(model))
        return whole


def require_bitsandbytes() -> None:
    """Raise MissingExtraError, with what to install, unless bitsandbytes is there."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtraError("QLoRA needs bitsandbytes: pip install 'tunegate[qlora]'")


def _rounded(base: BaseModel, settings: TrainSettings) -> Any:
    """The base in NF4, computing in the settings' precision."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    from evals.models.loading import choose_device

    compute = getattr(torch, settings.precision)
    model = AutoModelForCausalLM.from_pretrained(
        base.folder,
        dtype=compute,
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=compute,
        ),
        device_map={"": choose_device()},
        attn_implementation=settings.attention,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
    )
    for module in model.modules():
        # On CPUs with bfloat16 it would round its scales anew at the first look without
        # gradients: a resumed training would go on over another base.
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
    return model
