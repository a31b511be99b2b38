"""Knowledge that is missing, told from behaviour, by the embedded model on invented products.

    python -m benchmarks.retrieval [--cases 100] [--seed 0] [-o benchmarks/retrieval.md]

No model can know what these products cost or where they are made: it stands in one short document
each, and nowhere else. Three questions in ten name a product by other words than its document
does. The whole job runs twice: without a retrieval round, where the probe with each case's own
documents has to say `use_retrieval`, and with one. Everything is written into a temporary folder.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from evals.models import DEFAULT_MODEL
from tunegate.__main__ import main

BRANDS = ("Orvex", "Brimble", "Tarn", "Quillon", "Haskard", "Lomond", "Pinder", "Yarrowby")
KINDS = {
    "kettle": "jug that boils water",
    "lamp": "light for the desk",
    "speaker": "box that plays music",
    "backpack": "bag to carry on the back",
    "blender": "machine that mixes drinks",
    "chair": "seat for the office",
    "fan": "thing that cools the room",
    "tent": "shelter for camping",
}
TOWNS = ("Veldmar", "Osk", "Trimmen", "Hallowick", "Purn", "Zelmont", "Crayle", "Dunstow", "Ibbery")
COLOURS = ("slate", "amber", "moss", "plum", "chalk", "rust")
RETRIEVAL = "  - {family: retrieval, prompts: [terse, asked], documents: [1, 3]}\n"
PROMPTS = {
    "terse": "Answer with the fact alone.",
    "asked": "You answer questions about the products of a shop. Answer in a few words.",
    "exact": "Answer the question exactly and briefly. Write nothing but the answer.",
}
DEMOS = (
    '{% for demo in demos %}{% message "user" %}{{ demo.input.question }}{% endmessage %}'
    '{% message "assistant" %}{{ demo.answer }}{% endmessage %}{% endfor %}'
)


class Product(NamedTuple):
    """One product as its document tells it."""

    brand: str
    kind: str
    model: int
    price: int
    grams: int
    town: str

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.brand} {self.kind} {self.model}"


def products(count: int, rng: random.Random) -> list[Product]:
    """So many products, no two of one name."""
    named = [(brand, kind) for brand in BRANDS for kind in KINDS]
    return [
        Product(
            *named[number % len(named)],
            100 + 7 * (number // len(named)) + number % 5,
            rng.randrange(20, 900),
            rng.randrange(120, 9000),
            rng.choice(TOWNS),
        )
        for number in range(count)
    ]


def document(product: Product, rng: random.Random) -> str:
    """A page of the shop: what is asked for stands among what is not."""
    colours = rng.sample(COLOURS, 2)
    return (
        f"# {product.name}\n\nThe {product.name} comes in {colours[0]} and {colours[1]} and is "
        f"sold with a warranty of {rng.randrange(1, 6)} years. Its price is {product.price} "
        f"crowns. It weighs {product.grams} grams. Every {product.kind} of this line is made in "
        f"{product.town} and checked by hand before it leaves the workshop.\n"
    )


def case(number: int, split: str, product: Product, rng: random.Random) -> dict[str, Any]:
    """One question; three in ten say in other words what kind of thing it is."""
    name = product.name
    if rng.random() < 0.3:
        name = f"{KINDS[product.kind]} by {product.brand}, model {product.model}"
    question, answer = rng.choice(
        (
            (f"What is the price of the {name}?", f"{product.price} crowns"),
            (f"How much does the {name} weigh?", f"{product.grams} grams"),
            (f"In which town is the {name} made?", product.town),
        )
    )
    return {
        "id": f"{split}-{number:03d}",
        "input": {"question": question},
        "expected": answer,
        "documents": [f"product-{number:03d}"],
    }


def write_suite(folder: Path, cases: int, seed: int) -> None:
    """The suite with `cases` dev cases, and half as many to show and to keep sealed."""
    rng = random.Random(seed)
    sizes = {"train": cases // 2, "dev": cases, "test": cases // 2}
    found = products(sum(sizes.values()), rng)
    for name in ("prompts", "documents"):
        (folder / name).mkdir(parents=True)
    for name, words in PROMPTS.items():
        (folder / "prompts" / f"{name}.j2").write_text(
            f'{{% message "system" %}}{words}{{% endmessage %}}{DEMOS}'
            '{% message "user" %}{{ input.question }}{% endmessage %}\n'
        )
    place = 0
    for split, size in sizes.items():
        rows = []
        for number in range(place, place + size):
            text = document(found[number], rng)
            (folder / "documents" / f"product-{number:03d}.md").write_text(text)
            rows.append(json.dumps(case(number, split, found[number], rng)))
        (folder / f"{split}.jsonl").write_text("\n".join(rows) + "\n")
        place += size


def manifest(*, retrieval: bool) -> str:
    """The suite's `suite.yaml`, with or without a round of retrieval."""
    prompts = ", ".join(f"{name}: prompts/{name}.j2" for name in PROMPTS)
    return f"""\
format: 1
name: shop
task: Answer questions about the products of a shop.
cases: {{train: train.jsonl, dev: dev.jsonl, test: test.jsonl}}
documents: documents/
prompts: {{{prompts}}}
metrics:
  right: {{scorer: contains@1}}
primary: right
decoding: {{max_tokens: 24}}
rounds:
  - {{family: wording, prompts: [terse, asked, exact]}}
  - {{family: few_shot, prompts: [terse, asked], k: [2]}}
  - {{family: nearest, prompts: [terse, asked], k: [2]}}
{RETRIEVAL if retrieval else ""}tune: {{min_examples: 40, prompt: terse}}
"""


def decide(folder: Path, model: str, *, retrieval: bool) -> dict[str, Any]:
    """The verdict of the whole job, with its evidence. Raises RuntimeError where it fails."""
    (folder / "shop" / "suite.yaml").write_text(manifest(retrieval=retrieval))
    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        code = main(["run", "shop", "--model", model, "--no-tune", "--json"])
    told = json.loads(out.getvalue())
    if code not in (0, 3):
        raise RuntimeError(told["error"]["message"])
    decision: dict[str, Any] = told["decision"]
    return decision


def rows(decision: dict[str, Any]) -> Iterator[str]:
    """A table of what was tried, with the recall of what retrieves."""
    recalls = {recall["run_id"]: recall for recall in decision["recalls"]}
    yield "| round | candidate | score | 95% interval | recall | where found | where not |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for trial in decision["trials"]:
        score, recall = trial["score"], recalls.get(trial["run_id"])
        cells = [f"{trial['round_index']} {trial['family']}", trial["label"]]
        cells += [f"{score['estimate']:.2f}", f"{score['low']:.2f} to {score['high']:.2f}"]
        parts = [recall["recall"], recall["found"], recall["missed"]] if recall else [None] * 3
        yield f"| {' | '.join([*cells, *map(said, parts)])} |"
    if oracle := decision["oracle"]:
        score, gain = oracle["score"], oracle["difference"]
        yield (
            f"\nWith each case's own documents '{oracle['label']}' scores {score['estimate']:.2f} "
            f"({score['low']:.2f} to {score['high']:.2f}), {100 * gain['estimate']:+.1f} points "
            f"(at least {100 * gain['low']:+.1f} for certain)."
        )
    yield f"\nVerdict: `{decision['verdict']}`. {decision['sentence']}\n"


def said(mean: dict[str, Any] | None) -> str:
    """A mean with its interval and cases, for a cell."""
    if mean is None:
        return ""
    return f"{mean['mean']:.2f} ({mean['low']:.2f} to {mean['high']:.2f}), {mean['n']}"


def page(model: str, cases: int, seed: int) -> str:
    """Both jobs, as Markdown."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_suite(folder / "shop", cases, seed)
        without = decide(folder, model, retrieval=False)
        retrieving = decide(folder, model, retrieval=True)
    minutes = (time.perf_counter() - began) / 60
    return "\n".join(
        [
            "# Missing knowledge, told and mended",
            "",
            f"Written by `benchmarks/retrieval.py`, which says what is measured: {model}, {cases} "
            f"dev cases, {2 * cases} documents, seed {seed}, {minutes:.0f} minutes on "
            f"{os.cpu_count()} cores that may have had other work.",
            "",
            "## Without a retrieval round",
            "",
            *rows(without),
            "## With one",
            "",
            *rows(retrieving),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    text = page(arguments.model, arguments.cases, arguments.seed)
    print(text)
    if arguments.output:
        arguments.output.write_text(text)
