"""What `check` says of the suite's own candidate, before any model runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.records import Finding
from evals.suite import check_suite, load_suite
from tests.sample_suite import write_suite

SIZES = {"train": 20, "dev": 10, "test": 10}

Change = Callable[[dict[str, Any]], dict[str, Any]]


def found(
    folder: Path, candidate: str, *, scorer: str = "", change: Change = lambda one: one
) -> list[Finding]:
    """The findings at the line of `candidate`, a key of that section."""
    extra = f"candidate:\n  prompt: spec\n  {candidate}\n"
    root = write_suite(folder / "tickets", sizes=SIZES, extra=extra, change=change)
    manifest = root / "suite.yaml"
    if scorer:
        labels = "{scorer: label@1, labels: [billing, login, shipping]}"
        manifest.write_text(manifest.read_text().replace(labels, scorer))
    lines = manifest.read_text().splitlines()
    where = f"{manifest}:{lines.index(f'  {candidate}') + 1}"
    return [each for each in check_suite(load_suite(root)).findings if each.where == where]


@pytest.mark.parametrize(
    ("candidate", "code", "said"),
    [
        ("documents: 3", "no_documents", "the suite has none: state `documents:`"),
        ("demonstrations: [gone]", "unusable_demonstration", "there is no case 'gone'"),
        ("demonstrations: [dev-0001]", "unusable_demonstration", "of dev, not of train"),
        ("demonstrations: [test-0001]", "unusable_demonstration", "of test, not of train"),
    ],
)
def test_what_the_candidate_cannot_show_is_refused_at_its_line(
    tmp_path: Path, candidate: str, code: str, said: str
) -> None:
    (finding,) = found(tmp_path, candidate)
    assert (finding.level, finding.code) == ("error", code)
    assert said in finding.message


def test_a_demonstration_that_stands_in_dev_too_is_refused(tmp_path: Path) -> None:
    def twins(one: dict[str, Any]) -> dict[str, Any]:
        return one | {"input": "the very same"} if one["id"].endswith("-0001") else one

    (finding,) = found(tmp_path, "demonstrations: [train-0000, train-0001]", change=twins)
    assert "would give its answer away" in finding.message


def test_a_structure_that_nobody_stated_is_refused(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "structured: true", scorer="{scorer: exact@1}")
    assert (finding.level, finding.code) == ("error", "no_structure")


@pytest.mark.parametrize("use", ["demonstrations: [train-0000, train-0002]", "structured: true"])
def test_what_the_candidate_can_do_is_not_complained_of(tmp_path: Path, use: str) -> None:
    assert found(tmp_path, use) == []
