"""Constraints by llguidance: a lazy Earley parser with limits on the work of every step.

Nothing is compiled ahead, so that a large form costs no more than it is used, and what is too
complex ends in an error and not in minutes of work. Why this library: `benchmarks/
constrained_decoding.md`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from llguidance import LLExecutor, LLMatcher, LLTokenizer
from llguidance.gbnf_to_lark import gbnf_to_lark

from evals.errors import ModelError
from evals.fingerprint import ordered_json
from evals.models.constrained import Form, Matcher
from evals.records import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_GRAMMAR = 1 << 18
"""Characters of a grammar or a regex."""

MAX_PROPERTY_PAIRS = 6_000_000
"""The squares of how many properties each object of a schema states, added up.

The library's time to compile an object grows so: 2,000 properties take 0.6 s, 5,000 take 6.
"""

_STEP = 8  # bytes taken between two looks at the clock

_JSON: dict[str, Any] = {
    # One blank at most after a separator and none elsewhere: free whitespace would let a small
    # model write blanks until its tokens end.
    "whitespace_flexible": False,
    "item_separator": ",[ ]?",
    "key_separator": ":[ ]?",
    # A keyword that the library does not know is an error, not ignored.
    "lenient": False,
}
_UNKNOWN = re.compile(r"Unimplemented keys: \[(.*?)\]")
_UNICODE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")


class Tokens(NamedTuple):
    """A tokenizer as the library reads it."""

    known: LLTokenizer
    stops: frozenset[int]


def tokens_of(tokenizer: Any, stops: frozenset[int], vocabulary: int) -> Tokens:
    """A fast Hugging Face tokenizer for a model with so many logits; takes half a second.

    Raises ModelError for a tokenizer that is not a fast one.
    """
    from llguidance import hf

    size = max(vocabulary, len(tokenizer))
    try:
        known = hf.from_tokenizer(tokenizer, n_vocab=size, eos_token=sorted(stops))
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"the model's tokenizer cannot be constrained: {_line(error)}",
            hint="structured output needs a model with a fast tokenizer (tokenizer.json)",
        ) from error
    return Tokens(known, stops)


class Guidance:
    """A `Constraint`. Raises ModelError at `key` for a form that cannot be enforced."""

    def __init__(self, form: Form, tokens: Tokens, *, key: str) -> None:
        self._first = LLMatcher(tokens.known, grammar_of(form, key), log_level=0)
        self._executor = _executor()
        if self._first.is_error():
            raise _refused(form, self._first.get_error(), key)

    def matcher(self) -> Walk:
        """A matcher at the beginning of an answer."""
        return Walk(self._first.deep_copy())

    def allowed(self, matchers: Sequence[Matcher | None], vocabulary: int) -> NDArray[np.bool_]:
        """As in `Constraint`; the rows' masks are computed at the same time."""
        import numpy as np
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask_par

        bits = allocate_token_bitmask(len(matchers), vocabulary)
        walking = [(m.inner, n) for n, m in enumerate(matchers) if isinstance(m, Walk)]
        fill_next_token_bitmask_par(self._executor, walking, bits)
        flags = np.unpackbits(bits.view(np.uint8), axis=1, count=vocabulary, bitorder="little")
        return flags.view(np.bool_)


class Walk:
    """A `Matcher`."""

    def __init__(self, inner: LLMatcher) -> None:
        self.inner = inner

    @property
    def ended(self) -> bool:
        """Whether the answer is complete and nothing can follow it."""
        return self.inner.is_stopped() and not self.inner.is_error()

    @property
    def fault(self) -> str | None:
        """Why the row cannot go on, if so."""
        return _line(self.inner.get_error()) if self.inner.is_error() else None

    def take(self, token: int) -> None:
        """Append a token that was allowed."""
        self.inner.consume_token(token)


def grammar_of(form: Form, key: str) -> str:
    """The form in the library's own words. Raises ModelError at `key`."""
    text = form.grammar or form.regex
    if len(text) > MAX_GRAMMAR:
        raise ModelError(f"has {len(text)} characters, the limit is {MAX_GRAMMAR}", key=key)
    if form.regex:
        return str(LLMatcher.grammar_from_regex(form.regex))
    if form.grammar:
        return str(LLMatcher.grammar_from_lark(_lark(form.grammar, key)))
    _refuse_large(form.schema, key)
    schema = ordered_json(form.schema)
    return str(LLMatcher.grammar_from_json_schema(schema, overrides=_JSON))


def _refuse_large(schema: Json, key: str) -> None:
    """Raise ModelError for a schema that would take the library many seconds to compile."""
    pairs, left = 0, [schema]
    while left:
        value = left.pop()
        if isinstance(value, Mapping):
            known = value.get("properties")
            pairs += len(known) ** 2 if isinstance(known, Mapping) else 0
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)
    if pairs > MAX_PROPERTY_PAIRS:
        most = int(MAX_PROPERTY_PAIRS**0.5)
        raise ModelError(
            f"the schema states too many properties: one object can have about {most:,}",
            key=key,
            hint="leave out of the structure what answers never hold",
        )


def fault_of(form: Form, key: str) -> ModelError | None:
    """Why a form cannot be enforced on any model, or None where it can."""
    try:
        text = grammar_of(form, key)
    except ModelError as error:
        return error
    matcher = _compiled(text)
    return _refused(form, matcher.get_error(), key) if matcher.is_error() else None


class Acceptor:
    """Whether texts hold to a form, each to its last byte. Raises ModelError as `Guidance`."""

    def __init__(self, form: Form, *, key: str) -> None:
        self._first = _compiled(grammar_of(form, key))
        if self._first.is_error():
            raise _refused(form, self._first.get_error(), key)

    def accepts(self, text: str, until: float = inf) -> bool:
        """Whether a model held to the form can write `text`.

        Raises TimeoutError where that is not known by `until`, on the clock of `monotonic`.
        """
        matcher = self._first.deep_copy()
        ids = _bytes().tokenize_bytes(text.encode("utf-8", "replace"))
        for start in range(0, len(ids), _STEP):
            step = ids[start : start + _STEP]
            if matcher.try_consume_tokens(step) != len(step):
                return False
            if monotonic() > until:
                raise TimeoutError
        return bool(matcher.is_accepting())


@lru_cache(maxsize=2)
def _compiled(grammar: str) -> LLMatcher:
    """A matcher of single bytes at the beginning; only to be copied."""
    return LLMatcher(_bytes(), grammar, log_level=0)


@lru_cache(maxsize=1)
def _bytes() -> LLTokenizer:
    """A tokenizer of single bytes: no model is needed to try a form."""
    return LLTokenizer("byte")


@lru_cache(maxsize=1)
def _executor() -> LLExecutor:
    return LLExecutor(max(1, min(8, os.cpu_count() or 1)))


def _lark(grammar: str, key: str) -> str:
    """GBNF in the library's syntax. Raises ModelError."""
    try:
        return str(gbnf_to_lark(_UNICODE.sub(_character, grammar)))
    except RecursionError as error:
        raise ModelError("the grammar is nested too deep", key=key) from error
    except Exception as error:  # the library raises the base class for faults of a grammar
        raise ModelError(
            f"not a grammar: {_line(error)}",
            key=key,
            hint='write it as llama.cpp does (GBNF): root ::= "yes" | "no"',
        ) from error


def _character(found: re.Match[str]) -> str:
    """An escape as the character that it stands for, which the library's converter gets wrong."""
    code = int(found[2] or found[3], 16)
    if code < 0x80:
        return f"{found[1]}\\x{code:02x}"
    return found[1] + (chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd")


def _refused(form: Form, said: str, key: str) -> ModelError:
    """What the library says of a form, with the keyword where it names one."""
    what = "schema" if form.schema is not None else "grammar" if form.grammar else "regex"
    if unknown := _UNKNOWN.search(said):
        names = ", ".join(f"`{name}`" for name in re.findall(r'"([^"]*)"', unknown[1]))
        return ModelError(
            f"answers cannot be held to this schema: {names} cannot be enforced",
            key=key,
            hint="leave it out of the structure; the scorer can still check it",
        )
    if said.startswith("oneOf"):
        return ModelError(
            "answers cannot be held to this schema: `oneOf` is enforced only of different types",
            key=key,
            hint="write `anyOf` in the structure; the scorer can still check `oneOf`",
        )
    return ModelError(f"answers cannot be held to this {what}: {_line(said)}", key=key)


def _line(said: object) -> str:
    """An error of the library on one line, short."""
    lines = [line.strip() for line in str(said).splitlines() if line.strip()]
    told = next((line for line in lines if line.startswith("error: ")), lines[0] if lines else "")
    return told.removeprefix("error: ")[:300]
