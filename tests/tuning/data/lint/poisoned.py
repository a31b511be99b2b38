"""A clean set of training data, from a suite and from a file, and the means to spoil it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.records import Case, Finding, Message
from evals.suite import load_suite
from evals.suite.spec import Suite
from tests.sample_suite import write_suite
from tuning.data.dataset import EncodedExample, Example, build_examples
from tuning.data.lint import Accepts, Lengths, lint_examples

TUNE = "tune: {method: lora, prompt: terse, min_examples: 20}\n"
QUESTIONS = (
    "Which of the two harbour cranes was repaired before the summer regatta began?",
    "Explain to a new colleague how our bakery decides what to throw away at night.",
    "List three reasons why the school orchestra moved its rehearsals to Thursday.",
    "Summarise the letter in which the landlord asks about the broken cellar window.",
    "How long should bread dough rest in a cold kitchen during the winter months?",
    "Suggest a polite way to decline an invitation to a wedding in another country.",
    "What did the museum guide say about the painting with the two lighthouses?",
    "Describe the shortest walk from the railway station to the old paper mill.",
    "Why do the swans on the pond leave every year around the first frost?",
    "Rewrite the notice about bicycles so that visitors understand it at once.",
    "Name the tools that a beekeeper needs to open a hive without hurting anyone.",
    "Compare the two offers for the roof and say which one keeps the rain out.",
)
WORDS = ("apple", "birch", "cedar", "daisy", "elder", "fennel", "grape", "hazel", "iris", "kale")
ANSWERS = tuple(f"{word} is what the note in the drawer says." for word in (*WORDS, "lily", "moss"))


@lru_cache(maxsize=1)
def clean_suite() -> Suite:
    with TemporaryDirectory() as folder:
        return load_suite(write_suite(Path(folder) / "s", extra=TUNE))


def file_row(number: int, *messages: Message, answer: str, name: str = "extra.jsonl") -> Example:
    place = f"{name}:{number}"
    return Example(place, messages, answer, place, f"data/{place}", source=f"file {name}")


def ask(text: str) -> Message:
    return Message("user", text)


def clean_rows() -> list[Example]:
    """Twelve rows of a file that are about something else."""
    pairs = zip(QUESTIONS, ANSWERS, strict=True)
    return [file_row(n, ask(text), answer=answer) for n, (text, answer) in enumerate(pairs, 1)]


def with_row(row: Example, at: int = 6) -> list[Example]:
    rows = clean_rows()
    rows[at - 1] = row
    return rows


def asking(text: str, *, answer: str = "Somebody knows that.", at: int = 6) -> list[Example]:
    """The clean rows with one that asks a text."""
    return with_row(file_row(at, ask(text), answer=answer), at)


def saying(answer: str, *, at: int = 6) -> list[Example]:
    rows = clean_rows()
    rows[at - 1] = replace(rows[at - 1], answer=answer)
    return rows


def lint(
    rows: Sequence[Example],
    *,
    suite: Suite | None = None,
    encoded: Sequence[EncodedExample] = (),
    lengths: Lengths | None = None,
    accepts: Accepts | None = None,
) -> dict[str, Finding]:
    """Findings by code on the suite's own examples and rows of a file."""
    suite = suite or clean_suite()
    examples = [*build_examples(suite, "terse"), *rows]
    found = lint_examples(
        suite, "terse", examples, encoded, lengths or Lengths(512), accepts=accepts
    )
    return {finding.code: finding for finding in found}


def sealed_case(name: str) -> Case:
    return next(case for case in clean_suite().cases if case.id == name)


def named(number: int) -> str:
    return f"extra.jsonl:{number} (data/extra.jsonl:{number})"
