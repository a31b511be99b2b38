"""Items of a suite whose cases are run several times."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sample_suite import TOPICS
from tests.tunegate.pytesting.project import CHECK_APART, Seen, add_suite, must_pass, run_pytest

RULES = [
    {"contains": TOPICS["billing"], "reply": "billing"},
    *({"contains": TOPICS["login"], "seed": seed, "reply": "login"} for seed in (0, 1)),
    {"contains": TOPICS["shipping"], "seed": 0, "reply": "shipping"},
    {"contains": TOPICS["shipping"], "seed": 2, "error": "fell over"},
]
"""Right in 3, 2 and 1 of 3 repeats; the last with a repeat that fails."""

TEST = """\
def test_a_fixture_tells_how_often(tunegate_run):
    run = tunegate_run("suites/tickets")
    told = [(case.right_in, case.repeats, case.right) for case in run.cases[:3]]
    assert told == [(3, 3, True), (2, 3, True), (1, 3, False)]
    assert run.case("dev-0002").score is None
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder: Path = tmp_path_factory.mktemp("repeats")
    extra = "repeats: {times: 3, pass_at_least: 2}\n"
    change = must_pass("dev-0001", "dev-0002")
    add_suite(folder, rules=RULES, dev=12, extra=extra, change=change)
    (folder / "test_tickets.py").write_text(TEST)
    return run_pytest(folder, "-k", CHECK_APART, "-rsx")


def test_a_case_is_right_where_enough_of_its_repeats_are(seen: Seen) -> None:
    assert [seen.items[f"dev::dev-000{n}"].state for n in (0, 1, 3, 4)] == ["passed"] * 4


def test_a_case_that_hangs_on_a_failed_repeat_is_neither_right_nor_wrong(seen: Seen) -> None:
    assert seen.items["dev::dev-0005"].state == "skipped"


def test_a_case_that_must_pass_says_how_often_it_was_right(seen: Seen) -> None:
    item = seen.items["dev::dev-0002"]
    assert item.state == "failed"
    assert "right in 1 of 3, 1 without a score, at least 2 needed" in item.text
    assert "fell over" in item.text


def test_what_repeats_say_together_stands_in_the_summary(seen: Seen) -> None:
    (line,) = [line for line in seen.out.splitlines() if "Right in all 3 repeats" in line]
    assert "4 cases with a repeat without a score" in line


def test_the_fixture_tells_how_often_a_case_was_right(seen: Seen) -> None:
    assert seen.items["test_a_fixture_tells_how_often"].state == "passed"
