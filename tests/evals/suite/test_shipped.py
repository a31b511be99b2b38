"""A suite is named by its path or, where it ships, by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import SuiteError
from evals.suite import init_suite, resolve_suite, shipped_names


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    for name in ("query_assistant", "general_ability"):
        init_suite(tmp_path / "shipped" / name, name)
    (tmp_path / "shipped" / "no_suite").mkdir()
    return tmp_path / "shipped"


def test_shipped_suites_are_listed(shipped: Path) -> None:
    assert shipped_names(shipped) == ("general_ability", "query_assistant")
    assert shipped_names(shipped / "nowhere") == ()


def test_a_shipped_name_is_found(shipped: Path) -> None:
    assert resolve_suite("general_ability", shipped) == shipped / "general_ability"


def test_a_path_to_the_folder_or_the_manifest_is_found(shipped: Path, tmp_path: Path) -> None:
    init_suite(tmp_path / "mine", "mine")
    for path in (tmp_path / "mine", tmp_path / "mine" / "suite.yaml"):
        assert resolve_suite(str(path), shipped) == tmp_path / "mine"


def test_a_folder_wins_over_a_shipped_name(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    init_suite(Path("general_ability"), "own")
    assert resolve_suite("general_ability", shipped) == Path("general_ability")


def test_a_folder_without_a_manifest_does_not_hide_a_shipped_suite(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("general_ability").mkdir()
    assert resolve_suite("general_ability", shipped) == shipped / "general_ability"


@pytest.mark.parametrize(
    ("name", "words"),
    [("query_asistant", "did you mean 'query_assistant'?"), ("zzz", "known: general_ability")],
)
def test_an_unknown_name_gets_a_suggestion(shipped: Path, name: str, words: str) -> None:
    with pytest.raises(SuiteError, match="no such suite") as caught:
        resolve_suite(name, shipped)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["no_suite", "../shipped/no_suite", "", "\0"])
def test_names_that_are_no_suites_are_refused(shipped: Path, name: str) -> None:
    with pytest.raises(SuiteError):
        resolve_suite(name, shipped)
