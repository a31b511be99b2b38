"""Judges a rewritten line three ways: Sedge's rules, the plain line's facts, and that it is new.

`score_rules` knows the kind of line alone, `score_facts` what the case states, `score_fresh` the
plain line. Answers are hostile: what is longer than `LONGEST` is not read further, all else takes
time in step with the length, and nothing here raises for what a model wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from evals.records import Case, Output, Score

LONGEST = 600  # characters: a line of 35 words has half of that
WORDS = range(10, 36)
RUN = 7  # words that a rewrite may share in a row with the plain line

ADDRESS = {
    "hint": "wader",
    "shop": "wader",
    "greeting": "wader",
    "warning": "dry-foot",
    "refusal": "dry-foot",
}


class Closing(NamedTuple):
    """The words of the last sentence, before and after what is taken from the line."""

    before: tuple[str, ...]
    after: tuple[str, ...] = ()
    named: bool = True


CLOSINGS = {
    "hint": Closing(("the", "water", "remembers")),
    "shop": Closing(("shells", "first", "then")),
    "warning": Closing(("fear",), ("and", "grow", "old")),
    "greeting": Closing(("the", "lamp", "is", "lit"), named=False),
    "refusal": Closing(("so", "the", "tide", "has", "it"), named=False),
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


OPENINGS = _set(
    "the a an i you he she it we they this that these those there my your his her its our their "
    "wader dry-foot"
)
SELF = _set("i me my mine myself we us our ours")
DENIALS = _set("not no never nothing none nobody nor neither nowhere cannot")
DUTIES = _set("must should shall need needs needed can could may might ought")
COURTESIES = _set("please sorry thanks thank hello hi hey welcome greetings okay ok yes")
GAME_WORDS = _set(
    "quest quests mission level levels player players item items inventory shop store customer "
    "customers bonus minute minutes seconds o'clock am pm mile miles metre metres meter meters"
)
OUTSIDE = _set(
    "coin coins hour hours day days today tonight tomorrow dawn sunrise daybreak morning noon "
    "midday dusk sunset nightfall evening midnight north south east west northern southern eastern "
    "western northward southward eastward westward dozen dozens twenty thirty forty fifty sixty "
    "seventy eighty ninety hundred hundreds thousand"
)
SHORTENED = _set("it's that's there's here's he's she's what's who's where's let's")

_NAMES = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen"""
SMALL = {word: value for value, word in enumerate(_NAMES.split(), 1)}
BELLS = ("first", "second", "third", "last")
DIRECTIONS = ("upwater", "downwater", "dawnward", "duskward")
IDLE = _set("the a an of")

# What a fact that begins with @ stands for: ways to tell somebody to keep off, and to say that a
# way is barred. One list for all cases, so that a rewrite may choose. Words joined by + may stand
# apart.
WAYS = {
    "@avoid": (
        "leave shun avoid spare beware let forgo keep+from keep+off keep+out keep+away keep+clear "
        "keep+back keep+wide keep+well stay+out stay+off stay+away stay+clear stay+back "
        "stay+behind stay+ashore stay+inside stay+indoors turn+back turn+away turn+from "
        "go+around walk+around go+round walk+round pass+by pass+wide hold+back hold+off "
        "hands+off step+back steer+clear steer+wide swing+wide"
    ),
    "@shut": (
        "shut shuts closed closes close barred bars bar locked sealed tied moored bolted held "
        "stay stays kept waits wait sleeps rests remains chained lowered dark forbidden"
    ),
}


def score_rules(case: Case, output: Output) -> Score:
    """1 when the answer obeys the style guide's rules for its kind of line."""
    text = (output.text or "").strip()
    if len(text) > LONGEST:
        return Score(0.0, f"longer than {LONGEST} characters", "runaway")
    for kind, rule in RULES:
        if fault := rule(text, _expected(case)):
            return Score(0.0, fault, kind)
    return Score(1.0)


def score_facts(case: Case, output: Output) -> Score:
    """1 when the first sentence tells every fact of the plain line, and no other number,
    bell or direction.
    """
    text = (output.text or "").strip()
    if len(text) > LONGEST:
        return Score(0.0, f"longer than {LONGEST} characters", "runaway")
    expected = _expected(case)
    told = words_of(text.partition(".")[0])
    stems = [_stem(word) for word in told]
    for fact in expected["facts"]:
        if not any(_tells(stems, one) for one in fact):
            return Score(0.0, f"not told: {' or '.join(fact)}", "missing_fact")
    for number, *units in expected["counts"]:
        if not _counts(told, stems, number, units):
            return Score(0.0, f"not told: {number} {units[0]}", "wrong_number")
    if extra := _invented(words_of(text), expected):
        return Score(0.0, f"not in the line: {extra}", "invented")
    return Score(1.0)


def score_fresh(case: Case, output: Output) -> Score:
    """1 when the answer has words, and none but short runs of the plain line's."""
    text = (output.text or "").strip()
    if len(text) > LONGEST:
        return Score(0.0, f"longer than {LONGEST} characters", "runaway")
    answer = words_of(text)
    if not answer:
        return Score(0.0, "no words", "empty")
    if run := shared_run(words_of(str(case.input["line"])), answer):
        return Score(0.0, f"copied: {' '.join(run)}", "copied")
    return Score(1.0)


def words_of(text: str) -> list[str]:
    """Words in small letters; a hyphen or an apostrophe inside belongs to its word."""
    return re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*", text.replace("\u2019", "'").lower())


def numbers_of(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Each number with the place after it; `a score and five` is one number."""
    at = 0
    while at < len(words):
        value, after = _number_at(words, at)
        if value:
            yield value, after
        at = max(after, at + 1)


def _number_at(words: Sequence[str], at: int) -> tuple[int, int]:
    """The number that begins here and the place after it, or 0."""
    times = 1 if words[at] == "a" else SMALL.get(words[at], 0)
    if times and words[at + 1 : at + 2] == ["score"]:
        more = words[at + 2 : at + 4]
        rest = SMALL.get(more[1], 0) if len(more) == 2 and more[0] == "and" else 0
        return times * 20 + rest, at + (4 if rest else 2)
    return (0, at + 1) if words[at] == "a" else (times, at + 1)


def _expected(case: Case) -> dict[str, Any]:
    assert isinstance(case.expected, dict)
    return case.expected


# The rules. Each takes the answer and what is expected, and says what is wrong, or nothing.


def _signs(text: str, _: dict[str, Any]) -> str:
    if not re.fullmatch(r"[A-Za-z ,.'\u2019-]+", text):
        return "letters, commas and full stops alone"
    return "" if text[0].isupper() else "begins with a small letter"


def _two_sentences(text: str, _: dict[str, Any]) -> str:
    parts = text.split(".")
    whole = len(parts) == 3 and not parts[2] and words_of(parts[0]) and words_of(parts[1])
    return "" if whole else "two sentences, each with its full stop"


def _length(text: str, _: dict[str, Any]) -> str:
    count = len(words_of(text))
    return "" if count in WORDS else f"{count} words"


def _address(text: str, expected: dict[str, Any]) -> str:
    right = ADDRESS[expected["kind"]]
    said = [word for word in words_of(text) if word in ADDRESS.values()]
    first = words_of(text.partition(".")[0])
    return "" if said == [right] and right in first else f"{right} once, in the first sentence"


def _opening(text: str, _: dict[str, Any]) -> str:
    words = words_of(text)
    if words[:2] == ["a", "score"] or words[0] not in OPENINGS:
        return ""
    return f"opens with {words[0]!r}"


def _never(name: str, banned: frozenset[str]) -> Callable[[str, dict[str, Any]], str]:
    def rule(text: str, _: dict[str, Any]) -> str:
        found = [word for word in words_of(text) if word in banned or banned & {*word.split("-")}]
        return f"{name}: {found[0]}" if found else ""

    return rule


def _shortened(text: str, _: dict[str, Any]) -> str:
    short = [
        word
        for word in words_of(text)
        if "'" in word and (word in SHORTENED or not word.endswith("'s"))
    ]
    return f"short form: {short[0]}" if short else ""


def _obliges(text: str, _: dict[str, Any]) -> str:
    found = re.search(r"\b(?:have|has|had) to\b", text.lower())
    return "obliges: have to" if found else ""


def _closing(text: str, expected: dict[str, Any]) -> str:
    closing = CLOSINGS[expected["kind"]]
    words = words_of(text.split(".")[1])
    end = len(words) - len(closing.after)
    start = len(closing.before)
    if tuple(words[:start]) != closing.before or tuple(words[end:]) != closing.after:
        return f"the closing of a {expected['kind']} is another"
    named = [_stem(word) for word in words[start:end]]
    if not closing.named:
        return "the closing says more" if named else ""
    if len(named) <= 5 and any(_tells(named, one) for one in expected["closing"]):
        return ""
    return f"the closing names {' or '.join(expected['closing'])}"


RULES: tuple[tuple[str, Callable[[str, dict[str, Any]], str]], ...] = (
    ("signs", _signs),
    ("sentences", _two_sentences),
    ("length", _length),
    ("address", _address),
    ("opening", _opening),
    ("self", _never("speaks of herself as", SELF)),
    ("denies", _never("denies", DENIALS)),
    ("obliges", _never("obliges", DUTIES)),
    ("obliges", _obliges),
    ("courtesy", _never("courtesy", COURTESIES)),
    ("game_words", _never("a game's word", GAME_WORDS)),
    ("world_words", _never("not of her world", OUTSIDE)),
    ("short_form", _shortened),
    ("closing", _closing),
)


# The facts.


def _stem(word: str) -> str:
    """A word without the ending of its plural or its owner: enough to match `eels` with `eel`."""
    word = word.removesuffix("'s")
    if re.search(r"(?:ch|sh|x|ss)es$", word):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _tells(stems: Sequence[str], spelling: str) -> bool:
    """Whether a fact's spelling is told. Parts joined by & must all be."""
    return all(
        any({_stem(word) for word in way.split("+")} <= {*stems} for way in WAYS[part].split())
        if part in WAYS
        else _near(stems, part)
        for part in spelling.split(" & ")
    )


def _near(stems: Sequence[str], phrase: str) -> bool:
    """Whether the words of a phrase stand together, with one other word at most between them.

    So `silver key` is in `a key of silver`, and not in `an iron key for the silver door`.
    """
    wanted = [_stem(word) for word in words_of(phrase) if word not in IDLE]
    width = len(wanted) + 1
    return any(
        all(word in stems[at : at + width] for word in wanted) for at in range(max(1, len(stems)))
    )


def _counts(told: Sequence[str], stems: Sequence[str], number: int, units: Sequence[str]) -> bool:
    """Whether a number stands right before what it counts, with two other words at most between."""
    wanted = {_stem(words_of(unit)[-1]) for unit in units}
    for value, after in numbers_of(told):
        if value == number and wanted & {*stems[after : after + 3]}:
            return True
    return False


def _invented(words: Sequence[str], expected: dict[str, Any]) -> str:
    """The first number, bell or direction that the line does not have; `one` may be a pronoun."""
    known = " ".join(one for fact in expected["facts"] for one in fact)
    numbers = {number for number, *_ in expected["counts"]} | {1}
    for value, _ in numbers_of(words):
        if value not in numbers:
            return f"the number {value}"
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in BELLS and following == "bell" and f"{word} bell" not in known:
            return f"{word} bell"
        if word in DIRECTIONS and word not in known:
            return word
    return ""


def shared_run(plain: Sequence[str], answer: Sequence[str]) -> Sequence[str]:
    """The first run of more than RUN words that both have, or nothing."""
    size = RUN + 1
    runs = {tuple(plain[at : at + size]) for at in range(len(plain) - size + 1)}
    for at in range(len(answer) - size + 1):
        if tuple(answer[at : at + size]) in runs:
            return answer[at : at + size]
    return ()
