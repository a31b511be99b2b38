"""The list of prices: read strictly, found in a stated order, exact to the last crumb."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from evals.errors import UsageError
from evals.spending.prices import LOCAL_FILE, Prices, find_prices, places, read_prices
from evals.spending.records import Hours, Machine, Price
from evals.spending.usage import Usage

LIST = """\
currency: EUR
models:
  "openai:small": {input: 0.15, cached_input: 0.075, output: 0.60, source: the shop, as_of: May}
  "openai:small*": {input: 1, output: 2, request: 0.001}
  "openai:*": {input: 3, output: 4}
"""


def written(folder: Path, text: str = LIST, name: str = LOCAL_FILE) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_an_exact_name_comes_before_the_longest_pattern_that_fits(tmp_path: Path) -> None:
    prices = read_prices(written(tmp_path))
    assert prices.currency == "EUR"
    assert prices.of("openai:small") == Price(0.15, 0.6, 0.075, 0.0, "the shop", "May")
    assert prices.of("openai:small-2") == Price(1, 2, None, 0.001)
    assert prices.of("openai:large") == Price(3, 4)
    assert prices.of("smollm2-135m") is None


def test_a_star_is_no_name(tmp_path: Path) -> None:
    prices = read_prices(written(tmp_path, 'models: {"openai:a*": {input: 1, output: 1}}'))
    assert prices.of("openai:a*") == Price(1, 1)  # as it begins with openai:a, like any other
    assert prices.currency == "USD"


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ("modles: {}", 1, "modles", "did you mean 'models'?"),
        ("models:\n  gpt: {input: 1, output: 1}", 2, "models.gpt", "write 'openai:gpt'"),
        ("models:\n  opnai:x: {input: 1, output: 1}", 2, "models.opnai:x", "openai:"),
        ("models:\n  openai:a*b: {input: 1, output: 1}", 2, "models.openai:a*b", "the end"),
        ("models:\n  openai:x: {input: 1}", 2, "models.openai:x", "'output' is missing"),
        (
            "models:\n  openai:x:\n    input: -1\n    output: 1",
            3,
            "models.openai:x.input",
            "at least 0",
        ),
        ("models:\n  openai:x:\n    input: .nan\n    output: 1", 3, None, "finite"),
        ("models:\n  openai:x: {input: 1, output: 1e400}", 2, None, "finite"),
        ("models:\n  openai:x: {input: '1', output: 1}", 2, "models.openai:x.input", "a number"),
        ("models:\n  openai:x: {input: 1, ouput: 1}", 2, "models.openai:x.ouput", "'output'?"),
        ("models: [1]", 1, "models", "a mapping"),
        ("- 1", None, None, "currency and models"),
        ("", None, None, "a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(
    tmp_path: Path, text: str, line: int | None, key: str | None, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_prices(path)
    assert said in str(caught.value)
    assert caught.value.path == str(path)
    assert caught.value.line == line
    assert key is None or caught.value.key == key


def test_the_list_is_looked_for_in_a_stated_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    assert find_prices(None, {}, home) == Prices()
    at_home = written(home, name=".config/tunegate/prices.yaml")
    assert find_prices(None, {}, home).path == at_home
    configured = written(tmp_path, name="config/tunegate/prices.yaml")
    xdg = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert find_prices(None, xdg, home).path == configured
    written(tmp_path)
    assert find_prices(None, xdg, home).path == Path(LOCAL_FILE)
    named = written(tmp_path, name="named.yaml")
    environ = {**xdg, "TUNEGATE_PRICES": str(named)}
    assert find_prices(None, environ, home).path == named
    stated = written(tmp_path, name="stated.yaml")
    assert find_prices(stated, environ, home).path == stated


def test_a_list_that_was_named_must_be_there(tmp_path: Path) -> None:
    for arguments in ((tmp_path / "no.yaml", {}), (None, {"TUNEGATE_PRICES": "no.yaml"})):
        with pytest.raises(UsageError, match=r"no such file|not there"):
            find_prices(*arguments)


def test_a_relative_configuration_folder_is_no_configuration_folder(tmp_path: Path) -> None:
    assert places({"XDG_CONFIG_HOME": "here"}, tmp_path)[-1] == (
        tmp_path / ".config/tunegate/prices.yaml"
    )


def test_a_cost_is_exact_and_cached_tokens_have_their_price() -> None:
    price = Price(0.15, 0.6, 0.075, 0.001)
    usage = Usage(prompt_tokens=1000, completion_tokens=100, cached_tokens=400)
    assert price.cost(usage, 2) == Decimal("0.00009") + Decimal("0.00003") + Decimal(
        "0.00006"
    ) + Decimal("0.002")
    assert Price(0.1, 0).cost(Usage(3)) == Decimal("0.0000003")
    assert Price(1, 0).cost(Usage(10, 0, 10)) == Decimal("0.00001")


def test_more_cached_tokens_than_there_were_make_nothing_cheaper_than_free() -> None:
    assert Price(1, 0, 0).cost(Usage(10, 0, 99)) == 0


def test_the_most_that_a_request_costs_counts_dear_caches_too() -> None:
    assert Price(1, 2, 5).most(10, 10) == Decimal("0.00007")
    assert Price(1, 2, 0.5).most(10, 10) == Decimal("0.00003")


HOURS = """\
hours: {machine: 1.20, training: 2.50, person: 80}
models:
  "hf:*": {hour: 0.9, source: the bill, tuned: {hour: 1.1}}
  "hf:org/small": {input: 0.1, output: 0.2, tuned: {input: 0.3, output: 0.6}}
  smollm2-135m: {input: 0, output: 0}
"""


def test_local_models_have_prices_by_tokens_or_by_the_hour(tmp_path: Path) -> None:
    prices = read_prices(written(tmp_path, HOURS))
    assert prices.hours == Hours(1.2, 2.5, 80.0)
    assert prices.rate("hf:org/small") == prices.of("hf:org/small") == Price(0.1, 0.2)
    assert prices.rate("hf:org/small", tuned=True) == Price(0.3, 0.6)
    assert prices.rate("hf:other") == Machine(0.9, "the bill")
    assert prices.rate("hf:other", tuned=True) == Machine(1.1)
    assert prices.of("hf:other") is None
    assert prices.rate("smollm2-135m", tuned=True) == Price(0, 0)


def test_the_machine_is_for_local_models_without_an_entry_alone(tmp_path: Path) -> None:
    prices = read_prices(written(tmp_path, "hours: {machine: 2}\nmodels: {}"))
    assert prices.rate("smollm2-135m") == Machine(2.0)
    assert prices.rate("openai:m") is None
    assert prices.hours.to_train == 2.0
    assert read_prices(written(tmp_path, "hours: {machine: 2, training: 0}")).hours.to_train == 0
    assert read_prices(written(tmp_path)).hours.to_train is None


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ("hours: {machin: 1}", 1, "hours.machin", "did you mean 'machine'?"),
        ("hours:\n  person: -1", 2, "hours.person", "at least 0"),
        ("hours: {training: .inf}", 1, None, "finite"),
        ("hours: {training: 1e12}", 1, "hours.training", "at most"),
        ("hours: {training: true}", 1, "hours.training", "a number"),
        ("hours: 3", 1, "hours", "a mapping"),
        ("models:\n  hf:x: {hour: 1, input: 1}", 2, "models.hf:x.input", "exclude each other"),
        ("models:\n  hf:x: {hour: 1, output: 1}", 2, "models.hf:x.output", "exclude each other"),
        ("models:\n  openai:x: {hour: 1}", 2, "models.openai:x.hour", "charged by tokens"),
        (
            "models:\n  openai:x:\n    input: 1\n    output: 1\n    tuned: {hour: 1}",
            5,
            "models.openai:x.tuned.hour",
            "charged by tokens",
        ),
        (
            "models:\n  hf:x:\n    hour: 1\n    tuned: {hour: 1, tuned: {hour: 1}}",
            4,
            "models.hf:x.tuned.tuned",
            "unknown key",
        ),
        ("models:\n  hf:x: {tuned: {hour: 1}}", 2, "models.hf:x", "'input' is missing"),
        ("models:\n  'hf:': {hour: 1}", 2, "models.hf:", "not the name of a model"),
        ("models:\n  '*': {hour: 1}", 2, "models.*", "not the name of a model"),
        ("models:\n  smollm: {hour: 1}", 2, "models.smollm", "did you mean 'smollm2-135m'?"),
    ],
)
def test_what_is_wrong_with_hours_is_told_with_file_line_and_key(
    tmp_path: Path, text: str, line: int, key: str | None, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_prices(path)
    assert said in str(caught.value)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert key is None or caught.value.key == key
