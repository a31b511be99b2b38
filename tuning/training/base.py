"""The model that an adapter is trained on, by name, before its weights are loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evals.errors import ModelError
from evals.models.names import model_folder, require_local_extra
from tuning.training.extras import require_tune_extra
from tuning.training.quiet import quietly


@dataclass(frozen=True)
class BaseModel:
    """Where a base model lies, its tokenizer, and what identifies it.

    `context_tokens` is the most tokens, prompt and completion together, it was made for.
    """

    name: str
    folder: Path
    tokenizer: Any
    weights_hash: str
    template_hash: str
    tokenizer_hash: str
    context_tokens: int


def check_trainable(name: str) -> None:
    """Raise ModelError for a name of which it is certain beforehand that it cannot be trained."""
    if name.startswith("scripted:"):
        raise ModelError(
            f"{name!r} answers by rule and cannot be trained",
            hint="name a model with weights, with --model hf:...",
        )


class Reading(NamedTuple):
    """How a local model reads: its tokenizer, and the most tokens it was made for."""

    folder: Path
    tokenizer: Any
    context_tokens: int


def open_tokenizer(name: str) -> Reading:
    """Open the tokenizer of a local model's name; of the weights nothing is read.

    Raises MissingExtraError where the local backend is not installed, ModelError for a name
    that is no local model, and for a tokenizer without a chat template.
    """
    check_trainable(name)
    require_local_extra()
    from transformers import AutoTokenizer

    folder = model_folder(name)
    with quietly():
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError("the model's tokenizer has no chat template", path=folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Reading(folder, tokenizer, int(config.get("max_position_embeddings") or 1 << 20))


def open_base(name: str) -> BaseModel:
    """Open the tokenizer of a local model's name; the weights stay on disk.

    Raises MissingExtraError where training is not installed, ModelError for a name that
    cannot be trained.
    """
    check_trainable(name)
    require_tune_extra()
    from evals.models.loading import weights_hash
    from evals.models.tokens import template_hash, tokenizer_hash

    folder, tokenizer, context = open_tokenizer(name)
    return BaseModel(
        name=name,
        folder=folder,
        tokenizer=tokenizer,
        weights_hash=weights_hash(folder),
        template_hash=template_hash(tokenizer),
        tokenizer_hash=tokenizer_hash(tokenizer),
        context_tokens=context,
    )
