"""How fast tunegate trains, beside TRL's SFTTrainer as it ships.

    python benchmarks/train_speed.py [--examples 320] [--turns 3] [-o benchmarks/train_speed.md]

Every arm trains LoRA (rank 16 on all linear layers) on the same token ids of the first train
cases of `query_assistant`: one pass, 8 examples a step, the same rate, schedule and clipping.
What is left to each is how it computes:

- trl: SFTTrainer and SFTConfig with all their defaults;
- trl_allocator: the same, with glibc told by its environment to keep freed memory;
- trl_float32, trl_float32_allocator: the same two without bfloat16;
- tunegate: the trainer of `tunegate tune`, with its defaults for this machine.

Each arm runs in a process of its own, all arms once a turn, every other turn backwards, every turn
with another seed. Timed are the optimiser steps, not loading. The loss is taken afterwards, of
every arm in the same way, on train cases that were held out. Exits with 1 where a promise is
missed. Nothing is fetched; it works on CUDA too, where allocator settings are the same for all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # started by its path from anywhere

from benchmarks.train_arm import ARMS, Lesson, Outcome, Row  # noqa: E402 - after the path

SUITE = ROOT / "suites" / "query_assistant"
KEEP_FREED = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}
ENVIRONMENT: Mapping[str, Mapping[str, str]] = {
    "trl_allocator": KEEP_FREED,
    "trl_float32_allocator": KEEP_FREED,
}
# Of a user's own environment nothing may reach an arm that changes its allocator or threads.
SETTLED = ("MALLOC_", "OMP_", "GOMP_", "KMP_", "MKL_", "LD_PRELOAD", "PYTORCH_")
# Times faster than that arm in training the same examples.
PROMISES: Mapping[str, float] = {"trl": 2.0, "trl_allocator": 1.4}
# Nats per token by which final losses may differ: the arms draw other orders of the examples.
SAME_LOSS = 0.10


class Ratio(NamedTuple):
    """How many times faster tunegate was than an arm: the median of turns, and its range."""

    median: float
    low: float
    high: float


def read_lesson(model: str, examples: int) -> Lesson:
    """The first train cases of the suite as token ids, with tunegate's settings of learning."""
    from evals.suite import load_suite
    from tuning.data.dataset import build_examples, encode_examples
    from tuning.training.base import open_base
    from tuning.training.objectives.arguments import plan_steps
    from tuning.training.objectives.sft import Encoded
    from tuning.training.settings import TrainSettings
    from tuning.training.tune import tuning_prompt

    suite, base, settings = load_suite(SUITE), open_base(model), TrainSettings(epochs=1.0)
    parts = settings.parts_of(build_examples(suite, tuning_prompt(suite)))
    train = encode_examples(base.tokenizer, parts.train[:examples])
    held_out = encode_examples(base.tokenizer, parts.held_out)
    rows = [
        [Row(list(one.prompt_ids), list(one.completion_ids)) for one in encoded]
        for encoded in (train, held_out)
    ]
    return Lesson(
        model=model,
        folder=str(base.folder),
        train=rows[0],
        held_out=rows[1],
        prefix=list(Encoded(train, (), held_out).prefix),
        rank=settings.rank,
        alpha=settings.alpha,
        learning_rate=settings.learning_rate,
        warmup=settings.warmup,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        batch=settings.batch,
        epochs=settings.epochs,
        steps=plan_steps(len(train), settings).total,
    )


def environment(arm: str, given: Mapping[str, str]) -> dict[str, str]:
    """An arm's environment: the caller's without what it says of memory and threads."""
    kept = {name: value for name, value in given.items() if not name.startswith(SETTLED)}
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    return {**kept, **quiet, "PYTHONPATH": str(ROOT), **ENVIRONMENT.get(arm, {})}


def run_arm(arm: str, lesson: Path, seed: int) -> Outcome:
    """Train one arm in a process of its own. Raises SystemExit where that fails."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "benchmarks.train_arm", arm, "--lesson", str(lesson)]
        command += ["--seed", str(seed), "--scratch", scratch]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(arm, os.environ),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"{arm} failed:\n{done.stderr[-3000:]}")
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def take_turns(arms: Sequence[str], turns: int, lesson: Path) -> dict[str, list[Outcome]]:
    """All arms once a turn, every other turn backwards; turn n with seed n."""
    found: dict[str, list[Outcome]] = {arm: [] for arm in arms}
    for turn in range(turns):
        for arm in arms if turn % 2 == 0 else reversed(arms):
            one = run_arm(arm, lesson, turn)
            found[arm].append(one)
            took = f"{one.seconds:.1f} s ({one.cpu_seconds:.1f} s of CPU)"
            told = f"turn {turn + 1} {arm}: {took}, loss {one.loss:.3f}"
            print(told, file=sys.stderr, flush=True)
    return found


def ratio(found: Mapping[str, Sequence[Outcome]], arm: str) -> Ratio:
    """How much faster tunegate trained than an arm, turn by turn."""
    pairs = zip(found[arm], found["tunegate"], strict=True)
    each = [theirs.seconds / ours.seconds for theirs, ours in pairs]
    return Ratio(median(each), min(each), max(each))


def apart(found: Mapping[str, Sequence[Outcome]]) -> float:
    """The largest distance between tunegate's median final loss and another arm's."""
    losses = {arm: median(one.loss for one in outcomes) for arm, outcomes in found.items()}
    return max(abs(loss - losses["tunegate"]) for loss in losses.values())


def missed(found: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """What was promised and is not so."""
    for arm, promised in PROMISES.items():
        if (seen := ratio(found, arm).median) < promised:
            yield f"{seen:.2f} times as fast as {arm}: promised are {promised:.1f}"
    if (distance := apart(found)) > SAME_LOSS:
        yield f"final losses lie {distance:.3f} nats per token apart: allowed are {SAME_LOSS:.2f}"


def rows(found: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """A table of the arms: medians over turns, in brackets the range."""
    yield "| arm | seconds | tokens/s | examples/s | peak memory, MB | final loss | tunegate is |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for arm, outcomes in found.items():
        seconds = [one.seconds for one in outcomes]
        cells = [
            arm,
            f"{median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f})",
            f"{median(one.tokens / one.seconds for one in outcomes):.0f}",
            f"{median(one.examples / one.seconds for one in outcomes):.2f}",
            f"{median(one.peak_mb for one in outcomes):,.0f}",
            f"{median(one.loss for one in outcomes):.3f}",
            faster(found, arm),
        ]
        yield f"| {' | '.join(cells)} |"


def faster(found: Mapping[str, Sequence[Outcome]], arm: str) -> str:
    """The cell that says how much faster tunegate is, with the promise where there is one."""
    if arm == "tunegate":
        return ""
    seen = ratio(found, arm)
    said = f"{seen.median:.2f} times as fast ({seen.low:.2f} to {seen.high:.2f})"
    return f"{said}; promised {PROMISES[arm]:.1f}" if arm in PROMISES else said


def page(found: Mapping[str, Sequence[Outcome]], lesson: Lesson, device: str) -> str:
    """The results as Markdown."""
    one = found["tunegate"][0]
    packages = ", ".join(f"{name} {number}" for name, number in one.versions.items())
    turns = len(found["tunegate"])
    failed = list(missed(found))
    return "\n".join(
        [
            "# Speed of training",
            "",
            "Written by `benchmarks/train_speed.py`, which says what is measured and how.",
            "",
            f"{lesson.model} on {device}; {packages}. {len(lesson.train)} examples of "
            f"query_assistant, {lesson.tokens:,} tokens without padding, {lesson.steps} steps of "
            f"{lesson.batch}; turns: {turns}. Medians over turns; in brackets the fastest and the "
            "slowest. Tokens are those of the examples: what an arm need not compute counts too.",
            "",
            *rows(found),
            "",
            f"Final losses (nats per token of {len(lesson.held_out)} held-out answers) lie at most "
            f"{apart(found):.3f} apart, and {SAME_LOSS:.2f} are allowed: the arms draw the "
            "examples in other orders.",
            "",
            "How each computed, as its trainer was set:",
            "",
            *(f"- {arm}: {outcomes[0].how}" for arm, outcomes in found.items()),
            "",
            *(f"Missed: {line}." for line in failed),
            *(() if failed else ("Every promise was kept.",)),
            "",
        ]
    )


def device_name() -> str:
    """The GPU where there is one, else the processor's cores."""
    import torch

    if torch.cuda.is_available():
        return f"one {torch.cuda.get_device_name()}"
    return f"{os.cpu_count()} CPU cores ({platform.machine()}), no GPU"


def main() -> int:
    """Measure, print, write; 1 where a promise is missed."""
    from evals.models import DEFAULT_MODEL

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--examples", type=int, default=320, help="examples trained on")
    parser.add_argument("--turns", type=int, default=3, help="how often every arm trains")
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    if min(options.examples, options.turns) < 1:
        parser.error("--examples and --turns take numbers of 1 and more")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lesson.json"
        lesson = read_lesson(options.model, options.examples)
        lesson.write(path)
        found = take_turns(tuple(ARMS), options.turns, path)
    text = page(found, lesson, device_name())
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    return 1 if list(missed(found)) else 0


if __name__ == "__main__":
    sys.exit(main())
