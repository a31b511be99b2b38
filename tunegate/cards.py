"""The README of an adapter's folder, written when it is trained and again when it is judged."""

from __future__ import annotations

from pathlib import Path

from evals.atomic import write_atomically
from evals.models.adapters import ADAPTER_MANIFEST
from reports.card import render_card
from tuning.adapters.origin import origin_of
from tuning.adapters.registry import AdapterRecord

CARD = "README.md"


def card_text(record: AdapterRecord, *, merged: bool = False) -> str:
    """The card of an adapter, or of its base with it `merged` in."""
    return render_card(record, origin_of(record.model), merged=merged)


def write_card(record: AdapterRecord) -> None:
    """Write the card into an adapter's folder; nothing happens where no adapter of ours lies.

    It is no part of the adapter's identity, and it is written anew each time.
    """
    place = Path(record.training.adapter_path)
    if (place / ADAPTER_MANIFEST).is_file():
        write_atomically(place / CARD, card_text(record))
