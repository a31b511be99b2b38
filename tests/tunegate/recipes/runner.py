"""Runs steps of a workflow and of a composite action as GitHub's runner does, with real bash.

What is not here: nothing is downloaded. `uses` of GitHub's own actions is a stand-in that does
nothing (the checkout is the scratch repository itself, the cache is always empty), and is
listed in `used`; the tunegate action runs from this checkout's action.yml.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.tunegate.command_line import ROOT
from tests.tunegate.recipes.expressions import Contexts, expand, holds

SHELLS = {
    "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"],
    None: ["bash", "-e"],
}
ACTION = "OWNER/tunegate@COMMIT"
STAND_INS = ("checkout", "setup-python", "cache/restore", "cache/save", "upload-artifact")


def read_action() -> dict[str, Any]:
    """This checkout's action."""
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return action


@dataclass
class Outcome:
    """How a job ended: its last failed step's exit code (0 for none), and what it left."""

    code: int = 0
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class GitHubRunner:
    """One job at work in `workspace`. `github` is the context of that name."""

    workspace: Path
    temp: Path
    environ: Mapping[str, str]
    github: dict[str, Any]
    used: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.temp.mkdir(parents=True)
        self.summary = self.temp / "summary.md"
        self.summary.write_text("")

    def workflow_job(self, job: Mapping[str, Any]) -> Outcome:
        """Run the steps of a workflow's job."""
        contexts = {"github": self.github, "secrets": {"GITHUB_TOKEN": self.github["token"]}}
        return self._steps(job["steps"], contexts)[0]

    def action(self, inputs: Mapping[str, Any]) -> Outcome:
        """Run this checkout's action with `inputs`, over its defaults."""
        action = read_action()
        unknown = set(inputs) - set(action["inputs"])
        assert not unknown, f"the action has no input {unknown}"
        contexts: dict[str, Any] = {
            "github": self.github | {"action_ref": "COMMIT"},
            "runner": {"os": "Linux", "arch": "X64", "temp": str(self.temp)},
        }
        contexts["inputs"] = {
            name: expand(str(inputs.get(name, about.get("default", ""))), contexts)
            for name, about in action["inputs"].items()
        }
        outcome, contexts = self._steps(action["runs"]["steps"], contexts)
        outcome.outputs = {
            name: expand(about["value"], contexts) for name, about in action["outputs"].items()
        }
        return outcome

    def action_step(self, name: str, inputs: Mapping[str, str], steps: Contexts) -> Outcome:
        """Run one step of the action alone, with `steps` as what went before."""
        (step,) = (one for one in read_action()["runs"]["steps"] if one["name"] == name)
        contexts = {"github": self.github, "inputs": inputs, "steps": steps}
        return self._script(step, contexts, 0)

    def _steps(
        self, steps: list[dict[str, Any]], contexts: dict[str, Any]
    ) -> tuple[Outcome, dict[str, Any]]:
        outcome = Outcome()
        contexts = contexts | {"steps": {}}
        for number, step in enumerate(steps):
            condition = str(step.get("if", "true"))
            if outcome.code and "always()" not in condition:
                continue
            if not holds(condition, contexts):
                continue
            done = self._step(step, contexts, number)
            outcome.log += done.log
            if done.code and not step.get("continue-on-error"):
                outcome.code = done.code
            if "id" in step:
                contexts["steps"][step["id"]] = {"outputs": done.outputs}
        return outcome, contexts

    def _step(self, step: dict[str, Any], contexts: dict[str, Any], number: int) -> Outcome:
        if "run" in step:
            return self._script(step, contexts, number)
        name = step["uses"]
        self.used.append(name)
        given = {k: expand(str(v), contexts) for k, v in step.get("with", {}).items()}
        if name == ACTION:
            return self.action(given)
        known = [one for one in STAND_INS if name.startswith(f"actions/{one}@")]
        assert known, f"no stand-in for {name}"
        outputs = {"cache-primary-key": given["key"]} if known == ["cache/restore"] else {}
        return Outcome(outputs=outputs)

    def _script(self, step: dict[str, Any], contexts: dict[str, Any], number: int) -> Outcome:
        assert "${{" not in step["run"], "an expression inside a script is open to injection"
        script = self.temp / f"step-{len(self.used)}-{number}.sh"
        outputs = self.temp / f"{script.name}.outputs"
        script.write_text(step["run"])
        outputs.write_text("")
        stated = {k: expand(str(v), contexts) for k, v in step.get("env", {}).items()}
        done = subprocess.run(
            [*SHELLS[step.get("shell")], script],
            check=False,
            cwd=self.workspace,
            env={**self.environ, **self._variables(), **stated, "GITHUB_OUTPUT": str(outputs)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        pairs = [line.partition("=") for line in outputs.read_text().splitlines()]
        return Outcome(
            done.returncode, done.stdout + done.stderr, {name: value for name, _, value in pairs}
        )

    def _variables(self) -> dict[str, str]:
        event = self.temp / "event.json"
        event.write_text(json.dumps(self.github["event"]))
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_BASE_REF": self.github.get("base_ref", ""),
            "GITHUB_EVENT_NAME": self.github["event_name"],
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": self.github["repository"],
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
        }
