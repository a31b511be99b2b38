"""The list of prices: read strictly, found in a stated order, exact to the last crumb."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from evals.errors import UsageError
from evals.spending.prices import LOCAL_FILE, Prices, find_prices, places, read_prices
from evals.spending.records import Price
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
