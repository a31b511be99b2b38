"""Prices on the command line: `gate` reads a list, shows what calls cost, and refuses a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tunegate.command_line import CommandLine
from tests.tuning.cost.scene import operation, write_scene

PRICES = """\
currency: EUR
hours: {training: 3600}
models: {"scripted:*": {input: 1000, output: 0}}
"""


@pytest.fixture
def ran(
    tunegate: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[CommandLine, str]:
    """A finished search without prices, and the model's name."""
    monkeypatch.delenv("TUNEGATE_PRICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
    write_scene(Path(), operation(calls_per_month=10**9))
    name = "scripted:model.json"
    assert tunegate("run", "tickets", "--model", name, "--no-tune").code == 0
    return tunegate, name


def test_gate_shows_costs_only_where_prices_are_known(ran: tuple[CommandLine, str]) -> None:
    tunegate, name = ran
    plain = tunegate("gate", "tickets", "--model", name)
    assert "1,000 calls" not in plain.out
    decision = tunegate("gate", "tickets", "--model", name, "--json").document
    assert decision["rules"][1]["status"] == "not_tested"
    Path("mine.yaml").write_text(PRICES)
    priced = tunegate("gate", "tickets", "--model", name, "--prices", "mine.yaml")
    assert "1,000 calls" in priced.out
    assert "EUR" in priced.out
    Path("tunegate-prices.yaml").write_text(PRICES)
    found = tunegate("gate", "tickets", "--model", name, "--json").document
    assert found["rules"][1]["status"] == "applies"
    assert found["cost"]["payback"]["currency"] == "EUR"
    assert found["trials"][0]["cost"]["thousand"] > 0


def test_gate_refuses_a_list_that_is_not_there_or_damaged(ran: tuple[CommandLine, str]) -> None:
    tunegate, name = ran
    told = tunegate("gate", "tickets", "--model", name, "--prices", "no.yaml")
    assert told.code == 2
    assert "no.yaml" in told.err
    Path("bad.yaml").write_text("models: {}\nhours:\n  person: lots\n")
    told = tunegate("gate", "tickets", "--model", name, "--prices", "bad.yaml")
    assert told.code == 2
    assert "bad.yaml:3" in told.err
    assert "hours.person" in told.err
