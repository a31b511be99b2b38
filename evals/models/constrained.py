"""Answers held to a form: what one row may write next. Imports no torch and no library.

A constraint is compiled once for a form and a tokenizer; every row of a batch walks through it
with a matcher of its own, so that rows know nothing of each other. The library behind it is
`evals.models.guidance`; nothing else of the project knows which one it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from evals.errors import MissingExtraError
from evals.fingerprint import ordered_json
from evals.records import Decoding, Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evals.models.guidance import Tokens

_PACKAGE = "llguidance"
_KEPT = 16


class Form(NamedTuple):
    """The form of an answer: exactly one of a JSON schema, a grammar (GBNF) and a regex."""

    schema: Json = None
    grammar: str = ""
    regex: str = ""


class Matcher(Protocol):
    """One row's way through a constraint."""

    @property
    def ended(self) -> bool:
        """Whether the answer is complete and nothing can follow it."""
        ...

    @property
    def fault(self) -> str | None:
        """Why the row cannot go on, if so: the constraint became too complex to follow."""
        ...

    def take(self, token: int) -> None:
        """Append a token that was allowed; not one that ends the answer."""
        ...


class Constraint(Protocol):
    """A form compiled for one tokenizer."""

    def matcher(self) -> Matcher:
        """A matcher at the beginning of an answer."""
        ...

    def allowed(self, matchers: Sequence[Matcher | None], vocabulary: int) -> NDArray[np.bool_]:
        """Which token may come next in each row: [R, `vocabulary`]; all where there is None.

        A token that ends the answer is among them where the answer is complete, and only there.
        """
        ...


def form_of(decoding: Decoding) -> Form:
    """The form that `decoding` asks for."""
    return Form(decoding.schema, decoding.grammar, decoding.regex)


def library_version() -> str:
    """What enforces constraints on local models, e.g. `llguidance 1.9`; empty without it.

    Two versions may allow different tokens: it is part of what was made under a constraint.
    """
    try:
        version = metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return ""
    return f"{_PACKAGE} {'.'.join(version.split('.')[:2])}"


def enforced_by(decoding: Decoding) -> str:
    """What holds a local model's answers to the form that `decoding` asks for; empty for none."""
    return library_version() if decoding.constrained else ""


def ordered_text(form: Form) -> str:
    """A form as one line; schemas whose keys stand in another order are others."""
    return ordered_json([form.schema, form.grammar, form.regex])


def require_library() -> None:
    """Raise MissingExtraError where the library is not installed."""
    if not library_version():
        raise MissingExtraError(
            "answers of local models are constrained by llguidance, which is not installed",
            hint="pip install 'tunegate[structured]'",
        )


class Constraints:
    """The constraints of one model, each compiled once. `vocabulary` is its number of logits."""

    def __init__(self, tokenizer: Any, stops: frozenset[int], vocabulary: int) -> None:
        self._tokenizer = tokenizer
        self._stops = stops
        self._vocabulary = vocabulary
        self._tokens: Tokens | None = None
        self._compiled: dict[str, Constraint] = {}

    def find(self, decoding: Decoding) -> Constraint | None:
        """What `decoding` asks for; None where it asks for nothing.

        Raises MissingExtraError without the library, and ModelError for a form that cannot be
        enforced and for a tokenizer that the library cannot read.
        """
        if not decoding.constrained:
            return None
        form = form_of(decoding)
        name = ordered_text(form)
        if name not in self._compiled:
            if len(self._compiled) >= _KEPT:
                self._compiled.clear()
            self._compiled[name] = self._compile(form)
        return self._compiled[name]

    def _compile(self, form: Form) -> Constraint:
        require_library()
        from evals.models.guidance import Guidance, tokens_of

        if self._tokens is None:  # half a second
            self._tokens = tokens_of(self._tokenizer, self._stops, self._vocabulary)
        return Guidance(form, self._tokens, key="structure")
