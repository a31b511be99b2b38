"""Judges a rewritten line three ways: Sedge's rules, the plain line's facts, and that it is new.

`score_rules` knows the kind of line alone, `score_facts` what the case states, `score_fresh` the
plain line. Answers are hostile: what is longer than `LONGEST` is not read further, all else takes
time in step with the length, and nothing here raises for what a model wrote.
"""

from __future__ import annotations

import re
from collections import Counter
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
GAME_WORDS = _set("quest quests level levels player players item items shop shops")
OUTSIDE = _set(
    "coin coins hour hours day days dawn sunrise daybreak noon midday dusk sunset nightfall "
    "midnight north south east west northern southern eastern western northward southward eastward "
    "westward dozen dozens twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds "
    "thousand"
)
SHORTENED = _set("it's that's there's here's he's she's what's who's where's let's")

_NAMES = """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen"""
SMALL = {word: value for value, word in enumerate(_NAMES.split(), 1)}
BELLS = ("first", "second", "third", "last")
DIRECTIONS = ("upwater", "downwater", "dawnward", "duskward")
IDLE = _set("the a an of")
ANY = "anything"  # what a number may count where the case does not say

# Words that join others. Who lists the facts has few of them.
JOINING = _set(
    "a an the of in on at to for from by with within and or so as if when while where who whose "
    "whom which that than then until till before after past beyond below above over under beneath "
    "behind beside between among through across around round along into onto out off up down upon "
    "near against toward since because once is are was were be been has have had do does your you "
    "his her its their it them they he she him this these those there here all each every any both "
    "one such only alone more most but yet without about"
)
COMMON = JOINING | SMALL.keys() | _set("score bell shell shells glass glasses tide tides seasons")
LISTED = 7  # words in a row, none of which joins others, that a sentence may have
JOINED = 0.15  # share of a sentence's words that join others, at least
OFTEN = 2  # times that one word of some weight may stand in a sentence

# Facts that begin with @. `@shut` is any of these words, `@refused` too, in every refusal.
WAYS = {
    "@shut": _set(
        "shut shuts closed closes close barred bars bar locked sealed tied moored bolted held stay "
        "stays kept waits wait sleeps rests remains chained lowered dark forbidden"
    ),
    "@refused": _set(
        "until till before after once first then only alone just unless even past beyond wait "
        "waits waiting stay stays stayed keep keeps kept hold holds held remain remains rest rests "
        "sleep sleeps asleep shut shuts closed closes close barred bars locked sealed tied moored "
        "bolted chained guarded leave leaves left refuse refuses refused forbid forbids forbidden "
        "deny denies denied withholds spurns scorns declines too vain silent silence secret hidden "
        "cold dark over gone full narrow deaf mute outside ashore behind instead enough highest "
        "top most limit limits goes return returns back lame already other others else sits away "
        "unground whole stands rides shuns minds missing"
    ),
}
# `@avoid well` is a way to tell somebody to keep off the well: one of these before it, or a way
# that ends there (`so keep out`, `shun it`) after it.
SHUNNING = _set("leave shun avoid spare beware forgo flee forsake skip")
KEEPING = _set("keep stay step steer stand turn hold hands move go walk pass swing draw")
OFF = _set("from off out away clear back wide around round by past far behind")
UNLINKED = _set("out away clear back wide far behind")  # with `of` or `from` before the thing
LETTING = _set("be alone sleep rest lie stand rot hang stay wait keep")
BREAKS = _set("and then but or so to before while , for")
POINTING = _set("it them there that these those both")
REACH = 6  # words from a way to keep off to what it names

# Words that take a fact back where the line has none of the other.
LACKING = _set("without lack lacks lacking minus except")
DENYING = _set(
    "not no never nothing none nobody cannot only unless without lost missing forbidden lack "
    "invalid except"
)


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
    first = text.partition(".")[0]
    told = words_of(first)
    stems = [_stem(word) for word in told]
    marked = [_stem(word) for word in _marked(first)]
    for fact in expected["facts"]:
        if not any(_tells(stems, one, marked) for one in fact):
            return Score(0.0, f"not told: {' or '.join(fact)}", "missing_fact")
    for number, *units in expected["counts"]:
        if not _counts(told, stems, number, units):
            return Score(0.0, f"not told: {number} {units[0]}", "wrong_number")
    if extra := _invented(words_of(text), expected):
        return Score(0.0, f"not in the line: {extra}", "invented")
    if taken := _taken_back(told, case):
        return Score(0.0, f"takes a fact back: {taken}", "denied")
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


def _word_list(text: str, _: dict[str, Any]) -> str:
    """Whether facts are strung together in no sentence."""
    words = [word for word in words_of(text.partition(".")[0]) if word not in ADDRESS.values()]
    row = longest = 0
    for word in words:
        row = 0 if word in JOINING or word in SMALL or word == "score" else row + 1
        longest = max(longest, row)
    if longest > LISTED:
        return f"{longest} words in a row without one that joins them"
    if sum(word in JOINING for word in words) < len(words) * JOINED:
        return "hardly a word that joins others"
    weighty = Counter(word for word in words if word not in COMMON)
    often = [word for word, times in weighty.items() if times > OFTEN]
    twice = [word for word, times in weighty.items() if times == OFTEN]
    if often or len(twice) > OFTEN:
        return f"again and again: {' '.join(often or twice)}"
    return ""


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
    ("word_list", _word_list),
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
    """A word without its ending: enough to match `eels` with `eel` and `climbers` with `climb`."""
    word = word.removesuffix("'s")
    if re.search(r"(?:ch|sh|x|ss)es$", word):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    for ending in ("ing", "ed", "er"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) > 2 and re.search("[aeiouy]", rest):
            word = rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "ls" else rest
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


SHUN_STEMS, KEEP_STEMS, LET_BE = (
    frozenset(map(_stem, one)) for one in (SHUNNING, KEEPING, LETTING)
)


def _tells(stems: Sequence[str], spelling: str, marked: Sequence[str] = ()) -> bool:
    """Whether a fact's spelling is told. Parts joined by & must all be."""
    return all(
        any(_stem(way) in stems for way in WAYS[part])
        if part in WAYS
        else _keeps_off(marked, part.removeprefix("@avoid "))
        if part.startswith("@avoid ")
        else _near(stems, part)
        for part in spelling.split(" & ")
    )


def _marked(sentence: str) -> list[str]:
    """Words and commas, without the address and its commas."""
    text = re.sub(r",? ?\b(?:wader|dry-foot)\b,?", " ", sentence.replace("\u2019", "'").lower())
    return re.findall(r"[a-z0-9]+(?:['-][a-z0-9]+)*|,", text)


def _keeps_off(stems: Sequence[str], thing: str) -> bool:
    """Whether somebody is told to keep off the thing."""
    wanted = _stem(words_of(thing)[-1])
    met = False
    for at, word in enumerate(stems):
        met = met or word == wanted
        start = _way_off(stems, at)
        if start and (_reaches(stems, start, wanted) or (met and _points_back(stems, at, start))):
            return word != "let" or bool(LET_BE & {*stems[start : start + REACH + 2]})
    return False


def _way_off(stems: Sequence[str], at: int) -> int:
    """The place after a way to keep off that begins here, or 0."""
    if stems[at] in SHUN_STEMS or stems[at] == "let":
        return at + 1
    if stems[at] not in KEEP_STEMS:
        return 0
    for place in range(at + 1, min(at + 4, len(stems))):
        if stems[place] in OFF:
            return place + 1 + (stems[place + 1 : place + 2] in (["off"], ["out"], ["by"]))
    return 0


def _reaches(stems: Sequence[str], start: int, wanted: str) -> bool:
    """Whether the thing comes soon after the way to keep off, in the same breath."""
    if stems[start - 1] in UNLINKED and stems[start : start + 1] not in (["of"], ["from"]):
        return False
    for word in stems[start : start + REACH]:
        if word == wanted:
            return True
        if word in BREAKS:
            return False
    return False


def _points_back(stems: Sequence[str], at: int, start: int) -> bool:
    """Whether a way to keep off means what came before: `so keep out`, `shun it`."""
    named = bool(POINTING & {*stems[start : start + 2]})
    ends = start == len(stems) or stems[start] == ","
    return named or (ends and "so" in stems[max(0, at - 2) : at])


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
    wanted = {_stem(words_of(unit)[-1]) for unit in units if unit != ANY}
    for value, after in numbers_of(told):
        if value == number and (ANY in units or wanted & {*stems[after : after + 3]}):
            return True
    return False


def _invented(words: Sequence[str], expected: dict[str, Any]) -> str:
    """The first number, bell or direction that the line does not have; `one` may be a pronoun."""
    known = " ".join(one for fact in expected["facts"] for one in fact)
    numbers = {number for number, *_ in expected["counts"]} | {1}
    numbers |= {value for value, _ in numbers_of(words_of(known))}
    for value, _ in numbers_of(words):
        if value not in numbers:
            return f"the number {value}"
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in BELLS and following == "bell" and f"{word} bell" not in known:
            return f"{word} bell"
        if word in DIRECTIONS and word not in known:
            return word
    return ""


def _taken_back(told: Sequence[str], case: Case) -> str:
    """The first word that says that something is lacking, where the line says nothing like it."""
    line = words_of(str(case.input["line"]))
    if DENYING & {*line} or any(word.endswith("n't") for word in line):
        return ""
    known = " ".join(one for fact in _expected(case)["facts"] for one in fact).split()
    return next((word for word in told if word in LACKING and word not in known), "")


def shared_run(plain: Sequence[str], answer: Sequence[str]) -> Sequence[str]:
    """The first run of more than RUN words that both have, or nothing."""
    size = RUN + 1
    runs = {tuple(plain[at : at + size]) for at in range(len(plain) - size + 1)}
    for at in range(len(answer) - size + 1):
        if tuple(answer[at : at + size]) in runs:
            return answer[at : at + size]
    return ()
