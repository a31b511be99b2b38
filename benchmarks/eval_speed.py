"""Speed of local evaluation beside lm-evaluation-harness's `hf` backend.

    python benchmarks/eval_speed.py --peer-python VENV/bin/python

Both harnesses run in one go on the same machine, model, precision and cases, each in a
process of its own, taking turns; loading is not timed, and each warms up on two cases.

- generate: short greedy answers (at most 24 tokens) to 100 cases that share a prefix of
  about 400 tokens;
- choose: which of 4 options of 6 tokens follows a context of about 200 tokens, 200 cases.

The peer gets the rendered prompts as text and is given the batch size that suited it
best here (`--peer-batch`). Its environment needs lm_eval, torch and transformers. The
table is written to `benchmarks/eval_speed.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {"generate": 4.0, "choose": 3.0}
MAX_TOKENS = 24
# No network. How threads wait is left to each: the peer's spin, tunegate's spin and sleep.
ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1"}


def main() -> int:
    """Measure, print and write the table; 1 where a target is missed."""
    arguments = read_arguments()
    if arguments.child:
        child(arguments)
        return 0
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as scratch:
        folder, tasks = make_cases(Path(scratch), arguments.limit)
        rows = [
            measure(task, precision, folder, tasks[task], arguments)
            for task in arguments.tasks.split(",")
            for precision in arguments.precisions.split(",")
        ]
    text = render(rows, arguments)
    print(text)
    if not arguments.limit:
        Path(arguments.output).write_text(text, encoding="utf-8")
    return 0 if all(row["ratio"] >= TARGETS[row["task"]] for row in rows) else 1


def read_arguments() -> argparse.Namespace:
    """The command line, of the parent and of its children."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--peer-python", default="", help="interpreter with lm_eval")
    parser.add_argument("--peer-batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--tasks", default="generate,choose")
    parser.add_argument("--limit", type=int, default=0, help="only so many cases: a trial")
    parser.add_argument("--output", default=str(ROOT / "benchmarks" / "eval_speed.md"))
    parser.add_argument("--child", default="", choices=["", "tunegate", "lm_eval"])
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--task", default="generate")
    parser.add_argument("--model", default="")
    parser.add_argument("--cases", default="")
    return parser.parse_args()


# ------------------------------------------------------------------------------ cases

WORDS = {
    "person": "Anna Ben Carla David Emma Frank Grace Henry Irene Jack Karen Leo Maria Nick",
    "colour": "red blue green black white yellow brown",
    "thing": "lamp chair book phone bag coat bike box key hat clock cup knife ball",
    "place": "kitchen garden office garage hall shop school car",
}
PEOPLE, COLOURS, THINGS, PLACES = (words.split() for words in WORDS.values())


def make_cases(scratch: Path, limit: int) -> tuple[Path, dict[str, Path]]:
    """Write both tasks' cases, with messages and rendered prompts; the model's folder."""
    from transformers import AutoTokenizer

    from evals.models import fetch_embedded

    folder = fetch_embedded()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    paths = {}
    for task, cases in (("generate", generate_cases()), ("choose", choose_cases(tokenizer))):
        for case in cases:
            case["prompt"] = tokenizer.apply_chat_template(
                case["messages"], tokenize=False, add_generation_prompt=True
            )
        paths[task] = scratch / f"{task}.json"
        paths[task].write_text(json.dumps(cases[: limit or None]), encoding="utf-8")
        sizes = [len(tokenizer(case["prompt"])["input_ids"]) for case in cases]
        print(f"{task}: {len(cases)} cases, prompts of {min(sizes)} to {max(sizes)} tokens")
    return folder, paths


def generate_cases() -> list[dict[str, Any]]:
    """Questions about a price list of about 400 tokens that all share."""
    rng = random.Random(1)
    goods = [(colour, thing) for colour in COLOURS[:4] for thing in THINGS[:10]]
    prices = {good: rng.randrange(2, 99) for good in goods}
    listing = "\n".join(f"The {a} {b} costs {price} dollars." for (a, b), price in prices.items())
    system = f"You work in a shop. Answer in one short sentence. The price list:\n{listing}"
    forms = ["What does the {a} {b} cost?", "How much is the {a} {b}?", "Price of the {a} {b}?"]
    asked = [(good, form) for form in forms for good in goods]
    return [
        {
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": form.format(a=a, b=b)},
            ],
            "expected": str(prices[a, b]),
        }
        for (a, b), form in rng.sample(asked, 100)
    ]


def choose_cases(tokenizer: Any) -> list[dict[str, Any]]:
    """A passage of who keeps what where, a question about it, four places."""
    rng = random.Random(2)
    options = [f" in the {a} {b}." for a in COLOURS for b in PLACES]
    options = [text for text in options if len(tokenizer(text)["input_ids"]) == 6] or [
        text
        for text in (f" in the old {a} {b}." for a in COLOURS for b in PLACES)
        if len(tokenizer(text)["input_ids"]) == 6
    ]
    cases = []
    for _ in range(200):
        facts: list[tuple[str, ...]] = []
        while len(tokenizer(" ".join(text for text, *_ in facts))["input_ids"]) < 145:
            person, colour, thing = rng.choice(PEOPLE), rng.choice(COLOURS), rng.choice(THINGS)
            place = rng.choice(options)
            facts.append(
                (f"{person} keeps the {colour} {thing}{place}", person, colour, thing, place)
            )
        _, person, colour, thing, place = rng.choice(facts)
        others = rng.sample([text for text in options if text != place], 3)
        choices = rng.sample([place, *others], 4)
        passage = " ".join(text for text, *_ in facts)
        question = f"{passage}\nWhere does {person} keep the {colour} {thing}?"
        cases.append(
            {
                "messages": [{"role": "user", "content": question}],
                "choices": choices,
                "expected": place,
            }
        )
    return cases


# ------------------------------------------------------------------------- measurement


def measure(
    task: str, precision: str, folder: Path, cases: Path, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Medians over turns of both harnesses on one task in one precision."""
    pythons = {"tunegate": sys.executable, "lm_eval": arguments.peer_python or sys.executable}
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in pythons}
    for turn in range(arguments.repeats):
        for name in pythons if turn % 2 == 0 else reversed(pythons):
            command = [pythons[name], __file__, "--child", name, "--task", task]
            command += ["--precision", precision, "--model", str(folder), "--cases", str(cases)]
            command += ["--peer-batch", str(arguments.peer_batch)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=ENVIRONMENT
            )
            if done.returncode:
                sys.exit(f"{name} failed:\n{done.stderr[-3000:]}")
            results[name].append(json.loads(done.stdout.splitlines()[-1]))
            seconds = results[name][-1]["seconds"]
            print(f"{task} {precision} {name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    ours, theirs = results["tunegate"], results["lm_eval"]
    expected = [case["expected"] for case in json.loads(cases.read_text(encoding="utf-8"))]
    return {
        "task": task,
        "precision": precision,
        "cases": len(expected),
        "ours": [result["seconds"] for result in ours],
        "theirs": [result["seconds"] for result in theirs],
        "ratio": statistics.median(r["seconds"] for r in theirs)
        / statistics.median(r["seconds"] for r in ours),
        "our_cpu": statistics.median(r["cpu_seconds"] for r in ours),
        "their_cpu": statistics.median(r["cpu_seconds"] for r in theirs),
        "our_accuracy": accuracy(ours[0]["answers"], expected),
        "their_accuracy": accuracy(theirs[0]["answers"], expected),
        "same": sum(a == b for a, b in zip(ours[0]["answers"], theirs[0]["answers"], strict=True)),
        "versions": theirs[0]["versions"],
    }


def accuracy(answers: Sequence[str], expected: Sequence[str]) -> float:
    """Share of answers that contain what is expected as a word (options: are it)."""
    return sum(
        e.strip(" .") in a.replace("$", " ").replace(".", " ").split() or e == a
        for a, e in zip(answers, expected, strict=True)
    ) / len(expected)


def child(arguments: argparse.Namespace) -> None:
    """Run one harness over the cases; one line of JSON on standard output."""
    cases = json.loads(Path(arguments.cases).read_text(encoding="utf-8"))
    if arguments.child == "tunegate":
        sys.path.insert(0, str(ROOT))
        run = prepare_tunegate(arguments)
    else:
        run = prepare_lm_eval(arguments)
    run(cases[:2])
    start, worked = time.perf_counter(), time.process_time()
    answers = run(cases)
    result = {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - worked,
        "answers": answers,
        "versions": versions(),
    }
    print(json.dumps(result))


def prepare_tunegate(arguments: argparse.Namespace) -> Any:
    """A function from cases to answers, by tunegate."""
    from evals.models import open_model
    from evals.records import Decoding, Message, Request

    model = open_model(f"hf:{arguments.model}", precision=arguments.precision)
    decoding = Decoding(max_tokens=MAX_TOKENS)

    def run(cases: list[dict[str, Any]]) -> list[str]:
        requests = [
            Request(
                tuple(Message(**message) for message in case["messages"]),
                tuple(case.get("choices", ())),
            )
            for case in cases
        ]
        answers = {}
        for batch in model.plan(requests, decoding):
            for index, output in zip(batch.indices, model.run(batch), strict=True):
                assert output.text is not None, output.error
                answers[index] = output.text
        return [answers[n] for n in range(len(cases))]

    return run


def prepare_lm_eval(arguments: argparse.Namespace) -> Any:
    """The same by lm-evaluation-harness, through the calls that its tasks end in."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(
        pretrained=arguments.model,
        dtype=arguments.precision,
        device="cpu",
        batch_size=arguments.peer_batch,
    )
    settings = {"until": ["<|im_end|>"], "max_gen_toks": MAX_TOKENS, "do_sample": False}

    def run(cases: list[dict[str, Any]]) -> list[str]:
        if "choices" not in cases[0]:
            requests = [
                Instance("generate_until", {}, (case["prompt"], dict(settings)), n)
                for n, case in enumerate(cases)
            ]
            return [str(text) for text in lm.generate_until(requests, disable_tqdm=True)]
        pairs = [(n, case, option) for n, case in enumerate(cases) for option in case["choices"]]
        requests = [
            Instance("loglikelihood", {}, (case["prompt"], option), n) for n, case, option in pairs
        ]
        values = lm.loglikelihood(requests, disable_tqdm=True)
        best: dict[int, tuple[float, str]] = {}
        for (n, _, option), (value, _) in zip(pairs, values, strict=True):
            if n not in best or value > best[n][0]:
                best[n] = (value, option)
        return [best[n][1] for n in range(len(cases))]

    return run


# ------------------------------------------------------------------------------- table


def versions() -> dict[str, str]:
    """Versions of what was measured, as far as this process has loaded it."""
    names = ("lm_eval", "torch", "transformers")
    from importlib.metadata import version

    return {name: version(name) for name in names if name in sys.modules}


def render(rows: list[dict[str, Any]], arguments: argparse.Namespace) -> str:
    """The results as Markdown."""
    packages = ", ".join(f"{name} {text}" for name, text in rows[0]["versions"].items())
    lines = [
        "# Speed of local evaluation",
        "",
        "Written by `benchmarks/eval_speed.py`, which says what is measured and how.",
        "",
        f"Embedded model (135M parameters), {os.cpu_count()} CPU cores ({platform.machine()}), "
        f"no GPU; {packages}; the peer with batches of {arguments.peer_batch}. "
        f"Medians of {arguments.repeats} turns, in brackets the fastest and the slowest. "
        "CPU seconds say what the work costs when other programs share the machine.",
        "",
        "| task | precision | cases | tunegate, s | lm_eval `hf`, s | faster | target "
        "| CPU seconds, both | accuracy, both | same answers |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        accuracies = f"{row['our_accuracy']:.3f}, {row['their_accuracy']:.3f}"
        lines.append(
            f"| {row['task']} | {row['precision']} | {row['cases']} | {spread(row['ours'])} "
            f"| {spread(row['theirs'])} | {row['ratio']:.1f}× | {TARGETS[row['task']]:.0f}× "
            f"| {row['our_cpu']:.0f}, {row['their_cpu']:.0f} | {accuracies} "
            f"| {row['same']} of {row['cases']} |"
        )
    return "\n".join(lines) + "\n"


def spread(seconds: list[float]) -> str:
    """Median with range."""
    return f"{statistics.median(seconds):.1f} ({min(seconds):.1f}–{max(seconds):.1f})"


if __name__ == "__main__":
    sys.exit(main())
