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
from evals.models.published import EMBEDDED_NAME
from evals.spending.records import Hours, Machine, Price, Rate
from evals.suite.section import Section, suggestion
from evals.suite.source import describe
from evals.suite.yaml_source import read_yaml

VARIABLE = "TUNEGATE_PRICES"
LOCAL_FILE = "tunegate-prices.yaml"
CURRENCY = "USD"
MOST = 1e9
"""No price is above this: a slip of the keys, or an attempt to break the sums."""
_SCHEMES = (PREFIX, "hf:", "scripted:")


@dataclass(frozen=True)
class Prices:
    """Prices by model name or by pattern (a name that ends in `*`). `path` is None without file.

    An entry stands in `models` (tokens are charged) or in `machines` (hours are); `tuned` has
    what a tuned version of the same entry is charged, where that differs. `hours` are for
    local models without an entry, for training and for people.
    """

    currency: str = CURRENCY
    models: Mapping[str, Price] = field(default_factory=dict)
    path: Path | None = None
    machines: Mapping[str, Machine] = field(default_factory=dict)
    tuned: Mapping[str, Rate] = field(default_factory=dict)
    hours: Hours = field(default_factory=Hours)

    def of(self, model: str) -> Price | None:
        """What its tokens cost, by exactly that name, else by the longest pattern that fits."""
        return self.models.get(self._entry(model))

    def rate(self, model: str, *, tuned: bool = False) -> Rate | None:
        """What its calls are charged by; `tuned`: those of a tuned version of it.

        A model that runs here and has no entry is charged the hours of `hours.machine`.
        """
        entry = self._entry(model)
        if tuned and entry in self.tuned:
            return self.tuned[entry]
        if entry:
            return self.models.get(entry) or self.machines[entry]
        here = self.hours.machine is not None and not model.startswith(PREFIX)
        return Machine(self.hours.machine) if here and self.hours.machine is not None else None

    def _entry(self, model: str) -> str:
        """The key under which a model stands; empty where under none."""
        names = (*self.models, *self.machines)
        if model in names and not model.endswith("*"):
            return model
        fitting = [name for name in names if name.endswith("*") and model.startswith(name[:-1])]
        return max(fitting, key=len, default="")

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
            hint="a list of prices has the keys currency and models, and perhaps hours",
        )
    top = Section(path, document.value, 1, (), document.lines)
    top.only("currency", "hours", "models")
    currency = top.checked_name(top.text("currency"), "currency") if top.has("currency") else ""
    hours = _hours(top.section("hours")) if top.has("hours") else Hours()
    section = top.section("models")
    for name in section.values:
        _check_name(section, name)
    entries = {name: section.section(name) for name in section.values}
    rates = {name: _rate(entry, name, "tuned") for name, entry in entries.items()}
    tuned = {
        name: _rate(entry.section("tuned"), name)
        for name, entry in entries.items()
        if entry.has("tuned")
    }
    return Prices(
        currency or CURRENCY,
        {name: rate for name, rate in rates.items() if isinstance(rate, Price)},
        path,
        {name: rate for name, rate in rates.items() if isinstance(rate, Machine)},
        tuned,
        hours,
    )


def _hours(section: Section) -> Hours:
    section.only("machine", "training", "person")
    known = {key: _amount(section, key) for key in section.values if section.has(key)}
    return Hours(**known)


def _check_name(models: Section, name: str) -> None:
    """Refuse what cannot be the name of a model, or its beginning."""
    begins = name.removesuffix("*")
    beginning = begins not in {name, ""} and EMBEDDED_NAME.startswith(begins)
    local = name == EMBEDDED_NAME or beginning
    scheme = next((one for one in _SCHEMES if name.startswith(one)), None)
    if not local and (scheme is None or name == scheme):
        known = [*_SCHEMES, EMBEDDED_NAME]
        hint = suggestion(name, known)
        if ":" not in name and "did you mean" not in hint:
            hint = f"write {PREFIX + name!r}"
        models.fail(f"{name!r} is not the name of a model", name, hint=hint)
    if "*" in name[:-1]:
        models.fail("only the end of a name may be a *", name)


def _rate(entry: Section, name: str, *more: str) -> Rate:
    """What an entry charges: by tokens, or by the hour. `more` are keys that are read elsewhere."""
    if entry.has("hour"):
        if name.startswith(PREFIX):
            hint = "state input and output: how many calls share an endpoint's hour is not known"
            entry.fail("a hosted model is charged by tokens", "hour", hint=hint)
        if both := next((key for key in ("input", "output") if entry.has(key)), None):
            hint = "a model is charged either by tokens (input, output) or by the hour"
            entry.fail(f"{both} and hour exclude each other", both, hint=hint)
        entry.only("hour", "source", "as_of", *more)
        said = entry.optional_text
        return Machine(_amount(entry, "hour"), said("source") or "", said("as_of") or "")
    entry.only("input", "cached_input", "output", "request", "source", "as_of", *more)
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
