"""The parts of `suite.yaml` that say how to search, decide, train and guard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

from evals.approach import Approach
from evals.errors import ModelError
from evals.models.names import check_form
from evals.records import SPLITS
from evals.stated import MAX_DOCUMENTS
from evals.suite.approach_keys import APPROACH_KEYS, read_approach
from evals.suite.section import Section, suggestion
from evals.suite.source import describe
from evals.suite.spec import (
    KEEP,
    TOO_LONG,
    CandidateSpec,
    CiSpec,
    GuardSpec,
    MetricSpec,
    OperationSpec,
    PromptSpec,
    RepeatsSpec,
    SearchSpec,
    TuneSpec,
)
from evals.suite.tune_data import read_allowed, read_data
from evals.suite.tune_methods import (
    METHODICAL,
    misfit_of,
    own_keys,
    read_method,
    read_own,
)
from evals.suite.tune_pairs import read_pair_files
from evals.suite.tune_remedies import read_remedies
from evals.suite.tune_sweep import read_sweep
from evals.suite.tune_together import read_together

MAX_REPEATS = 1000
MIN_MONTHS, MAX_MONTHS = 0.01, 1200
MAX_HOURS = 1e6
MAX_MONEY = 1e9
MOST_SEEDS = 20
MAX_RISE = 10.0
"""Nats a token: of no vocabulary is every token dearer by that much for a model that is any use."""
LEAST_SHARE = 0.001
"""No gain or loss that is asked about is smaller: to settle it takes millions of cases."""

Prompts = Mapping[str, PromptSpec]


def known_prompt(section: Section, name: str, prompts: Prompts, *keys: str | int) -> str:
    """The name of a prompt that the suite has. Raises SuiteError with a suggestion."""
    if name not in prompts:
        section.fail(f"no prompt {name!r}", *keys, hint=suggestion(name, prompts))
    return name


def read_guards(top: Section) -> tuple[GuardSpec, ...]:
    """Guard suites by name; whoever runs them finds them, beside this one or shipped."""
    guards = top.section("guards")
    result: list[GuardSpec] = []
    for name in guards.values:
        section = guards.section(guards.checked_name(name, name))
        section.only("max_loss")
        loss = (
            section.number("max_loss", at_least=LEAST_SHARE, below=1)
            if section.has("max_loss")
            else 0.10
        )
        result.append(GuardSpec(name, loss))
    return tuple(result)


def _share(section: Section, key: str, default: float) -> float:
    """A gain or a loss that decides something."""
    return section.number(key, at_least=LEAST_SHARE, below=1) if section.has(key) else default


def read_tune(section: Section, prompts: Prompts) -> TuneSpec:
    """How to train; what is not stated is left to the trainer's defaults."""
    section.only(
        *("method", "prompt", "min_examples", "replay", "seed", "data", "too_long", "allow"),
        *("pairs", "together", "seeds", "until", "remedies", "max_text_rise", "documents"),
        *METHODICAL,
        *own_keys(),
    )
    has, prompt = section.has, section.optional_text("prompt")
    tune = TuneSpec(
        method=read_method(section),
        prompt=known_prompt(section, prompt, prompts, "prompt") if prompt else None,
        min_examples=section.integer("min_examples", low=1) if has("min_examples") else 100,
        rank=section.integer("rank", low=1, high=1024) if has("rank") else None,
        learning_rate=(
            section.number("learning_rate", above=0, below=1) if has("learning_rate") else None
        ),
        epochs=section.number("epochs", above=0, at_most=1000) if has("epochs") else None,
        replay=section.number("replay", at_least=0, at_most=1) if has("replay") else None,
        seed=section.integer("seed", high=2**31 - 1) if has("seed") else 0,
        weights=section.optional_text("weights"),
        variant=section.optional_text("variant"),
        alpha=section.integer("alpha", low=1, high=4096) if has("alpha") else None,
        dropout=section.number("dropout", at_least=0, below=1) if has("dropout") else None,
        own=read_own(section),
        data=read_data(section),
        too_long=section.choice("too_long", TOO_LONG, "refuse"),
        allow=read_allowed(section),
        pairs=read_pair_files(section),
        remedies=read_remedies(section) if has("remedies") else (),
        max_text_rise=(
            section.number("max_text_rise", above=0, at_most=MAX_RISE)
            if has("max_text_rise")
            else None
        ),
        together=read_together(section, prompts),
        seeds=section.integer("seeds", low=1, high=MOST_SEEDS) if has("seeds") else 1,
        sweep=read_sweep(section),
        until=section.number("until", above=0, at_most=1) if has("until") else None,
        keep=section.choice("keep", KEEP, "loss") if has("keep") else None,
        documents=(
            section.integer("documents", low=1, high=MAX_DOCUMENTS) if has("documents") else None
        ),
    )
    if misfit := misfit_of(tune):
        section.fail(misfit.message, misfit.key, hint=misfit.hint)
    return tune


def read_operation(section: Section) -> OperationSpec:
    """What is known of production."""
    section.only(
        "calls_per_month",
        "facts_change",
        "retrain_months",
        "pay_back_months",
        "person_hours",
        "max_loss",
        "max_cost",
    )
    paces: tuple[Literal["never", "rarely", "often"], ...] = ("never", "rarely", "often")
    has = section.has
    change = section.choice("facts_change", paces, "never")
    stated = OperationSpec()
    return OperationSpec(
        calls_per_month=section.integer("calls_per_month") if has("calls_per_month") else None,
        facts_change=change if has("facts_change") else None,
        retrain_months=(
            section.number("retrain_months", at_least=MIN_MONTHS, at_most=MAX_MONTHS)
            if has("retrain_months")
            else None
        ),
        pay_back_months=(
            section.number("pay_back_months", at_least=MIN_MONTHS, at_most=MAX_MONTHS)
            if has("pay_back_months")
            else stated.pay_back_months
        ),
        person_hours=(
            section.number("person_hours", at_least=0, at_most=MAX_HOURS)
            if has("person_hours")
            else stated.person_hours
        ),
        max_loss=(
            section.number("max_loss", at_least=LEAST_SHARE, below=1)
            if has("max_loss")
            else stated.max_loss
        ),
        max_cost=(
            section.number("max_cost", at_least=0, at_most=MAX_MONEY) if has("max_cost") else None
        ),
    )


def read_search(section: Section) -> SearchSpec:
    """What the search may save, and by how much dev may grow."""
    section.only("early_stop", "dev_extensions")
    stated = section.has("dev_extensions")
    return SearchSpec(
        early_stop=section.flag("early_stop"),
        dev_extensions=section.integer("dev_extensions", high=2) if stated else 0,
    )


def read_ci(section: Section, metrics: Mapping[str, MetricSpec]) -> CiSpec:
    """How continuous integration judges. Raises SuiteError for a threshold of no metric."""
    section.only("split", "max_loss", "on_inconclusive", "thresholds", "pass_score")
    reactions: tuple[Literal["warn", "fail"], ...] = ("warn", "fail")
    has, thresholds = section.has, section.section("thresholds")
    for name in thresholds.values:
        if name not in metrics:
            thresholds.fail(f"no metric {name!r}", name, hint=suggestion(name, metrics))
    return CiSpec(
        split=section.choice("split", SPLITS, "dev"),
        max_loss=section.number("max_loss", at_least=LEAST_SHARE, below=1)
        if has("max_loss")
        else 0.05,
        on_inconclusive=section.choice("on_inconclusive", reactions, "warn"),
        thresholds={
            name: thresholds.number(name, above=0, at_most=1) for name in thresholds.values
        },
        pass_score=section.number("pass_score", above=0, at_most=1) if has("pass_score") else 1.0,
    )


def read_repeats(top: Section) -> RepeatsSpec | None:
    """How often each case is run; None where the suite does not say."""
    if not top.has("repeats"):
        return None
    section = top.section("repeats")
    section.only("times", "pass_at_least")
    times = section.integer("times", low=1, high=MAX_REPEATS)
    stated = section.has("pass_at_least")
    least = section.integer("pass_at_least", low=1) if stated else times
    if least > times:
        section.fail(f"{least} of {times} repeats can never be right", "pass_at_least")
    return RepeatsSpec(times, least)


def read_compare_models(top: Section) -> tuple[str, ...]:
    """Models to try the leading prompt on. Raises SuiteError for what is no model's name.

    Whether they can be opened is another machine's matter: see `tunegate check`.
    """
    names = top.texts("compare_models")
    for i, name in enumerate(names):
        try:
            check_form(name)
        except ModelError as error:
            top.fail(error.message, "compare_models", i, hint=error.hint or "")
    return names


def read_candidate(section: Section, prompts: Prompts) -> CandidateSpec:
    """What runs where nothing else is said. Raises SuiteError for an adapter outside."""
    section.only("model", "prompt", "adapter", *APPROACH_KEYS)
    prompt = section.optional_text("prompt")
    adapter = section.optional_text("adapter")
    if adapter and (PurePath(adapter).is_absolute() or ".." in PurePath(adapter).parts):
        section.fail(
            f"expected a folder inside the suite, found {describe(adapter)}",
            "adapter",
            hint="an adapter that lies elsewhere is given with --adapter",
        )
    approach = read_approach(section)
    if approach is None and (prompt or any(key in section.values for key in APPROACH_KEYS)):
        approach = Approach()  # who states a prompt, or any key of its use, states all of its use
    return CandidateSpec(
        model=section.optional_text("model"),
        prompt=known_prompt(section, prompt, prompts, "prompt") if prompt else None,
        approach=approach,
        adapter=adapter,
        lines={"": section.line, **{key: section.line_of(key) for key in section.values}},
    )
