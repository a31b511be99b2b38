"""What GitHub, GitLab and pre-commit ask of their files, as far as the recipes use them.

Written down from their reference pages; stricter where our own rules are (pins, permissions,
no expression in a script). Each function lists what is wrong, so that a test asserts `== []`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.tunegate.recipes.expressions import evaluate
from tests.tunegate.recipes.runner import ACTION, read_action

_PINNED = re.compile(r"actions/[a-z/-]+@[0-9a-f]{40}")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w-]*")
STEP = {"name", "id", "if", "uses", "with", "run", "shell", "env", "continue-on-error"}
EVENTS = {"pull_request", "push", "schedule", "merge_group", "workflow_dispatch"}
PULL_REQUEST_TYPES = {"opened", "synchronize", "reopened", "labeled", "unlabeled"}
RIGHTS = {"contents": {"read"}, "pull-requests": {"read", "write"}}
GITLAB_JOB = {
    "image": str,
    "variables": dict,
    "cache": dict,
    "rules": list,
    "before_script": list,
    "script": list,
    "after_script": list,
    "artifacts": dict,
}
HOOK = {
    "id": str,
    "name": str,
    "description": str,
    "entry": str,
    "language": str,
    "args": list,
    "files": str,
    "pass_filenames": bool,
    "require_serial": bool,
}


def action_faults(action: Mapping[str, Any]) -> list[str]:
    """Of a composite action's metadata."""
    faults = [f"no {key}" for key in ("name", "description", "runs") if not action.get(key)]
    faults += _unknown(action, {"name", "description", "author", "inputs", "outputs", "runs"})
    if action["runs"].get("using") != "composite":
        faults.append("not composite")
    for name, about in action["inputs"].items():
        faults += _unknown(about, {"description", "required", "default"})
        if not _NAME.fullmatch(name) or not about.get("description"):
            faults.append(f"input {name} has no good name or no description")
        if not isinstance(about.get("default"), str):
            faults.append(f"input {name}: a default is text")
    for name, about in action["outputs"].items():
        if set(about) != {"description", "value"}:
            faults.append(f"output {name} needs description and value")
    steps = action["runs"]["steps"]
    faults += _step_faults(steps, composite=True)
    text = repr(action)
    faults += [f"input {i} is not used" for i in action["inputs"] if f"inputs.{i}" not in text]
    named = set(re.findall(r"inputs\.([\w-]+)", text)) - set(action["inputs"])
    return [*faults, *(f"there is no input {name}" for name in sorted(named))]


def _step_faults(steps: list[dict[str, Any]], *, composite: bool) -> Iterator[str]:
    ids: set[str] = set()
    for number, step in enumerate(steps, 1):
        yield from _unknown(step, STEP)
        if ("run" in step) == ("uses" in step):
            yield f"step {number} has not one of run and uses"
        if composite and ("run" in step) != ("shell" in step):
            yield f"step {number}: a script of a composite action names its shell"
        if "${{" in step.get("run", ""):
            yield f"step {number} expands an expression inside its script"
        if "uses" in step and step["uses"] != ACTION and not _PINNED.fullmatch(step["uses"]):
            yield f"step {number} is not pinned: {step['uses']}"
        yield from _unresolved(step, ids, number)
        ids |= {step["id"]} if "id" in step else set()


def _unresolved(step: Mapping[str, Any], ids: set[str], number: int) -> Iterator[str]:
    """Expressions that cannot be read, and outputs of steps that did not come before."""
    text = repr({key: value for key, value in step.items() if key != "run"})
    for used in re.findall(r"steps\.([\w-]+)\.", text):
        if used not in ids:
            yield f"step {number} names step {used}, which does not come before it"
    for value in [*step.get("env", {}).values(), *step.get("with", {}).values()]:
        for expression in _EXPRESSION.findall(str(value)):
            evaluate(expression, {})
    if "if" in step:
        evaluate(str(step["if"]), {})


def workflow_faults(workflow: Mapping[str, Any]) -> list[str]:
    """Of a workflow."""
    faults = _unknown(workflow, {"name", "on", "permissions", "concurrency", "jobs"})
    events = workflow["on"]
    faults += [f"event {name} is not wanted" for name in set(events) - EVENTS]
    types = (events.get("pull_request") or {}).get("types", [])
    faults += [f"no type {name} of pull_request" for name in set(types) - PULL_REQUEST_TYPES]
    for entry in events.get("schedule", []):
        if len(entry["cron"].split()) != 5:
            faults.append("a cron has five parts")
    for right, level in workflow["permissions"].items():
        if level not in RIGHTS.get(right, set()):
            faults.append(f"permission {right}: {level}")
    for name, job in workflow["jobs"].items():
        faults += _unknown(job, {"runs-on", "timeout-minutes", "steps"})
        faults += [f"{name} lacks {key}" for key in {"runs-on", "timeout-minutes"} - set(job)]
        faults += _step_faults(job["steps"], composite=False)
        checkouts = [s for s in job["steps"] if "actions/checkout@" in s.get("uses", "")]
        if [step["with"].get("fetch-depth") for step in checkouts] != [0]:
            faults.append(f"{name} needs one checkout with its history")
        for step in job["steps"]:
            if step.get("uses") == ACTION:
                faults += _unknown(step["with"], set(read_action()["inputs"]))
    return faults


def gitlab_faults(pipeline: Mapping[str, Any]) -> list[str]:
    """Of a pipeline."""
    faults = []
    for name, job in pipeline.items():
        faults += _typed(job, GITLAB_JOB)
        if not job.get("script"):
            faults.append(f"{name} has no script")
        for part in ("before_script", "script", "after_script"):
            if not all(isinstance(line, str) for line in job.get(part, [])):
                faults.append(f"{name}: {part} is a list of texts")
        for rule in job.get("rules", []):
            faults += _unknown(rule, {"if", "when", "variables"})
        for variable, value in job.get("variables", {}).items():
            if not isinstance(value, str):
                faults.append(f"{name}: variable {variable} is no text")
        faults += _unknown(job["artifacts"], {"when", "paths", "reports", "expire_in"})
        faults += _unknown(job["artifacts"]["reports"], {"junit"})
        if job["artifacts"].get("when") != "always":
            faults.append(f"{name}: a failed job keeps no artifacts unless when is always")
    return faults


def hook_faults(hook: Mapping[str, Any]) -> list[str]:
    """Of a hook in .pre-commit-hooks.yaml, or of one in a repository named `local`."""
    faults = [f"no {key}" for key in ("id", "name", "entry", "language") if not hook.get(key)]
    faults += _typed(hook, HOOK)
    if hook.get("language") not in ("python", "system"):
        faults.append(f"language {hook.get('language')}")
    re.compile(hook.get("files", ""))
    return faults


def pre_commit_faults(config: Mapping[str, Any]) -> list[str]:
    """Of .pre-commit-config.yaml."""
    faults = _unknown(config, {"repos"})
    for repository in config["repos"]:
        if repository["repo"] == "local":
            faults += _unknown(repository, {"repo", "hooks"})
            faults += [fault for hook in repository["hooks"] for fault in hook_faults(hook)]
        else:
            faults += _unknown(repository, {"repo", "rev", "hooks"})
            faults += [] if repository.get("rev") else ["no rev"]
    return faults


def _unknown(found: Mapping[str, Any], known: set[str]) -> list[str]:
    return [f"unknown key {key!r}" for key in found if key not in known]


def _typed(found: Mapping[str, Any], known: Mapping[str, type]) -> list[str]:
    wrong = [k for k, v in found.items() if k in known and not isinstance(v, known[k])]
    return _unknown(found, set(known)) + [f"{key} has the wrong type" for key in wrong]
