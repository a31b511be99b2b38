"""A small real suite on disk for tests: route a ticket to one of three teams."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

TOPICS = {
    "billing": "charged for plan",
    "login": "cannot reset password",
    "shipping": "parcel lost near",
}
SPEC = '{% message "system" %}Answer with one of: {{ labels | join(", ") }}.{% endmessage %}'
DEMOS = (
    '{% for demo in demos %}{% message "user" %}{{ demo.input.text }}{% endmessage %}'
    '{% message "assistant" %}{{ demo.answer }}{% endmessage %}{% endfor %}'
)
ASK = '{% message "user" %}{{ input.text }}{% endmessage %}\n'
PROMPTS = {
    "terse": f'{{% message "system" %}}Route.{{% endmessage %}}{DEMOS}{ASK}',
    "spec": f"{SPEC}{DEMOS}{ASK}",
    "polite": f'{{% message "system" %}}Please route.{{% endmessage %}}{DEMOS}{ASK}',
}
HELD_ROUNDS = """\
rounds:
  - {family: wording, prompts: [terse, spec, polite]}
  - {family: few_shot, prompts: [terse, spec], k: [2]}
  - {family: nearest, prompts: [terse, spec], k: [2]}
"""
"""Rounds of a suite whose labels are a form that answers could be held to."""
ROUNDS = f"structure: none\n{HELD_ROUNDS}"


def ticket(split: str, number: int) -> dict[str, Any]:
    """One case; its label goes by its number, its text says nothing twice."""
    label = sorted(TOPICS)[number % 3]
    words = f"{TOPICS[label]} {_word(number)} {_word(number * 7 + len(split))} {split}"
    return {"id": f"{split}-{number:04d}", "input": {"text": words}, "expected": label}


def _word(number: int) -> str:
    letters = "bcdfghjklmnpqrstvwxz"
    return "".join(
        letters[(number // 20**place + 3 * place) % 20] + "aeiou"[(number >> place) % 5]
        for place in range(4)
    )


def write_suite(
    folder: Path,
    *,
    sizes: Mapping[str, int] | None = None,
    extra: str = ROUNDS,
    prompts: Mapping[str, str] = PROMPTS,
    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda case: case,
) -> Path:
    """Write the suite into `folder` and return it. `extra` is appended to suite.yaml."""
    sizes = sizes or {"train": 30, "dev": 60, "test": 60}
    (folder / "prompts").mkdir(parents=True)
    for name, source in prompts.items():
        (folder / "prompts" / f"{name}.j2").write_text(source)
    for split, size in sizes.items():
        lines = [json.dumps(change(ticket(split, n))) for n in range(size)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    files = ", ".join(f"{split}: {split}.jsonl" for split in sizes)
    names = ", ".join(f"{name}: prompts/{name}.j2" for name in prompts)
    (folder / "suite.yaml").write_text(
        f"""\
format: 1
name: tickets
task: Route a ticket to one team.
cases: {{{files}}}
prompts: {{{names}}}
metrics:
  accuracy: {{scorer: label@1, labels: [billing, login, shipping]}}
primary: accuracy
{extra}"""
    )
    return folder
