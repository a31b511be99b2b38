from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evals.records import Message
from tuning.data.dataset import Example

FILES = Path(__file__).with_name("files")


@pytest.fixture
def files() -> Path:
    return FILES


@pytest.fixture
def conversation() -> Callable[[int], tuple[Example, ...]]:
    """An example for each of `turns` answers of one conversation."""

    def make(turns: int, name: str = "talk") -> tuple[Example, ...]:
        messages: tuple[Message, ...] = (Message("system", "Be brief."),)
        found = []
        for n in range(1, turns + 1):
            messages = (*messages, Message("user", f"question {n}"))
            found.append(Example(f"{name}#{n}", messages, f"answer {n}", name, f"{name}.txt:{n}"))
            messages = (*messages, Message("assistant", f"answer {n}"))
        return tuple(found)

    return make
