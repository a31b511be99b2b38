"""Alpaca: `{"instruction": "...", "input": "...", "output": "..."}`, perhaps `system`, `history`.

The user's message is the instruction, and below it the input where there is one; the answers in
`history` are learned too. Both as LLaMA-Factory describes its Alpaca format
(data/README.md of hiyouga/LLaMA-Factory).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evals.imports.reading import Place
from evals.records import Json, Message
from evals.suite.source import describe
from tuning.data.formats.conversations import Conversation, Gathered, Turn
from tuning.data.formats.messages import MAX_MESSAGES, optional_text, read_text
from tuning.data.formats.shape import Fields, Shape, Writer, one_question, prompt_of


def _read(values: Fields, place: Place) -> Conversation:
    turns = _history(values.get("history"), place)
    if system := optional_text(values.get("system"), "system", place):
        turns.insert(0, Turn(Message("system", system)))
    instruction = read_text(values["instruction"], "instruction", place)
    given = optional_text(values.get("input"), "input", place)
    question = "\n".join(text for text in (instruction, given) if text)
    answer = read_text(values["output"], "output", place)
    turns += (Turn(Message("user", question)), Turn(Message("assistant", answer), True))
    return Conversation(tuple(turns))


def _history(value: Json, place: Place) -> list[Turn]:
    items = [] if value == "" else place.items(value, "history")
    if 2 * len(items) > MAX_MESSAGES - 3:
        place.fail(f"holds {len(items)} turns, the limit is {MAX_MESSAGES // 2 - 2}", "history")
    turns: list[Turn] = []
    for n, pair in enumerate(items):
        key = f"history[{n}]"
        if not isinstance(pair, list) or len(pair) != 2:
            place.fail(f'expected ["question", "answer"], found {describe(pair)}', key)
        question, answer = (read_text(text, key, place) for text in pair)
        turns += (Turn(Message("user", question)), Turn(Message("assistant", answer), True))
    return turns


def _obstacle(unit: Gathered) -> str | None:
    if not unit.examples[0].whole:
        return "an answer that is only the beginning of one"
    return one_question(unit)


def _rows(units: Iterable[Gathered]) -> Iterator[Fields]:
    for unit in units:
        system, question = prompt_of(unit) or ("", "")
        row = {"instruction": question, "input": "", "output": unit.examples[0].answer}
        yield row | ({"system": system} if system else {})


SHAPE = Shape("alpaca", ("instruction", "output"), _read, optional=("input", "system", "history"))
WRITER = Writer(False, _obstacle, _rows)
