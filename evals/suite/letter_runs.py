"""Runs of letters, by which a generator of cases tells that two texts share a passage."""

from __future__ import annotations


def letter_runs(text: str, length: int) -> set[str]:
    """All runs of `length` letters and digits of a text, case and what stands between left out.

    Two texts whose sets meet share a passage of at least so many letters. Empty for a shorter text.
    """
    letters = "".join(filter(str.isalnum, text.lower()))
    return {letters[at : at + length] for at in range(len(letters) - length + 1)}
