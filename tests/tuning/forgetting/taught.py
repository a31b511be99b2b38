"""A tiny model that knows its guard: what it can forget must have been there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from evals.records import Message
from tests.sample_suite import write_suite
from tests.tiny_model import make_tiny_model
from tests.tunegate.real_scene import GUARD, SIZES

THINGS = ("ice", "fire", "rain", "snow", "wood", "gold", "wind", "sand")
CASES = 96
EXTRA = """\
structure: none
decoding: {{max_tokens: 4}}
rounds: [{{family: wording, prompts: [terse]}}]
guards: {{sense: {{max_loss: 0.1}}}}
tune: {{min_examples: 20, epochs: 3, replay: 0, learning_rate: {rate}, prompt: terse{more}}}
"""


def question(number: int) -> str:
    return f"which is {THINGS[number % 8]} number {number}"


def write_scene(folder: Path, rate: float, more: str = "") -> None:
    """`tickets` guarded by `sense`, of which the taught model knows every case."""
    write_suite(folder / "tickets", sizes=SIZES, extra=EXTRA.format(rate=rate, more=more))
    guard = folder / "sense"
    (guard / "prompts").mkdir(parents=True)
    (guard / "suite.yaml").write_text(GUARD)
    plain = '{% message "user" %}{{ input.text }}{% endmessage %}'
    (guard / "prompts" / "plain.j2").write_text(plain)
    rows = [
        {
            "id": f"s{n}",
            "input": {"text": question(n)},
            "choices": [THINGS[n % 8], THINGS[(n + 3) % 8], "none"],
            "expected": THINGS[n % 8],
        }
        for n in range(CASES)
    ]
    (guard / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def make_taught_model(folder: Path, steps: int = 60) -> Path:
    """The tiny model after some steps on the guard's own cases, all weights trained."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from evals.models.loading import quiet_transformers
    from evals.models.tokens import encode_chat, encode_plain

    with quiet_transformers():
        make_tiny_model(folder, context=1024, scale=1.0)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder)
        rows = [
            (
                encode_chat(tokenizer, (Message("user", question(n)),)),
                [*encode_plain(tokenizer, THINGS[n % 8]), tokenizer.eos_token_id],
            )
            for n in range(CASES)
        ]
        ids, labels = _padded(rows)
        optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
        for step in range(steps):
            part = slice(32 * (step % 3), 32 * (step % 3) + 32)
            loss = model(input_ids=ids[part], labels=labels[part]).loss
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        model.save_pretrained(folder)
    return folder


def _padded(rows: list[tuple[list[int], list[int]]]) -> tuple[Any, Any]:
    """Token ids and labels of shape (rows, tokens), padded on the right."""
    import torch

    width = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for n, (prompt, answer) in enumerate(rows):
        whole = torch.tensor([*prompt, *answer])
        ids[n, : len(whole)] = whole
        labels[n, len(prompt) : len(whole)] = whole[len(prompt) :]
    return ids, labels
