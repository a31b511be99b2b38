"""What rounds of an optimiser need here, and who proposes in them."""

from __future__ import annotations

import pytest

from evals.errors import MissingExtraError, ModelError, UsageError
from evals.prompting import optimisers
from evals.prompting.optimisers import (
    missing_for,
    proposers,
    require_optimisers,
    what_to_install,
    with_proposer,
)
from evals.suite import Suite, load_suite
from evals.suite.check import check_suite
from tests.sample_suite import ROUNDS, write_suite

OPTIMISED = ROUNDS + (
    "  - {family: optimised, prompts: [terse], optimiser: [miprov2, gepa], tries: 4}\n"
    '  - {family: optimised, prompts: [spec], proposer: "hf:org/large"}\n'
)


def suite_of(folder, rounds: str = OPTIMISED) -> Suite:
    return load_suite(write_suite(folder / "tickets", extra=rounds))


@pytest.fixture
def installed(monkeypatch):
    """Says which packages there are."""
    names: set[str] = set()
    monkeypatch.setattr(optimisers, "is_installed", names.__contains__)
    return names


def test_what_is_missing_is_told_for_each_optimiser(installed):
    installed |= {"dspy", "gepa"}
    assert (missing_for("miprov2"), missing_for("gepa"), missing_for("")) == (["optuna"], [], [])
    assert what_to_install("gepa") == ""
    assert what_to_install("miprov2") == "miprov2 needs optuna: pip install 'tunegate[optimise]'"


def test_a_suite_without_an_optimiser_needs_nothing(tmp_path, installed):
    require_optimisers(suite_of(tmp_path, ROUNDS))
    assert not installed


def test_a_suite_with_one_is_refused_where_it_cannot_run_with_the_rounds_line(tmp_path, installed):
    suite = suite_of(tmp_path)
    with pytest.raises(MissingExtraError, match="miprov2 needs dspy and optuna") as caught:
        require_optimisers(suite)
    assert (caught.value.line, caught.value.key) == (suite.rounds[3].line, "rounds")
    installed |= {"dspy", "optuna", "gepa"}
    require_optimisers(suite)


def test_check_notes_what_to_install_and_is_no_less_passed(tmp_path, installed):
    report = check_suite(suite_of(tmp_path))
    notes = [one for one in report.findings if one.code == "no_optimiser"]
    assert [one.level for one in notes] == ["note", "note"]
    assert "gepa needs dspy and gepa: pip install 'tunegate[optimise]'" in notes[1].message
    assert report.passed
    installed |= {"dspy", "optuna", "gepa"}
    assert not any(
        one.code == "no_optimiser" for one in check_suite(suite_of(tmp_path / "b")).findings
    )


def test_the_callers_proposer_takes_the_place_of_all_and_of_nothing_else(tmp_path):
    suite = suite_of(tmp_path)
    assert proposers(suite) == ("hf:org/large",)
    changed = with_proposer(suite, "openai:big")
    assert proposers(changed) == ("openai:big",)
    assert changed.rounds[:3] == suite.rounds[:3]
    assert [one.approaches[0].technique.tries for one in changed.rounds[3:]] == [4, 0]
    assert changed.fingerprint == suite.fingerprint
    assert with_proposer(changed, "hf:org/large").rounds[4] == suite.rounds[4]


def test_a_proposer_that_is_no_models_name_or_proposes_nothing_is_refused(tmp_path):
    with pytest.raises(ModelError, match="unknown model"):
        with_proposer(suite_of(tmp_path), "gpt")
    with pytest.raises(UsageError, match="no round of the suite has an optimiser"):
        with_proposer(suite_of(tmp_path / "plain", ROUNDS), "openai:big")
