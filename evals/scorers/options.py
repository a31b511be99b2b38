"""Reading a metric's options: typed, each asked for by name, unknown ones refused."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import ScorerError
from evals.records import Json
from evals.scorers.protocol import Scorer
from evals.suite.spec import MetricSpec

if TYPE_CHECKING:
    from evals.asking import Asker

Build = Callable[[MetricSpec, Path], Scorer]


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """`did you mean "x"?` when one of `known` is close to `word`, else None."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f'did you mean "{close[0]}"?' if close else None


class Options:
    """The options of one metric, as the suite states them.

    A factory asks for what it knows; `finish` then refuses what nobody asked for. Every
    error is a ScorerError with the suite file, the metric's line and the option's key.
    `asker` puts questions to models; None where no model runs.
    """

    def __init__(
        self, spec: MetricSpec, suite_root: Path, build: Build, asker: Asker | None = None
    ) -> None:
        self.spec = spec
        self.suite_root = suite_root
        self.asker = asker
        self._build = build
        self._asked: list[str] = []

    def error(
        self, message: str, *, key: str | None = None, hint: str | None = None
    ) -> ScorerError:
        """An error that points at this metric (or one of its options) in the suite file."""
        return ScorerError(
            message,
            path=self.suite_root / "suite.yaml",
            line=self.spec.line or None,
            key=f"metrics.{self.spec.name}" + (f".{key}" if key else ""),
            hint=hint,
        )

    def has(self, name: str) -> bool:
        """Whether the suite states this option."""
        self._asked.append(name)
        return name in self.spec.options

    def required(self, name: str, expected: str) -> Json:
        """The option's raw value; refuses when it is absent."""
        if not self.has(name):
            raise self.error(f'{self.spec.scorer} needs the option "{name}": {expected}', key=name)
        return self.spec.options[name]

    def text(self, name: str) -> str:
        """A required, non-empty string."""
        value = self.required(name, "a string")
        if not isinstance(value, str) or not value:
            raise self._ill_typed(name, "a non-empty string")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A required, non-empty list of non-empty, distinct strings."""
        value = self.required(name, "a list of strings")
        if not isinstance(value, list | tuple) or not value:
            raise self._ill_typed(name, "a non-empty list of strings")
        for item in value:
            if not isinstance(item, str) or not item:
                hint = "quote it" if isinstance(item, bool | int | float) else None
                raise self.error(f"{item!r} is not a non-empty string", key=name, hint=hint)
        if len(set(value)) < len(value):
            raise self._ill_typed(name, "a list without repeated entries")
        return tuple(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Whether the option is true; refuses what is neither true nor false."""
        if not self.has(name):
            return default
        value = self.spec.options[name]
        if not isinstance(value, bool):
            raise self._ill_typed(name, "true or false")
        return value

    def number(self, name: str, *, default: float, above: float | None = None) -> float:
        """A finite number of at least 0, or greater than `above`."""
        if not self.has(name):
            return default
        value = self.spec.options[name]
        limit = f"greater than {above:g}" if above is not None else "of at least 0"
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise self._ill_typed(name, f"a finite number {limit}")
        if value < 0 or (above is not None and value <= above):
            raise self._ill_typed(name, f"a finite number {limit}")
        return float(value)

    def one_of(self, name: str, allowed: Sequence[str], *, default: str) -> str:
        """One of a few words."""
        if not self.has(name):
            return default
        value = self.spec.options[name]
        if value not in allowed:
            raise self._ill_typed(name, " or ".join(f'"{word}"' for word in allowed))
        return str(value)

    def mapping(self, name: str, expected: str) -> Mapping[str, Json]:
        """A required, non-empty mapping with string keys."""
        value = self.required(name, expected)
        if not isinstance(value, Mapping) or not value:
            raise self._ill_typed(name, expected)
        for key in value:
            if not isinstance(key, str):
                raise self.error(f"the key {key!r} is not a string", key=name, hint="quote it")
        return value

    def nested(self, key: str, value: Json) -> Scorer:
        """The scorer that a mapping inside an option describes: `{scorer: ..., ...}`."""
        if not isinstance(value, Mapping) or not isinstance(value.get("scorer"), str):
            raise self.error(f"expected a mapping with a scorer, not {value!r:.80}", key=key)
        options = {name: item for name, item in value.items() if name != "scorer"}
        name = f"{self.spec.name}.{key}"
        return self._build(
            MetricSpec(name, value["scorer"], options, self.spec.line), self.suite_root
        )

    def file(self, name: str, text: str, *suffixes: str) -> Path:
        """The existing file inside the suite that `text` names, symbolic links resolved."""
        root = self.suite_root.resolve()
        try:
            path = (root / text).resolve()
            exists = path.is_file()
        except (OSError, ValueError, RuntimeError) as error:
            raise self.error(f"{text!r} is not a usable path: {error}", key=name) from error
        if not path.is_relative_to(root):
            raise self.error(f"{text!r} lies outside the suite", key=name, hint="move it inside")
        if not exists or path.suffix not in suffixes:
            kinds = " or ".join(suffixes)
            raise self.error(f"{text!r} is not an existing {kinds} file of the suite", key=name)
        return path

    def finish(self) -> None:
        """Refuse options that no one asked for."""
        for name in self.spec.options:
            if name not in self._asked:
                known = ", ".join(sorted(set(self._asked))) or "none"
                raise self.error(
                    f'unknown option "{name}" of {self.spec.scorer}; it takes: {known}',
                    key=str(name),
                    hint=suggestion(str(name), self._asked),
                )

    def _ill_typed(self, name: str, expected: str) -> ScorerError:
        value = self.spec.options[name]
        return self.error(f"expected {expected}, not {value!r:.80}", key=name)
