"""Does a constraint close the gap where only the form is wrong? On the embedded model itself.

Two suites whose content the 135M model can do in part and whose form it does not keep: naming a
thing's kind in one bare word, and copying the parts of an order into JSON. Every candidate of the
default families is run on dev, then the gate is asked with and without the structured round.

    python -m benchmarks.structured_output [--cases 96] [-o FILE] [--ledger FOLDER]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.ledger import Ledger
from evals.models import open_model
from evals.models.protocol import AdaptableModel
from evals.prompting import round_candidates
from evals.records import Run
from evals.runner import Runner
from evals.scorers.registry import build_scorers
from evals.stats.intervals import score_interval
from evals.suite import Suite, load_suite

MODEL = "smollm2-135m"
TRAIN = 24
TITLE = (
    "# What a constraint does where the form is wrong\n\n"
    "Written by `benchmarks/structured_output.py`, which says what is measured"
)

KINDS = {
    "animal": "dog cat horse cow sheep lion tiger elephant rabbit monkey pig goat bear wolf fox "
    "duck eagle shark whale mouse",
    "food": "bread cheese apple banana rice soup pizza cake butter carrot potato onion tomato egg "
    "sandwich salad chocolate honey pasta yogurt",
    "vehicle": "car bus truck train bicycle airplane helicopter boat ship motorcycle tram taxi van "
    "scooter ferry tractor submarine ambulance yacht jeep",
    "clothing": "shirt jacket coat hat scarf glove sock shoe dress skirt trousers sweater belt tie "
    "boot jeans blouse sandal cap raincoat",
    "instrument": "piano guitar violin drum flute trumpet cello harp saxophone clarinet banjo "
    "tuba trombone accordion harmonica oboe mandolin xylophone ukulele organ",
    "furniture": "chair table sofa bed desk bookshelf wardrobe stool bench cupboard dresser "
    "armchair couch cabinet sideboard crib ottoman nightstand recliner bureau",
}
FORMLESS = ("unknown_label", "several_labels", "not_json")
NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "Jack")
GOODS = ("mugs", "chairs", "lamps", "books", "shirts", "plates", "pens", "clocks")
CITIES = ("Paris", "London", "Berlin", "Madrid", "Rome", "Vienna", "Oslo", "Lisbon")

DEMOS = (
    '{% for demo in demos %}{% message "user" %}{{ demo.input.text }}{% endmessage %}'
    '{% message "assistant" %}{{ demo.answer }}{% endmessage %}{% endfor %}'
)
ASK = '{% message "user" %}{{ input.text }}{% endmessage %}\n'
FREE = """\
rounds:
  - {family: wording, prompts: [terse, spec, strict]}
  - {family: few_shot, prompts: [spec, strict], k: [4]}
"""
STRUCTURED = """\
  - {family: structured, prompts: [terse, spec, strict]}
  - {family: structured, prompts: [spec, strict], few_shot: 4}
"""
NEAREST = "  - {family: nearest, prompts: [spec, strict], k: [4]}\n"


def kinds(cases: int, rng: random.Random) -> list[dict[str, Any]]:
    """Things to be named by kind; at most 96 for dev."""
    pairs = [(thing, kind) for kind, things in KINDS.items() for thing in things.split()]
    rng.shuffle(pairs)
    return [
        {"id": thing, "input": {"text": f"What kind of thing is this: {thing}"}, "expected": kind}
        for thing, kind in pairs[: TRAIN + cases]
    ]


def orders(cases: int, rng: random.Random) -> list[dict[str, Any]]:
    """Sentences that name a customer, goods, their number and a city."""
    made: dict[str, dict[str, Any]] = {}
    while len(made) < TRAIN + cases:
        name, goods, city, count = (
            rng.choice(NAMES),
            rng.choice(GOODS),
            rng.choice(CITIES),
            rng.randint(2, 40),
        )
        text = f"{name} from {city} ordered {count} {goods} last week."
        wanted = {"name": name, "city": city, "item": goods, "count": count}
        made[text] = {"input": {"text": text}, "expected": wanted, "answer": json.dumps(wanted)}
    return [{"id": f"o{n}", **case} for n, case in enumerate(made.values())]


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "city": {"type": "string", "maxLength": 20},
        "item": {"enum": list(GOODS)},
        "count": {"type": "integer", "minimum": 1, "maximum": 99},
    },
    "required": ["name", "city", "item", "count"],
    "additionalProperties": False,
}
LABELS = ", ".join(KINDS)
SUITES: dict[str, dict[str, Any]] = {
    "kinds": {
        "make": kinds,
        "metric": f"{{scorer: label@1, labels: [{LABELS}]}}",
        "more": "decoding: {max_tokens: 24}\n",
        "prompts": {
            "terse": "Say what kind of thing it is.",
            "spec": f"Answer with one of: {LABELS}.",
            "strict": f"Reply with exactly one word out of this list and nothing else: {LABELS}.",
        },
    },
    "orders": {
        "make": orders,
        "metric": "{scorer: json_fields@1}",
        "more": f"decoding: {{max_tokens: 64}}\nstructure: {{schema: {json.dumps(SCHEMA)}}}\n",
        "prompts": {
            "terse": "Turn the order into JSON.",
            "spec": "Turn the order into JSON with the fields name, city, item and count.",
            "strict": "Reply with one JSON object and nothing else. Its fields: name (of the "
            "customer), city, item, count (a number).",
        },
    },
}


def write(folder: Path, name: str, cases: int, structured: bool) -> Suite:
    """The suite, with or without the structured rounds."""
    about = SUITES[name]
    (folder / "prompts").mkdir(parents=True, exist_ok=True)
    for prompt, text in about["prompts"].items():
        source = f'{{% message "system" %}}{text}{{% endmessage %}}{DEMOS}{ASK}'
        (folder / "prompts" / f"{prompt}.j2").write_text(source)
    made = about["make"](cases, random.Random(7))
    for split, part in (("train", made[:TRAIN]), ("dev", made[TRAIN:])):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(c) + "\n" for c in part))
    prompts = ", ".join(f"{p}: prompts/{p}.j2" for p in about["prompts"])
    (folder / "suite.yaml").write_text(
        f"format: 1\nname: {name}\ntask: Show what a constraint does.\n"
        f"cases: {{train: train.jsonl, dev: dev.jsonl}}\nprompts: {{{prompts}}}\n"
        f"metrics: {{quality: {about['metric']}}}\nprimary: quality\nmin_gain: 0.2\ntarget: 0.6\n"
        f"tune: {{min_examples: 20}}\n{about['more']}"
        f"{FREE}{STRUCTURED if structured else ''}{NEAREST}"
    )
    return load_suite(folder)


def run_all(suite: Suite, model: AdaptableModel, ledger: Ledger) -> list[tuple[Run, float]]:
    """Every candidate of every round on dev, with the wall seconds it took."""
    found: dict[str, tuple[Run, float]] = {}
    with build_scorers(suite) as scorers:
        runner = Runner(model, scorers, ledger)
        for spec in suite.rounds:
            for candidate in round_candidates(suite, model, spec):
                began = time.perf_counter()
                run = runner.run(suite, candidate, "dev")
                found.setdefault(run.id, (run, time.perf_counter() - began))
                print(f"  {candidate.label}: {time.perf_counter() - began:.1f} s", flush=True)
    return list(found.values())


def table(runs: Sequence[tuple[Run, float]]) -> list[str]:
    """One row for each candidate, best first."""
    rows = []
    for run, seconds in runs:
        scores = [r.scores["quality"] for r in run.results if not r.failed]
        mean = score_interval([one.value for one in scores])
        formless = sum(one.kind in FORMLESS for one in scores)
        tokens = sum(r.output.completion_tokens for r in run.results) / len(run.results)
        shown = f"{mean.estimate:.2f} | {mean.low:.2f} to {mean.high:.2f}"
        rest = f"{formless} of {len(scores)} | {tokens:.0f} | {seconds:.0f}"
        rows.append((mean.estimate, f"| {run.candidate.label} | {shown} | {rest} |"))
    rows.sort(key=lambda row: -row[0])
    return [
        "| candidate | score | 95% | no valid form | tokens written a case | seconds |",
        "| --- | --- | --- | --- | --- | --- |",
        *(row for _, row in rows),
    ]


def verdict(suite: Suite, ledger: Ledger, model: str) -> str:
    """What the gate says from the stored runs of the suite's rounds."""
    from tuning.stored import decide_stored

    return str(decide_stored(suite, ledger, model).verdict)


def main() -> None:
    """Run both suites and print a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=96)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--only", choices=[*SUITES], default=None)
    parser.add_argument("--ledger", type=Path, default=None)
    parser.add_argument("-o", "--output", type=Path, default=None)
    options = parser.parse_args()
    model = open_model(options.model, precision="float32")
    lines = [f"{TITLE}, {model.name}, {options.cases} dev cases a suite.", ""]
    with tempfile.TemporaryDirectory() as scratch:
        ledger = Ledger(options.ledger or Path(scratch) / "ledger")
        for name in SUITES if options.only is None else [options.only]:
            print(name, flush=True)
            whole = write(Path(scratch) / "with" / name, name, options.cases, True)
            runs = run_all(whole, model, ledger)
            free = write(Path(scratch) / "without" / name, name, options.cases, False)
            lines += [f"## {name}: {len(whole.split('dev'))} dev cases", "", *table(runs), ""]
            lines += [
                f"Verdict without the structured rounds: `{verdict(free, ledger, model.name)}`; "
                f"with them: `{verdict(whole, ledger, model.name)}`.",
                "",
            ]
            text = "\n".join(lines)
            print(text, flush=True)
            if options.output:
                options.output.write_text(text)


if __name__ == "__main__":
    main()
