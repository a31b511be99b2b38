"""What the model of a stored run was asked, found anew: prompts are not stored."""

from __future__ import annotations

from collections.abc import Collection

from evals.prompting import build_requests, changed_since, find_prompt, prompt_fingerprint
from evals.records import Candidate, Request, Run
from evals.runner import prompt_hash
from evals.suite.spec import Suite


def template_of(suite: Suite, candidate: Candidate) -> str | None:
    """The source of a candidate's prompt; None where the suite has it no longer as it was.

    What a search wrote stands in the candidate itself.
    """
    if candidate.found and candidate.found.template:
        return candidate.found.template
    name = candidate.prompt
    if name not in suite.prompts or prompt_fingerprint(suite, name) != candidate.prompt_fingerprint:
        return None
    return find_prompt(suite, name).source


def asked_again(
    suite: Suite, run: Run, case_ids: Collection[str] | None = None
) -> dict[str, Request]:
    """The requests of a run's cases by case id; only those that are the ones that were asked.

    Empty where the suite's prompt or its use changed since; a case that changed is left out.
    """
    if changed_since(suite, run.candidate):
        return {}
    hashes = {
        result.case_id: result.prompt_hash
        for result in run.results
        if case_ids is None or result.case_id in case_ids
    }
    cases = [case for case in suite.split(run.split) if case.id in hashes]
    requests = build_requests(suite, run.candidate, cases)
    pairs = ((case.id, request) for case, request in zip(cases, requests, strict=True))
    return {name: request for name, request in pairs if prompt_hash(request) == hashes[name]}
