"""A small git repository with one suite and a scripted model, as a team would keep it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.scenes import write_model

CI = "ci: {max_loss: 0.05, thresholds: {accuracy: 0.5}}\n"
KEPT_OUT = ("CI", "GITHUB_", "GITLAB_", "GIT_", "TUNEGATE_", "TF_BUILD", "TEAMCITY_VERSION")


class Repository:
    """The repository in `folder`; `suite` is its suite. The model answers right, unless the
    prompt says "Damaged": then every billing case is sent to login.
    """

    def __init__(self, folder: Path, *, cases: int = 300, ci: str = CI) -> None:
        self.folder = folder
        self.suite = folder / "suites" / "tickets"
        candidate = "candidate: {prompt: spec, model: 'scripted:model.json'}\n"
        sizes = {"train": 30, "dev": cases, "test": 60}
        write_suite(self.suite, sizes=sizes, extra=ci + candidate)
        wrong = [{"prompt_contains": "Damaged", "contains": TOPICS["billing"], "reply": "login"}]
        right = [{"contains": text, "reply": name} for name, text in TOPICS.items()]
        write_model(folder / "model.json", [*wrong, *right])
        (folder / ".gitignore").write_text(".tunegate/\n__pycache__/\n")
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")
        self.commit("a suite")

    def git(self, *arguments: str) -> str:
        """Run git here, without anybody's own settings."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**outside_ci(), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything and return the commit's name."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def change(self, file: str, old: str, new: str) -> None:
        """Replace a text in a file of the suite."""
        path = self.suite / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


def outside_ci(**changes: Any) -> dict[str, str]:
    """This process's environment without what a CI service, or git itself, sets."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(KEPT_OUT)}
    return kept | {k: str(v) for k, v in changes.items()}
