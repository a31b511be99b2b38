"""A suite of invented facts: what a product costs stands in documents, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

PRODUCTS = (
    "Orvex Kettle",
    "Brimble Lamp",
    "Tarn Notebook",
    "Quill Speaker",
    "Hask Backpack",
    "Lomo Blender",
    "Pinder Chair",
    "Yarrow Fan",
    "Sable Drone",
    "Wicket Tent",
)
SPLITS = {"train": 20, "dev": 60, "test": 60}
ASK = '{% message "user" %}{{ input.question }}{% endmessage %}\n'
DEMOS = (
    '{% for demo in demos %}{% message "user" %}{{ demo.input.question }}{% endmessage %}'
    '{% message "assistant" %}{{ demo.answer }}{% endmessage %}{% endfor %}'
)
PROMPTS = {
    name: f'{{% message "system" %}}{words}{{% endmessage %}}{DEMOS}{ASK}'
    for name, words in (("terse", "Answer."), ("polite", "Please answer."), ("exact", "Be exact."))
}
ROUNDS = """\
rounds:
  - {family: wording, prompts: [terse, polite, exact]}
  - {family: few_shot, prompts: [terse, polite], k: [2]}
  - {family: nearest, prompts: [terse, polite], k: [2]}
"""
RETRIEVAL = "  - {family: retrieval, prompts: [terse, polite], documents: [1, 3]}\n"


def price(number: int) -> str:
    """What a product costs in a shop, as an answer."""
    return f"{17 + 3 * number} crowns"


def product(number: int) -> str:
    """A name that no two numbers share."""
    return f"{PRODUCTS[number % len(PRODUCTS)]} {_word(number)}"


def _word(number: int) -> str:
    letters = "bdfgklmnprstvz"
    return "".join(letters[(number // 14**place) % 14] + "aeiou"[place] for place in range(3))


def write_facts(folder: Path, *, rounds: str = ROUNDS, extra: str = "", vague: int = 0) -> Path:
    """Write the suite into `folder`; the questions of every `vague`-th case name no product."""
    (folder / "prompts").mkdir(parents=True)
    (folder / "documents").mkdir()
    for name, source in PROMPTS.items():
        (folder / "prompts" / f"{name}.j2").write_text(source)
    offset = 0
    for split, size in SPLITS.items():
        lines = []
        for number in range(offset, offset + size):
            name = product(number)
            (folder / "documents" / f"p{number:04d}.md").write_text(
                f"# {name}\n\nThe {name} is sold in two colours. It costs {price(number)}.\n"
            )
            asked = "it" if vague and number % vague == 0 else f"the {name}"
            case = {
                "id": f"{split}-{number:04d}",
                "input": {"question": f"What does {asked} cost, in crowns ({split} {number})?"},
                "expected": price(number),
                "documents": [f"p{number:04d}"],
            }
            lines.append(json.dumps(case))
        offset += size
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    files = ", ".join(f"{split}: {split}.jsonl" for split in SPLITS)
    prompts = ", ".join(f"{name}: prompts/{name}.j2" for name in PROMPTS)
    (folder / "suite.yaml").write_text(
        f"""\
format: 1
name: facts
task: Say what a product costs.
cases: {{{files}}}
documents: documents/
prompts: {{{prompts}}}
metrics:
  right: {{scorer: exact@1}}
primary: right
{rounds}tune: {{min_examples: 10, prompt: terse}}
{extra}"""
    )
    return folder


def knowing_rules() -> list[dict[str, str]]:
    """A model that knows no price, and reads it where the product's own document is shown."""
    return [
        {
            "contains": f"({split} {number})",
            "prompt_contains": f"It costs {price(number)}.",
            "reply": price(number),
        }
        for number, split in _numbered()
    ]


def _numbered() -> list[tuple[int, str]]:
    splits = [split for split, size in SPLITS.items() for _ in range(size)]
    return list(enumerate(splits))
