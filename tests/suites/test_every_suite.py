"""What holds of every shipped suite to learn from: its generator makes it, its splits are apart."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from evals.records import SPLITS
from evals.suite import Suite, load_suite, shipped_names
from evals.suite.duplicates import find_duplicates

SUITES = Path(__file__).parents[2] / "suites"


@cache
def suite_of(name: str) -> Suite:
    return load_suite(SUITES / name)


TAUGHT = [name for name in shipped_names(SUITES) if suite_of(name).split("train")]
CLUSTERS = {
    "brand_voice": 130,
    "contract_review": 300,
    "listing_assistant": 350,
    "release_notes": 150,
    "ticket_routing": 350,
}
"""At least so many groups of generated cases, each of one split."""


@pytest.mark.parametrize("name", TAUGHT)
def test_the_generator_reproduces_the_files_byte_for_byte(name: str, tmp_path: Path) -> None:
    script = [sys.executable, "-B", SUITES / name / "make_cases.py", tmp_path]
    subprocess.run(script, check=True, env={"PYTHONPATH": str(SUITES.parent)})
    made = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert {Path(f"{split}.jsonl") for split in SPLITS} <= set(made)
    for path in made:
        assert (tmp_path / path).read_bytes() == (SUITES / name / path).read_bytes(), path


@pytest.mark.parametrize("name", TAUGHT)
def test_the_counts_are_those_of_the_readme(name: str) -> None:
    readme = (SUITES / name / "README.md").read_text(encoding="utf-8")
    for split in SPLITS:
        counts = Counter(case.tags["source"] for case in suite_of(name).split(split))
        made, written = counts["generated"], counts["handwritten"]
        assert f"| {split} | {made} | {written} | {made + written} |" in readme


@pytest.mark.parametrize("name", TAUGHT)
def test_nothing_repeats_leaks_or_contradicts(name: str) -> None:
    found = find_duplicates(suite_of(name).cases)
    harmless = {"note"} | ({"warning"} if name == "product_facts" else set())
    assert [one.message for one in found if one.level not in harmless] == []


@pytest.mark.parametrize("name", TAUGHT)
def test_a_cluster_is_of_one_split(name: str) -> None:
    splits: dict[str, set[str]] = {}
    for case in suite_of(name).cases:
        if case.cluster is not None:
            splits.setdefault(case.cluster, set()).add(case.split)
    assert [cluster for cluster, found in splits.items() if len(found) > 1] == []
    assert len(splits) >= CLUSTERS.get(name, 0)
    generated = [case for case in suite_of(name).cases if case.tags["source"] == "generated"]
    assert name not in CLUSTERS or all(case.cluster for case in generated)


@pytest.mark.parametrize("name", TAUGHT)
def test_there_is_enough_to_choose_by_and_to_seal(name: str) -> None:
    for split in ("dev", "test"):
        cases = suite_of(name).split(split)
        assert len(cases) >= 200
        assert sum(case.tags["source"] == "handwritten" for case in cases) >= 40
