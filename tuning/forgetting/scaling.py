"""The same adapter with a part of its effect: every change of a weight times one factor.

Between the base (0) and the adapter as it was trained (1) lie models that have learnt less and
forgotten less (Wortsman et al. 2022, arXiv 2109.01903, for whole models). Where what an adapter
adds to the weights is a product, scaling one factor of it scales all of it, exactly and without
training. The scaled adapter is one of its own: its folder, its fingerprint, its proofs, and its
`parent`, the adapter that it was made of.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.atomic import write_atomically
from evals.codec import encode
from evals.errors import ModelError, TrainingError
from evals.fingerprint import fingerprint
from evals.locks import only_one
from evals.models.adapter_files import CONFIG, WEIGHTS, read_object, read_shapes
from evals.models.adapter_kinds import LORA
from evals.models.adapters import AttachedAdapter, adapter_fingerprint, check_adapter
from evals.models.loading import load_folder
from evals.suite.tune_remedies import UNSCALABLE
from tuning.forgetting.records import SCALE
from tuning.records import Proof, TrainingRecord
from tuning.training.adapters import write_manifest
from tuning.training.base import BaseModel
from tuning.training.settings import Precision
from tuning.training.train import RECORD, finished_record

if TYPE_CHECKING:
    from tuning.training.proofs import Canary


@dataclass(frozen=True)
class _Factors:
    """Parts of tensors' names: which are multiplied, and which are left as they are."""

    scaled: tuple[str, ...]
    left: tuple[str, ...] = ()


_FACTORS: Mapping[str, _Factors] = {
    LORA: _Factors(("lora_B", "lora_embedding_B"), ("lora_A", "lora_embedding_A")),
    "VERA": _Factors(("vera_lambda_b",), ("vera_lambda_d", "vera_A", "vera_B")),
    "LOHA": _Factors(("hada_w2_b",), ("hada_w1_a", "hada_w1_b", "hada_w2_a")),
    "LOKR": _Factors(("lokr_w1", "lokr_w1_a"), ("lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b")),
    "MISS": _Factors(("miss_block",)),
    "SHIRA": _Factors(("shira_weight",), ("shira_indices",)),
}


def scale_adapter(
    parent: TrainingRecord,
    scale: float,
    base: BaseModel,
    canaries: Sequence[Canary],
    root: Path,
) -> TrainingRecord:
    """The adapter of `parent` times `scale`, as a finished one under `root`, or found there.

    Proofs are made on `canaries`, as after training. Raises TrainingError for a scale that is
    no number above 0 or is 1, a kind whose effect has no plain factor, and a parent that failed
    a proof or is scaled itself; ModelError for a folder that is not the parent's.
    """
    _refuse(parent, scale)
    folder = root / fingerprint("scaled@1", parent.adapter, scale)
    if (finished := finished_record(folder)) is not None:
        return finished
    folder.mkdir(parents=True, exist_ok=True)
    busy = f"another process is scaling the same adapter, {folder}"
    with only_one(root / f"{folder.name}.lock", busy=busy, hint="wait for it, then try again"):
        return finished_record(folder) or _scale_whole(parent, scale, base, canaries, folder)


def refuse_unscalable(folder: Path) -> None:
    """Raise TrainingError for an adapter whose effect cannot be scaled by one factor."""
    config = read_object(folder / CONFIG)
    kind = str(config.get("peft_type"))
    unknown = "" if kind in _FACTORS else "it is of no kind that is known here"
    why = UNSCALABLE.get(kind.lower(), unknown)
    if config.get("use_dora"):
        kind, why = "DoRA", UNSCALABLE["dora"]
    if kind == "MISS" and config.get("init_weights") == "bat":
        why = "its variant bat changes each weight by a product with itself"
    if not why:
        why = _unknown_tensor(kind, read_shapes(folder / WEIGHTS))
    if why:
        raise TrainingError(
            f"an adapter of the kind {kind} cannot be scaled: {why}",
            path=folder,
            hint=f"kinds that can: {', '.join(_FACTORS)}",
        )


def _refuse(parent: TrainingRecord, scale: float) -> None:
    if not (math.isfinite(scale) and 0 < scale <= 10) or scale == 1:
        raise TrainingError(
            f"expected a scale above 0, at most 10 and not 1 (the adapter itself), got {scale:g}",
            key="scale",
        )
    if SCALE in parent.settings:
        raise TrainingError(
            f"adapter {parent.adapter} is scaled itself, from {parent.parent}",
            path=parent.adapter_path,
            hint="scale that one",
        )
    if failed := parent.failed_proofs:
        raise TrainingError(
            f"adapter {parent.adapter} failed a proof ({failed[0].name}), and is not scaled",
            path=parent.adapter_path,
        )
    refuse_unscalable(Path(parent.adapter_path))


def _part(tensor: str, kind: str) -> str:
    """The part of a tensor's name that says which factor it is; empty where none does."""
    factors = _FACTORS[kind]
    known = (*factors.scaled, *factors.left)
    return next((part for part in tensor.split(".") if part in known), "")


def _unknown_tensor(kind: str, names: Mapping[str, Any]) -> str:
    unknown = sorted(name for name in names if not _part(name, kind))
    return f"its tensor {unknown[0]} is no factor of a product" if unknown else ""


def scaled_tensors(tensors: Mapping[str, Any], kind: str, scale: float) -> dict[str, Any]:
    """The tensors with one factor of each product times `scale`."""
    scaled = _FACTORS[kind].scaled
    return {
        name: tensor * scale if _part(name, kind) in scaled else tensor
        for name, tensor in tensors.items()
    }


def _scale_whole(
    parent: TrainingRecord,
    scale: float,
    base: BaseModel,
    canaries: Sequence[Canary],
    folder: Path,
) -> TrainingRecord:
    from safetensors.torch import load_file, save_file

    from tuning.training.quiet import quietly

    source = Path(parent.adapter_path)
    if check_adapter(source, base.weights_hash, base.template_hash) != parent.adapter:
        raise ModelError("the folder holds another adapter than its record says", path=source)
    kind = str(read_object(source / CONFIG).get("peft_type"))
    tensors = scaled_tensors(load_file(source / WEIGHTS), kind, scale)
    new = folder / f"{WEIGHTS}.new"
    save_file({n: t.contiguous() for n, t in tensors.items()}, new, metadata={"format": "pt"})
    new.replace(folder / WEIGHTS)
    shutil.copyfile(source / CONFIG, folder / CONFIG)
    with quietly():
        proofs = _prove(parent, scale, base, canaries, folder=folder, tensors=tensors)
    record = replace(
        parent,
        adapter=adapter_fingerprint(folder),
        adapter_path=str(folder),
        settings={**parent.settings, SCALE: scale},
        proofs=proofs,
        parent=parent.adapter,
    )
    write_atomically(folder / RECORD, encode(record))
    write_manifest(folder, record)
    return record


def _prove(
    parent: TrainingRecord,
    scale: float,
    base: BaseModel,
    canaries: Sequence[Canary],
    *,
    folder: Path,
    tensors: Mapping[str, Any],
) -> tuple[Proof, ...]:
    """What is proven of a trained adapter, of the parent's layers with the scaled tensors."""
    from tuning.training.adaptations.through_peft import PeftWeights
    from tuning.training.proofs import prove

    adaptation = PeftWeights()
    precision: Precision = (
        "bfloat16" if parent.settings.get("precision") == "bfloat16" else "float32"
    )
    loaded = load_folder(base.folder, precision)
    tuned = AttachedAdapter(loaded.model).attach(Path(parent.adapter_path), precision)
    adaptation.put(tuned, tensors)
    return prove(
        tuned,
        folder,
        base,
        precision,
        canaries=canaries,
        adaptation=adaptation,
        learnt=_is_scaled(parent, scale, folder),
    )


def _is_scaled(parent: TrainingRecord, scale: float, folder: Path) -> Proof:
    """Read back: one factor of each product is the parent's times the scale, the others are its."""
    from safetensors.torch import load_file

    before, after = load_file(Path(parent.adapter_path) / WEIGHTS), load_file(folder / WEIGHTS)
    kind = str(read_object(folder / CONFIG).get("peft_type"))
    wanted = scaled_tensors(before, kind, scale)
    same = sum(
        name in after and bool((after[name] == tensor).all()) for name, tensor in wanted.items()
    )
    changed = sum(_part(name, kind) in _FACTORS[kind].scaled for name in wanted)
    learnt = next((p.evidence for p in parent.proofs if p.name.startswith("the loss")), "")
    return Proof(
        "is the adapter it was made of, scaled",
        same == len(wanted) == len(after) and changed > 0,
        f"{changed} of {len(wanted)} tensors of {parent.adapter} times {scale:g}, "
        f"{same - changed} unchanged" + (f"; its loss: {learnt}" if learnt else ""),
    )
