"""The sample suite judged by a model: right answers are `good` to it, and people labelled some."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.sample_suite import TOPICS, ticket, write_suite

JUDGE = "scripted:judge.json"
RUBRIC = "The answer names the expected team."
RULES = [
    {"contains": f"answer]\n{name}\n", "prompt_contains": topic, "reply": "good"}
    for name, topic in TOPICS.items()
]
LABEL_METRIC = "  accuracy: {scorer: label@1, labels: [billing, login, shipping]}\n"


def judge_metric(**options: Any) -> dict[str, Any]:
    """The metric that the suite is judged by, with other options where they are given."""
    stated = {
        "scorer": "judge@1",
        "model": JUDGE,
        "rubric": RUBRIC,
        "choices": {"good": 1, "bad": 0},
        "calibration": "judge_labels.jsonl",
        **options,
    }
    return {name: value for name, value in stated.items() if value is not None}


def labels(count: int = 60, *, wrong: int = 0) -> list[dict[str, Any]]:
    """People's labels of answers of which every other is right; `wrong` of them say otherwise."""
    made = []
    for number in range(count):
        case = ticket("labelled", number)
        right = number % 2 == 0
        agrees = number >= wrong
        made.append(
            {
                "input": case["input"],
                "expected": case["expected"],
                "output": case["expected"] if right else "hm",
                "label": "good" if right == agrees else "bad",
            }
        )
    return made


def write_labels(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Write a labels file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def write_judge(path: Path, rules: Sequence[dict[str, str]] = RULES, default: str = "bad") -> None:
    """Write the judge's script; `default` is what it says of answers that are not right."""
    path.write_text(json.dumps({"rules": list(rules), "default": default}))


def judged_suite(
    folder: Path,
    metric: dict[str, Any] | None = None,
    *,
    lines: Sequence[dict[str, Any]] | None = None,
    **options: Any,
) -> Path:
    """Write the sample suite with a judge as its primary metric, and people's labels."""
    write_suite(folder, **options)
    manifest = folder / "suite.yaml"
    stated = json.dumps(metric or judge_metric())
    text = manifest.read_text().replace(LABEL_METRIC, f"  accuracy: {stated}\n")
    manifest.write_text(text)
    write_labels(folder / "judge_labels.jsonl", labels() if lines is None else lines)
    return folder
