"""All weights of a model swapped for others of the same shapes, and back to the very same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def shapes_of(model: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of the model's parameters by name; those that are tied count once."""
    return {name: tuple(tensor.shape) for name, tensor in model.named_parameters()}


class SwappedWeights:
    """Other tensors in the model's parameters; the base's own are kept, not copied."""

    def __init__(self, model: Any, tensors: Mapping[str, Any]) -> None:
        """Swap at once: the names must be exactly those of `shapes_of`."""
        self._own = {name: (parameter, parameter.data) for name, parameter in _named(model)}
        for name, (parameter, _) in self._own.items():
            parameter.data = tensors[name]

    def undo(self) -> None:
        """Put the model's own tensors back."""
        for parameter, tensor in self._own.values():
            parameter.data = tensor


class WholeModel:
    """A model whose weights were swapped, with the two calls that PEFT's models have."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the model itself says."""
        return self._model(*args, **kwargs)

    def get_base_model(self) -> Any:
        """The model itself: there are no layers around it."""
        return self._model

    def merge_and_unload(self, **_: Any) -> Any:
        """The model itself: its weights are the tuned ones."""
        return self._model


def _named(model: Any) -> list[tuple[str, Any]]:
    return list(model.named_parameters())
