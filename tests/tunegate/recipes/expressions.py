"""GitHub's expressions, as far as the recipes use them: a context in, a value out.

Contexts, `==`, `!=`, `&&`, `||`, `!`, brackets, text in single quotes, `true`, `false`,
`always()`. What is missing from a context is the empty text. Anything else is refused, so
that a recipe cannot pass with an expression that was not understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|(&&|\|\||==|!=|[!()])|([A-Za-z_][\w.-]*))")
_WHOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

Contexts = Mapping[str, Any]


def expand(text: str, contexts: Contexts) -> str:
    """Text with every `${{ }}` in it replaced by its value."""
    return _WHOLE.sub(lambda found: as_text(evaluate(found[1], contexts)), text)


def holds(condition: str, contexts: Contexts) -> bool:
    """Whether an `if` holds, with or without `${{ }}` around it."""
    whole = _WHOLE.fullmatch(condition.strip())
    return bool(evaluate(whole[1] if whole else condition, contexts))


def evaluate(expression: str, contexts: Contexts) -> Any:
    """The value of one expression."""
    reader = _Reader(_tokens(expression), contexts)
    value = reader.either()
    assert not reader.left, f"not understood: {expression!r} from {reader.left[0]!r}"
    return value


def as_text(value: Any) -> str:
    """A value as a script sees it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _tokens(expression: str) -> list[str]:
    found, place = [], 0
    while expression[place:].strip():
        match = _TOKEN.match(expression, place)
        assert match, f"not understood: {expression[place:]!r}"
        found.append(match[0].strip())
        place = match.end()
    return found


class _Reader:
    """Reads tokens from the left; one method for each level of binding."""

    def __init__(self, tokens: list[str], contexts: Contexts) -> None:
        self.left = tokens
        self._contexts = contexts

    def _take(self, *wanted: str) -> str | None:
        return self.left.pop(0) if self.left and self.left[0] in wanted else None

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._equal()
        while self._take("&&"):
            other = self._equal()
            value = value and other
        return value

    def _equal(self) -> Any:
        value = self._one()
        while sign := self._take("==", "!="):
            same = as_text(value) == as_text(self._one())
            value = same if sign == "==" else not same
        return value

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            value = self.either()
            assert self._take(")")
            return value
        token = self.left.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token in ("true", "false"):
            return token == "true"
        if token == "always" and self._take("("):
            assert self._take(")")
            return True
        value: Any = self._contexts
        for key in token.split("."):
            value = value.get(key, "") if isinstance(value, Mapping) else ""
        return value
