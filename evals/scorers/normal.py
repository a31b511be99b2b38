"""The one normal form in which forgiving scorers compare texts."""

from __future__ import annotations

import unicodedata

# Quotes and Markdown emphasis may stand on both sides of an answer; sentence marks only
# after it. Other punctuation stays: "-5", "C#", "50%" and ".net" mean what they say.
_AROUND = "\"'`´*«»“”„‟‘’‚‛‹›"
_AFTER = ".,;:!?…。！？、"


def normalise(text: str) -> str:
    """Casefolded NFKC text with single spaces, without outer quotes and final sentence marks.

    Text of nothing but such marks is kept, so that "?" never equals "". Idempotent.
    """
    previous = None
    while text != previous:
        previous = text
        text = unicodedata.normalize("NFKC", text).casefold()
        text = _bare(" ".join(text.split()))
    return text


def _bare(text: str) -> str:
    return text.lstrip(_AROUND + " ").rstrip(_AROUND + _AFTER + " ") or text
