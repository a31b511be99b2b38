"""What is proven of an adapter before anybody relies on it.

The adapter is loaded afresh from its folder over a fresh base, as an evaluation would, and
compared with the model that came out of training and with the base. A proof that fails is
recorded with its numbers; the report shows it and the gate does not ship such an adapter.
Each kind of proof is a module of `tuning.training.proving`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from evals.models.adapters import AttachedAdapter
from evals.models.backend import choose_backend
from evals.models.generation import Decoder
from evals.models.loading import load_folder
from evals.models.tokens import stop_ids
from tuning.data.dataset import EncodedExample
from tuning.records import Proof
from tuning.training.base import BaseModel
from tuning.training.proving.answers import (
    Answers,
    Canary,
    ask,
    canaries_of,
    compare,
    greedy_gaps,
    largest_difference,
)
from tuning.training.proving.batching import ask_alone, batch_proof
from tuning.training.proving.losses import loss_proof
from tuning.training.proving.merging import merge_proof
from tuning.training.proving.stopping import stop_proof
from tuning.training.proving.templates import template_proof
from tuning.training.proving.tensors import weights_proof
from tuning.training.settings import Precision
from tuning.training.stages import Adaptation

__all__ = [
    "Answers",
    "Canary",
    "canaries_of",
    "loss_proof",
    "prove",
    "stop_proof",
    "template_proof",
]

_TOLERANCE: Mapping[Precision, float] = {"float32": 1e-3, "bfloat16": 0.05}


class Fresh(NamedTuple):
    """The adapter over a fresh base: `tuned` is PEFT's model, with the base's own attention.

    `decoder` is an evaluation's over the same weights, once `packed` is the attention.
    """

    tuned: Any
    tokenizer: Any
    decoder: Decoder
    own: str
    packed: str


def prove(
    trained: Any,
    folder: Path,
    base: BaseModel,
    precision: Precision,
    *,
    canaries: Sequence[Canary],
    adaptation: Adaptation,
    learnt: Proof,
) -> tuple[Proof, ...]:
    """Check a saved adapter against the model it was saved from, on a few examples.

    `trained` is the model in memory as `adaptation` opened it; `learnt` is what the objective
    proves of its log. Raises ModelError where the folder cannot be loaded at all.
    """
    stops = stop_ids(base.tokenizer)
    examples = [canary.encoded for canary in canaries]
    memory = ask(trained.eval(), examples, stops)
    with adaptation.off(trained):
        plain = ask(trained, examples, stops)
    fresh = load_fresh(folder, base, precision)
    loaded = ask(fresh.tuned, examples, stops)
    proofs = (
        weights_proof(folder, base.weights_hash, base.template_hash),
        _changes_proof(plain, memory),
        _reload_proof(memory, loaded, _TOLERANCE[precision]),
        template_proof(canaries, fresh.tokenizer, base.template_hash),
        stop_proof(examples, plain, loaded, stops),
        learnt,
    )
    exact = fresh if precision == "float32" else load_fresh(folder, base, "float32")
    return (*proofs, *outputs_proofs(exact, examples, stops))


def load_fresh(folder: Path, base: BaseModel, precision: Precision) -> Fresh:
    """The adapter over a fresh base, and the tokenizer that an evaluation would use."""
    loaded = load_folder(base.folder, precision)
    own = loaded.model.config._attn_implementation
    backend = choose_backend(loaded)  # before the layers: what it finds is of the base
    packed = loaded.model.config._attn_implementation
    loaded.model.set_attn_implementation(own)
    tuned = AttachedAdapter(loaded.model).attach(folder, precision)
    decoder = Decoder(backend.passes, loaded.tokenizer, stop_ids(loaded.tokenizer))
    return Fresh(tuned, loaded.tokenizer, decoder, own, packed)


def outputs_proofs(
    exact: Fresh, examples: Sequence[EncodedExample], stops: frozenset[int]
) -> tuple[Proof, ...]:
    """That outputs hang on no batch, and stay when the adapter is merged: which ends `exact`."""
    model = exact.tuned.get_base_model()
    model.set_attn_implementation(exact.packed)
    alone = ask_alone(exact.decoder, examples)
    model.set_attn_implementation(exact.own)
    gaps = greedy_gaps(exact.tuned, examples, alone.greedy)
    model.set_attn_implementation(exact.packed)
    batched = batch_proof(exact.decoder, examples, alone, gaps)
    model.set_attn_implementation(exact.own)
    return batched, merge_proof(exact.tuned, examples, stops)


def _changes_proof(plain: Answers, trained: Answers) -> Proof:
    change = largest_difference(plain, trained)
    differing = sum(a != b for a, b in zip(plain.greedy, trained.greedy, strict=True))
    return Proof(
        "changes the logits",
        math.isfinite(change) and change > 0.01,
        f"largest change {change:.3g} over {len(plain.logits)} prompts; "
        f"{differing} greedy answers differ from the base's",
    )


def _reload_proof(memory: Answers, fresh: Answers, tolerance: float) -> Proof:
    never = [[math.inf] * (len(answer) + 1) for answer in memory.greedy]
    largest = largest_difference(memory, fresh)
    same = compare(memory.greedy, fresh.greedy, largest, tolerance, never)
    return Proof("reloads to the same outputs", same.holds, same.said)
