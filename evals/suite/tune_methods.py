"""The methods of training that a suite may name, and which settings each of them takes.

A method is what is learnt from and how; its `weights` are which of the model's weights change.
What stands here is read and checked without torch; `tuning.training` carries it out.

To add a method: a row in METHODS; where it has settings of its own, a frozen dataclass of
`tune_settings.setting(...)` fields, which is read from `tune.<method>:` in `suite.yaml` and
reaches training as `TrainSettings.own`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

from evals.errors import UsageError
from evals.suite.policy_settings import GrpoSettings, PolicySettings, RlooSettings
from evals.suite.preference_settings import DpoSettings
from evals.suite.rlhf_settings import RlhfSettings
from evals.suite.section import Section, suggestion
from evals.suite.spec import TuneSpec
from evals.suite.tune_settings import setting as setting  # noqa: PLC0414 - offered here, too
from evals.suite.tune_weights import REFUSED, SHAPING, WEIGHTS

METHODICAL = ("weights", *SHAPING, "learning_rate", "epochs", "sweep", "keep")
"""Settings whose right value differs from one method to another."""


@dataclass(frozen=True)
class MethodForm:
    """One method: the weights it may change (the first is the default), and its own settings."""

    about: str
    weights: tuple[str, ...]
    own: type[Any] | None = None


METHODS: Mapping[str, MethodForm] = {
    "lora": MethodForm("supervised fine-tuning of an adapter", tuple(WEIGHTS)),
    "qlora": MethodForm("supervised fine-tuning over a base rounded to four bits", ("qlora",)),
    "full": MethodForm("supervised fine-tuning of all weights", ("full",)),
    "dpo": MethodForm("a short fine-tuning, then preference pairs", ("lora",), DpoSettings),
    "grpo": MethodForm("GRPO: the suite's own scorers are the reward", ("lora",), GrpoSettings),
    "rloo": MethodForm("RLOO: the suite's own scorers are the reward", ("lora",), RlooSettings),
    "rlhf": MethodForm("pairs, a reward model of them, GRPO or RLOO", ("lora",), RlhfSettings),
}


REWARDED = tuple(name for name, form in METHODS.items() if form.own not in (None, DpoSettings))
"""Methods that learn from rewards."""


def read_method(section: Section) -> str:
    """`tune.method`. Raises SuiteError, with all names, for one that is not known."""
    name = section.optional_text("method") or "lora"
    if name not in METHODS:
        section.fail(f"unknown method {name!r}", "method", hint=suggestion(name, METHODS))
    return name


def read_own(section: Section) -> tuple[Any, ...]:
    """The settings under the names of methods, each as its own dataclass."""
    return tuple(
        _read_settings(section.section(name), form.own)
        for name, form in METHODS.items()
        if form.own is not None and section.has(name)
    )


def check_rewards(section: Section, tune: TuneSpec, metrics: Iterable[str], primary: str) -> None:
    """Refuse rewards that are no metrics of the suite, or held-out ones that training would see.

    `section` is `tune`. Raises SuiteError.
    """
    known = tuple(metrics)
    for name, form in METHODS.items():
        for own in tune.own:
            if type(own) is not form.own:
                continue
            for key in ("reward", "held_out"):
                metric = getattr(own, key, "")
                if metric and metric not in known:
                    hint = suggestion(metric, known)
                    section.fail(f"there is no metric {metric!r}", name, key, hint=hint)
            if isinstance(own, PolicySettings) and own.held_out == (own.reward or primary):
                section.fail(
                    f"{own.held_out!r} is the reward, and cannot be the held-out scorer too",
                    name,
                    "held_out",
                    hint="name a metric that training does not see",
                )


def own_keys() -> tuple[str, ...]:
    """Under which keys of `tune` methods have settings of their own."""
    return tuple(name for name, form in METHODS.items() if form.own is not None)


def own_of(tune: TuneSpec) -> Any:
    """The chosen method's own settings, its defaults where none are stated; None: it has none."""
    kind = METHODS[tune.method].own
    if kind is None:
        return None
    return next((one for one in tune.own if type(one) is kind), kind())


def weights_of(tune: TuneSpec) -> str:
    """Which weights change: those stated, else what the method changes by default."""
    return tune.weights or METHODS[tune.method].weights[0]


class Misfit(NamedTuple):
    """A setting that does not fit the method: its `key` in `tune`, and what would fit."""

    key: str
    message: str
    hint: str


def misfit_of(tune: TuneSpec) -> Misfit | None:
    """The first setting that does not fit the method, or the weights it changes."""
    form = METHODS[tune.method]
    weights = weights_of(tune)
    if weights not in form.weights:
        fitting = ", ".join(form.weights)
        reason = f": {REFUSED[weights]}" if weights in REFUSED else ""
        message = f"the method {tune.method} does not change {weights!r}{reason}"
        return Misfit("weights", message, f"known: {fitting}")
    takes = WEIGHTS[weights].takes
    for key in SHAPING:
        if getattr(tune, key) is not None and key not in takes:
            others = ", ".join(name for name, one in WEIGHTS.items() if key in one.takes)
            message = f"{tune.method} has no {key} where it changes {weights}"
            return Misfit(key, message, f"{key} belongs to {others}; leave it out")
    if misfit := _searching(tune, form, takes) or _stopping(tune):
        return misfit
    variants = WEIGHTS[weights].variants
    if tune.variant is not None and tune.variant not in variants:
        message = f"{weights} has no variant {tune.variant!r}"
        why = WEIGHTS[weights].refused.get(tune.variant)
        if why is not None:
            return Misfit("variant", f"{message}: {why}", f"known: {', '.join(variants)}")
        return Misfit("variant", message, suggestion(tune.variant, variants))
    return _halving(tune)


def _halving(tune: TuneSpec) -> Misfit | None:
    """Whether a rank is odd of which the variant takes a half for each of two matrices."""
    if tune.variant != "orthogonal":
        return None
    message, hint = "the variant orthogonal takes even ranks only", "state an even rank"
    if (tune.rank or 0) % 2:
        return Misfit("rank", message, hint)
    if tune.sweep is not None and any(rank % 2 for rank in tune.sweep.rank):
        return Misfit("sweep", message, "state even ranks in sweep.rank")
    return None


def _searching(tune: TuneSpec, form: MethodForm, takes: Sequence[str]) -> Misfit | None:
    """Whether there is a search of settings that the method has no such settings for."""
    if tune.sweep is None:
        return None
    if form.own is not None:
        message = f"settings of {tune.method} are not searched for in this version"
        hint = "search with the method lora, and state what it finds; or leave sweep out"
        return Misfit("sweep", message, hint)
    if tune.sweep.rank and "rank" not in takes:
        message = f"{tune.method} has no rank where it changes {weights_of(tune)}"
        return Misfit("sweep", message, "leave sweep.rank out")
    return None


def _stopping(tune: TuneSpec) -> Misfit | None:
    """Whether what ends training, or chooses the step that is kept, contradicts itself."""
    if tune.keep == "loss" and tune.until is not None:
        message = "until keeps the step whose score is good enough, not that of the lowest loss"
        return Misfit("keep", message, "leave one of them out")
    if tune.keep == "loss" and tune.method in REWARDED:
        message = f"{tune.method} learns from rewards: there is no held-out loss to keep a step by"
        return Misfit("keep", message, "leave it out: the reward on held-out cases chooses")
    if tune.method == "rlhf" and (tune.until is not None or tune.keep is not None):
        message = "rlhf keeps the step with the best learnt reward, which the suite's score watches"
        key = "keep" if tune.until is None else "until"
        return Misfit(key, message, "leave it out, or learn from the score itself with grpo")
    if tune.method in REWARDED and tune.epochs is not None:
        message = f"{tune.method} takes steps and not epochs, which would change nothing"
        hint = f"state tune.{tune.method}.steps, or sft_epochs of the fine-tuning before"
        return Misfit("epochs", message, hint)
    return None


def with_stated(tune: TuneSpec, **stated: Any) -> TuneSpec:
    """The suite's settings with what a caller states in their place (None: nothing stated).

    With another method than the suite's, the suite's rank, rate and the like, which were chosen
    for its own, give way to the defaults. Raises UsageError for a setting that does not fit.
    """
    given = {key: value for key, value in stated.items() if value is not None}
    if given.get("method", tune.method) not in METHODS:
        name = given["method"]
        raise UsageError(f"unknown method {name!r}", key="--method", hint=suggestion(name, METHODS))
    if given.get("method", tune.method) != tune.method:
        defaults: dict[str, Any] = dict.fromkeys(METHODICAL)
        tune = replace(tune, **defaults)
    made = replace(tune, **given)
    if misfit := misfit_of(made):
        option = "--" + misfit.key.replace("_", "-")
        raise UsageError(misfit.message, key=option, hint=misfit.hint)
    return made


def _read_settings(section: Section, kind: type[Any]) -> Any:
    section.only(*(one.name for one in fields(kind)))
    stated = {
        one.name: _read_one(section, one.name, one.default, one.metadata)
        for one in fields(kind)
        if section.has(one.name)
    }
    return kind(**stated)


def _read_one(section: Section, key: str, default: Any, bounds: Mapping[str, Any]) -> Any:
    if isinstance(default, bool):
        return section.flag(key, default)
    if isinstance(default, int):
        return section.integer(key, **bounds)
    if isinstance(default, float):
        return section.number(key, **bounds)
    if bounds.get("options"):
        return section.choice(key, bounds["options"], default)
    return section.text(key)
