"""The verdict matrix: stored runs give the verdicts again, and the page says what they say."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pytest

import tuning.trainer
from benchmarks.verdicts.__main__ import all_shown, deciding_suites, whole_page
from benchmarks.verdicts.compact import STORED, Stored, path_of, read, write
from benchmarks.verdicts.derived import Shown, show
from benchmarks.verdicts.page import judge, page
from evals.ledger import Ledger
from evals.spending.prices import Prices
from evals.suite import Suite, load_suite
from tests.sample_suite import TOPICS
from tests.tunegate.command_line import CommandLine
from tests.tunegate.conftest import tunegate
from tests.tunegate.scenes import KNOWN, guarded_suite, pretended_training, write_model
from tuning.records import Outcome, Verdict

__all__ = ["tunegate"]

MODEL = "scripted:model.json"
TUNED = [{"adapter": "tuned", "contains": t, "reply": n} for n, t in TOPICS.items()]
DOCS = Path(__file__).parents[2] / "docs" / "verdicts.md"


@pytest.fixture
def stored(tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """A whole job, with an adapter that learnt everything, in compact form."""
    monkeypatch.setattr(tuning.trainer, "tune_suite", pretended_training("tuned"))
    write_model(Path("model.json"), [*TUNED, *KNOWN], adapters=["tuned"])
    guarded_suite(Path())
    assert tunegate("run", "tickets", "--model", MODEL, "--ledger", "ledger").code == 0
    ledger = Ledger(Path("ledger"), read_only=True)
    write(Path("stored"), suite(), MODEL, ledger, Path().resolve())
    ledger.close()
    found = read(Path("stored"), suite())
    assert found is not None
    return found


def suite() -> Suite:
    return load_suite(Path("tickets"))


def shown(stored: Stored) -> Shown:
    return show(stored, suite(), {"kept": load_suite(Path("kept"))}, Prices())


def test_stored_runs_give_both_verdicts_again(stored: Stored) -> None:
    found = shown(stored)
    assert stored.job.decision is not None
    assert found.decision.verdict == "fine_tune"
    assert found.decision.sentence == stored.job.decision.sentence
    assert found.decision.trials[0].score == stored.job.decision.trials[0].score
    assert found.shipping is not None
    assert stored.job.shipping is not None
    assert found.shipping.verdict == "ship_adapter"
    assert found.shipping.gain == stored.job.shipping.gain
    assert found.shipping.guards == stored.job.shipping.guards
    assert found.shipping is not stored.job.shipping


def test_a_changed_answer_changes_the_verdict(stored: Stored) -> None:
    """They follow from the runs: nothing is copied from the stored verdict."""
    adapter = next(run for run in stored.runs if run.header.id == stored.job.adapter_test)
    wrong = tuple(
        one._replace(scores=dict.fromkeys(one.scores, (0.0, "wrong"))) for one in adapter.answers
    )
    others = tuple(run for run in stored.runs if run is not adapter)
    changed = replace(stored, runs=(*others, replace(adapter, answers=wrong)))
    found = shown(changed)
    assert found.shipping is not None
    assert found.shipping.verdict == "reject_adapter"


def test_what_was_measured_of_another_state_of_the_suite_is_not_shown(stored: Stored) -> None:
    manifest = Path("tickets/suite.yaml")
    manifest.write_text(manifest.read_text() + "decoding: {max_tokens: 9}\n")
    assert read(Path("stored"), suite()) is None


def test_the_file_names_no_place_and_is_the_same_each_time(stored: Stored) -> None:
    path = path_of(Path("stored"), "tickets")
    first = path.read_bytes()
    ledger = Ledger(Path("ledger"), read_only=True)
    write(Path("stored"), suite(), MODEL, ledger, Path().resolve())
    ledger.close()
    assert path.read_bytes() == first
    assert str(Path().resolve()) not in repr(stored)


@pytest.mark.parametrize(
    ("gate", "then", "said"),
    [
        ("fine_tune", "ship_adapter", "yes"),
        ("fine_tune", "reject_adapter", "no"),
        ("fine_tune", "inconclusive", "no"),
        ("use_retrieval", "reject_adapter", "yes"),
        ("use_retrieval", "ship_adapter", "no"),
        ("prompt_suffices", "inconclusive", "yes"),
        ("prompt_more", "ship_adapter", "open"),
        ("more_cases", "reject_adapter", "open"),
    ],
)
def test_the_gate_is_judged_by_what_followed(gate: Verdict, then: Outcome, said: str) -> None:
    assert judge(gate, then).said == said
    assert judge(gate, None).said == "open"


@pytest.mark.parametrize(
    ("gate", "then", "said"),
    [
        ("fine_tune", "ship_adapter", "yes"),
        ("fine_tune", "reject_adapter", "in part"),
        ("fine_tune", "inconclusive", "in part"),
        ("use_retrieval", "reject_adapter", "yes"),
    ],
)
def test_a_gain_that_is_there_is_not_called_a_broken_promise(
    gate: Verdict, then: Outcome, said: str
) -> None:
    assert judge(gate, then, gained=True).said == said


def test_the_page_shows_the_verdicts_and_every_prompt(stored: Stored) -> None:
    found = shown(stored)
    text = page([found])
    assert "| [tickets](#tickets) | `fine_tune` |" in text
    assert "`ship_adapter` | yes |" in text
    assert found.decision.sentence.split(".")[0][:40] in text
    assert all(f"| {trial.label} |" in text for trial in found.decision.trials)
    assert "Not run yet, as they are now: others." in page([found], ["others"])
    assert "no sealed case was run" in page([replace(found, shipping=None)])


def test_every_suite_with_something_to_learn_has_its_row() -> None:
    names = {suite.name for suite in deciding_suites()}
    assert {"query_assistant", "ticket_routing", "product_facts"} <= names
    assert "general_ability" not in names


def test_the_verdicts_of_the_docs_follow_from_the_stored_runs() -> None:
    found = all_shown(STORED)
    assert {path.name.partition(".")[0] for path in STORED.glob("*.gz")} == {
        one.suite.name for one in found
    }, "a suite has changed since it was measured: run it again"
    for one in found:
        assert one.job.decision is not None
        assert (one.decision.verdict, one.decision.sentence) == (
            one.job.decision.verdict,
            one.job.decision.sentence,
        )
        assert (one.shipping and one.shipping.verdict) == (
            one.job.shipping and one.job.shipping.verdict
        )
    assert whole_page(STORED) == DOCS.read_text(encoding="utf-8")


def test_no_stored_run_names_a_checkout() -> None:
    for path in STORED.glob("*.gz"):
        text = gzip.decompress(path.read_bytes()).decode()
        assert re.search(r'"/[^"\\]*/suites/', text) is None, path.name
