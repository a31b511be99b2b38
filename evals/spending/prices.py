"""The list of prices: one YAML file that its user writes; nothing is shipped, prices change.

Which file: the one that is named, else TUNEGATE_PRICES, else `tunegate-prices.yaml` in the
current folder, else `tunegate/prices.yaml` in the user's configuration. See docs/prices.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evals.errors import SuiteError, UsageError
from evals.models.hosted.settings import PREFIX
from evals.spending.records import Price
from evals.suite.section import Section, suggestion
from evals.suite.source import describe
from evals.suite.yaml_source import read_yaml

VARIABLE = "TUNEGATE_PRICES"
LOCAL_FILE = "tunegate-prices.yaml"
CURRENCY = "USD"
MOST = 1e9
"""No price is above this: a slip of the keys, or an attempt to break the sums."""


@dataclass(frozen=True)
class Prices:
    """Prices by model name or by pattern (a name that ends in `*`). `path` is None without file."""

    currency: str = CURRENCY
    models: Mapping[str, Price] = field(default_factory=dict)
    path: Path | None = None

    def of(self, model: str) -> Price | None:
        """The price of exactly that name, else of the longest pattern that fits, else None."""
        if model in self.models and not model.endswith("*"):
            return self.models[model]
        fitting = [
            name for name in self.models if name.endswith("*") and model.startswith(name[:-1])
        ]
        return self.models[max(fitting, key=len)] if fitting else None

    def missing(self, model: str) -> str:
        """That there is no price of a model, in words."""
        where = f"in {self.path}" if self.path else f"(there is no {LOCAL_FILE})"
        return f"no price for {model} {where}"

    def how_to_add(self, model: str) -> str:
        """What to write so that a model has a price."""
        return (
            f'write into {self.path or LOCAL_FILE}, under models: "{model}": '
            "{input: ..., output: ...}, in money for a million tokens (0 where it costs nothing)"
        )


def places(environ: Mapping[str, str], home: Path | None = None) -> tuple[Path, ...]:
    """Where a list is looked for that was not named on the command line, first to last."""
    if stated := environ.get(VARIABLE):
        return (Path(stated),)
    configuration = environ.get("XDG_CONFIG_HOME", "")
    base = Path(configuration) if Path(configuration).is_absolute() else None
    base = base or (home or Path.home()) / ".config"
    return Path(LOCAL_FILE), base / "tunegate" / "prices.yaml"


def find_prices(
    stated: Path | None, environ: Mapping[str, str], home: Path | None = None
) -> Prices:
    """The list that is `stated`, else the first there is; without prices where there is none.

    Raises UsageError for one that was named and is not there, and as `read_prices`.
    """
    if stated is not None:
        return read_prices(stated)
    found = places(environ, home)
    if environ.get(VARIABLE):
        if not _is_there(found[0]):
            raise UsageError(f"{VARIABLE} names a file that is not there", path=found[0])
        return read_prices(found[0])
    there = next((path for path in found if _is_there(path)), None)
    return read_prices(there) if there else Prices()


def _is_there(path: Path) -> bool:
    """Whether there is a list at a place nobody named; one that may not be looked into has none."""
    try:
        return path.exists()
    except OSError:
        return False


def read_prices(path: Path) -> Prices:
    """Read a list of prices. Raises UsageError with the file, line and key of what is wrong."""
    try:
        return _read(path)
    except SuiteError as error:  # what the strict readers raise, be the file a suite's or not
        raise UsageError(
            error.message, path=error.path, line=error.line, key=error.key, hint=error.hint
        ) from None


def _read(path: Path) -> Prices:
    document = read_yaml(path)
    if not isinstance(document.value, dict):
        raise SuiteError(
            f"expected a mapping, found {describe(document.value)}",
            path=path,
            hint="a list of prices has the keys currency and models",
        )
    top = Section(path, document.value, 1, (), document.lines)
    top.only("currency", "models")
    currency = top.checked_name(top.text("currency"), "currency") if top.has("currency") else ""
    section = top.section("models")
    models = {name: _price(section, name) for name in section.values}
    return Prices(currency or CURRENCY, models, path)


def _price(models: Section, name: str) -> Price:
    if not name.startswith(PREFIX) or not name.removeprefix(PREFIX):
        hint = f"write {PREFIX + name!r}" if ":" not in name else suggestion(name, [PREFIX])
        models.fail(f"{name!r} is not the name of a hosted model", name, hint=hint)
    if "*" in name[:-1]:
        models.fail("only the end of a name may be a *", name)
    entry = models.section(name)
    entry.only("input", "cached_input", "output", "request", "source", "as_of")
    return Price(
        input=_amount(entry, "input"),
        output=_amount(entry, "output"),
        cached_input=_amount(entry, "cached_input") if entry.has("cached_input") else None,
        request=_amount(entry, "request") if entry.has("request") else 0.0,
        source=entry.optional_text("source") or "",
        as_of=entry.optional_text("as_of") or "",
    )


def _amount(entry: Section, key: str) -> float:
    return entry.number(key, at_least=0, at_most=MOST)
