from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from evals.errors import SuiteError, UsageError
from evals.fingerprint import fingerprint
from evals.suite import tune_methods
from evals.suite.policy import read_tune
from evals.suite.policy_settings import GrpoSettings, RlooSettings
from evals.suite.rlhf_settings import RlhfSettings
from evals.suite.section import Section
from evals.suite.spec import TuneSpec
from evals.suite.tune_methods import (
    METHODS,
    WEIGHTS,
    MethodForm,
    own_of,
    setting,
    weights_of,
    with_stated,
)
from evals.suite.tune_weights import WeightsForm


@dataclass(frozen=True)
class PairSettings:
    beta: float = setting(0.1, above=0, at_most=10)
    pairs: int = setting(8, low=1, high=64)
    loss: str = setting("sigmoid", options=("sigmoid", "hinge"))
    label: bool = setting(False)


@pytest.fixture(autouse=True)
def another_method(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {**WEIGHTS, "all": WeightsForm("all of them")}
    methods = {
        **METHODS,
        "duels": MethodForm("from pairs", ("lora", "all"), PairSettings),
        "all": MethodForm("all weights", ("all",)),
    }
    monkeypatch.setattr(tune_methods, "WEIGHTS", weights)
    monkeypatch.setattr(tune_methods, "METHODS", methods)


def read(values: dict[str, Any]) -> TuneSpec:
    return read_tune(Section(Path("suite.yaml"), values, 7), {})


def test_a_suite_that_states_nothing_is_trained_as_ever() -> None:
    assert read({}) == TuneSpec()
    assert (weights_of(TuneSpec()), own_of(TuneSpec())) == ("lora", None)


def test_rewards_are_metrics_of_the_suite_and_the_held_out_one_is_another() -> None:
    def check(values: dict[str, Any]) -> None:
        section = Section(Path("suite.yaml"), values, 7)
        tune_methods.check_rewards(section, read_tune(section, {}), ("right", "long"), "right")

    check({"grpo": {"reward": "long", "held_out": "right"}, "rloo": {"held_out": "long"}})
    with pytest.raises(SuiteError, match=r"rloo\.reward.*there is no metric 'lang'"):
        check({"rloo": {"reward": "lang"}})
    with pytest.raises(SuiteError, match=r"grpo\.held_out.*'right' is the reward"):
        check({"grpo": {"held_out": "right"}})
    # A reward model is the reward of rlhf: every metric may watch it.
    check({"rlhf": {"held_out": "right"}})
    with pytest.raises(SuiteError, match=r"rlhf\.held_out.*there is no metric 'lang'"):
        check({"rlhf": {"held_out": "lang"}})


def test_the_settings_of_rlhf_have_bounds() -> None:
    tune = read({"method": "rlhf", "rlhf": {"optimiser": "rloo", "draws": 0, "allow_weak": True}})
    assert own_of(tune) == RlhfSettings(optimiser="rloo", draws=0, allow_weak=True)
    assert own_of(read({"method": "rlhf"})) == RlhfSettings()
    for own in ({"optimiser": "ppo"}, {"sft_epochs": 0}, {"reward_rate": 1}, {"allow_weak": "yes"}):
        with pytest.raises(SuiteError):
            read({"rlhf": own})
    with pytest.raises(SuiteError):  # the reward is the reward model's
        read({"rlhf": {"reward": "right"}})


def test_the_settings_of_reinforcement_learning_have_bounds() -> None:
    tune = read({"method": "rloo", "rloo": {"generations": 2, "learning_rate": 1e-5}})
    assert own_of(tune) == RlooSettings(generations=2, learning_rate=1e-5)
    assert own_of(read({"method": "grpo"})) == GrpoSettings()
    for own in ({"generations": 1}, {"temperature": 0}, {"scale": "all"}, {"expect": "fall"}):
        with pytest.raises(SuiteError):
            read({"grpo": own})
    with pytest.raises(SuiteError):
        read({"rloo": {"loss": "dapo"}})


def test_a_methods_own_settings_are_read_by_their_types_and_bounds() -> None:
    tune = read({"method": "duels", "duels": {"beta": 0.3, "loss": "hinge", "label": True}})
    assert own_of(tune) == PairSettings(beta=0.3, loss="hinge", label=True)
    assert own_of(read({"method": "duels"})) == PairSettings()


def test_settings_stated_for_a_method_that_is_not_used_wait_for_it() -> None:
    tune = read({"duels": {"beta": 0.3}})
    assert own_of(tune) is None
    assert own_of(with_stated(tune, method="duels")) == PairSettings(beta=0.3)


@pytest.mark.parametrize(
    ("values", "key", "said"),
    [
        ({"method": "dules"}, "method", "did you mean 'duels'?"),
        ({"method": "duels", "weights": "some"}, "weights", "known: lora, all"),
        (
            {"method": "all", "rank": 4},
            "rank",
            "rank belongs to lora, qlora, vera, loha, lokr, miss, shira; leave it out",
        ),
        ({"method": "duels", "weights": "all", "dropout": 0.1}, "dropout", "belongs to lora"),
        ({"variant": "plane"}, "variant", "did you mean 'plain'?"),
        ({"duels": {"beta": 0}}, "beta", "above 0"),
        ({"duels": {"pairs": 1.5}}, "pairs", "a whole number from 1 to 64"),
        ({"duels": {"loss": "hing"}}, "loss", "one of sigmoid, hinge"),
        ({"duels": {"gamma": 1}}, "gamma", "unknown key"),
        ({"ppo": {}}, "ppo", "unknown key"),
        ({"dropout": 1.0}, "dropout", "below 1"),
    ],
)
def test_settings_that_do_not_fit_are_refused_where_they_stand(
    values: dict[str, Any], key: str, said: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        read(values)
    assert said in str(caught.value)
    assert (caught.value.key or "").endswith(key)
    assert caught.value.line == 7


def test_what_the_caller_states_takes_the_place_of_what_the_suite_does() -> None:
    suite = TuneSpec(rank=4, learning_rate=1e-4, prompt="terse", seed=3)
    assert with_stated(suite, rank=8, method=None) == replace(suite, rank=8)
    assert with_stated(suite, method="lora") == suite


def test_another_method_does_not_inherit_the_rate_and_rank_of_the_suites() -> None:
    suite = TuneSpec(rank=4, learning_rate=1e-4, epochs=2, prompt="terse", seed=3)
    made = with_stated(suite, method="all", epochs=1.5)
    assert made == TuneSpec(method="all", epochs=1.5, prompt="terse", seed=3)


@pytest.mark.parametrize(
    ("stated", "key", "said"),
    [
        ({"method": "dules"}, "--method", "did you mean 'duels'?"),
        ({"method": "all", "rank": 8}, "--rank", "rank belongs to lora"),
        ({"weights": "some"}, "--weights", "known: lora"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(
    stated: dict[str, Any], key: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        with_stated(TuneSpec(), **stated)
    assert caught.value.key == key
    assert said in str(caught.value)


def test_a_setting_that_came_later_changes_the_identity_only_where_it_is_used() -> None:
    assert fingerprint(TuneSpec(alpha=None)) == fingerprint(TuneSpec())
    assert fingerprint(TuneSpec(alpha=8)) != fingerprint(TuneSpec())


def test_what_peft_has_and_is_not_offered_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="has no variant 'eva': it begins with passes") as caught:
        with_stated(TuneSpec(), variant="eva")
    assert "dora" in str(caught.value)
    with pytest.raises(UsageError, match="does not change 'boft': it compiles code") as caught:
        with_stated(TuneSpec(), weights="boft")
    assert "full" in str(caught.value)
    with pytest.raises(UsageError, match="has no rank where it changes full"):
        with_stated(TuneSpec(), method="full", rank=8)
    assert weights_of(with_stated(TuneSpec(), method="qlora")) == "qlora"


@pytest.mark.parametrize(
    ("values", "key"),
    [({"rank": 7}, "rank"), ({"sweep": {"rank": [8, 9]}}, "sweep")],
)
def test_odd_ranks_do_not_fit_the_variant_orthogonal(values: dict[str, Any], key: str) -> None:
    with pytest.raises(SuiteError, match="even ranks") as caught:
        read({"variant": "orthogonal", **values})
    assert caught.value.key == key
    assert read({"variant": "orthogonal", "rank": 8}).rank == 8
    assert read({"variant": "dora", **values}).variant == "dora"
