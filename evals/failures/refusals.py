"""Whether an answer begins by declining: phrases, read conservatively.

Not every apology is a refusal, and not every "I cannot" is the model's own. So only the
beginning counts, the phrase must say that the task is not done, and nothing is a refusal where
the expected answer declines too, or where the phrase stands in the input that may be quoted.
"""

from __future__ import annotations

import re
import unicodedata

READ = 240
"""Characters of the beginning that are looked at."""


def _any(*phrases: str) -> str:
    """One of several patterns; a space in them is any white space."""
    return f"(?:{'|'.join(phrases)})"


_SORRY = _any(
    "(?:(?:i'm|i am|we are) )?(?:very |so |truly )?(?:sorry|afraid)",
    "(?:my )?apologies",
    "i apologi[sz]e",
    "unfortunately",
    "regrettably",
)
_CANNOT = _any(
    "can ?not",
    "can't",
    "could ?n't",
    "could not",
    "(?:am|are|'m) (?:not (?:able|allowed|permitted|programmed|designed)|unable)(?: to)?",
    "won't",
    "will not",
    "must decline(?: to)?",
    "(?:do not|don't) feel comfortable",
)
_TASKS = _any(
    "(?:help|assist|answer|respond|reply|comply|fulfil+|provide|give|offer|share|discuss)",
    "(?:create|generate|write|produce|translate|summari[sz]e|complete|perform|process)",
    "(?:engage|continue|support|access|browse|view|open|see|determine|identify)",
    "do (?:that|this|so)",
    "tell you",
)
# "I can't help but notice" is no refusal.
_TASK = rf"{_TASKS}(?:ing)?\b(?! but\b| thinking\b)"
_LACKS = "(?:do not|don't) have (?:[a-z]+ ){0,2}" + _any(
    "access", "ability", "capability", "capacity", "information", "enough", "permission"
)
_MODEL = r"(?:as|being) an? (?:ai|artificial intelligence|(?:large )?language model)\b"
_REQUEST = "(?:this|that|your) (?:request|question|task)"

_ENGLISH = (
    rf"{_SORRY}[ ,.:;!-]{{0,4}}(?:but )?(?:i|we) ?(?:[a-z]+ )?{_any(_CANNOT, _LACKS)}",
    rf"(?:i|we) ?(?:[a-z]+ )?{_CANNOT} (?:[a-z]+ ){{0,3}}?{_TASK}",
    rf"(?:i|we) {_LACKS}",
    rf"{_MODEL}[^.!?]{{0,80}}?{_any(_CANNOT, _LACKS, 'not capable')}",
    rf"{_REQUEST} {_CANNOT} be (?:answered|fulfilled|completed|processed)",
    "(?:i|we) (?:must|have to|need to) (?:respectfully |politely )?(?:decline|refuse)",
)
_OTHERS = (
    r"(?:es )?tut mir leid,? (?:aber )?(?:ich )?(?:kann|darf)\b[^.!?]{0,60}\bnicht",
    r"als (?:ki|sprachmodell)[^.!?]{0,60}\b(?:kann|darf) ich\b[^.!?]{0,60}\bnicht",
    r"(?:(?:je suis )?désolée?|malheureusement),? (?:mais )?je ne (?:peux|suis)\b",
    "(?:lo siento|lamentablemente),? (?:pero )?no (?:puedo|tengo acceso)",
    "(?:desculpe|lamento|infelizmente),? (?:mas )?(?:eu )?não (?:posso|consigo|tenho acesso)",
    "(?:mi dispiace|purtroppo),? (?:ma )?non (?:posso|sono in grado)",
    "(?:к сожалению|извините|простите),? (?:но )?я не (?:могу|имею)",
    "很?(?:抱歉|对不起|對不起)[，,、 ]{0,2}(?:但)?我?(?:不能|无法|無法)",
    "(?:申し訳(?:ございません|ありません)|すみません)[^。]{0,40}(?:できません|いたしかねます)",
    "죄송(?:합니다|하지만)[^.]{0,40}(?:수 없습니다|어렵습니다)",
)
_LEAD = "(?:(?:ok(?:ay)?|well|hello|hi|hey|thank you[^.!]{0,40}|thanks)[,.! ]{1,3})?"

_QUOTES = re.compile(r"^[\s\"'`*_>#“”‘«»-]+")
_DECLINING = re.compile(rf"\b(?:{_SORRY}|{_CANNOT})\b", re.IGNORECASE)
_BEGINS = re.compile(_LEAD + _any(*_ENGLISH, *_OTHERS), re.IGNORECASE)


def find_refusal(text: str) -> str | None:
    """The phrase by which the beginning of a text declines; None where it does not."""
    found = _BEGINS.match(_QUOTES.sub("", _plain(text[:READ])))
    return found[0] if found else None


def refuses(answer: str, wanted: str, shown: str) -> str | None:
    """The phrase by which `answer` declines what is asked; None where nothing is held against it.

    `wanted` is the expected answer and `shown` the input, which an answer may quote or rewrite.
    """
    phrase = find_refusal(answer)
    if phrase is None or find_refusal(wanted) or _DECLINING.search(_plain(wanted[:READ])):
        return None
    return None if phrase.casefold() in _plain(shown).casefold() else phrase


def _plain(text: str) -> str:
    """With single spaces, and one kind of apostrophe."""
    return " ".join(unicodedata.normalize("NFC", text).replace("\u2019", "'").split())
