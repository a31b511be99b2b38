"""Judges a reply: does it render, are its blocks right, does its prose keep the rules.

The prose is free within the rules, so no reference text is compared. Replies are hostile: `latch`
bounds their length before anything else is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from latch import LatchError, Reply, read_reply

from evals.records import Case, Output, Score


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MIN_WORDS, MAX_WORDS = 4, 24
SAYINGS = ("under offer", "sold")  # nowhere else than where they are due
NUMBERS = frozenset(
    _words("""
        zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
        sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
        hundred thousand million dozen pounds euros dollars
    """)
)
PRAISE = frozenset(
    _words("""
        amazing attractive beautiful brilliant charming cosy delightful desirable excellent exciting
        fabulous fantastic gem gorgeous great ideal impressive incredible lovely luxurious luxury
        magnificent nice perfect splendid stunning superb terrific wonderful
    """)
)
# With these a sentence may begin, before a comma or dash, as in "Great, which day?".
EXCLAIMED = frozenset(_words("brilliant excellent fantastic great lovely perfect wonderful"))
# Beginnings of words for what the file never tells of a home: only a client may bring it up.
FEATURES = _words("""
    attic balcon bath basement boiler bright broadband cellar central conservatory detached driveway
    fireplace floor furnish garage garden heating kitchen lift loft modern neighbour orchard park
    patio pool quiet renovat roof school seaside shower solar spacious station sunny terrace
""")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# How clients shorten them; not "sun", which shines into gardens.
SHORT_DAYS = {
    short: day
    for day, shorts in zip(
        DAYS, ("mon", "tue tues", "wed weds", "thu thur thurs", "fri", "sat", ""), strict=True
    )
    for short in shorts.split()
}
# What plainly asks for one thing.
QUESTIONS = {
    "beds": re.compile(r"\b(?:how many|number of) (?:bed)?rooms\b"),
    "budget": re.compile(r"\byour (?:budget|limit)\b|\bto spend\b"),
    "which": re.compile(r"\bwhich home\b"),
    "day": re.compile(r"\b(?:what|which) (?:week)?day\b"),
    "offer": re.compile(r"\byour offer\b|\bto offer\b"),
}

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NOT_PROSE = re.compile(r"[^\w\s,;:'’‘“”\"().?&–—-]")
_EXCLAIMS = re.compile(r"\w+(?:[,;:]| ?[–—]| -) ")
_DENIED = re.compile(
    r"\b(?:not|never|no longer|neither|nor|cannot|\w+n['’]t)"
    r"(?: (?:yet|been|be|currently|now|already|really|actually|at all|even|still|just|quite))*"
    rf" (?:{'|'.join(SAYINGS)})\b"
)


def score_reply(case: Case, output: Output) -> Score:
    """1 when the reply renders, has the right blocks, and its prose keeps the rules."""
    return _score(case, output, blocks=True, prose=True)


def score_renders(case: Case, output: Output) -> Score:
    """1 when the reply renders, right or wrong."""
    return _score(case, output, blocks=False, prose=False)


def score_blocks(case: Case, output: Output) -> Score:
    """1 when the reply has exactly the expected blocks, in order."""
    return _score(case, output, blocks=True, prose=False)


def score_prose(case: Case, output: Output) -> Score:
    """1 when the reply renders and its prose keeps the rules, whatever its blocks."""
    return _score(case, output, blocks=False, prose=True)


def _score(case: Case, output: Output, *, blocks: bool, prose: bool) -> Score:
    try:
        reply = read_reply(output.text or "")
    except LatchError as error:
        return Score(0.0, str(error), "format")
    wanted = case.expected["blocks"]
    if blocks and reply.blocks != wanted:
        return Score(0.0, f"expected {' '.join(wanted)}", "wrong_blocks")
    if prose and (broken := list(faults(case, reply))):
        return Score(0.0, "; ".join(broken), "prose")
    return Score(1.0)


def faults(case: Case, reply: Reply) -> Iterator[str]:
    """The rules that the prose breaks."""
    yield from _form_faults(reply)
    words = [_bare(word) for word in _WORD.findall(reply.prose)]
    lower = [word.lower() for word in words]
    if not MIN_WORDS <= len(words) <= MAX_WORDS:
        yield f"{len(words)} words"
    if any(char.isnumeric() for char in reply.prose) or _parts(lower) & NUMBERS:
        yield "a number"
    exclaims = lower and lower[0] in EXCLAIMED and _EXCLAIMS.match(reply.prose)
    if found := _parts(lower[1:] if exclaims else lower) & PRAISE:
        yield f"praise: {min(found)}"
    said = " ".join(lower)
    yield from _saying_faults(case.expected["says"], said)
    if reply.asks:
        yield from _question_faults(reply.closing, said)
    yield from _unknown(case, words)


def _saying_faults(due: list[str], said: str) -> Iterator[str]:
    """What must be said and is not, or is denied; what is said where it is not so."""
    for saying in dict.fromkeys((*due, *SAYINGS)):
        if (saying in due) != (f" {saying} " in f" {said} "):
            yield f"{saying!r} is to be said, and only where it is so"
    if found := _DENIED.search(said):
        yield f"denied: {found[0]!r}"


def _question_faults(closing: str, said: str) -> Iterator[str]:
    """A question that plainly asks for another thing than the field takes."""
    asked = [kind for kind, pattern in QUESTIONS.items() if pattern.search(said)]
    field = closing.strip("~?").split(":")[0]
    if asked and field not in asked and (field, asked) != ("offer", ["budget"]):
        yield f"asks for {asked[0]} before {closing}"


def _form_faults(reply: Reply) -> Iterator[str]:
    """What makes the prose anything but one sentence, a question before an ask."""
    mark = "?" if reply.asks else "."
    if not reply.prose.endswith(mark):
        yield f"does not end with {mark!r}"
    if re.search(r"[.?]", reply.prose[:-1]) or _NOT_PROSE.search(reply.prose):
        yield "not one plain sentence"
    if not reply.prose[0].isupper():
        yield "does not begin with a capital"


def _unknown(case: Case, words: list[str]) -> Iterator[str]:
    """Names, days and features that neither the client nor the homes in question bring up."""
    told = _client_words(case)
    days = _days(case, told)
    known = told | {name.lower() for name in case.expected["names"]}
    areas = {line.split()[1] for line in case.input["homes"].splitlines()}
    for place, word in enumerate(words):
        lower = word.lower()
        if lower.removesuffix("s") in DAYS:
            if lower.removesuffix("s") not in days:
                yield f"a day nobody named: {word}"
        elif any(lower.startswith(stem) for stem in FEATURES):
            stems = [stem for stem in FEATURES if lower.startswith(stem)]
            if not any(one.startswith(stem) for one in told for stem in stems):
                yield f"not on file: {word}"
        elif (place or word in areas) and _is_name(word) and lower not in known:
            yield f"a name that is not in question: {word}"


def _days(case: Case, told: set[str]) -> set[str]:
    """The days that the client named, and the one that is booked."""
    booked = case.expected["blocks"][-1].partition("@")[2].strip("~")
    named = {one.removesuffix("s") for one in told} | {SHORT_DAYS.get(one) for one in told}
    return {day for day in DAYS if day in named or (booked and day.startswith(booked))}


def _client_words(case: Case) -> set[str]:
    """All words of the client's messages."""
    said = [one["content"] for one in case.input["messages"] if one["role"] == "user"]
    return {
        part
        for text in said
        for part in _parts([_bare(one) for one in _WORD.findall(text.lower())])
    }


def _bare(word: str) -> str:
    """A word without the ending of a possessive, which "it's" and "let's" lose as well."""
    return word[:-2] if word[-2:] in ("'s", "’s", "'S", "’S") else word


def _parts(words: list[str]) -> set[str]:
    """Words, and the parts of those with hyphens."""
    return {part for word in words for part in (word, *word.split("-"))}


def _is_name(word: str) -> bool:
    return word[0].isupper() and word != "I" and word[:2] not in ("I'", "I’")
