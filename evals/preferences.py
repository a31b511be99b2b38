"""A person chooses between two outputs of a train case, blind: pairs to learn from.

The choices are kept in `preferences.jsonl` in the suite's folder, one JSON object a line with
who chose and when, in the form that `tune.pairs` reads. Which output stands first is drawn by a
hash, so that neither the person nor the order of runs decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from evals.errors import NothingRunError, UsageError
from evals.fingerprint import fingerprint
from evals.kept_lines import append_kept, read_kept
from evals.prompting.demonstrations import leaks_of
from evals.records import Case, Run
from evals.suite.spec import Suite
from evals.suite.tune_pairs import is_maker

PREFERENCES_FILE = "preferences.jsonl"
MAX_CHARACTERS = 4_000
"""Longer outputs are not put before a person, who could not see all of them."""

Said = Literal["first", "second", "tie", "skip"]


@dataclass(frozen=True)
class Choice:
    """One line of the file: of two outputs to a case the chosen one, or that neither is better.

    `judged` identifies the question, `shown_first` says which of the two stood first; of a tie
    `chosen` and `rejected` are the outputs in the order shown.
    """

    case: str
    chosen: str
    rejected: str
    by: str
    when: str
    case_fingerprint: str
    judged: str
    shown_first: Literal["chosen", "rejected", ""] = ""
    source: str = ""
    tie: bool = False
    format: int = 1

    def __post_init__(self) -> None:
        if self.format != 1:
            raise ValueError(f"format {self.format} is not known; expected 1")
        if not is_maker(self.by):
            raise ValueError(f"{self.by!r} does not say who chose")


class Question(NamedTuple):
    """Two outputs to one case, in the order in which they are shown."""

    case: Case
    first: str
    second: str
    judged: str
    source: str


AskWhich = Callable[[Question, int, int], Said | None]
"""Asks about one question, given its number (from 1) and how many there are; None stops."""


def read_choices(path: Path) -> tuple[Choice, ...]:
    """The choices in a file, in order. Raises RecordError, with the line, where it is damaged."""
    return read_kept(path, Choice, file="the file of preferences", line="a choice between outputs")


def draw_questions(
    runs: Sequence[Run], suite: Suite, *, size: int, seed: int = 0
) -> tuple[Question, ...]:
    """One question for each of at most `size` train cases that have two different outputs.

    Which cases, which two of several outputs and which stands first is drawn by a hash of seed
    and content: the same for any order of runs. Left out are outputs that are errors, empty or
    longer than can be shown, cases that have changed since, and those that read like one of dev
    or test. Raises NothingRunError where nothing is left to choose between.
    """
    if size < 1:
        raise UsageError(f"a sample of {size} is empty; expected 1 or more", key="--sample")
    leaks = leaks_of(suite.cases).to_held_out
    cases = {c.id: c for c in suite.split("train") if c.is_plain and c.id not in leaks}
    outputs: dict[str, dict[str, str]] = {}
    for run in runs:
        for result in run.results:
            case, text = cases.get(result.case_id), (result.output.text or "").strip()
            same = case is not None and case.fingerprint == result.case_fingerprint
            if same and result.output.error is None and 0 < len(text) <= MAX_CHARACTERS:
                source = f"{run.candidate.label} on {run.candidate.model}"
                outputs.setdefault(result.case_id, {}).setdefault(text, source)
    found = [
        _question(cases[name], texts, seed) for name, texts in outputs.items() if len(texts) > 1
    ]
    if not found:
        raise NothingRunError(
            f"no train case of {suite.name} has two different outputs stored",
            hint="run `tunegate eval SUITE --split train` with two prompts, models or adapters",
        )
    found.sort(key=lambda one: fingerprint("preference-case@1", seed, one.case.id))
    return tuple(found[:size])


def _question(case: Case, outputs: dict[str, str], seed: int) -> Question:
    drawn = sorted(outputs, key=lambda text: fingerprint("preference@1", seed, case.id, text))[:2]
    judged = fingerprint("preference-question@1", case.fingerprint, sorted(drawn))
    sources = dict.fromkeys(outputs[text] for text in sorted(drawn))
    return Question(case, drawn[0], drawn[1], judged, "; ".join(sources))


def choose(
    questions: Sequence[Question],
    ask: AskWhich,
    path: Path,
    *,
    by: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> tuple[Choice, ...]:
    """Ask each question that is not answered in the file yet; returns the new choices.

    Every choice is on disk before the next question, so that it resumes where it stopped.
    Raises UsageError for a `by` that does not say who.
    """
    if not is_maker(by):
        raise UsageError(f"{by!r} does not say who chooses", hint="give a name with --by")
    answered = {choice.judged for choice in read_choices(path)}
    made: list[Choice] = []
    for number, question in enumerate(questions, start=1):
        if question.judged in answered:
            continue
        said = ask(question, number, len(questions))
        if said is None:
            break
        if said == "skip":
            continue
        choice = _choice(question, said, by=by.strip(), when=now())
        append_kept(path, choice)
        made.append(choice)
    return tuple(made)


def _choice(question: Question, said: Said, *, by: str, when: datetime) -> Choice:
    first = said != "second"
    return Choice(
        case=question.case.id,
        chosen=question.first if first else question.second,
        rejected=question.second if first else question.first,
        by=by,
        when=when.isoformat(timespec="seconds"),
        case_fingerprint=question.case.fingerprint,
        judged=question.judged,
        shown_first="" if said == "tie" else "chosen" if first else "rejected",
        source=question.source,
        tie=said == "tie",
    )


def first_chosen(choices: Sequence[Choice]) -> tuple[int, int]:
    """How often the output that stood first was chosen, of how many that were no ties."""
    decided = [choice for choice in choices if not choice.tie]
    return sum(choice.shown_first == "chosen" for choice in decided), len(decided)
