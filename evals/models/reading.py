"""How likely a model finds plain texts: no template, no request, nothing generated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable


class TextLoss(NamedTuple):
    """The cross-entropy of a text: nats summed over the tokens that are predicted.

    The first token is only read, so a text of L tokens has L - 1.
    """

    nats: float
    tokens: int

    @property
    def mean(self) -> float:
        """Nats a token."""
        return self.nats / self.tokens


@runtime_checkable
class ReadsText(Protocol):
    """A model that says how likely it finds texts, with the adapter that is active."""

    def read_texts(self, texts: Sequence[str]) -> list[TextLoss | None]:
        """The loss of each text; None for one of a single token, or longer than the context."""
        ...


def read_rows(passes: Any, rows: Sequence[Sequence[int]]) -> list[TextLoss]:
    """The loss of each row of at least two token ids; `passes` are a backend's."""
    from torch import tensor
    from torch.nn.functional import cross_entropy

    losses = []
    for row, logits in zip(rows, passes.read(rows), strict=True):
        targets = tensor(list(row[1:]), device=logits.device)
        nats = float(cross_entropy(logits[:-1], targets, reduction="sum"))
        losses.append(TextLoss(nats, len(row) - 1))
    return losses
