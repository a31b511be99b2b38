"""Judges a reply by three things that a person could check: fact, tone, policy.

Replies are hostile: what is longer than `LONGEST` or holds control characters is wrong unread, and
no pattern can take longer than the reply is long. `figures.py` reads numbers, `policies.py` holds
the rules of each kind of case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from figures import Figures, read_figures, rewritten
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
    "assist",
    "regarding",
    "hesitate",
    "rest assured",
    "reach out",
    "reaching out",
    "feel free",
    "be advised",
    "at your earliest convenience",
)
_PHRASE = re.compile(rf"\b(?:{'|'.join(PHRASES)})")
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
    body = TAG.sub(" ", text).casefold()
    spellings = [str(one).casefold() for one in _listed(wanted, "fact")]
    if spellings and not any(_stands_in(one, body) for one in spellings):
        return f"expected {spellings[0]}", "no_fact"
    for other in _listed(wanted, "others"):
        if _stands_in(str(other).casefold(), body):
            return f"says {other}", "wrong_fact"
    for known in (*spellings, *map(str, _listed(wanted, "page"))):
        body = body.replace(known.casefold(), " ") if _is_name(known) else body
    allowed = Figures()
    for text_of in (*spellings, *map(str, _listed(wanted, "page")), *_said(case.input)):
        allowed.add(read_figures(text_of.casefold()))
    if strange := allowed.strange(read_figures(body)):
        return f"{strange} stands nowhere", "invented_figure"
    return None


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


_DENIED = r"(?:\bnot|n't|\bnever|\bno)(?: (?:a|an|the|about|made of|made in|in|of|from))? $"


def _stands_in(wanted: str, text: str) -> bool:
    """Whether the words are there as whole words and not denied; figures count in any unit."""
    wanted, text = rewritten(wanted), rewritten(text)
    for found in re.finditer(rf"(?<![\w.,]){re.escape(wanted)}(?!\w|[.,]\d)", text):
        if not re.search(_DENIED, text[max(0, found.start() - 20) : found.start()]):
            return True
    return False


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
    if found := _LONG.search(low):
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
    for never in rule.never:
        if found := _claimed(never, low):
            return f"says {found}", "forbidden"
    return None


_DENIED_BEFORE = re.compile(r"(?:\w+n't|\bnot|\bnever|\bno|\bno need to)(?: \w+)? $")


def _said_plainly(pattern: re.Pattern[str], low: str) -> bool:
    """Whether it is said, and not right after a denial: "don't unplug it"."""
    return any(not _DENIED_BEFORE.search(low[: one.start()]) for one in pattern.finditer(low))


def _claimed(pattern: re.Pattern[str], low: str) -> str | None:
    """The first match in a clause that neither denies it nor leaves it open."""
    for clause in CLAUSES.split(low):
        for found in pattern.finditer(clause):
            if not HEDGE.search(clause[: found.end()]):
                return found[0].strip()
    return None
