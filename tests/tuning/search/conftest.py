"""For the tests of searches: no weights are computed here, and no optimiser need be installed."""

from __future__ import annotations

import pytest

from evals.prompting import optimisers


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    """In place of the fixture of that name one folder up, which needs torch."""


@pytest.fixture
def pretended_optimisers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job believes that every optimiser is installed; something else stands for it."""
    monkeypatch.setattr(optimisers, "is_installed", lambda _name: True)
