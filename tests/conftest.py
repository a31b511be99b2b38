"""For every test: nobody's CI. Tests that play a CI service set its variables themselves."""

from __future__ import annotations

import os

from tests.tunegate.repository import KEPT_OUT


def pytest_configure() -> None:
    """Forget what a CI service, or git's hook, says of the job that runs these tests."""
    for name in [name for name in os.environ if name.startswith(KEPT_OUT)]:
        del os.environ[name]
