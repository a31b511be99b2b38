"""Rows in another script or another language than most: perhaps meant, perhaps an accident.

Scripts are told by the letters' names, languages by `py3langid`, where it is installed. A text
too short to tell is in none: on 3,600 short English requests, asking for this many letters and
this confidence left one wrong claim.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from evals.failures.scripts import main_script
from evals.records import Finding
from tuning.data.dataset import Example
from tuning.data.lint.rows import about, count_of, remark

_MINORITY = 0.10
_LETTERS = 40
_CONFIDENCE = 0.95
_READ = 600
MOST_TOLD = 20_000
"""Texts whose language is told; of more, so many that are spread evenly."""


def lint_languages(examples: Sequence[Example]) -> Iterator[Finding]:
    """Notes on rows whose request or answer is in a script or language that few others have."""
    asked = [_asked(example) for example in examples]
    answers = [example.answer for example in examples]
    scripts = _remembered(main_script)
    yield from _few("mixed_scripts", "requests", examples, [scripts(text) for text in asked])
    yield from _few("mixed_scripts", "answers", examples, [scripts(text) for text in answers])
    if not any(map(_tells, asked)):
        return
    if not importlib.util.find_spec("py3langid"):
        text = "languages were not told apart: pip install 'tunegate[tune]'"
        yield remark("not_looked_for", text)
        return
    step = -(-len(examples) // MOST_TOLD)
    language = _remembered(language_of)
    chosen = list(examples[::step])
    told = [language(text) for text in asked[::step]]
    yield from _few("mixed_languages", "requests", chosen, told)
    if step > 1:
        text = f"the languages of {len(chosen):,} rows were told, spread over {len(examples):,}"
        yield remark("not_looked_for", text)


def language_of(text: str) -> str | None:
    """The ISO 639 code of a text's language; None where it cannot be told with confidence."""
    if not _tells(text):
        return None
    name, confidence = _identifier().classify(text[:_READ])
    return str(name) if confidence >= _CONFIDENCE else None


def _tells(text: str) -> bool:
    return sum(map(str.isalpha, text[:_READ])) >= _LETTERS


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _remembered(tell: Callable[[str], str | None]) -> Callable[[str], str | None]:
    known: dict[str, str | None] = {}

    def told(text: str) -> str | None:
        if text not in known:
            known[text] = tell(text)
        return known[text]

    return told


def _asked(example: Example) -> str:
    """What the user said last."""
    said = [message.content for message in example.messages if message.role == "user"]
    return said[-1] if said else ""


def _few(
    code: str, what: str, examples: Sequence[Example], told: Sequence[str | None]
) -> Iterator[Finding]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for example, name in zip(examples, told, strict=True):
        if name:
            groups[name].append(example)
    total = sum(map(len, groups.values()))
    if not total:
        return
    most = max(groups, key=lambda name: len(groups[name]))
    for name, found in sorted(groups.items()):
        if name != most and len(found) < _MINORITY * total:
            text = f"the {what} of {count_of(len(found), 'row')} read as {name}, most as {most}"
            yield about(code, text, found)
