"""Sentence embeddings: mean-pooled, normalised hidden states of a small encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import InfrastructureError, ModelError
from evals.models.loading import choose_device, quiet_transformers, refuse_remote_code

MAX_TOKENS = 256  # of a text: what all-MiniLM-L6-v2 was made for; the rest is cut off
MAX_CHARACTERS = 20_000  # that reach the tokenizer, far beyond MAX_TOKENS of any language
_BATCH = 32


@dataclass(frozen=True)
class SentenceModel:
    """An encoder with its tokenizer, in float32."""

    model: Any
    tokenizer: Any
    device: str
    max_tokens: int

    def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors, as a float32 array of shape (texts, hidden size)."""
        import numpy as np

        vectors: dict[int, Any] = {}
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # little padding
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            vectors.update(zip(chosen, self._pooled([texts[n] for n in chosen]), strict=True))
        return np.stack([vectors[n] for n in range(len(texts))])

    def _pooled(self, texts: Sequence[str]) -> Any:
        import torch

        # A lone surrogate is no text to a tokenizer.
        clean = [text[:MAX_CHARACTERS].encode("utf-8", "replace").decode() for text in texts]
        encoded = self.tokenizer(
            clean, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        ).to(self.device)
        with torch.inference_mode():
            hidden = self.model(**encoded).last_hidden_state  # (texts, tokens, hidden)
            mask = encoded["attention_mask"].unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
            return torch.nn.functional.normalize(mean, dim=1).cpu().numpy()


def load_sentences(folder: Path) -> SentenceModel:
    """Load an encoder from safetensors, without code of its own.

    Raises ModelError where the folder holds none, InfrastructureError where memory is short.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModel, AutoTokenizer

    refuse_remote_code(folder)
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        with quiet_transformers():
            tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            model = AutoModel.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, **options
            )
    except MemoryError as error:
        raise InfrastructureError(f"not enough memory to load {folder}") from error
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"the model cannot be loaded: {reason}", path=folder) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    tokenizer.padding_side = "right"
    device = choose_device()
    model.to(device).eval().requires_grad_(False)
    places = getattr(model.config, "max_position_embeddings", None)
    return SentenceModel(model, tokenizer, device, min(MAX_TOKENS, places or MAX_TOKENS))
