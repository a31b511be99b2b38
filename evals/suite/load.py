"""`suite.yaml` and what it names, read and validated into a `Suite`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from evals.errors import SuiteError
from evals.records import SPLITS, Case, Decoding, Json, SplitName
from evals.suite.cases import CaseFile, read_cases
from evals.suite.documents import read_documents, read_retrieval, refuse_unknown_documents
from evals.suite.implied import find_structure
from evals.suite.inside import inner_file
from evals.suite.not_used_yet import not_used_yet
from evals.suite.one_answer import check_fits
from evals.suite.policy import (
    LEAST_SHARE,
    read_candidate,
    read_ci,
    read_compare_models,
    read_guards,
    read_operation,
    read_repeats,
    read_search,
    read_tune,
)
from evals.suite.rounds import read_rounds
from evals.suite.scorer_files import find_scorer_files
from evals.suite.section import Section, suggestion
from evals.suite.source import describe, read_text
from evals.suite.spec import MetricSpec, PromptSpec, Suite
from evals.suite.structure import read_schema
from evals.suite.tools import read_tools
from evals.suite.tune_methods import check_rewards
from evals.suite.yaml_source import read_yaml

MANIFEST = "suite.yaml"
FORMAT = 1
MAX_PROMPT_BYTES = 256 << 10

KEYS = (
    "format",
    "name",
    "task",
    "cases",
    "split",
    "prompts",
    "metrics",
    "primary",
    "form",
    "target",
    "min_gain",
    "decoding",
    "variables",
    "rounds",
    "search",
    "slices",
    "guards",
    "tune",
    "operation",
    "ci",
    "repeats",
    "candidate",
    "compare_models",
    "tools",
    "structure",
    "documents",
    "retrieval",
)
REQUIRED = ("format", "name", "task", "cases", "prompts", "metrics", "primary")

_VERSIONED = re.compile(r"[a-z][a-z0-9_]*@[0-9]+")


def load_suite(path: Path) -> Suite:
    """The suite in folder `path` (or whose `suite.yaml` `path` is), validated.

    Templates are compiled, so that a fault in one stops every command before it starts;
    scorer options are left to `evals.scorers`. Nothing of the suite's code is imported.
    Raises SuiteError with file, line and key.
    """
    manifest = _manifest(path)
    root = manifest.parent
    document = read_yaml(manifest)
    if not isinstance(document.value, Mapping):
        raise SuiteError(
            f"expected a mapping, found {describe(document.value)}", path=manifest, line=1
        )
    top = Section(manifest, document.value, 1, (), document.lines)
    _check_format(top)
    top.only(*KEYS)
    top.require(*REQUIRED)
    prompts = _read_prompts(top, root)
    metrics_section = top.section("metrics")
    metrics = _read_metrics(metrics_section)
    tools = read_tools(top, root)
    cases = _read_cases(top, root, tuple(tool["name"] for tool in tools))
    documents = read_documents(top, root)
    refuse_unknown_documents(cases, documents)
    stated = top.section("candidate")
    candidate = read_candidate(stated, prompts)
    rounds = read_rounds(top, prompts)
    for number, one in enumerate(rounds):
        check_fits(cases, one.approaches, manifest, one.line, f"rounds[{number}]")
    if candidate.approach:
        check_fits(cases, [candidate.approach], manifest, stated.line, "candidate")
    primary = _metric(top, "primary", metrics)
    decoding = _read_decoding(top.section("decoding"), root)
    form = _metric(top, "form", metrics) if top.has("form") else None
    form_metric = metrics[form] if form else None
    structure = find_structure(
        top, root, metrics[primary], form_metric, decoding=decoding, cases=cases
    )
    tune = read_tune(top.section("tune"), prompts)
    check_rewards(top.section("tune"), tune, metrics, primary)
    if tune.documents and not documents:
        top.section("tune").fail(
            "the adapter is to be shown documents, and the suite has none",
            "documents",
            hint="add `documents: documents/`, or leave tune.documents out",
        )
    others = {
        *map(Path, {case.path for case in cases}),
        *(prompt.path for prompt in prompts.values()),
        *([root / candidate.adapter] if candidate.adapter else []),
        *([root / top.text("documents")] if documents else []),
        *([root / structure.file] if structure and structure.file else []),
        *(root / file.path for file in tune.data),
        *(root / file.path for file in tune.pairs),
    }
    scorer_files = find_scorer_files(root, metrics_section, others)
    return Suite(
        name=top.checked_name(top.text("name"), "name"),
        task=top.text("task").strip(),
        root=root,
        cases=cases,
        prompts=prompts,
        metrics=metrics,
        primary=primary,
        form=form,
        target=top.number("target", above=0, at_most=1) if top.has("target") else None,
        min_gain=(
            top.number("min_gain", at_least=LEAST_SHARE, below=1) if top.has("min_gain") else 0.10
        ),
        decoding=decoding,
        variables=_read_variables(top.section("variables")),
        rounds=rounds,
        search=read_search(top.section("search")),
        slices=_read_slices(top, cases),
        guards=read_guards(top),
        tune=tune,
        operation=read_operation(top.section("operation")),
        ci=read_ci(top.section("ci"), metrics),
        repeats=read_repeats(top),
        candidate=candidate,
        compare_models=read_compare_models(top),
        tools=tools,
        documents=documents,
        retrieval=read_retrieval(top),
        not_used_yet=not_used_yet(top, cases),
        scorers_sha256=scorer_files.all_sha256,
        metric_files=scorer_files.by_metric,
        structure=structure,
    )


def _manifest(path: Path) -> Path:
    if path.is_dir():
        if not (path / MANIFEST).exists():
            raise SuiteError(f"no {MANIFEST} in this folder", path=path)
        return path / MANIFEST
    if not path.exists():
        raise SuiteError("no such suite", path=path, hint=f"a suite is a folder with {MANIFEST}")
    return path


def _check_format(top: Section) -> None:
    top.require("format")
    if top.values["format"] != FORMAT or top.values["format"] is True:
        top.fail(
            f"expected format {FORMAT}, found {describe(top.values['format'])}",
            "format",
            hint="another version of tunegate wrote this suite",
        )


def _read_prompts(top: Section, root: Path) -> dict[str, PromptSpec]:
    from evals.suite.templates import compile_prompt

    section = top.section("prompts")
    if not section.values:
        top.fail("at least one prompt is needed", "prompts")
    result: dict[str, PromptSpec] = {}
    for name in section.values:
        section.checked_name(name, name)
        path = inner_file(root, section, name)
        source = read_text(path, max_bytes=MAX_PROMPT_BYTES)
        result[name] = PromptSpec(name, path, source)
        compile_prompt(result[name])
    return result


def _read_metrics(section: Section) -> dict[str, MetricSpec]:
    if not section.values:
        section.fail("at least one metric is needed")
    result: dict[str, MetricSpec] = {}
    for name in section.values:
        section.checked_name(name, name)
        metric = section.section(name)
        scorer = metric.text("scorer")
        if not _VERSIONED.fullmatch(scorer):
            metric.expect("a versioned scorer like 'exact@1'", "scorer")
        options = {key: value for key, value in metric.values.items() if key != "scorer"}
        result[name] = MetricSpec(name, scorer, options, section.line_of(name))
    return result


def _metric(top: Section, key: str, metrics: Mapping[str, MetricSpec]) -> str:
    """The metric that a key names. Raises SuiteError where there is none of that name."""
    name = top.text(key)
    if name not in metrics:
        top.fail(f"no metric {name!r}", key, hint=suggestion(name, metrics))
    return name


def _read_cases(top: Section, root: Path, tools: tuple[str, ...]) -> tuple[Case, ...]:
    ratios = _read_ratios(top.section("split")) if top.has("split") else None
    if isinstance(top.values["cases"], str):
        return read_cases([CaseFile(inner_file(root, top, "cases"))], ratios, tools)
    if not isinstance(top.values["cases"], Mapping) or not top.values["cases"]:
        top.expect("a file, or files like {train: train.jsonl, dev: dev.jsonl}", "cases")
    section = top.section("cases")
    section.only(*SPLITS)
    if ratios is not None:
        top.fail("shares make no sense where every file is one split", "split")
    named = [split for split in SPLITS if split in section.values]
    files = [CaseFile(inner_file(root, section, s), s) for s in named]
    return read_cases(files, None, tools)


def _read_ratios(section: Section) -> dict[SplitName, float]:
    section.only(*SPLITS)
    ratios = {
        split: section.number(split, at_least=0, at_most=1)
        for split in SPLITS
        if split in section.values
    }
    total = sum(ratios.values())
    if abs(total - 1.0) > 1e-6:
        section.fail(f"the shares sum to {total:g}, expected 1")
    return ratios


def _read_decoding(section: Section, root: Path) -> Decoding:
    section.only("max_tokens", "temperature", "top_p", "seed", "stop", "schema")
    has, default = section.has, Decoding()
    return Decoding(
        max_tokens=(
            section.integer("max_tokens", low=1, high=32_768)
            if has("max_tokens")
            else default.max_tokens
        ),
        temperature=(
            section.number("temperature", at_least=0, at_most=2) if has("temperature") else 0.0
        ),
        top_p=section.number("top_p", above=0, at_most=1) if has("top_p") else 1.0,
        seed=section.integer("seed", high=2**31 - 1) if has("seed") else 0,
        stop=section.texts("stop"),
        schema=read_schema(section, root) if has("schema") else None,
    )


def _read_variables(section: Section) -> dict[str, Json]:
    for name in section.values:
        if not name.isidentifier() or name.startswith("_"):
            section.fail(f"{name!r} is not a name that a template can use", name)
    return dict(section.values)


def _read_slices(top: Section, cases: tuple[Case, ...]) -> tuple[str, ...]:
    slices = top.texts("slices")
    tags = {tag for case in cases for tag in case.tags}
    for i, name in enumerate(slices):
        if name not in tags:
            top.fail(f"no case has the tag {name!r}", "slices", i, hint=suggestion(name, tags))
    return slices
