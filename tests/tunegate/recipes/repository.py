"""The small repository of docs/recipes as a real git repository, and changes proposed to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.tunegate.command_line import ROOT

SAMPLE = ROOT / "docs" / "recipes" / "tickets"
SUITE = Path("suites") / "tickets"

Change = Callable[[Path], None]

_PYTHON = """\
#!/bin/sh
# Installs nothing, and writes down what would have been: there is no internet in a test.
if [ "$1 $2 $3" = "-m pip install" ]; then echo "$*" >> "$INSTALLED"; exit 0; fi
exec "{python}" "$@"
"""
_TUNEGATE = """\
#!{python} -P
import sys
from tunegate.__main__ import main
sys.exit(main())
"""
_NOTHING = "#!/bin/sh\nexit 0\n"


def make_commands(folder: Path) -> Path:
    """A folder for PATH: tunegate from this checkout, and what would need the internet."""
    folder.mkdir(parents=True)
    texts = {
        "python": _PYTHON.format(python=sys.executable),
        "tunegate": _TUNEGATE.format(python=sys.executable),
        "pytest": f'#!/bin/sh\nexec "{sys.executable}" -P -m pytest "$@"\n',
        "apt-get": _NOTHING,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    shutil.copy(Path(__file__).with_name("gh_stand_in.sh"), folder / "gh")
    return folder


def clean_environment(commands: Path, home: Path) -> dict[str, str]:
    """What a fresh machine has: nothing of the CI that these tests may themselves run in."""
    home.mkdir(exist_ok=True)
    return {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TMPDIR": str(home),
        "COLUMNS": "100",
        "OMP_NUM_THREADS": "1",
        "INSTALLED": str(home / "installed.txt"),
        # As the installed package has it: the checkout is importable, its plugin is known.
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "tunegate.pytest_plugin",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    }


class Repository:
    """A team's repository whose main branch has an accepted baseline."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.path, self.environ = folder, environ

    def begin(self) -> None:
        """Write the sample, accept a baseline as a person would, and commit."""
        shutil.copytree(SAMPLE, self.path)
        self.git("init", "--quiet", "--initial-branch", "main")
        self.run("tunegate", "eval", str(SUITE))
        self.run("tunegate", "accept", str(SUITE), "--why", "first baseline", "--by", "Ada")
        self.commit("Guard the ticket prompt")

    def run(self, *command: str) -> str:
        """Run a command that must succeed, in the repository."""
        done = subprocess.run(
            command,
            check=False,
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def git(self, *arguments: str) -> str:
        """Run git there."""
        return self.run("git", *arguments)

    def commit(self, message: str) -> str:
        """Commit all there is, and return the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def pull_request(self, folder: Path, *changes: Change) -> Repository:
        """A clone at the merge of a branch with these changes, as a runner checks it out."""
        self.git("clone", "--quiet", str(self.path), str(folder))
        clone = Repository(folder, self.environ)
        clone.git("switch", "--quiet", "--create", "change")
        for change in changes:
            change(folder)
        clone.commit("A change")
        clone.git("switch", "--quiet", "--detach", "origin/main")
        clone.git("merge", "--quiet", "--no-ff", "--message", "The change into main", "change")
        return clone


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def reword(root: Path) -> None:
    """The same said otherwise: a few answers change, both ways."""
    _edit(root / SUITE / "prompts/route.j2", "Answer with one of", "Reply with exactly one of")


def damage(root: Path) -> None:
    """The prompt no longer names the teams."""
    answer = ' Answer with one of: {{ labels | join(", ") }}.'
    _edit(root / SUITE / "prompts/route.j2", answer, " Be brief.")


def loosen(root: Path) -> None:
    """The margin becomes six times as wide."""
    _edit(root / SUITE / "suite.yaml", "max_loss: 0.05", "max_loss: 0.3")


def break_suite(root: Path) -> None:
    """The manifest is no YAML any more."""
    (root / SUITE / "suite.yaml").write_text("format: [1\n")
