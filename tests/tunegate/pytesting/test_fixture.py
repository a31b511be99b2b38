"""`tunegate_run` in ordinary tests, in a project that has a package called `evals` of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tunegate.pytesting.project import Seen, add_suite, must_pass, run_pytest

OWN_TESTS = """\
import evals
import evals.metrics
import pytest


def test_their_own_package_is_the_one_that_is_imported():
    assert evals.OWNER == "the project"
    assert evals.metrics.double(2) == 4


def test_score_and_cases(tunegate_run):
    found = tunegate_run("suites/tickets")
    assert found.score == pytest.approx(2 / 3)
    assert found.low < found.score < found.high
    assert found.case("dev-0001").output == "hm"
    assert not found.case("dev-0001").right
    assert len(found.cases) == 30


def test_below(tunegate_run):
    tunegate_run("suites/tickets").assert_at_least(0.95)


def test_reached(tunegate_run):
    tunegate_run("suites/tickets").assert_at_least(0.4, "accuracy")


def test_unsettled(tunegate_run):
    tunegate_run("suites/tickets").assert_at_least(0.65)


def test_no_baseline(tunegate_run):
    tunegate_run("suites/tickets").assert_no_regression()


def test_another_prompt_and_few_cases(tunegate_run):
    found = tunegate_run("suites/tickets", prompt="terse", repeats=2, cases="dev-0003")
    assert [case.id for case in found.cases] == ["dev-0003"]
    assert len(found.runs) == 2


def test_no_output_at_all(tunegate_run):
    tunegate_run("suites/tickets", model="scripted:broken.json", cases=["dev-0003"])


def test_no_such_suite(tunegate_run):
    tunegate_run("suites/tickest")


def test_no_such_case(tunegate_run):
    tunegate_run("suites/tickets", cases=["dev-0003", "nope"])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Suites inside their package `evals`, as a team may well call it, and tests beside them."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (folder / "conftest.py").write_text("import evals\n")
    (folder / "evals").mkdir()
    (folder / "evals" / "__init__.py").write_text('OWNER = "the project"\n')
    (folder / "evals" / "metrics.py").write_text("def double(x):\n    return 2 * x\n")
    (folder / "tests").mkdir()
    (folder / "tests" / "test_own.py").write_text(OWN_TESTS)
    (folder / "broken.json").write_text('{"rules": [{"contains": "", "error": "it fell over"}]}')
    add_suite(folder, dev=30, change=must_pass("dev-0000"), extra="ci: {on_inconclusive: fail}\n")
    return folder


@pytest.fixture(scope="module")
def seen(project: Path) -> Seen:
    return run_pytest(project, "tests", "suites", "-k", "not check")


def test_their_tests_and_the_suites_run_together(seen: Seen):
    assert seen.states("test_their") == {
        "test_their_own_package_is_the_one_that_is_imported": "passed"
    }
    assert list(seen.states("dev::").values()).count("passed") == 20
    assert seen.states("baseline") == {"baseline::accuracy": "skipped"}


@pytest.mark.parametrize(("folder", "count"), [("tests/test_own.py", 10), ("suites", 33)])
def test_each_alone_also_without_a_python_path(project: Path, folder: str, count: int):
    settings = project / "pyproject.toml"
    text = settings.read_text()
    settings.write_text("[tool.pytest.ini_options]\n")
    found = run_pytest(project, folder, "--collect-only", "-q")
    settings.write_text(text)
    assert found.code == 0
    assert len([line for line in found.out.splitlines() if "::" in line]) == count


def test_an_evaluation_can_be_read_and_asserted(seen: Seen):
    states = seen.states("test_")
    assert {name for name, state in states.items() if state != "passed"} == {
        "test_below",
        "test_no_baseline",
        "test_no_output_at_all",
        "test_no_such_suite",
        "test_no_such_case",
    }
    assert "1 of 1 cases ended in an error; the first: it fell over" in (
        seen.items["test_no_output_at_all"].message
    )


def test_what_is_not_settled_warns(seen: Seen):
    assert "TunegateWarning: not settled: tickets: accuracy is 66.7% of 30 cases" in seen.out


def test_a_failed_assertion_says_the_numbers_and_shows_no_inside_of_tunegate(seen: Seen):
    below = seen.items["test_below"]
    assert "wanted at least 95.0%" in below.message
    assert "no baseline was accepted yet" in seen.items["test_no_baseline"].message
    assert "tunegate/pytesting" not in below.text
    assert "test_own.py:21: AssertionError" in below.text


def test_unknown_names_are_said(seen: Seen):
    suite = seen.items["test_no_such_suite"]
    assert "suites/tickest" in suite.message
    assert "no such suite" in suite.message
    assert "tunegate/pytesting" not in suite.text
    assert "the dev split has no case 'nope'" in seen.items["test_no_such_case"].message
