"""JSON answers in the wrong form never open the gate before a constraint was tried."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from evals.errors import MissingExtraError
from evals.ledger import Ledger
from evals.models.protocol import Batch
from evals.models.scripted import ScriptedModel, open_scripted
from evals.prompting.ladder import default_rounds
from evals.records import Decoding, Request
from evals.suite import load_suite
from tests.sample_suite import HELD_ROUNDS, TOPICS, write_suite
from tests.tunegate.scenes import TUNE, write_model
from tuning.job import Job
from tuning.records import Decision

LINE = "  - {family: structured, prompts: [terse]}\n"
FORMLESS = [
    *(
        {"structured": True, "contains": text, "reply": f'{{"team": "{name}", "urgent": false}}'}
        for name, text in TOPICS.items()
    ),
    *(
        {"contains": text, "reply": f'{{"team": "{name}", "urgent": false}}'}
        for name, text in list(TOPICS.items())[:1]
    ),
]
"""A model that knows every answer and, unless it is held to a form, mostly writes prose."""


class Quiet:
    def __init__(self) -> None:
        self.notes: list[str] = []

    def progress(self, label: str) -> Any:
        return nullcontext(lambda _done, _total: None)

    def note(self, text: str) -> None:
        self.notes.append(text)


def as_json(case: dict[str, Any]) -> dict[str, Any]:
    return case | {"expected": {"team": case["expected"], "urgent": False}}


def suite_at(folder: Path, extra: str, **options: Any) -> Path:
    sizes = {"train": 30, "dev": 150, "test": 30}
    root = write_suite(folder, sizes=sizes, extra=extra + TUNE, change=as_json, **options)
    manifest = root / "suite.yaml"
    text = manifest.read_text()
    labels = "{scorer: label@1, labels: [billing, login, shipping]}"
    assert labels in text
    manifest.write_text(text.replace(labels, "{scorer: json_fields@1}"))
    return root


def search(folder: Path, root: Path, model: ScriptedModel) -> tuple[Decision, Job]:
    job = Job(
        suite=load_suite(root),
        guards={},
        model=model,
        ledger=Ledger(folder / "ledger"),
        looks_path=folder / "looks.jsonl",
        narrator=Quiet(),
    )
    decision = job.run(tune=False).decision
    assert decision is not None
    return decision, job


def scripted(
    folder: Path, rules: list[Mapping[str, Any]] = FORMLESS, default: str = "It is for a team."
) -> ScriptedModel:
    name = write_model(folder / "model.json", rules, default=default)
    return open_scripted(Path(name.removeprefix("scripted:")))


def test_prose_for_json_is_no_fine_tune_until_a_structured_round_was_tried(tmp_path: Path) -> None:
    root = suite_at(tmp_path / "s", HELD_ROUNDS)
    found, _ = search(tmp_path, root, scripted(tmp_path))
    assert (found.verdict, found.plateau) == ("prompt_more", False)
    assert "67% of the cases fail by form alone" in found.sentence
    (step,) = [each for each in found.next_steps if "round of family structured" in each]
    assert f"`{LINE.strip()}`" in step
    assert "the keys of all right answers (team, urgent)" in step
    assert "`structure: none`" in step

    manifest = root / "suite.yaml"
    first, rest = manifest.read_text().split("  - {family: few_shot")
    manifest.write_text(f"{first}{LINE}  - {{family: few_shot{rest}")
    tried, _ = search(tmp_path, root, scripted(tmp_path))
    assert tried.failures is not None
    assert tried.failures.structured == "tried"
    assert (tried.trials[0].label, tried.trials[0].score.estimate) == ("terse + structured", 1.0)
    assert tried.verdict != "fine_tune"


def test_where_the_constraint_was_tried_and_brought_nothing_the_gate_opens(tmp_path: Path) -> None:
    wrong = [{"structured": True, "contains": "", "reply": '{"team": "x", "urgent": true}'}]
    first, rest = HELD_ROUNDS.split("  - {family: few_shot")
    root = suite_at(tmp_path / "s", f"{first}{LINE}  - {{family: few_shot{rest}")
    found, _ = search(tmp_path, root, scripted(tmp_path, [*wrong, *FORMLESS]))
    assert found.verdict == "fine_tune"


def test_structure_none_leaves_the_verdict_to_the_scores(tmp_path: Path) -> None:
    root = suite_at(tmp_path / "s", f"structure: none\n{HELD_ROUNDS}")
    found, _ = search(tmp_path, root, scripted(tmp_path))
    assert found.verdict == "fine_tune"
    assert found.failures is not None
    assert found.failures.structured == "no_structure"


@pytest.mark.parametrize("reply", ['{"group": "login"}', '{"urgent": false}'])
def test_json_with_other_keys_is_of_the_wrong_form_too(tmp_path: Path, reply: str) -> None:
    root = suite_at(tmp_path / "s", HELD_ROUNDS)
    found, _ = search(tmp_path, root, scripted(tmp_path, default=reply))
    assert found.verdict == "prompt_more"
    assert "67% of the cases fail by form alone" in found.sentence


def test_where_the_content_is_wrong_in_the_right_form_nothing_waits(tmp_path: Path) -> None:
    root = suite_at(tmp_path / "s", HELD_ROUNDS)
    wrong = '{"team": "nobody", "urgent": true}'
    found, _ = search(tmp_path, root, scripted(tmp_path, default=wrong))
    assert found.verdict == "fine_tune"


def test_the_default_ladder_tries_the_derived_structure_itself(tmp_path: Path) -> None:
    root = suite_at(tmp_path / "s", "target: 0.9\n")
    found, job = search(tmp_path, root, scripted(tmp_path))
    assert "structured" in [one.family for one in default_rounds(job.suite)]
    assert found.verdict == "prompt_suffices"
    assert "structured" in found.trials[0].label


class _Bare(ScriptedModel):
    """A local model on a machine without the library that enforces structures."""

    def plan(self, requests: list[Request], decoding: Decoding) -> list[Batch]:  # type: ignore[override]
        if decoding.constrained:
            raise MissingExtraError("not installed", hint="pip install 'tunegate[structured]'")
        return super().plan(requests, decoding)


def test_without_the_library_the_ladder_goes_on_and_the_gate_misses_the_constraint(
    tmp_path: Path,
) -> None:
    root = suite_at(tmp_path / "s", "")
    known = {text: f'{{"team": "{name}", "urgent": false}}' for name, text in TOPICS.items()}
    one = dict(list(known.items())[:1])
    found, job = search(tmp_path, root, _Bare(one, default="hm"))
    left = [note for note in job.narrator.notes if "left out" in note]  # type: ignore[attr-defined]
    assert left
    assert all("pip install 'tunegate[structured]'" in note for note in left)
    assert found.verdict == "prompt_more"
    assert "structure: none" in found.sentence
    assert max(trial.round_index for trial in found.trials) == len(default_rounds(job.suite))
