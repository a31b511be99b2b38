"""From names to a candidate and back: what a fresh clone runs, and runs of it repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evals.approach import Approach
from evals.errors import ModelError, RecordError
from evals.models.protocol import AdaptableModel
from evals.prompting import find_prompt, make_candidate
from evals.records import Candidate, Case, Run, SplitName
from evals.regression.records import Recipe
from evals.repeats import apart_from_seed, check_repeats
from evals.runner import Runner
from evals.stated import names_of
from evals.suite.spec import Suite


def stated_recipe(suite: Suite, accepted: Recipe | None, default_model: str) -> Recipe:
    """What a suite runs where nothing else is said.

    What `suite.yaml` states of its candidate comes before what was accepted, so that
    changing it there is a change under test: also taking a key away. How an accepted prompt is
    used is kept only where the suite states neither a prompt nor its use. Raises SuiteError for
    a prompt that is gone.
    """
    stated = suite.candidate
    base = accepted or Recipe(default_model, suite.default_prompt)
    recipe = replace(
        base.using(stated.approach or base.approach),
        model=stated.model or base.model,
        prompt=stated.prompt or base.prompt,
        adapter_path=stated.adapter or base.adapter_path,
        repeats=suite.repeats.times if suite.repeats else base.repeats,
    )
    find_prompt(suite, recipe.prompt)
    return recipe


def recipe_of(suite: Suite, runs: Sequence[Run]) -> Recipe:
    """The recipe by which stored runs, repeats of one candidate, can be made again.

    An adapter's folder is kept only where it lies inside the suite, and so is committed with
    it. Raises RecordError for runs of different candidates and for one that no recipe makes.
    """
    first = runs[0].candidate
    check_repeats(runs)
    recipe = Recipe(
        model=first.model,
        prompt=first.prompt,
        adapter=first.adapter,
        adapter_path=_inside(suite, first.adapter_path) if first.adapter else "",
        repeats=len(runs),
    )
    return recipe.using(named_approach(runs[0]))


def candidate_line(run: Run, model: str | None = None) -> str:
    """What `suite.yaml` states to run a run's candidate again; empty where nothing states it.

    `model` is what the suite states of that, to be kept. An adapter has its own place.
    """
    import yaml

    try:
        approach = named_approach(run)
    except RecordError:
        return ""
    if run.candidate.adapter:
        return ""
    stated: dict[str, object] = {"model": model} if model else {}
    stated |= {"prompt": run.candidate.prompt, **names_of(approach)}
    text = yaml.safe_dump(stated, default_flow_style=True, sort_keys=False, width=10**9)
    return f"candidate: {text.strip()}"


def named_approach(run: Run) -> Approach:
    """How a run's prompt was used, in terms that a suite can state. Raises RecordError."""
    candidate, how = run.candidate, run.candidate.approach
    if candidate.found and candidate.found.template:
        raise RecordError(
            f"run {run.id} used a template that a search wrote",
            hint="save it among the suite's prompts (`tunegate show RUN --prompt`), and evaluate "
            "that",
        )
    if how.technique.retrieval == "oracle":
        raise RecordError(f"run {run.id} showed each case its own documents, which nothing can do")
    if how.method == "searched" and candidate.found:
        listed = candidate.found.listed
        technique = replace(how.technique, tries=0)
        return Approach("listed", len(listed), listed=listed, technique=technique)
    if how.seed:
        raise RecordError(f"run {run.id} drew its demonstrations by seed {how.seed}")
    return how


def newest_repeats(headers: Sequence[Run], first_seed: int, times: int) -> tuple[Run, ...]:
    """The newest of `headers` (oldest first) with its repeats, as `candidates` seeds them.

    Those that are not stored are left out; it alone where none of the seeds is.
    """
    newest = headers[-1]
    alike = {
        header.candidate.decoding.seed: header
        for header in headers
        if header.scoring_fingerprint == newest.scoring_fingerprint
        and apart_from_seed(header.candidate) == apart_from_seed(newest.candidate)
    }
    seeds = range(first_seed, first_seed + times)
    return tuple(alike[seed] for seed in seeds if seed in alike) or (newest,)


def _inside(suite: Suite, folder: str) -> str:
    root, path = suite.root.resolve(), Path(folder).resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else ""


def candidates(
    suite: Suite, model: AdaptableModel, recipe: Recipe, adapter_folder: str = ""
) -> tuple[Candidate, ...]:
    """One candidate for each repeat, apart in their seeds; the first is what `eval` runs.

    `adapter_folder` is where the adapter lies if not where the recipe says. Raises ModelError
    for a recipe with an adapter of which nobody knows where it is.
    """
    folder = adapter_folder or (
        str(suite.root / recipe.adapter_path) if recipe.adapter_path else ""
    )
    if recipe.adapter and not folder:
        raise ModelError(
            f"{suite.name} was accepted with the adapter {recipe.adapter}, which lies outside "
            "the suite",
            hint="say where it is here with --adapter",
        )
    model.use_adapter(folder or None)
    first = make_candidate(
        suite,
        model,
        recipe.prompt,
        recipe.approach,
        adapter=model.adapter,
        adapter_path=folder,
    )
    return tuple(
        replace(first, decoding=replace(first.decoding, seed=first.decoding.seed + number))
        for number in range(recipe.repeats)
    )


def run_repeats(
    runner: Runner,
    suite: Suite,
    repeats: Sequence[Candidate],
    split: SplitName,
    cases: Sequence[Case] | None = None,
) -> tuple[Run, ...]:
    """One run for each repeat, found or made."""
    return tuple(runner.run(suite, candidate, split, cases=cases) for candidate in repeats)
