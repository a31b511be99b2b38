"""Libraries are kept quiet, and our errors are not swallowed by them."""

from __future__ import annotations

import logging
import sys
import warnings

import pytest

from evals.errors import BudgetSpentError, RunWarning
from tuning.search.quiet import Quiet


def chatter():
    print("library")
    print("library", file=sys.stderr)
    logging.getLogger("library").critical("library")
    warnings.warn_explicit("library", UserWarning, "dspy/x.py", 1, module="dspy.x")


def test_what_a_library_says_is_held_back_and_what_is_ours_comes_through(capsys):
    quiet = Quiet()
    with quiet.hushed():
        chatter()
        quiet.aloud(lambda: print("ours", file=sys.stderr))
        chatter()
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "ours\n")
    assert logging.root.manager.disable == logging.NOTSET


def test_our_error_passes_a_library_that_goes_on_after_every_exception():
    quiet, error = Quiet(), BudgetSpentError("spent")

    def fail():
        raise error

    def library():
        for _ in range(3):
            try:
                quiet.aloud(fail)
            except Exception:  # noqa: BLE001 - what an optimiser does
                continue
        return "a result"

    with pytest.raises(BudgetSpentError) as caught, quiet.hushed():
        library()
    assert caught.value is error
    assert sys.stdout is not None


def test_a_warning_of_ours_comes_through():
    with pytest.warns(RunWarning, match="kept"), Quiet().hushed():
        warnings.warn("kept", RunWarning, stacklevel=1)


def test_an_error_of_the_library_itself_is_not_hidden():
    with pytest.raises(KeyError), Quiet().hushed():
        raise KeyError("theirs")
    assert logging.root.manager.disable == logging.NOTSET
