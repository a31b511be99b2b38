from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from reports.card import front_matter, render_card
from tuning.adapters.origin import Origin
from tuning.adapters.registry import AdapterRecord
from tuning.records import GuardLine, Interval, Proof, ShipDecision, TrainingRecord

HOSTILE = (
    "x\n---\nlicense: mit\n# Owned\n<script>alert(1)</script> [a](javascript:b) `c` | d "
    "${{ secrets.T }} @team \u202e !!python/object/apply:os.system ['id']"
)
ORIGIN = Origin("org/base", "apache-2.0")


def interval(value: float) -> Interval:
    return Interval(value, value - 0.05, value + 0.05)


def shipping(suite: str = "sense") -> ShipDecision:
    guard = GuardLine(
        suite, "a", "b", interval(0.5), interval(0.48), interval(-0.02), 0.1, "pass", False, 100,
        None,
    )  # fmt: skip
    return ShipDecision(
        "ship_adapter", "Ship it.", (), interval(0.2), interval(0.7), interval(0.5),
        60, 10, 30, 100, None, 1, 0.025, 0.1, (guard,), (),
    )  # fmt: skip


def record(text: str = "plain") -> AdapterRecord:
    training = TrainingRecord(
        adapter="0123456789abcdef", adapter_path="adapters/x", base="hf:org/base",
        base_fingerprint="b" * 16, method="lora", prompt=text, template_hash="c" * 16,
        examples=90, held_out=10, data_fingerprint="d" * 16, settings={"rank": 8, "note": text},
        trained_parameters=1, total_parameters=2, trained_tokens=3, seconds=1.0,
        peak_memory_mb=1.0, curve=(), best_step=1, findings=(), preview="",
        proofs=(Proof("the loss fell", True, text), Proof("reloads", False, text)),
        sources={"suite": 60, f"file {text}": 40},
    )  # fmt: skip
    return AdapterRecord(
        adapter="0123456789abcdef", suite=text, task=text, model="hf:org/base", primary=text,
        training=training, gate="prompt_more", gate_sentence=text, override=text, leader=text,
        parent="feed", shipping=shipping(text), min_gain=0.1,
    )  # fmt: skip


def test_the_body_says_why_what_it_changed_on_what_and_what_was_proven() -> None:
    body = render_card(record(), ORIGIN)
    for said in (
        "**Verdict: ship it.**",
        "was overridden",
        "Training began from the adapter `feed`",
        "| gain, points | +50.0 | +45.0 to +55.0 |",
        "| `plain` | -2.0 | -7.0 to +3.0 | 10.0 | pass |",
        "| of file plain | 40 |",
        "| reloads | **fails** |",
        "tunegate eval plain --model hf:org/base --adapter FOLDER",
        'base = "org/base"',
    ):
        assert said in body, said


def test_an_adapter_that_was_not_judged_claims_no_result() -> None:
    unjudged = replace(record(), shipping=None)
    assert "model-index" not in front_matter(unjudged, ORIGIN)
    assert "**Verdict: not judged yet.**" in render_card(unjudged, ORIGIN)


def test_the_results_follow_the_hubs_schema() -> None:
    card = ModelCard(render_card(record(), ORIGIN))
    assert card.validate  # the remote check is the hub's; the schema is read here
    (found,) = card.data.eval_results or []
    assert (found.dataset_type, found.dataset_split, found.metric_value) == ("plain", "test", 0.7)
    name, results = model_index_to_eval_results(front_matter(record(), ORIGIN)["model-index"])
    assert name == "plain-0123456789abcdef"
    assert results == [found]
    assert card.data.base_model == "org/base"
    assert card.data.license == "apache-2.0"


@pytest.mark.parametrize("merged", [False, True])
def test_hostile_text_stays_text_in_front_matter_and_body(merged: bool) -> None:
    text = render_card(record(HOSTILE), Origin("org/base", "apache-2.0"), merged=merged)
    front, body = text.removeprefix("---\n").split("\n---\n", 1)
    data = yaml.safe_load(front)
    assert data["license"] == "apache-2.0"
    assert set(data) <= {
        "base_model", "base_model_relation", "library_name", "license", "pipeline_tag", "tags",
        "model-index",
    }  # fmt: skip
    assert "\n" not in data["tags"][-1]
    headings = [line for line in body.splitlines() if line.startswith("#")]
    assert [line for line in headings if "Owned" in line and not line.startswith("# ")] == []
    assert len(headings) == 8
    blocks = re.sub(r"^```.*?^```$", "", body, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", blocks)
    assert "rank" not in outside  # spans were taken out
    assert "<script>" not in outside
    assert "\u202e" not in text
    assert "\n---\n" not in body
    for row in (line for line in body.splitlines() if line.startswith("| ")):
        assert row.endswith("|")


def test_a_path_of_this_machine_is_not_told() -> None:
    here = replace(record(), model="hf:/home/me/secret/base")
    text = render_card(here, Origin("base", "unknown", is_path=True))
    assert "secret" not in text
    assert "--model hf:BASE" in text
