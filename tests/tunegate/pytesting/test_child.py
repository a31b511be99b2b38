from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from tests.tunegate.pytesting.project import add_suite
from tunegate.pytesting.child import Child
from tunegate.pytesting.records import Options, SuiteFaultError


def nothing(_label: str, _done: int, _total: int) -> None:
    """Progress that nobody wants to see."""


def test_an_answer_that_nobody_waited_for_is_not_taken_for_the_next_questions(tmp_path: Path):
    suite = add_suite(tmp_path, dev=12)
    options = asdict(Options(ledger=str(tmp_path / "ledger")))
    question = {"suite": str(suite), "options": options, "cases": None}

    def too_long(_label: str, _done: int, _total: int) -> None:
        raise TimeoutError  # as a plugin that limits a test's time does

    child = Child(tmp_path)
    try:
        with pytest.raises(TimeoutError):
            child.ask("run", question, too_long)
        plan = child.ask("plan", question, nothing)
        assert len(plan["cases"]) == 12
        assert "score" not in plan
        with pytest.raises(SuiteFaultError, match=r"no such suite: .*nope"):
            child.ask("plan", question | {"suite": str(tmp_path / "nope")}, nothing)
        assert child.ask("run", question, nothing)["score"] == pytest.approx(2 / 3)
    finally:
        child.close()
