"""One Markdown code fence around an answer, taken off."""

from __future__ import annotations

import re

_FENCE = re.compile(r"\s*```[ \t]*(\w*)[ \t]*\r?\n(.*?)\r?\n?[ \t]*```\s*", re.DOTALL)


def unfenced(text: str, *languages: str) -> str:
    """The inside of the one fence that the whole text is, in one of `languages` or in none.

    Any other text is given back as it is: prose around a fence, two fences, another language.
    """
    found = _FENCE.fullmatch(text)
    if found is None or "```" in found[2] or found[1].lower() not in {"", *languages}:
        return text
    return found[2]
