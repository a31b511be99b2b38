"""Judges a reply by three things that a person could check: fact, tone, policy.

Replies are hostile: what is longer than `LONGEST` or holds control characters is wrong unread, and
no pattern can take longer than the reply is long. `figures.py` reads numbers, `policies.py` holds
the rules of each kind of case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from figures import Figures, placed_figures, read_figures, rewritten, unit_of
from policies import ALONE, CLAUSES, HEDGE, RULES, SOOTHING, TAG

from evals.records import Case, Output, Score

LONGEST = 400  # characters of a reply; the rule of 40 words comes far below
WORDS = 40
SENTENCES = 2

Failure = tuple[str, str]
"""Why something is wrong, and the kind of failure."""

PHRASES = (
    "apologi",
    "inconvenience",
    "valued",
    "kindly",
    "assist",  # but no "AI assistant"
    "regarding",
    "hesitate",
    "rest assured",
    "reach out",
    "reaching out",
    "feel free",
    "be advised",
    "at your earliest convenience",
)
_PHRASE = re.compile(rf"\b(?!assistants?\b)(?:{'|'.join(PHRASES)})")
_SIGNED = re.compile(r"(?:^|\s)[-\u2013\u2014] ?Pip\.?$")
_TITLE = re.compile(
    r"\b(?i:sir|madam|ma'am|mrs?|ms|mx|dr)\b|\bMiss [A-Z]"
    r"|^(?i:dear)\b|\b(?i:dear) (?:customer\b|[A-Z])"
)
_LONG = re.compile(
    r"\b(?:do|does|did|is|are|was|were|has|have|had|would|could|should|will) not\b"
    r"|\bcan ?not\b"
    r"|\bi (?:am|will)\b(?= \w)"
    r"|\b(?:you|we|they) (?:are|will)\b(?= \w)"
    r"|\bit (?:is|will)\b(?= \w)"
    r"|(?:^|[.!?,] )that (?:is|will)\b(?= \w)"
)
_ASKED = re.compile(  # "where it is now" has no short form
    r"\b(?:where|what|how|when|who|which|wherever|whatever|than|as)(?: \w+)?"
    r" (?:it|that|they|you|we|i) (?:is|are|am)\b"
)
_SHORT = re.compile(
    r"\w(?:n't|'ll|'re|'ve|'m|'d)\b"
    r"|\b(?:it|that|there|here|what|who|where|how|when|he|she|let|everything|nothing|something"
    r"|one|this|all)'s\b"
)
_NOUN_S = re.compile(r"\w's\s+(.{1,60})")
_VERB = re.compile(
    r"\b(?:is|are|was|has|have|holds?|weighs?|takes?|comes?|costs?|runs?|lasts?|needs?|goes|can"
    r"|makes?|gives?|boils?|uses?|fits?|will|does|gets?|sits?|works?)\b"
)
_BREAK = re.compile(r"(?<=[.!?])\s+(?=[^\sa-z])")
_CALL = 2  # words up to which "Oh no!" is a call and no sentence


def score_reply(case: Case, output: Output) -> Score:
    """1 when fact, tone and policy are all right; the reason is that of the first that is not."""
    return _score(case, output, _fact, _policy, _tone)


def score_fact(case: Case, output: Output) -> Score:
    """1 when the fact that was asked for is there, and no figure or value that is not so."""
    return _score(case, output, _fact)


def score_tone(case: Case, output: Output) -> Score:
    """1 when the reply sounds like Pip."""
    return _score(case, output, _tone)


def score_policy(case: Case, output: Output) -> Score:
    """1 when the case's rule is kept: what must be said, what must not, and the tag."""
    return _score(case, output, _policy)


Judge = Callable[[Case, str], Failure | None]


def _score(case: Case, output: Output, *judges: Judge) -> Score:
    text = output.text or ""
    if failure := _unreadable(text):
        return Score(0.0, *failure)
    text = plain(text)
    for judge in judges:
        if failure := judge(case, text):
            return Score(0.0, *failure)
    return Score(1.0)


def _unreadable(text: str) -> Failure | None:
    if len(text) > LONGEST:
        return f"longer than {LONGEST} characters", "runaway"
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co") for sign in text.strip()):
        return "control characters or line breaks", "unreadable"
    return None if text.strip() else ("nothing written", "empty")


def plain(text: str) -> str:
    """One spelling of spaces and of apostrophes."""
    return " ".join(text.replace("\u2019", "'").replace("\u02bc", "'").split())


# Fact ------------------------------------------------------------------------------------------


def _fact(case: Case, text: str) -> Failure | None:
    wanted = case.expected if isinstance(case.expected, dict) else {}
    body = rewritten(TAG.sub(" ", text).casefold())
    spellings = [rewritten(str(one).casefold()) for one in _listed(wanted, "fact")]
    if spellings and not any(_stands_in(one, body) for one in spellings):
        return f"expected {spellings[0]}", "no_fact"
    for other in _listed(wanted, "others"):
        if _stands_in(rewritten(str(other).casefold()), body, _BACK):
            return f"says {other}", "wrong_fact"
    page = [str(one).casefold() for one in _listed(wanted, "page")]
    names = [one for one in (*spellings, *page) if _is_name(one)]
    rest = body
    for name in names:
        rest = rest.replace(name, " ")
    allowed = Figures()
    for text_of in (*spellings, *page, *_said(case.input)):
        allowed.add(read_figures(text_of.casefold()))
    found = read_figures(rest)
    if strange := allowed.strange(found.with_units() if wanted.get("kind") == "chat" else found):
        return f"{strange} stands nowhere", "invented_figure"
    return _beside(spellings, names, body) if spellings else None


def _beside(spellings: list[str], names: list[str], body: str) -> Failure | None:
    """What stands beside the wanted value and makes it a list: a second one of its kind."""
    others = {name for name in names if name not in spellings and _stands_in(name, body)}
    if others and _is_name(spellings[0]):
        return f"says {min(others)}, too", "wrong_fact"
    for name in names:
        body = body.replace(name, " " * len(name))
    units = set(filter(None, map(unit_of, spellings)))
    for start, figure in placed_figures(body):
        if figure in spellings or _denied(body, start, start + len(figure)):
            continue
        if unit_of(figure) in units:
            return f"says {figure}, too", "wrong_fact"
        others.add(figure)
    return ("a list of figures", "listed") if len(others) > 1 else None


def _listed(wanted: dict[str, object], key: str) -> list[object]:
    found = wanted.get(key)
    return found if isinstance(found, list) else []


def _is_name(value: str) -> bool:
    """Whether digits in it are part of a name, as in the part number NP-3121."""
    return re.fullmatch(r"[a-z]+-\d+", value.casefold()) is not None


def _said(given: object) -> Iterator[str]:
    """All that was said in the conversation."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        for one in given.values():
            yield from _said(one)
    elif isinstance(given, list):
        for one in given:
            yield from _said(one)


_CLAUSE = re.compile(
    r"[.!?;:,](?= ) *(?=(?:i|we|they|you|it|that|this|there|your|our|the|just|only|not|no)\b)"
    r"|[.!?;:] +|,? but |,? and (?=(?:i|we|they|you|it|that|this|there|your|our|the)\b)|,? so "
)
_DENIAL = re.compile(
    r"n't\b|\b(?:not|never|no|none|nowhere|neither|nor|cannot|hardly|far from|other than|except"
    r"|apart from|rather than|instead of|anything but|used to|no idea|whether|might|may|maybe"
    r"|perhaps|guess|could be|probably|possibly)\b"
)
_LIMIT = re.compile(  # "it can't go below 46 degrees", "nothing but cork": said by a denial
    r"(?:(?:can|won|don|mustn|shouldn)'t|\b(?:never|nothing|none|no))\b[^.!?;]{0,40}?"
    r"\b(?:(?:below|under|over|above|beyond|past|but|except|(?:lower|less|more|longer|other) than)"
    r" (?:an? |the )?)$|\bno doubt\b|\bdon't worry\b"
)
_AFTER = re.compile(r"(?: \w+)?(?: isn't| is not| is wrong|'s wrong| wasn't)|[^.!,;]{0,40}\?")
_BACK = re.compile(r"\b(?:back(?: open)?|reopens?|open again|again)(?: on)? $")


def _stands_in(wanted: str, text: str, unless: re.Pattern[str] | None = None) -> bool:
    """Whether the words are there, whole and as a plain statement; both texts are rewritten."""
    alone = r"(?! (?:g|ml|mm|s|days|months|pounds|degrees|percent|db|bar|w|v)\b)"
    after = alone if wanted.isdigit() else ""
    for found in re.finditer(rf"(?<![\w.,]){re.escape(wanted)}(?!\w|[.,]\d){after}", text):
        if unless and unless.search(text[max(0, found.start() - 20) : found.start()]):
            continue
        if not _denied(text, found.start(), found.end()):
            return True
    return False


def _denied(text: str, start: int, end: int) -> bool:
    """Whether the clause around a value denies it, leaves it open or asks it."""
    before = _CLAUSE.split(text[:start])[-1]
    return bool(_DENIAL.search(_LIMIT.sub(" ", before)) or _AFTER.match(text, end))


# Tone ------------------------------------------------------------------------------------------


def _tone(case: Case, text: str) -> Failure | None:  # noqa: ARG001 - all judges have a case
    said = " ".join(TAG.sub(" ", text).split())
    if not _SIGNED.search(said):
        return 'no "- Pip" at the end', "sign_off"
    body = _SIGNED.sub("", said).strip()
    low = body.casefold()
    if "- pip" in low:
        return "signed twice", "sign_off"
    if found := _TITLE.search(body):
        return f"greets by {found[0]}", "title"
    if found := _PHRASE.search(low):
        return f"says {found[0]}", "corporate"
    if said.count("!") > 1:
        return "more than one exclamation mark", "exclamation"
    sentences = [one for one in _BREAK.split(body) if len(one.split()) > _CALL]
    if len(body.split()) > WORDS or len(sentences) > SENTENCES:
        return f"more than {WORDS} words or {SENTENCES} sentences", "long"
    if found := _LONG.search(_ASKED.sub(" ", low)):
        return f"the long form {found[0].strip(' .!?,')}", "long_form"
    return None if contracted(low) else ("no contraction", "no_contraction")


def contracted(low: str) -> bool:
    """Whether a text has a contraction; "the kettle's lid is grey" has none."""
    if _SHORT.search(low):
        return True
    clauses = re.split(r"[.!?,;:]\s|$", low)
    return any(
        not _VERB.search(" ".join(found[1].split()[:4]))
        for clause in clauses
        for found in _NOUN_S.finditer(clause)
    )


# Policy ----------------------------------------------------------------------------------------


def _policy(case: Case, text: str) -> Failure | None:
    kind = case.expected.get("kind") if isinstance(case.expected, dict) else None
    rule = RULES[str(kind)]
    tags = [found[0] for found in TAG.finditer(text)]
    if tags != ([rule.tag] if rule.tag else []):
        return f"expected the tag {rule.tag or 'of no team'}, got {tags or 'none'}", "tag"
    if rule.tag and not text.endswith(rule.tag):
        return "the tag does not stand last", "tag"
    low = SOOTHING.sub(" ", TAG.sub(" ", text).casefold())
    if rule.must and not _said_plainly(rule.must, low):
        return f"does not say {rule.says}", "not_said"
    if sum(one.search(low) is not None for one in ALONE) > 1:
        return "names what several rules ask for", "scattered"
    for pattern in (*rule.never, *rule.flatly):
        if found := _claimed(pattern, low, flatly=pattern in rule.flatly):
            return f"says {found}", "forbidden"
    return None


_DENIED_BEFORE = re.compile(r"(?:\w+n't|\bnot|\bnever|\bno|\bno need to)(?: \w+)? $")


def _said_plainly(pattern: re.Pattern[str], low: str) -> bool:
    """Whether it is said, and not right after a denial: "don't unplug it"."""
    return any(not _DENIED_BEFORE.search(low[: one.start()]) for one in pattern.finditer(low))


def _claimed(pattern: re.Pattern[str], low: str, *, flatly: bool) -> str | None:
    """The first match in a clause that neither denies it nor leaves it open.

    A claim that is a denial itself is only left open by what stands before it.
    """
    for clause in CLAUSES.split(low):
        for found in pattern.finditer(clause):
            if not HEDGE.search(clause[: found.start() if flatly else found.end()]):
                return found[0].strip()
    return None
