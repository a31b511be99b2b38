"""What the gate knows of a suite's soundness, from stored checks and by looking anew."""

from __future__ import annotations

from pathlib import Path

import pytest

import tuning.gate.soundness
from evals.ledger import Ledger
from evals.suite import load_suite
from tests.sample_suite import write_suite
from tests.tunegate.scenes import SIZES
from tests.tuning.gate.test_deciding import judge, search
from tuning.gate.evidence import Soundness
from tuning.gate.soundness import check_stored, soundness_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_suite(tmp_path / "tickets", sizes=SIZES)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


def leak(root: Path) -> None:
    """Append a case of dev to test under another id."""
    twin = (root / "dev.jsonl").read_text().splitlines()[0].replace("dev-0000", "test-twin")
    test = root / "test.jsonl"
    test.write_text(test.read_text() + twin + "\n")


def unsound(said: Soundness) -> list[str]:
    return [found.code for found in said.findings if found.level == "error"]


def test_a_leak_that_came_after_the_check_is_found_without_the_suites_own_code(
    root: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_stored(load_suite(root), {}, ledger)
    known = soundness_of(load_suite(root), ledger, [], {})
    assert (known.self_test_passed, known.fresh, unsound(known)) == (True, False, [])
    monkeypatch.setattr(tuning.gate.soundness, "self_test", pytest.fail)
    leak(root)
    now = soundness_of(load_suite(root), ledger, [], {})
    assert now.fresh
    assert unsound(now)
    assert now.self_test_passed is None


def test_a_change_of_policy_keeps_the_self_test_and_a_changed_guard_does_not(
    root: Path, ledger: Ledger, tmp_path: Path
) -> None:
    guard = write_suite(tmp_path / "kept", sizes={"dev": 20})
    check_stored(load_suite(root), {"kept": load_suite(guard)}, ledger)
    manifest = root / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("k: [2]", "k: [3]", 1))
    now = soundness_of(load_suite(root), ledger, [], {"kept": load_suite(guard)})
    assert (now.fresh, now.self_test_passed) == (True, True)
    lines = (guard / "dev.jsonl").read_text().splitlines()
    (guard / "dev.jsonl").write_text("\n".join(lines[1:]) + "\n")
    now = soundness_of(load_suite(root), ledger, [], {"kept": load_suite(guard)})
    assert (now.fresh, now.self_test_passed) == (True, None)


def test_the_sentence_says_what_was_looked_through_and_what_was_not_tested() -> None:
    row = judge(search(0, 0, 200, 40), soundness=Soundness(fresh=True)).rules[0]
    assert "The scorer self-test: not tested on the suite as it stands." in row.evidence
    assert "looked through anew" in row.evidence
    assert "No leaks between splits" in row.evidence
    row = judge(search(0, 0, 200, 40), soundness=Soundness()).rules[0]
    assert "No leaks or contradictions are known." in row.evidence
