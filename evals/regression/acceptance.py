"""From a run to a baseline: what may be accepted, and what loss it will be able to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import NoReturn

from evals.errors import RecordError
from evals.fingerprint import fingerprint
from evals.judges.identity import scored_as_stated
from evals.looks import split_fingerprint
from evals.prompting import changed_since
from evals.prompting.demonstrations import method_fingerprint
from evals.records import Candidate, Run
from evals.regression.definition import define_gate
from evals.regression.recipes import candidate_line, named_approach, recipe_of
from evals.regression.records import Baseline, DetectableLoss, Recipe
from evals.regression.tables import Table, metric_scores, tabulate
from evals.regression.wording import counted
from evals.stats import (
    DISCORDANCE,
    cases_to_catch,
    design_effect,
    noninferiority_power,
    smallest_caught_loss,
)
from evals.suite.spec import Suite

JUDGE = "judge."
"""Before the name of a model that judges, in what could change behind a recipe's names."""
MAX_ERROR_SHARE = 0.02
"""A baseline with more errors than this would hide or feign losses for as long as it stands."""


_CI = "CI runs what suite.yaml states: change it there, or accept a run of it"


def accept(
    suite: Suite,
    guards: Mapping[str, Suite],
    runs: Sequence[Run],
    *,
    by: str,
    when: str,
    why: str,
) -> Baseline:
    """The baseline that `runs`, repeats of one candidate over the whole CI split, make.

    Raises RecordError for runs that are partial, of another version of the suite, of another
    candidate than `suite.yaml` states, or with too many errors.
    """
    if len({run.id for run in runs}) < len(runs):
        raise RecordError("the same run is named twice", hint="repeats are runs of their own")
    for run in runs:
        _refuse_other_work(suite, run)
        _refuse_partial(suite, run)
        _refuse_stale(suite, run)
    recipe = recipe_of(suite, runs)
    _refuse_other_repeats(suite, runs)
    _refuse_another_candidate(suite, recipe, runs[0])
    table = tabulate(runs)
    _refuse_errors(table, runs[0])
    return Baseline(
        suite=suite.name,
        split=suite.ci.split,
        recipe=recipe,
        definition=define_gate(suite, guards),
        identity=identity_of(suite, runs[0]),
        runs=tuple(run.id for run in runs),
        by=by,
        when=when,
        why=why,
        cases=table,
    )


def _refuse(run: Run, message: str, hint: str) -> NoReturn:
    raise RecordError(f"run {run.id} cannot be accepted: {message}", hint=hint)


def _refuse_other_work(suite: Suite, run: Run) -> None:
    if run.suite != suite.name:
        _refuse(run, f"it is of suite {run.suite}, not {suite.name}", "see `tunegate runs`")
    if run.split != suite.ci.split:
        _refuse(
            run,
            f"it is on {run.split}, and {suite.name} is judged on {suite.ci.split}",
            f"run `tunegate eval {suite.name} --split {suite.ci.split}`, or set ci.split",
        )


def _refuse_partial(suite: Suite, run: Run) -> None:
    now = {case.id: case.fingerprint for case in suite.split(run.split)}
    then = {result.case_id: result.case_fingerprint for result in run.results}
    again = "run `tunegate eval` on the whole split, and accept that run"
    if missing := [name for name in now if name not in then]:
        _refuse(run, f"it has no result for {len(missing)} of {len(now)} cases", again)
    if gone := [name for name in then if name not in now]:
        _refuse(run, f"{len(gone)} of its cases are no longer in the suite", again)
    if changed := [name for name in now if now[name] != then[name]]:
        shown = ", ".join(changed[:3])
        _refuse(run, f"{len(changed)} of its cases changed since ({shown})", again)


def _refuse_stale(suite: Suite, run: Run) -> None:
    candidate = run.candidate
    if not scored_as_stated(run, suite):
        _refuse(run, "the suite's metrics or scorers changed since", "run `tunegate eval` again")
    if candidate.prompt not in suite.prompts:
        _refuse(
            run,
            f"the suite has no prompt {candidate.prompt!r}",
            "accept a run that was made here",
        )
    if changed := changed_since(suite, candidate):
        _refuse(run, f"{changed[0]} changed since", "run `tunegate eval` again")


def _refuse_other_repeats(suite: Suite, runs: Sequence[Run]) -> None:
    times = suite.repeats.times if suite.repeats else len(runs)
    if len(runs) != times:
        _refuse(
            runs[0],
            f"suite.yaml states repeats.times {times}, and {counted(len(runs), 'run')} would be "
            "the baseline",
            "CI runs each case that often: accept as many repeats, or change it there",
        )


def _refuse_another_candidate(suite: Suite, recipe: Recipe, run: Run) -> None:
    stated = suite.candidate
    for key, wanted, found in (
        ("model", stated.model, recipe.model),
        ("prompt", stated.prompt, recipe.prompt),
        ("adapter", stated.adapter, recipe.adapter_path),
    ):
        if wanted and wanted != found:
            _refuse(
                run, f"suite.yaml states candidate.{key} {wanted!r}, the run has {found!r}", _CI
            )
    if stated.approach and stated.approach != recipe.approach:
        plain = "no more than its prompt"
        used, had = (each.label[3:] or plain for each in (stated.approach, recipe.approach))
        text = f"suite.yaml states a candidate with {used}, the run has {had}"
        _refuse(run, text, f"{_CI}; this one is `{candidate_line(run, stated.model)}`")


def _refuse_errors(table: Table, run: Run) -> None:
    failed = [name for name, case in table.items() if case.error is not None]
    if len(failed) > MAX_ERROR_SHARE * len(table):
        _refuse(
            run,
            f"{len(failed)} of {len(table)} cases ended without a score, more than "
            f"{MAX_ERROR_SHARE:.0%}; the first is {failed[0]}: {table[failed[0]].error}",
            "mend the cause and run `tunegate eval` again",
        )


def identity_of(suite: Suite, run: Run) -> dict[str, str]:
    """What could change behind a recipe's names, as it was when `run` was made."""
    candidate = run.candidate
    found = {
        "model": candidate.model_fingerprint,
        **run.environment,
        "prompt": candidate.prompt_fingerprint,
        "demonstrations": _demonstrations(suite, run),
        "documents": candidate.documents_fingerprint,
        "decoding": _decoding(candidate),
        **{f"{JUDGE}{model}": identity for model, identity in run.judges.items()},
    }
    if candidate.adapter:
        found |= {"adapter": candidate.adapter, "train": split_fingerprint(suite.split("train"))}
    return {name: value for name, value in sorted(found.items()) if value}


def _demonstrations(suite: Suite, run: Run) -> str:
    """Identity of what is shown, as the recipe says it: what a search found is a list of ids."""
    if run.candidate.demonstrations != "searched":
        return run.candidate.demonstrations_fingerprint
    return method_fingerprint(suite, named_approach(run))


def _decoding(candidate: Candidate) -> str:
    """Identity of how text is generated, apart from the seed: that tells repeats apart."""
    return fingerprint(replace(candidate.decoding, seed=0))


def detectable_loss(
    table: Table, primary: str, margin: float, discordance: float = DISCORDANCE
) -> DetectableLoss:
    """What loss a table's cases can show beyond `margin`. Clusters count for less.

    Raises StatisticsError below 10 clusters.
    """
    scores = metric_scores(table, primary)
    groups = [scores.clusters[name] for name in scores.values]
    deff = design_effect(list(scores.values.values()), groups)
    effective = max(1, int(len(groups) / deff))
    twice = 2 * margin
    return DetectableLoss(
        cases=len(groups),
        mean=fmean(scores.values.values()),
        margin=margin,
        discordance=discordance,
        caught=smallest_caught_loss(effective, margin, discordance),
        double_needs=(round(cases_to_catch(twice, margin, discordance) * deff) if twice < 1 else 0),
        pass_chance=noninferiority_power(effective, margin, discordance),
    )
