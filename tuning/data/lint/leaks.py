"""Rows that hold something of dev or test: whoever is trained on them is not judged any more.

A row is reported once, by the strongest of: the same text (`leak`), the whole of a case or a long
part of one within the row (`overlap_leak`), nearly the same (`near_leak`), a long part of what a
case expects (`answer_leak`). Rows of files are searched message by message, answers included.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from evals.records import Case, Finding
from evals.suite.folding import comparable, fold, input_text
from evals.suite.nearness import NEAR, NearIndex, weigh
from tuning.data.dataset import Example, where_of
from tuning.data.lint.forms import (
    Forms,
    frame_of,
    owned,
    parts_of,
    says_something,
    without_frame,
)
from tuning.data.lint.overlap import Stretches
from tuning.data.lint.rows import about, count_of, row
from tuning.data.lint.sealed import Sealed, Stretch
from tuning.data.lint.typos import Worded, misspelt

# So that a pair that `check` reports is found here, whatever the order of a sum in float32.
_NEARLY = NEAR - 1e-6
# A sealed case that is like so many rows, or this share of them, with different answers is a form.
_FEW, _SHARE = 5, 50


class _Found(NamedTuple):
    """A sealed case that a row holds, and how it does."""

    case: Case
    how: str


class _Said(NamedTuple):
    """A text that rows hold; `whole` where it is all that some row asks."""

    text: str
    whole: bool
    rows: tuple[int, ...]


Hits = dict[int, _Found]


def lint_leaks(
    examples: Sequence[Example], sealed: Sealed, cases: Mapping[str, Case], forms: Forms
) -> Iterator[Finding]:
    """One finding for each way in which rows hold cases of dev or test."""
    if not sealed.cases or not examples:
        return
    said = _texts(examples, sealed, cases)
    found: dict[str, Hits] = {}
    found["leak"] = _same(examples, said, sealed, forms)
    left = _without(said, found["leak"])
    part = _parts(left, sealed, forms) | _holding(left, sealed.stretches(), sealed, forms)
    found["overlap_leak"] = part
    left = _without(left, part)
    nearly, alike = _near(left, examples, sealed)
    found["near_leak"] = _bare(left, sealed, forms) | nearly
    left = _without(left, found["near_leak"])
    found["near_leak"] |= _misspelt(left, examples, sealed, forms)
    left = _without(left, found["near_leak"])
    found["answer_leak"] = _holding(left, sealed.answer_stretches(), sealed, forms)
    found["alike"] = {place: hit for place, hit in alike.items() if place not in found["near_leak"]}
    for code, hits in found.items():
        if hits:
            yield _report(code, hits, examples)


def _report(code: str, hits: Hits, examples: Sequence[Example]) -> Finding:
    texts = {
        "leak": "of dev or test",
        "overlap_leak": "holding a case of dev or test, or a part of one",
        "near_leak": "nearly the same as a case of dev or test",
        "answer_leak": "holding what a case of dev or test expects",
        "alike": "of a form that cases of dev or test fill in, too",
    }
    order = sorted(hits)
    shown = [f"train row {row(examples[place])} {_whose(hits[place])}" for place in order]
    text = f"{count_of(len(order), 'example')} {texts[code]}"
    return about(code, text, [examples[place] for place in order], shown=shown)


def _whose(found: _Found) -> str:
    place = f" ({where_of(found.case)})" if found.case.path else ""
    return f"{found.how} {found.case.split} case {found.case.id}{place}"


def _texts(
    examples: Sequence[Example], sealed: Sealed, cases: Mapping[str, Case]
) -> tuple[_Said, ...]:
    """The texts of all rows, each once: of a case its input, of other rows every message."""
    rows: dict[str, dict[int, None]] = defaultdict(dict)
    whole: set[str] = set()
    for place, example in enumerate(examples):
        case = owned(example, cases)
        asked = _inputs(case, sealed) if case else _asked(example)
        parts = () if case else (message.content for message in example.messages)
        whole.update(asked)
        for text in (*asked, *parts, example.answer):
            if text.strip():
                rows[text][place] = None
    return tuple(_Said(text, text in whole, tuple(places)) for text, places in rows.items())


def _inputs(case: Case, sealed: Sealed) -> list[str]:
    texts = (comparable(case), input_text(case), sealed.own_text(case), sealed.questions.of(case))
    return list(dict.fromkeys(texts))


def _asked(example: Example) -> list[str]:
    """What a first turn asks: the user's message, or messages."""
    if any(message.role == "assistant" for message in example.messages):
        return []
    user = [message.content for message in example.messages if message.role == "user"]
    return ["\n".join(user)]


def _same(examples: Sequence[Example], said: Iterable[_Said], sealed: Sealed, forms: Forms) -> Hits:
    """Rows that read the same as a sealed case, or are one by their id or rendered prompt."""
    ids = {case.id: case for case in sealed.cases}
    hits: Hits = {}
    for place, example in enumerate(examples):
        case = sealed.prompts.get(forms.conversation(example.messages))
        own = "" if example.source.startswith("file ") else example.case_id
        named = ids.get(own) or ids.get(example.stated)
        if named is not None:
            hits[place] = _Found(named, "has the id of")
        elif case is not None:
            hits[place] = _Found(case, "is also")
    for each in said:
        case = sealed.runs.get(forms.run(each.text))
        if case is not None and (each.whole or says_something(each.text)):
            _add(hits, each, _Found(case, "is also"))
    return hits


def _bare(said: Iterable[_Said], sealed: Sealed, forms: Forms) -> Hits:
    """Rows that read the same but for signs, or but for what stands beside the question."""
    hits: Hits = {}
    for each in said:
        case = sealed.letters.get(forms.letters(each.text))
        if case is not None and (each.whole or says_something(each.text)):
            _add(hits, each, _Found(case, "reads, but for signs and numbers beside it, as"))
    return hits


def _parts(said: Iterable[_Said], sealed: Sealed, forms: Forms) -> Hits:
    """Rows in which a line, or what is quoted, is a sealed case."""
    hits: Hits = {}
    for each in said:
        for part in parts_of(each.text):
            case = sealed.letters.get(forms.letters(part)) if part.strip() else None
            if case is not None and says_something(part):
                _add(hits, each, _Found(case, "holds"))
                break
    return hits


def _holding(
    said: Sequence[_Said], stretches: Sequence[Stretch], sealed: Sealed, forms: Forms
) -> Hits:
    """Rows that hold stretches of sealed texts."""
    hits: Hits = {}
    letters = [forms.letters(each.text) for each in said]
    for place, owner in Stretches(stretches).among(letters) if stretches else ():
        _add(hits, said[place], _Found(sealed.cases[owner], "has a text in common with"))
    return hits


def _near(said: Sequence[_Said], examples: Sequence[Example], sealed: Sealed) -> tuple[Hits, Hits]:
    """Rows that nearly read as a sealed case: near-duplicates, and forms that are filled in."""
    said = [each for each in said if each.whole or says_something(each.text)]
    frame = frame_of([each.text for each in said if each.whole])
    texts = [fold(without_frame(each.text, frame)) for each in said]
    weights = weigh([*texts, *(fold(sealed.own_text(case)) for case in sealed.cases)])
    if weights is None:
        return {}, {}
    columns = weights.rows[len(texts) :]
    best: dict[int, tuple[float, int]] = {}
    like: dict[int, set[int]] = defaultdict(set)
    for near in NearIndex(columns, _NEARLY).pairs(weights.rows[: len(texts)]):
        for place, column, cosine in zip(
            near.rows.tolist(), near.columns.tolist(), near.cosines.tolist(), strict=True
        ):
            best[place] = max(best.get(place, (0.0, 0)), (cosine, column))
            if len(like[column]) <= max(_FEW, len(examples) // _SHARE):
                like[column].update(said[place].rows)
    hits: Hits = {}
    alike: Hits = {}
    for place, (cosine, column) in best.items():
        found = _Found(sealed.cases[column], f"is alike ({cosine:.2f}) to")
        _add(alike if _is_form(like[column], examples) else hits, said[place], found)
    return hits, alike


def _misspelt(
    said: Sequence[_Said], examples: Sequence[Example], sealed: Sealed, forms: Forms
) -> Hits:
    """Rows that hold a sealed case, or a long sentence of one, but for a few letters."""
    sentences = sealed.sentences()
    patterns = [Worded(forms.words(text), forms.letters(text)) for text, _ in sentences]
    texts = [Worded(forms.words(each.text), forms.letters(each.text)) for each in said]

    def is_form(like: Sequence[int]) -> bool:
        return _is_form({place for each in like for place in said[each].rows}, examples)

    hits: Hits = {}
    for each in misspelt(texts, patterns, is_form):
        how = f"holds, but for {count_of(each.changed, 'letter')},"
        _add(hits, said[each.text], _Found(sealed.cases[sentences[each.pattern][1]], how))
    return hits


def _is_form(rows: set[int], examples: Sequence[Example]) -> bool:
    many = max(_FEW, len(examples) // _SHARE)
    return len(rows) > many and len({examples[place].answer for place in rows}) > 1


def _add(hits: Hits, said: _Said, found: _Found) -> None:
    for place in said.rows:
        hits.setdefault(place, found)


def _without(said: Iterable[_Said], hits: Hits) -> tuple[_Said, ...]:
    """The texts that still stand in rows which were not found."""
    kept = (each._replace(rows=tuple(p for p in each.rows if p not in hits)) for each in said)
    return tuple(each for each in kept if each.rows)
