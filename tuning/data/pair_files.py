"""Preference pairs from the files that a suite names, read whole and strictly.

tunegate's own rows name a train case, whose prompt is rendered as training asks it:

    {"case": "t1", "chosen": "billing", "rejected": "login", "by": "Ana Silva"}

Beside them TRL's preference rows, plain and conversational, and UltraFeedback's, whose `chosen`
and `rejected` are whole conversations that differ in their last message:

    {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}
    {"prompt": [{"role": "user", ...}], "chosen": [{"role": "assistant", ...}], "rejected": [...]}
    {"prompt": "2 + 2?", "chosen": [user, assistant], "rejected": [user, assistant]}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from evals.approach import PLAIN, Technique
from evals.errors import TrainingError
from evals.imports.reading import Place
from evals.records import Case, Finding, Json, Message
from evals.suite.source import describe, read_jsonl
from evals.suite.spec import PairFile, Suite
from evals.suite.tune_pairs import is_maker
from tuning.data.dataset import render
from tuning.data.formats.messages import CHAT, read_messages, read_text
from tuning.data.pairs import NOT_STATED, Pair

MAX_PAIRS = 200_000
_OWN = {"case", "case_fingerprint", "chosen", "rejected", "by", "source", "tie", "format"}
_OWN |= {"judged", "shown_first", "note", "when", "score_chosen", "score_rejected"}
_TRL = {"prompt", "chosen", "rejected", "by", "score_chosen", "score_rejected"}


class PairReading(NamedTuple):
    """The pairs of all files, and what of the files is in none of them."""

    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]


class Answered(NamedTuple):
    """What a row says: a prompt and two answers."""

    messages: tuple[Message, ...]
    chosen: str
    rejected: str


@dataclass
class _Seen:
    pairs: list[Pair] = field(default_factory=list)
    ties: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)


def read_pairs(suite: Suite, prompt: str, technique: Technique = PLAIN) -> PairReading:
    """The pairs of the files under `tune.pairs`, with the prompts of cases rendered.

    Raises TrainingError, with file, line and key, for a row that is none, that names a case
    which is not in train, or that does not say who made it in a way that names them.
    """
    seen = _Seen()
    for stated in suite.tune.pairs:
        path = suite.root / stated.path
        for line, row in read_jsonl(path, error=TrainingError):
            if len(seen.pairs) >= MAX_PAIRS:
                raise TrainingError(f"more than {MAX_PAIRS:,} pairs", path=path, line=line)
            _add(row, Place(path, line=line, error=TrainingError), stated, suite, seen)
    return PairReading(_rendered(suite, prompt, technique, seen.pairs), tuple(_said(seen)))


def _add(
    row: Mapping[str, Json], place: Place, stated: PairFile, suite: Suite, seen: _Seen
) -> None:
    where = f"{place.path}:{place.line}"
    name = f"{stated.path}:{place.line}"
    own = "case" in row
    seen.unread.update(row.keys() - (_OWN if own else _TRL))
    if own and row.get("tie") is True:
        seen.ties.append(f"{row['case']} ({where})")
        return
    for key in ("chosen", "rejected"):
        if key not in row:
            place.fail(f"key {key!r} is missing", hint="a pair has a chosen and a rejected answer")
    by = _maker(row.get("by"), stated.by, place)
    if not own:
        found = _of_trl(row, place)
        seen.pairs.append(Pair(name, *found, name, where, f"file {stated.path}", by))
        return
    case = _case(row["case"], suite, place)
    _refuse_scores(row, place)
    if row.get("case_fingerprint", case.fingerprint) != case.fingerprint:
        seen.stale.append(f"{case.id} ({where})")
        return
    texts = (
        read_text(row["chosen"], "chosen", place),
        read_text(row["rejected"], "rejected", place),
    )
    group, source = case.cluster or case.id, f"choices {stated.path}"
    scores = (_score(row, "score_chosen"), _score(row, "score_rejected"))
    seen.pairs.append(Pair(case.id, (), *texts, group, where, source, by, scores, case.fingerprint))


def _score(row: Mapping[str, Json], key: str) -> float | None:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else None


def _maker(value: Json, stated: str, place: Place) -> str:
    if value is None or value == "":
        return stated or NOT_STATED
    if not isinstance(value, str) or not is_maker(value):
        hint = 'write the name of who chose, "rule" for a scorer, or "author"'
        place.fail(f"{describe(value)} does not say who", "by", hint)
    return value.strip()


def _case(value: Json, suite: Suite, place: Place) -> Case:
    name = place.name(value, "case")
    case = next((case for case in suite.cases if case.id == name), None)
    if case is None:
        place.fail(f"the suite has no case {name!r}", "case")
    if case.split != "train":
        hint = "what dev or test asks about is never learnt from: take the row out"
        place.fail(f"case {name!r} is in {case.split}", "case", hint)
    if not case.is_plain:
        place.fail(f"case {name!r} is not answered by one text", "case")
    return case


def _of_trl(row: Mapping[str, Json], place: Place) -> Answered:
    chosen, rejected = row["chosen"], row["rejected"]
    _refuse_scores(row, place)
    if isinstance(chosen, str) and isinstance(rejected, str):
        if "prompt" not in row:
            hint = "texts that hold prompt and answer together are not taken apart: add a prompt"
            place.fail("key 'prompt' is missing", hint=hint)
        texts = (read_text(chosen, "chosen", place), read_text(rejected, "rejected", place))
        return Answered(_prompt(row["prompt"], place), *texts)
    if isinstance(chosen, str) or isinstance(rejected, str):
        place.fail("chosen and rejected must both be text or both be messages", "rejected")
    good, bad = _messages(chosen, "chosen", place), _messages(rejected, "rejected", place)
    for key, said in (("chosen", good), ("rejected", bad)):
        if said[-1].role != "assistant":
            place.fail("the last message is not the assistant's", key)
    if good[:-1] != bad[:-1]:
        place.fail("chosen and rejected differ before their last message", "rejected")
    prompt = _whole_prompt(row.get("prompt"), good[:-1], place)
    return Answered(prompt, good[-1].content, bad[-1].content)


def _refuse_scores(row: Mapping[str, Json], place: Place) -> None:
    """Where both answers are scored, a chosen one that scores lower is a mixed-up row."""
    good, bad = row.get("score_chosen"), row.get("score_rejected")
    if isinstance(good, int | float) and isinstance(bad, int | float) and good < bad:
        place.fail(f"the chosen answer has score {good:g}, the rejected {bad:g}", "score_chosen")


def _prompt(value: Json, place: Place) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (Message("user", read_text(value, "prompt", place)),)
    return _messages(value, "prompt", place)


def _messages(value: Json, key: str, place: Place) -> tuple[Message, ...]:
    return tuple(turn.message for turn in read_messages(value, key, place, CHAT))


def _whole_prompt(value: Json, before: tuple[Message, ...], place: Place) -> tuple[Message, ...]:
    """The prompt of a conversational row: stated, or what both conversations begin with."""
    if value is None:
        if not before:
            place.fail("there is no prompt: chosen holds the answer alone", "chosen")
        return before
    stated = _prompt(value, place)
    if not before:
        return stated
    if isinstance(value, str):  # UltraFeedback repeats the question as text
        if stated[0] not in before:
            place.fail("is none of the user's messages in chosen", "prompt")
        return before
    if stated != before:
        place.fail("is not what chosen and rejected begin with", "prompt")
    return before


def _rendered(
    suite: Suite, prompt: str, technique: Technique, pairs: list[Pair]
) -> tuple[Pair, ...]:
    """The pairs, those of cases with the prompt that training asks them with."""
    named = {pair.case_id for pair in pairs if not pair.messages}
    if not named:
        return tuple(pairs)
    cases = [case for case in suite.split("train") if case.id in named]
    messages = render(suite, prompt, cases, technique)
    return tuple(
        pair if pair.messages else replace(pair, messages=messages[pair.case_id]) for pair in pairs
    )


def _said(seen: _Seen) -> Iterator[Finding]:
    if seen.stale:
        said = f"{len(seen.stale)} pairs are left out: their cases have changed since"
        yield Finding("warning", "stale_pair", said, rows=tuple(seen.stale))
    if seen.ties:
        said = f"{len(seen.ties)} rows are ties and give no pair"
        yield Finding("note", "tie", said, rows=tuple(seen.ties))
    if seen.unread:
        keys = ", ".join(f"{key[:40]!r} ({n:,} rows)" for key, n in seen.unread.most_common(10))
        yield Finding("note", "unread_keys", f"keys that are not read: {keys}")
