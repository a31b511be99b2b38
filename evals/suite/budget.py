"""What one rendering of a template may spend, counted in loop passes and characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateRuntimeError
from jinja2.runtime import Context

MAX_ITERATIONS = 100_000
MAX_CHARACTERS = 4_000_000
# What handling one value costs in characters, however short it is.
ITEM_COST = 8
MAX_INTEGER_BITS = 64

BUDGET = "_budget"
"""The name under which a rendering's budget travels; templates cannot say it."""


class BudgetError(TemplateRuntimeError):
    """A template spent more iterations or characters than it may."""


@dataclass
class Budget:
    """What one rendering may still spend."""

    iterations: int = MAX_ITERATIONS
    characters: int = MAX_CHARACTERS

    def iterate(self, characters: int) -> None:
        """Pay for one pass through a loop whose body holds that much literal text."""
        self.charge(characters)
        self.iterations -= 1
        if self.iterations < 0:
            raise BudgetError(f"loops run more than {MAX_ITERATIONS} times in all")

    def charge(self, characters: int) -> None:
        """Pay for text or lists of that size."""
        self.characters -= characters
        if self.characters < 0:
            raise BudgetError(f"builds more than {MAX_CHARACTERS} characters in all")

    def measure(self, value: Any) -> None:
        """Pay for a value by its size when written out, shared parts counted each time.

        Stops as soon as the budget is spent, so a value that is small in memory and huge
        when written out costs no more than the budget.
        """
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                self.charge(len(item))
            self.charge(ITEM_COST)
            if isinstance(item, Mapping):
                waiting.extend(item.keys())
                waiting.extend(item.values())
            elif isinstance(item, list | tuple):
                waiting.extend(item)
            else:
                refuse_wide(item)


def refuse_wide(value: Any) -> Any:
    """`value`, unless it is an integer that only a computation could have made."""
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise BudgetError(f"computes an integer of more than {MAX_INTEGER_BITS} bits")
    return value


def budget_of(context: Context) -> Budget:
    """The budget of the rendering that `context` belongs to."""
    budget = context.parent[BUDGET]
    assert isinstance(budget, Budget)
    return budget
