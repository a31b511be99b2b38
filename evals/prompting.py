"""A candidate and a suite's cases, turned into the requests a model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evals.demonstrations import method_fingerprint, select
from evals.errors import SuiteError
from evals.fingerprint import fingerprint
from evals.models.protocol import Model
from evals.on_demand import OnDemand
from evals.records import Candidate, Case, Request
from evals.suite.spec import PromptSpec, RoundSpec, Suite
from evals.suite.templates import compile_prompt

DEMONSTRATION_METHODS = {"wording": "none", "few_shot": "static", "nearest": "nearest"}


def make_candidate(
    suite: Suite,
    model: Model,
    prompt: str,
    *,
    family: str = "wording",
    k: int = 0,
    seed: int = 0,
    adapter: str = "",
    adapter_path: str = "",
) -> Candidate:
    """The candidate that `prompt` makes on `model`, with its identity filled in.

    Raises SuiteError when the suite has no such prompt.
    """
    method = DEMONSTRATION_METHODS[family] if k else "none"
    return Candidate(
        model=model.name,
        model_fingerprint=model.fingerprint,
        prompt=prompt,
        prompt_fingerprint=prompt_fingerprint(suite, prompt),
        demonstrations=method,  # type: ignore[arg-type]  # the values of the table above
        k=k if method != "none" else 0,
        seed=seed if method == "static" else 0,
        demonstrations_fingerprint=method_fingerprint(method, k, seed, suite.split("train")),  # type: ignore[arg-type]
        adapter=adapter,
        adapter_path=adapter_path,
        decoding=suite.decoding,
    )


def prompt_fingerprint(suite: Suite, prompt: str) -> str:
    """Identity of a prompt with all that is filled in from the suite. Raises SuiteError."""
    tools = [suite.tools] if suite.tools else []
    spec = find_prompt(suite, prompt)
    return fingerprint(spec.fingerprint, suite.variables, suite.labels, *tools)


def find_prompt(suite: Suite, name: str) -> PromptSpec:
    """The suite's prompt of that name. Raises SuiteError with the names it has."""
    if name not in suite.prompts:
        known = ", ".join(sorted(suite.prompts))
        raise SuiteError(
            f"there is no prompt {name!r}; there are: {known}",
            path=suite.root / "suite.yaml",
            key="prompts",
        )
    return suite.prompts[name]


def changed_since(suite: Suite, candidate: Candidate) -> tuple[str, ...]:
    """What a suite would ask otherwise now than when `candidate` was made, in words.

    The seed of decoding tells repeats apart and is no change. Of a prompt that is gone no more
    is said than that it changed.
    """
    if candidate.prompt not in suite.prompts:
        return (f"prompt {candidate.prompt!r}",)
    shown = method_fingerprint(
        candidate.demonstrations, candidate.k, candidate.seed, suite.split("train")
    )
    parts = {
        f"prompt {candidate.prompt!r}": candidate.prompt_fingerprint
        != prompt_fingerprint(suite, candidate.prompt),
        "decoding": fingerprint(replace(candidate.decoding, seed=0))
        != fingerprint(replace(suite.decoding, seed=0)),
        "demonstrations": candidate.demonstrations_fingerprint != shown,
    }
    return tuple(name for name, differs in parts.items() if differs)


def round_candidates(suite: Suite, model: Model, spec: RoundSpec) -> list[Candidate]:
    """Every prompt of a round with every k, in the order the suite states them."""
    return [
        make_candidate(suite, model, prompt, family=spec.family, k=k)
        for prompt in spec.prompts
        for k in (spec.k or (0,))
    ]


def build_requests(suite: Suite, candidate: Candidate, cases: Sequence[Case]) -> Sequence[Request]:
    """One request a case: its rendered prompt, its options, its further turns, its tools.

    Each is rendered when it is asked for: prompts with demonstrations are far larger than cases.
    A prompt that mentions `tools` shows them itself; they are then not offered again.
    """
    template = compile_prompt(find_prompt(suite, candidate.prompt))
    demonstrations = select(
        candidate.demonstrations, candidate.k, candidate.seed, pool=suite.cases, cases=cases
    )

    def render(number: int) -> Request:
        case = cases[number]
        tools = suite.tools_of(case)
        messages = template.render(
            input=case.input,
            demos=demonstrations[number],
            labels=suite.labels,
            variables=suite.variables,
            tools=tools,
        )
        return Request(
            messages=messages,
            choices=case.choices,
            follow_ups=tuple(turn.user for turn in case.turns),
            tools=() if "tools" in template.uses else tools,
        )

    return OnDemand(render, len(cases))
