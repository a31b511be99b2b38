"""The smallest useful suite, for tests to bend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

MakeSuite = Callable[..., Path]

MANIFEST = """\
format: 1
name: ticket_routing
task: Route a ticket to one team.
cases: cases.jsonl
split: {train: 0.5, dev: 0.25, test: 0.25}
prompts: {terse: prompts/terse.j2, spec: prompts/spec.j2}
metrics:
  accuracy: {scorer: label@1, labels: [billing, login]}
primary: accuracy
target: 0.92
min_gain: 0.10
"""
PROMPT = """\
{% message "system" %}Answer with one of: {{ labels | join(", ") }}.{% endmessage %}
{% for demo in demos %}{% message "user" %}{{ demo.input.text }}{% endmessage %}
{% message "assistant" %}{{ demo.expected }}{% endmessage %}{% endfor %}
{% message "user" %}{{ input.text }}{% endmessage %}
"""
TEXTS = (
    "charged twice for one order",
    "cannot sign in since Monday",
    "where is my refund",
    "the reset link is dead",
    "wrong VAT on the receipt",
    "two-factor code refused",
    "invoice for last year please",
    "locked out of the account",
    "double payment in May",
    "password mail never came",
)


def rows() -> list[dict[str, Any]]:
    """Ten cases that state their splits."""
    splits = ("train", "train", "train", "train", "dev", "dev", "dev", "test", "test", "test")
    return [
        {
            "id": f"t{n}",
            "input": {"text": text},
            "expected": ("billing", "login")[n % 2],
            "split": splits[n],
        }
        for n, text in enumerate(TEXTS)
    ]
