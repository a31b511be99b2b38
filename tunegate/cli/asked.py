"""`show --prompt`: what the model of a stored run was asked, and the template behind it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from evals.asked_again import asked_again, template_of
from evals.errors import RecordError, SuiteError
from evals.prompting import changed_since, find_prompt
from evals.records import Candidate, Case, CaseResult, Request, Run
from evals.suite import Suite
from tunegate.cli.console import Terminal
from tunegate.opening import open_suite
from tunegate.whose_suite import suites_of


class _Template(NamedTuple):
    """A prompt's source, and the file it stands in: empty where a search wrote it."""

    source: str
    path: str


def show_prompt(
    run: Run,
    result: CaseResult | None,
    suite: str | None,
    cases: Collection[Case],
    terminal: Terminal,
) -> int:
    """Show the prompt of one case as it was rendered, else the run's template, to be saved.

    Prompts are not stored: they are rendered anew from `suite` (a path or a name, by default
    found by the run and its `cases`). Raises RecordError where the suite asks otherwise now.
    """
    candidate = run.candidate
    if result is None:
        template = _template(candidate, lambda: _open(run, suite, cases))
        where = template.path or f"a search wrote it, from prompt {candidate.prompt!r}"
        terminal.note(f"the template of {run.id}: {where}")
        for line in template.source.splitlines():
            terminal.line(line.expandtabs(4))
        terminal.result({"run": run.id, "template": template.source, "file": template.path})
        return 0
    request = _asked(run, result, _open(run, suite, cases))
    for message in request.messages:
        terminal.line(f"[{message.role}]", "bold")
        for line in message.content.splitlines():
            terminal.line(f"  {line.expandtabs(4)}")
    for title, texts in (("option", request.choices), ("then the user says", request.follow_ups)):
        for text in texts:
            terminal.line(f"{title}: {text}")
    for tool in request.tools:
        terminal.line(f"tool: {tool['name']}")
    terminal.result({"run": run.id, "case": result.case_id, "request": _document(request)})
    return 0


def _template(candidate: Candidate, suite: Callable[[], Suite]) -> _Template:
    """What a search wrote stands in the run's record; a suite's own prompt stands in the suite."""
    if candidate.found and candidate.found.template:
        return _Template(candidate.found.template, "")
    opened, name = suite(), candidate.prompt
    source = template_of(opened, candidate)
    if source is None:
        raise RecordError(
            f"prompt {name!r} of {opened.name} is not the one that this run used any more",
            path=opened.root / "suite.yaml",
            hint="the suite's history has the one that was used",
        )
    return _Template(source, str(find_prompt(opened, name).path))


def _asked(run: Run, result: CaseResult, suite: Suite) -> Request:
    """The request that `result` answers, as the suite renders it now. Raises RecordError."""
    found = asked_again(suite, run, {result.case_id}).get(result.case_id)
    if found is not None:
        return found
    why = " and ".join(changed_since(suite, run.candidate))
    raise RecordError(
        f"what case {result.case_id!r} was asked cannot be shown: since then "
        + (f"{why} changed" if why else "the case changed, or is gone"),
        path=suite.root / "suite.yaml",
        hint="prompts are not stored but rendered anew, which takes the suite as it was",
    )


def _open(run: Run, suite: str | None, cases: Collection[Case]) -> Suite:
    if suite is None and (found := next(suites_of(run, cases), None)):
        return found
    try:
        opened = open_suite(suite or run.suite).suite
    except SuiteError as error:
        if suite:
            raise
        raise SuiteError(
            f"the suite of run {run.id} is not found: {error.message}",
            hint="name its folder with --suite",
        ) from error
    if opened.name != run.suite:
        raise SuiteError(
            f"run {run.id} is of suite {run.suite!r}, and this is {opened.name!r}",
            path=opened.root / "suite.yaml",
            key="name",
            hint="name the run's suite with --suite",
        )
    return opened


def _document(request: Request) -> dict[str, Any]:
    return {
        "messages": request.messages,
        "choices": request.choices,
        "follow_ups": request.follow_ups,
        "tools": request.tools,
    }
