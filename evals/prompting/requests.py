"""A candidate and a suite's cases, turned into the requests a model is asked."""

from __future__ import annotations

from collections.abc import Sequence

from evals.on_demand import OnDemand
from evals.prompting.candidates import find_prompt
from evals.prompting.demonstrations import demonstrations_of
from evals.prompting.reasoning import ask_to_reason, reasoned
from evals.prompting.shown_documents import show_documents
from evals.records import Candidate, Case, Request
from evals.retrieval.showing import documents_for
from evals.suite.spec import PromptSpec, Suite
from evals.suite.templates import PromptTemplate, compile_prompt


def build_requests(suite: Suite, candidate: Candidate, cases: Sequence[Case]) -> Sequence[Request]:
    """One request a case: its rendered prompt, its options, its further turns, its tools.

    Each is rendered when it is asked for: prompts with demonstrations are far larger than cases.
    A prompt that mentions `tools` or `documents` shows them itself; else tools are offered, and
    documents stand before the user's last message.
    """
    template = _template(suite, candidate)
    demonstrations = demonstrations_of(suite, candidate, cases)
    documents = documents_for(suite, candidate.technique, cases)
    reasoning = candidate.technique.reasoning

    def render(number: int) -> Request:
        case, shown = cases[number], documents[number]
        tools = suite.tools_of(case)
        demos = demonstrations[number]
        messages = show_documents(
            template,
            shown,
            input=case.input,
            demos=reasoned(demos) if reasoning else demos,
            labels=suite.labels,
            variables=suite.variables,
            tools=tools,
        )
        if reasoning:
            messages = ask_to_reason(messages)
        return Request(
            messages=messages,
            choices=case.choices,
            follow_ups=tuple(turn.user for turn in case.turns),
            tools=() if "tools" in template.uses else tools,
        )

    return OnDemand(render, len(cases))


def _template(suite: Suite, candidate: Candidate) -> PromptTemplate:
    """The template that a search wrote, else the suite's."""
    spec = find_prompt(suite, candidate.prompt)
    if candidate.found and candidate.found.template:
        spec = PromptSpec(spec.name, spec.path, candidate.found.template)
    return compile_prompt(spec)
