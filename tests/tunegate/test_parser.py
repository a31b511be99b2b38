"""What options take, before any command begins."""

from __future__ import annotations

import pytest

from tests.tunegate.command_line import CommandLine


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["tune", "S", "--from", ""], "--from"),
        (["tune", "S", "--weights", ""], "--weights"),
        (["tune", "S", "--override", " "], "--override"),
        (["data", "S", "--data", ""], "--data"),
        (["data", "S", "--sample", "2", "--by", ""], "--by"),
        (["data", "S", "-o", ""], "-o/--output"),
        (["eval", "S", "--prices", " "], "--prices"),
        (["eval", "S", "--demonstrations", "a", ""], "--demonstrations"),
        (["runs", "--ledger", ""], "--ledger"),
        (["show", ""], "RUN"),
    ],
)
def test_an_empty_value_is_not_the_same_as_none(
    words: list[str], option: str, tunegate: CommandLine
) -> None:
    told = tunegate(*words)
    assert told.code == 2
    assert f"argument {option}: " in told.err
    assert f"see `tunegate {words[0]} --help`" in told.err
    if option != "--override":
        assert "an empty value" in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tune", "S", "--seeds", "0"], "'0' is not a whole number from 1 to 20"),
        (["run", "S", "--seeds", "21"], "'21' is not a whole number from 1 to 20"),
        (["curve", "S", "--seeds", "0"], "'0' is not a whole number from 1 to 20"),
        (["tune", "S", "--sweep", "--no-sweep"], "not allowed with argument --sweep"),
    ],
)
def test_bounds_are_told_as_they_are(words: list[str], said: str, tunegate: CommandLine) -> None:
    told = tunegate(*words)
    assert told.code == 2
    assert said in told.err
