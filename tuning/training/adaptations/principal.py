"""PiSSA and OLoRA over an unchanged base.

Both begin LoRA's factors from the base's own weights, W = W' + s·B₀·A₀, and PEFT then trains
s·B·A over W', a base that it has rewritten. Here the base stays as it is and the same function
is a LoRA of twice the rank whose second half is frozen:

    W' + s·B·A  =  W + s·(B·A - B₀·A₀)  =  W + s·[B, B₀]·[A; -A₀]

So switching off is exactly the base, a checkpoint needs no rewritten base to be resumed over,
and what is published is plain LoRA. A and B lie near A₀ and B₀, so that rounding them would
lose what was learnt: published are other factors of the same product (`balanced`).

PiSSA: Meng, Wang, Zhang 2024, arXiv 2404.02948. OLoRA: Büyükakyüz 2024, arXiv 2406.01775.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from evals.errors import TrainingError
from tuning.training.settings import TrainSettings

PRINCIPAL = ("pissa", "pissa_niter_16", "olora")
_ADAPTER = "default"
_ITERATIONS = 16


class Halves(NamedTuple):
    """One layer's factors: `a` is [2r, in], `b` [out, 2r]; `r` of each belong to the start."""

    name: str
    layer: Any
    a: Any
    b: Any


def begin_from_base(model: Any, settings: TrainSettings) -> None:
    """Set both halves of every layer from its weight, and freeze the second.

    Raises TrainingError for a rank greater than a layer has, and for weight decay, which would
    wear the frozen half away.
    """
    import torch

    if settings.weight_decay:
        raise TrainingError(f"{settings.variant} goes without weight decay", key="tune")
    rank = settings.rank
    for half in _halves(model):
        weight = _weight(half.layer)
        if rank > min(weight.shape):
            layer = half.name.removeprefix("base_model.model.")
            raise TrainingError(
                f"{settings.variant} of rank {rank}: the layer {layer} has {min(weight.shape)}",
                key="tune.rank",
            )
        scale = half.layer.scaling[_ADAPTER]
        a, b = first_factors(weight, rank, scale, settings.variant)
        with torch.no_grad():
            half.a.copy_(torch.cat([a, -a]))
            half.b.copy_(torch.cat([b, b], dim=1))
        _freeze(half.a, rank, 0)
        _freeze(half.b, rank, 1)


def first_factors(weight: Any, rank: int, scale: float, variant: str) -> tuple[Any, Any]:
    """A₀ [rank, in] and B₀ [out, rank] of a float32 weight [out, in]."""
    import torch

    if variant == "olora":
        q, r = torch.linalg.qr(weight)
        return r[:rank], q[:, :rank]
    if variant == "pissa":
        u, s, v = torch.linalg.svd(weight, full_matrices=False)
    else:
        u, s, v = torch.svd_lowrank(weight, q=rank, niter=_ITERATIONS)
        v = v.T
    root = (s[:rank] / scale).sqrt()
    return root[:, None] * v[:rank], u[:, :rank] * root


def balanced(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The same products by factors of like size, whose smallest parts matter least.

    From the singular value decomposition of each product, in float64.
    """
    found = dict(tensors)
    for name in tensors:
        if ".lora_A." in name:
            other = name.replace(".lora_A.", ".lora_B.")
            found[name], found[other] = _refactored(tensors[name], tensors[other])
    return found


def _refactored(a: Any, b: Any) -> tuple[Any, Any]:
    import torch

    q_b, r_b = torch.linalg.qr(b.double())
    q_a, r_a = torch.linalg.qr(a.double().T)
    u, s, v = torch.linalg.svd(r_b @ r_a.T, full_matrices=False)
    root, rank = s.sqrt(), len(s)
    new_a, new_b = torch.zeros_like(a), torch.zeros_like(b)
    new_a[:rank] = (root[:, None] * (v @ q_a.T)).to(a.dtype)
    new_b[:, :rank] = ((q_b @ u) * root).to(b.dtype)
    return new_a, new_b


def _halves(model: Any) -> Iterator[Halves]:
    for name, module in model.named_modules():
        if _ADAPTER in getattr(module, "lora_A", {}):
            a, b = module.lora_A[_ADAPTER].weight, module.lora_B[_ADAPTER].weight
            yield Halves(name, module, a, b)


def _weight(layer: Any) -> Any:
    weight = layer.get_base_layer().weight.detach().float()
    return weight.T if getattr(layer, "fan_in_fan_out", False) else weight


def _freeze(parameter: Any, rank: int, axis: int) -> None:
    """No gradient for what lies beyond `rank` on this axis: without decay it never moves."""

    def first_half(gradient: Any) -> Any:
        kept = gradient.clone()
        kept.narrow(axis, rank, kept.shape[axis] - rank).zero_()
        return kept

    parameter.register_hook(first_half)
    parameter.frozen_elements = parameter.numel() // 2
