"""Replay: general requests mixed into training, answered as the base model answers them.

An adapter that sees one narrow task alone learns to answer everything in that task's form.
A few general requests with the model's own answers teach it no new ability, and where the
task ends. The idea is pseudo-rehearsal (Robins 1995, Connection Science 7(2), 123-146).
The requests (`replay_requests.txt`, one a line) were written for this purpose; those that
resemble a case of the suite or of its guards are left out, so that no guard is trained on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from evals.atomic import write_atomically
from evals.fingerprint import fingerprint
from evals.models.protocol import Model
from evals.records import Case, Decoding, Message, Request
from evals.suite.folding import fold, input_text
from evals.suite.spec import TuneSpec
from tuning.data.dataset import Example

REPLAY_SHARE = 0.08
"""Replayed requests for each example of the task, where the suite does not say."""

ANSWERING = Decoding(max_tokens=48)
_REQUESTS = Path(__file__).with_name("replay_requests.txt")
# The settings that a general request may come in; without one, the template's own default.
_SYSTEMS = ("", "You are a helpful assistant.", "", "Answer the user's question briefly.")
_ALIKE = 0.5

Replay = Callable[[int], tuple[Example, ...]]
"""Gives about so many examples of replay: fewer where there are not as many."""


def replay_count(tune: TuneSpec, examples: int) -> int:
    """How many requests to replay beside so many examples."""
    share = REPLAY_SHARE if tune.replay is None else tune.replay
    return round(share * examples)


def replay_of(model: Model, cases: Iterable[Case], folder: Path) -> Replay:
    """Replay on `model` (its adapter off) that keeps clear of `cases`, answers kept in `folder`."""
    avoided = [input_text(case) for case in cases]

    def replay(count: int) -> tuple[Example, ...]:
        requests = replay_requests(avoided)[:count]
        return _as_examples(requests, _answers(model, requests, folder))

    return replay


def replay_requests(avoided: Sequence[str]) -> list[Request]:
    """The general requests, less those that share half their words with an avoided text."""
    known = [_words(text) for text in avoided]
    lines = _REQUESTS.read_text(encoding="utf-8").splitlines()
    return [
        Request(tuple(_messages(system, line)))
        for line, system in zip(lines, cycle(_SYSTEMS), strict=False)
        if not any(_alike(_words(line), other) for other in known)
    ]


def _messages(system: str, text: str) -> Iterator[Message]:
    if system:
        yield Message("system", system)
    yield Message("user", text)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", fold(text)))


def _alike(a: frozenset[str], b: frozenset[str]) -> bool:
    return len(a & b) >= _ALIKE * len(a | b) > 0


class Answer(NamedTuple):
    """What the model said, and whether it came to an end of its own."""

    text: str
    whole: bool


def _answers(model: Model, requests: Sequence[Request], folder: Path) -> list[Answer]:
    """The model's answers, asked for once; empty where it gave none."""
    asked = [asdict(request) for request in requests]
    key = fingerprint("replay@2", model.fingerprint, asked, asdict(ANSWERING))
    path = folder / f"{key}.json"
    stored = _stored(path, len(requests))
    if stored is not None:
        return stored
    answers = [Answer("", True)] * len(requests)
    for batch in model.plan(requests, ANSWERING):
        for index, output in zip(batch.indices, model.run(batch), strict=True):
            text = (output.text or "").strip()
            answers[index] = Answer(text, output.finish_reason == "stop")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(answers))
    return answers


def _stored(path: Path, count: int) -> list[Answer] | None:
    try:
        answers = [Answer(str(text), bool(whole)) for text, whole in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return None
    return answers if len(answers) == count else None


def _as_examples(requests: Sequence[Request], answers: Sequence[Answer]) -> tuple[Example, ...]:
    pairs = enumerate(zip(requests, answers, strict=True), 1)
    return tuple(
        Example(name, request.messages, answer.text, group=name, whole=answer.whole)
        for name, request, answer in ((f"replay-{n:03}", *pair) for n, pair in pairs)
        if answer.text
    )
