"""Which way a model is run: packed where its attention allows it, else plainly.

Packing is not assumed to be right for a family of models: it is tried on a few tokens
beside transformers' own attention, and used only where both agree. What the trial said is
remembered in the cache folder for the same weights, precision, device and versions: it
reads all weights several times, which is half of the time that opening a model takes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

from evals.atomic import write_atomically
from evals.fingerprint import fingerprint
from evals.models import attention
from evals.models.embedded import cache_folder
from evals.models.likelihood import rank_options
from evals.models.loading import Loaded, quiet_transformers
from evals.models.packing import PackedModel
from evals.models.plain import PLAIN_VERSION, PlainModel

Rank = Callable[
    [Sequence[Sequence[int]], Sequence[Sequence[Sequence[int]]], int, str],
    list[tuple[float, ...] | None],
]

PACKED_VERSION = attention.ATTENTION_VERSION

# Largest relative distance of the logits: rounding, not another computation.
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 6e-2}


@dataclass(frozen=True)
class Backend:
    """How passes are made, how options are ranked, and the name that goes into fingerprints."""

    passes: Any
    rank: Rank
    version: str


def choose_backend(loaded: Loaded) -> Backend:
    """Packed attention if the model gives the same logits with it, else the plain way."""
    model = loaded.model
    if _can_switch(model):
        record = trials_folder() / f"{_trial_key(loaded)}.json"
        agrees = _remembered(record)
        if agrees is None:
            agrees = _packing_agrees(model)
            _remember(record, agrees)
        if agrees:
            _switch(model, attention.ATTENTION_NAME)
            return _packed_backend(PackedModel(model))
    return _plain_backend(PlainModel(model))


@contextlib.contextmanager
def borrowed_passes(loaded: Loaded) -> Iterator[Any]:
    """The passes of a model that is otherwise used with its own attention, for one block."""
    own = loaded.model.config._attn_implementation
    backend = choose_backend(loaded)
    try:
        yield backend.passes
    finally:
        if backend.version == PACKED_VERSION:
            _switch(loaded.model, own)


def trials_folder() -> Path:
    """Where the outcomes of trials are remembered."""
    return cache_folder() / "packing"


def _packing_agrees(model: Any) -> bool:
    """The trial itself; leaves the model with its own attention."""
    own = model.config._attn_implementation
    reference = _plain_logits(model)
    _switch(model, attention.ATTENTION_NAME)
    try:
        return _agree(_packed_logits(PackedModel(model)), reference, _TOLERANCE[model.dtype])
    finally:
        _switch(model, own)


def _switch(model: Any, implementation: str) -> None:
    attention.register()
    with quiet_transformers():
        model.set_attn_implementation(implementation)


def _trial_key(loaded: Loaded) -> str:
    """Hash of all that the trial's outcome can depend on."""
    return fingerprint(
        "packing-trial@1",
        attention.ATTENTION_VERSION,
        loaded.weights_hash,
        loaded.precision,
        loaded.device,
        torch.backends.cpu.get_cpu_capability(),
        torch.__version__,
        transformers.__version__,
    )


def _remembered(record: Path) -> bool | None:
    """The outcome of an earlier trial; None where there is none that can be read."""
    try:
        outcome = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    agrees = outcome.get("agrees") if isinstance(outcome, dict) else None
    return agrees if isinstance(agrees, bool) else None


def _remember(record: Path, agrees: bool) -> None:
    """Keep the outcome for the next time; where nothing can be written, try again then."""
    with contextlib.suppress(OSError):
        record.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(record, json.dumps({"agrees": agrees}))


def _packed_backend(packed: PackedModel) -> Backend:
    def rank(
        contexts: Sequence[Sequence[int]],
        options: Sequence[Sequence[Sequence[int]]],
        prefix_tokens: int,
        adapter: str,
    ) -> list[tuple[float, ...] | None]:
        return rank_options(packed, contexts, options, prefix_tokens, adapter)

    return Backend(packed, rank, PACKED_VERSION)


def _plain_backend(plain: PlainModel) -> Backend:
    def rank(
        contexts: Sequence[Sequence[int]],
        options: Sequence[Sequence[Sequence[int]]],
        _prefix_tokens: int,
        _adapter: str,
    ) -> list[tuple[float, ...] | None]:
        return [plain.rank(context, case) for context, case in zip(contexts, options, strict=True)]

    return Backend(plain, rank, PLAIN_VERSION)


def _can_switch(model: Any) -> bool:
    """Attention through transformers' interface, and every layer attends to everything."""
    config = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None)
    return (
        bool(getattr(model, "_supports_attention_backend", False))
        and kinds == {"full_attention"}
        and (window is None or getattr(config, "use_sliding_window", True) is False)
    )


# Two rows that share a prefix, longer than any special id, within every vocabulary.
_SHARED = (5, 9, 13, 7, 11)
_ROWS = ((6, 8), (12, 10, 14, 5))


def _plain_logits(model: Any) -> Tensor:
    rows = []
    with torch.inference_mode():
        for row in _ROWS:
            ids = torch.tensor([[*_SHARED, *row]], device=model.device)
            rows.append(model(input_ids=ids, use_cache=False).logits[0, -1].float())
    return torch.stack(rows)


def _packed_logits(packed: PackedModel) -> Tensor | None:
    """The same rows as a shared prefix, a first pass and one decoding step."""
    try:
        prefix = packed.prefix(_SHARED, "")
        _, sequences = packed.first([row[:-1] for row in _ROWS], len(_SHARED), prefix, 1)
        return packed.decode([row[-1] for row in _ROWS], len(_SHARED), prefix, sequences)
    except attention.UnsupportedAttention:
        return None


def _agree(ours: Tensor | None, reference: Tensor, tolerance: float) -> bool:
    if ours is None or ours.shape != reference.shape:
        return False
    distance = float((ours - reference).norm() / reference.norm().clamp_min(1e-9))
    return distance <= tolerance
