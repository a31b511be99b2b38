"""Ticket routing: that its cases are what its README says, and keep their distance."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from evals.records import SPLITS, Case
from evals.suite.load import load_suite

SUITE = Path(__file__).parents[2] / "suites" / "ticket_routing"
GENERATOR = SUITE / "generator"


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_suite(SUITE).cases


def words(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads((GENERATOR / name).read_text(encoding="utf-8"))
    return found


def test_every_queue_is_as_frequent_as_the_others(cases: tuple[Case, ...]) -> None:
    for split in SPLITS:
        counts = Counter(str(case.expected) for case in cases if case.split == split)
        assert len(counts) == 8
        assert max(counts.values()) - min(counts.values()) <= 8


def test_what_is_held_out_is_never_in_generated_train_tickets(cases: tuple[Case, ...]) -> None:
    held = [
        entry[1:].lower()
        for name in ("words.json", "wrapping.json")
        for pool in words(name).values()
        for entry in pool
        if entry.startswith("*") and "{" not in entry and len(entry) > 8
    ]
    assert len(held) > 25
    text = " ".join(
        str(case.input["text"]).lower()
        for case in cases
        if case.split == "train" and case.tags["source"] == "generated"
    )
    assert [entry for entry in held if entry in text] == []


def test_no_blank_is_left_open(cases: tuple[Case, ...]) -> None:
    assert [case.id for case in cases if re.search(r"[{}]|\*\w", str(case.input["text"]))] == []


def test_the_specification_has_every_queue_and_rule() -> None:
    spec = (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8")
    labels = load_suite(SUITE).metrics["accuracy"].options["labels"]
    assert isinstance(labels, list)
    described = re.findall(r"^(\w+): ", spec, re.MULTILINE)
    assert sorted(described) == sorted(map(str, labels))
    assert re.findall(r"^(\d)\. ", spec, re.MULTILINE) == list("123456")
