"""What can be said of a suite before any model runs: faults, leaks, and what it can show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.errors import SuiteError
from evals.records import SPLITS, Case, Finding, SplitName
from evals.suite.check_candidate import lint_candidate
from evals.suite.check_rounds import has_text, lint_rounds
from evals.suite.document_lints import lint_documents, sample_documents
from evals.suite.duplicates import find_duplicates
from evals.suite.spec import PromptSpec, Suite
from evals.suite.structure_check import lint_structure

SelfTest = Callable[[Suite], tuple[Finding, ...]]

# Cases of train and of test that templates are tried on; of dev all are, up to 10 times that.
MAX_RENDERED = 500


@dataclass(frozen=True)
class CheckReport:
    """What `check` found. Gains are differences of means; None where a split is empty.

    `plateau_gain` is the smallest `min_gain` for which dev usually settles a plateau,
    `cases_needed` how many dev cases the suite's own `min_gain` needs, and
    `detectable_gain` the smallest true gain that one look at test usually shows.
    """

    suite: str
    findings: tuple[Finding, ...]
    counts: Mapping[SplitName, int]
    clusters: Mapping[SplitName, int]
    min_gain: float
    cases_needed: int
    plateau_gain: float | None = None
    detectable_gain: float | None = None

    @property
    def passed(self) -> bool:
        """Whether no finding is an error."""
        return not any(finding.level == "error" for finding in self.findings)


def check_suite(suite: Suite, *, self_test: SelfTest | None = None) -> CheckReport:
    """Lint a loaded suite; errors come first among the findings.

    `self_test` runs the suite's scorers on their own answers (`evals.scorers.self_test`);
    without it scorers are not tested. Nothing is raised for a faulty suite: every fault
    is a finding.
    """
    from evals.stats.power import cases_for_plateau

    findings = [
        *_lint_splits(suite),
        *lint_rounds(suite),
        *lint_candidate(suite),
        *lint_documents(suite),
        *_lint_prompts(suite),
        *_lint_unused(suite),
        *_lint_optimisers(suite),
        *_lint_repeats(suite),
        *_lint_compared(suite),
        *lint_structure(suite),
        *_lint_form(suite),
        *find_duplicates(suite.cases),
        *(self_test(suite) if self_test else ()),
    ]
    dev, test = suite.split("dev"), suite.split("test")
    needed = cases_for_plateau(suite.min_gain)
    plateau_gain, detectable = _plateau_gain(dev), _detectable_gain(test)
    findings.extend(_lint_power(suite, dev, needed, plateau_gain))
    if detectable is not None:
        text = f"{len(test)} test cases usually show a true gain of {detectable:.2f} at first look"
        findings.append(Finding("note", "test_gain", text))
    return CheckReport(
        suite=suite.name,
        findings=by_level(findings),
        counts={split: len(suite.split(split)) for split in SPLITS},
        clusters={split: _clusters(suite.split(split)) for split in SPLITS},
        min_gain=suite.min_gain,
        cases_needed=needed,
        plateau_gain=plateau_gain,
        detectable_gain=detectable,
    )


def by_level(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings with the errors first, then the warnings; else in the order in which they came."""
    order = {"error": 0, "warning": 1, "note": 2}
    return tuple(sorted(findings, key=lambda finding: order[finding.level]))


def _clusters(cases: Sequence[Case]) -> int:
    """How many groups of dependent cases there are; a case without a cluster is its own."""
    own = sum(case.cluster is None for case in cases)
    return own + len({case.cluster for case in cases if case.cluster is not None})


def _plateau_gain(dev: Sequence[Case]) -> float | None:
    from evals.stats.power import smallest_plateau_gain

    return smallest_plateau_gain(len(dev)) if dev else None


def _detectable_gain(test: Sequence[Case]) -> float | None:
    from evals.stats.power import smallest_detectable_gain

    # The first look at a sealed split spends half of alpha.
    return smallest_detectable_gain(len(test), alpha=0.025) if test else None


def _lint_power(
    suite: Suite, dev: Sequence[Case], needed: int, plateau_gain: float | None
) -> Iterator[Finding]:
    if plateau_gain is None:
        return
    text = f"{len(dev)} dev cases can decide a plateau for a gain of {plateau_gain:.2f}"
    if (clusters := _clusters(dev)) < len(dev):
        text += f", fewer if cases of a cluster are alike: there are {clusters} clusters"
    yield Finding("note", "detectable_gain", text)
    if len(dev) < needed:
        text = f"{len(dev)} dev cases are few: min_gain {suite.min_gain:g} needs about {needed}"
        yield Finding("warning", "few_dev_cases", text, _manifest(suite))


def _lint_repeats(suite: Suite) -> Iterator[Finding]:
    if suite.repeats and suite.repeats.times > 1 and suite.decoding.temperature == 0:
        text = (
            f"each case is run {suite.repeats.times} times at temperature 0: only an endpoint's "
            "answers may differ then"
        )
        yield Finding("note", "equal_repeats", text, _manifest(suite))


def _lint_compared(suite: Suite) -> Iterator[Finding]:
    where = _manifest(suite)
    if suite.compare_models and suite.target is None:
        text = "compare_models is never run: there is no target that a model could reach by prompt"
        yield Finding("warning", "compared_without_target", text, where)
    if suite.candidate.model in suite.compare_models:
        text = f"{suite.candidate.model} is the suite's own model: it is not compared with itself"
        yield Finding("warning", "compared_with_itself", text, where)


def _lint_form(suite: Suite) -> Iterator[Finding]:
    """Where nothing tells form from content, failures cannot say what a model lacks."""
    from evals.failures.form import can_tell_form

    if suite.rounds and not can_tell_form(suite):
        text = (
            f"nothing tells wrong form from wrong content: {suite.metrics[suite.primary].scorer} "
            "does not; state `form` or `structure` where answers have one"
        )
        yield Finding("note", "form_unknown", text, _manifest(suite))


def _lint_splits(suite: Suite) -> Iterator[Finding]:
    where = _manifest(suite)
    if not suite.split("dev"):
        level: Literal["error", "warning"] = "error" if suite.rounds else "warning"
        yield Finding(level, "no_dev", "no case is in dev, which prompts are judged on", where)
    # What states no rounds may be a guard, and that needs no more than one split.
    missing: Literal["warning", "note"] = "warning" if suite.rounds else "note"
    if not suite.split("test"):
        text = "no case is in test: nothing can be claimed of cases that no search has seen"
        yield Finding(missing, "no_test", text, where)
    train = len(suite.split("train"))
    if not train:
        text = "no case is in train: there are no demonstrations"
        text += "" if suite.tune.data else " and nothing to fine-tune on"
        yield Finding(missing, "no_train", text, where)
    elif train < suite.tune.min_examples and suite.tune.data:
        text = f"{train} train cases, and more examples under tune.data: `tunegate data` counts"
        yield Finding("note", "few_train_cases", f"{text} them", where)
    elif train < suite.tune.min_examples:
        text = f"{train} train cases, fewer than tune.min_examples {suite.tune.min_examples}"
        yield Finding("warning", "few_train_cases", text, where)
    if special := sum(not (case.is_plain or case.choices) for case in suite.split("train")):
        text = f"{special} train cases have turns or tools: neither shown as demonstrations nor"
        yield Finding("note", "not_trained_on", f"{text} trained on in this version", where)
    blank = [case for case in suite.cases if not has_text(case)]
    for case in blank[:20]:
        text = f"case {case.id!r} has an input without any text"
        yield Finding("warning", "blank_input", text, f"{case.path}:{case.line}")


def _lint_prompts(suite: Suite) -> Iterator[Finding]:
    """Every prompt compiled and rendered for cases, so that no model runs in vain."""
    from evals.suite.templates import compile_prompt

    shown = {p for one in suite.rounds if one.shows for p in one.prompts}
    cases = _rendered_cases(suite)
    for prompt in suite.prompts.values():
        try:
            template = compile_prompt(prompt)
        except SuiteError as error:
            yield _template_error(error, prompt, "")
            continue
        if prompt.name in shown and "demos" not in template.uses:
            text = f"prompt {prompt.name!r} is in a round with demonstrations and shows none"
            yield Finding("error", "no_demos", text, _round_line(suite, prompt))
        if "input" not in template.uses:
            text = f"prompt {prompt.name!r} never mentions the case's input"
            yield Finding("error", "no_input", text, str(prompt.path))
        demos = suite.split("train")[:2]
        filled = (demos, sample_documents(suite))
        tries = (((), ()), filled) if {"demos", "documents"} & template.uses else (((), ()),)
        for case in cases:
            try:
                for shots, documents in tries:
                    template.render(
                        input=case.input,
                        demos=shots,
                        labels=suite.labels,
                        variables=suite.variables,
                        tools=suite.tools_of(case),
                        documents=documents,
                    )
            except SuiteError as error:
                yield _template_error(error, prompt, f" for case {case.id!r}")
                break


def _lint_unused(suite: Suite) -> Iterator[Finding]:
    """Nobody should believe that a key works because it is accepted."""
    if suite.not_used_yet:
        text = f"read but not used yet: {', '.join(suite.not_used_yet)}"
        yield Finding("note", "not_used_yet", text, _manifest(suite))


def _lint_optimisers(suite: Suite) -> Iterator[Finding]:
    """Rounds that cannot be run here; elsewhere they can, so the suite is not at fault."""
    from evals.prompting.optimisers import optimised, what_to_install

    lacking = {
        what_to_install(approach.technique.optimiser): one.line
        for one, approach in optimised(suite)
    }
    for text, line in lacking.items():
        if text:
            yield Finding("note", "no_optimiser", text, f"{_manifest(suite)}:{line}")


def _rendered_cases(suite: Suite) -> list[Case]:
    others = (suite.split("train")[:MAX_RENDERED], suite.split("test")[:MAX_RENDERED])
    return [*suite.split("dev")[: 10 * MAX_RENDERED], *others[0], *others[1]]


def _template_error(error: SuiteError, prompt: PromptSpec, case: str) -> Finding:
    hint = f" ({error.hint})" if error.hint else ""
    text = f"prompt {prompt.name!r} fails{case}: {error.message}{hint}"
    return Finding("error", "template", text, error.where or str(prompt.path))


def _round_line(suite: Suite, prompt: PromptSpec) -> str:
    line = next(one.line for one in suite.rounds if one.shows and prompt.name in one.prompts)
    return f"{_manifest(suite)}:{line}"


def _manifest(suite: Suite) -> str:
    return str(suite.root / "suite.yaml")
