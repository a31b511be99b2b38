"""The GitHub action and every recipe of docs/ci.md, executed as far as that goes here.

Real git, bash, curl, jq and tunegate with a scripted model; the environment that a runner sets;
a server on 127.0.0.1 for the comments. Stand-ins: `pip install` and `apt-get` do nothing,
GitHub's own actions (checkout, cache, ...) do nothing, and `gh` is a small script.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from evals.stats.power import (
    cases_for_noninferiority,
    cases_to_catch,
    noninferiority_power,
    smallest_caught_loss,
)
from reports.ci import MARKER
from tests.tunegate.command_line import ROOT
from tests.tunegate.recipes import rules
from tests.tunegate.recipes.expressions import evaluate, expand
from tests.tunegate.recipes.pages import blocks, recipe, transcript
from tests.tunegate.recipes.repository import (
    SAMPLE,
    SUITE,
    Change,
    Repository,
    break_suite,
    clean_environment,
    damage,
    loosen,
    make_commands,
    reword,
)
from tests.tunegate.recipes.runner import GitHubRunner, Outcome, read_action
from tests.tunegate.recipes.services import AUTHORS, READER, WRITER, Comments, serving
from tunegate.environment import base_from


def missing(*commands: str) -> str:
    """Which of these commands this machine does not have."""
    return ", ".join(name for name in commands if shutil.which(name) is None)


pytestmark = pytest.mark.skipif(bool(missing("bash", "git")), reason="needs bash and git")

WORKFLOWS = [
    ".github/workflows/prompts.yml",
    ".github/workflows/prompts-plain.yml",
    ".github/workflows/tests.yml",
]
COMMENT = "Update the comment of the pull request"
QUICK = {"comment": "false", "cache": "false"}
INPUTS = {"comment": "true", "token": WRITER, "comment-author": AUTHORS["github"]}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository with its accepted baseline; tests clone it and leave it alone."""
    folder = tmp_path_factory.mktemp("team")
    environ = clean_environment(make_commands(folder / "bin"), folder / "home")
    made = Repository(folder / "prompts", environ)
    made.begin()
    return made


@pytest.fixture
def comments() -> Iterator[Comments]:
    """A server for comments; what talks to it needs curl and jq."""
    if lacking := missing("curl", "jq"):
        pytest.skip(f"not installed: {lacking}")
    with serving() as kept:
        yield kept


def on_github(
    workspace: Repository,
    temp: Path,
    *,
    name: str = "pull_request",
    token: str = WRITER,
    url: str = "http://127.0.0.1:9",
    **event: Any,
) -> GitHubRunner:
    """A runner for an event; of a pull request into main unless said otherwise."""
    is_change = name.startswith("pull_request")
    event = {"action": "synchronize", "pull_request": {"number": 7}} | event if is_change else event
    github = {
        "event_name": name,
        "event": event,
        "base_ref": "main" if is_change else "",
        "repository": "acme/prompts",
        "token": token,
    }
    return GitHubRunner(workspace.path, temp, workspace.environ | {"GH_STAND_IN_URL": url}, github)


def judge(team: Repository, folder: Path, *changes: Change, **inputs: str) -> Outcome:
    """The action on a pull request with these changes, without a comment."""
    clone = team.pull_request(folder / "clone", *changes)
    runner = on_github(clone, folder / "runner")
    outcome = runner.action(QUICK | inputs)
    outcome.log += runner.summary.read_text()
    return outcome


# What stands in the files


def test_the_action_is_as_github_asks() -> None:
    assert rules.action_faults(read_action()) == []


@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_workflows_are_as_github_asks(name: str) -> None:
    assert rules.workflow_faults(recipe(name)) == []


def test_the_pipeline_is_as_gitlab_asks() -> None:
    assert rules.gitlab_faults(recipe(".gitlab-ci.yml")) == []


def test_the_hooks_are_as_pre_commit_asks() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [rules.hook_faults(hook) for hook in hooks] == [[]]
    ours = recipe(".pre-commit-config.yaml")
    local = recipe(".pre-commit-config.yaml, with the tunegate that is installed")
    assert rules.pre_commit_faults(ours) == rules.pre_commit_faults(local) == []
    assert [hook["id"] for hook in ours["repos"][0]["hooks"]] == [hook["id"] for hook in hooks]


def test_every_recipe_of_the_page_is_tested_here() -> None:
    others = 3  # GitLab, pre-commit twice
    assert len(blocks("yaml")) == len(WORKFLOWS) + others


def test_a_fault_in_a_recipe_is_found() -> None:
    action = read_action()
    action["runs"]["steps"][0]["run"] += "echo ${{ github.event.pull_request.title }}\n"
    action["runs"]["steps"][1]["uses"] = "actions/cache/restore@v5"
    del action["runs"]["steps"][2]["shell"]
    faults = " ".join(rules.action_faults(action))
    for said in ("expands an expression", "is not pinned", "names its shell"):
        assert said in faults


def test_expressions_are_evaluated_as_github_does() -> None:
    contexts = {"inputs": {"a": "x"}, "github": {"event": {"label": {"name": "it's"}}}}
    assert evaluate("inputs.a == 'x' && github.event.label.name == 'it''s'", contexts) is True
    assert evaluate("inputs.none || (inputs.a != 'x' || 'last')", contexts) == "last"
    assert expand("a ${{ !inputs.none }} ${{ inputs.none }}.", contexts) == "a true ."
    with pytest.raises(AssertionError):
        evaluate("toJSON(github)", contexts)


# The action


@pytest.mark.parametrize(
    ("changes", "inputs", "code", "result"),
    [
        ((damage,), {}, 1, "fail"),
        ((reword,), {}, 0, "pass"),
        ((loosen,), {}, 3, "review"),
        ((loosen, damage), {}, 1, "fail"),
        ((loosen,), {"reviewed": "true"}, 0, "pass"),
    ],
)
def test_the_action_ends_as_tunegate_judges(
    team: Repository,
    tmp_path: Path,
    changes: tuple[Change, ...],
    inputs: dict[str, str],
    code: int,
    result: str,
) -> None:
    outcome = judge(team, tmp_path, *changes, **inputs)
    assert outcome.code == code, outcome.log
    assert outcome.outputs["exit-code"] == str(code)
    assert outcome.outputs["result"] == result
    assert f"## tunegate: {result.upper()}" in Path(outcome.outputs["markdown"]).read_text()
    assert f"## tunegate: {result.upper()}" in outcome.log.split(MARKER)[1], "the job's summary"
    assert ET.parse(outcome.outputs["junit"]).getroot().get("name") == "tunegate"
    assert ("::error" in outcome.log) == (code != 0)


def test_a_suite_that_cannot_be_read_is_no_verdict_and_says_so(
    team: Repository, tmp_path: Path
) -> None:
    outcome = judge(team, tmp_path, break_suite)
    assert (outcome.code, outcome.outputs["result"]) == (2, "")
    body = Path(outcome.outputs["markdown"]).read_text()
    assert body.splitlines()[:2] == [MARKER, "## tunegate: no verdict"]
    assert "exit code 2" in body


def test_the_base_is_what_the_event_says(team: Repository, tmp_path: Path) -> None:
    clone = team.pull_request(tmp_path / "clone", loosen)
    before = clone.git("rev-parse", "origin/main")
    accepted = "the accepted baseline"
    for number, (name, event, inputs, base) in enumerate(
        [
            ("push", {"before": before}, {}, f"{before} ("),
            ("push", {"before": "0" * 40}, {}, accepted),
            ("merge_group", {"merge_group": {"base_sha": before}}, {}, f"{before} ("),
            ("schedule", {}, {"base": "origin/main"}, "origin/main ("),
        ]
    ):
        runner = on_github(clone, tmp_path / f"runner-{number}", name=name, **event)
        outcome = runner.action(QUICK | inputs)
        assert outcome.code == 3, (name, outcome.log)
        assert f"judged as in {base}" in Path(outcome.outputs["junit"]).read_text(), name


def test_no_input_becomes_a_command_or_an_option(team: Repository, tmp_path: Path) -> None:
    clone = team.pull_request(tmp_path / "clone", loosen)
    runner = on_github(clone, tmp_path / "runner")
    hostile = "suites\n  --reviewed\n$(touch pwned); `touch pwned`\n"
    outcome = runner.action(QUICK | {"suites": hostile})
    assert outcome.code == 2
    assert "no such suite: '--reviewed'" in outcome.log
    refused = runner.action(QUICK | {"version": "1.0; touch pwned"})
    assert refused.code == 2
    assert "::error::version is a version" in refused.log
    assert "pwned" not in {path.name for path in clone.path.rglob("*")}


def test_it_refuses_to_run_where_the_change_would_have_the_secrets(
    team: Repository, tmp_path: Path
) -> None:
    runner = on_github(team, tmp_path / "runner", name="pull_request_target")
    outcome = runner.action({})
    assert outcome.code == 2
    assert "use pull_request" in outcome.log
    assert runner.used == []


def test_what_is_installed_is_the_action_itself_or_the_version_asked_for(
    team: Repository, tmp_path: Path
) -> None:
    installed = tmp_path / "installed.txt"
    there = Repository(team.path, team.environ | {"INSTALLED": str(installed)})
    runner = on_github(there, tmp_path / "runner")
    for inputs in (
        {"version": "", "extras": "local"},
        {"version": "1.2.0", "extras": "local,tune"},
        {"version": "1.2.0", "extras": ""},
    ):
        assert runner.action_step("Install tunegate", inputs, {}).code == 0
    assert installed.read_text().splitlines() == [
        f"-m pip install {ROOT}[local]",
        "-m pip install tunegate[local,tune]==1.2.0",
        "-m pip install tunegate==1.2.0",
    ]


# The comment


def test_three_runs_leave_one_comment_that_says_the_last_result(
    team: Repository, tmp_path: Path, comments: Comments
) -> None:
    for number, changes in enumerate([(damage,), (loosen,), (reword,)]):
        clone = team.pull_request(tmp_path / f"clone-{number}", *changes)
        runner = on_github(clone, tmp_path / f"runner-{number}", url=comments.url)
        runner.action({"cache": "false"})
    (body,) = comments.of(AUTHORS["github"])
    assert body.startswith(f"{MARKER}\n## tunegate: PASS")
    assert [request.split()[0] for request in comments.requests].count("POST") == 1


def write_comment(
    team: Repository, folder: Path, comments: Comments, text: str, token: str = WRITER
) -> Outcome:
    """The action's comment step alone."""
    runner = on_github(team, folder, url=comments.url)
    body = folder / "body.md"
    body.write_text(text)
    steps = {"gate": {"outputs": {"markdown": str(body)}}}
    return runner.action_step(COMMENT, INPUTS | {"token": token}, steps)


def test_comments_of_others_are_left_alone_also_where_they_quote_the_marker(
    team: Repository, tmp_path: Path, comments: Comments
) -> None:
    theirs = [
        f"look:\n{MARKER}\n## tunegate: FAIL",
        f"{MARKER}\n## mine begins with it",
        *(f"chat {number}" for number in range(120)),
    ]
    for text in theirs:
        comments.add("mallory", text)
    comments.add(AUTHORS["github"], f"quoting {MARKER} in the middle")
    for text in (f"{MARKER}\nfirst", f"{MARKER}\nsecond $(id) `id` \\ 'quoted'"):
        assert write_comment(team, tmp_path / text[-5:-1], comments, text).code == 0
    assert comments.of("mallory") == theirs
    assert comments.of(AUTHORS["github"]) == [
        f"quoting {MARKER} in the middle",
        f"{MARKER}\nsecond $(id) `id` \\ 'quoted'",
    ]
    assert any("page=2" in request for request in comments.requests)


def test_a_token_that_may_only_read_does_not_fail_the_job(
    team: Repository, tmp_path: Path, comments: Comments
) -> None:
    outcome = write_comment(team, tmp_path / "new", comments, f"{MARKER}\nx", READER)
    assert outcome.code == 0
    assert "::notice::The comment was not written" in outcome.log
    comments.add(AUTHORS["github"], f"{MARKER}\nold")
    outcome = write_comment(team, tmp_path / "old", comments, f"{MARKER}\nx", READER)
    assert (outcome.code, len(comments.all)) == (0, 1)
    comments.url = "http://127.0.0.1:9"
    assert write_comment(team, tmp_path / "gone", comments, f"{MARKER}\nx").code == 0


# The workflows of the page


def run_workflow(runner: GitHubRunner, name: str) -> Outcome:
    (job,) = recipe(name)["jobs"].values()
    return runner.workflow_job(job)


def test_the_workflow_with_the_action_stops_a_damaged_prompt_and_comments(
    team: Repository, tmp_path: Path, comments: Comments
) -> None:
    clone = team.pull_request(tmp_path / "clone", damage)
    runner = on_github(clone, tmp_path / "runner", url=comments.url)
    outcome = run_workflow(runner, WORKFLOWS[0])
    assert outcome.code == 1, outcome.log
    assert runner.used[-1].startswith("actions/upload-artifact@"), "also of a failed job"
    assert any(name.startswith("actions/cache/save@") for name in runner.used)
    assert comments.of(AUTHORS["github"]) == [runner.summary.read_text()]


@pytest.mark.parametrize(
    ("name", "change", "code"), [(WORKFLOWS[1], loosen, 3), (WORKFLOWS[2], damage, 1)]
)
def test_the_workflows_without_it_stop_what_they_should(
    team: Repository, tmp_path: Path, name: str, change: Change, code: int
) -> None:
    clone = team.pull_request(tmp_path / "clone", change)
    runner = on_github(clone, tmp_path / "runner")
    outcome = run_workflow(runner, name)
    assert outcome.code == code, outcome.log
    assert runner.summary.read_text().startswith(MARKER if name == WORKFLOWS[1] else "")


def test_only_the_run_that_the_label_started_counts_as_reviewed() -> None:
    steps = recipe(WORKFLOWS[0])["jobs"]["tunegate"]["steps"]
    (step,) = (s for s in steps if s.get("name") == "Judge")
    labels = [{"name": "gate-reviewed"}]

    def reviewed(**event: Any) -> str:
        event["pull_request"] = {"number": 7, "labels": labels}
        return expand(step["with"]["reviewed"], {"github": {"event": event}})

    assert reviewed(action="labeled", label={"name": "gate-reviewed"}) == "true"
    assert reviewed(action="labeled", label={"name": "documentation"}) == "false"
    assert reviewed(action="unlabeled", label={"name": "gate-reviewed"}) == "false"
    assert reviewed(action="synchronize") == "false"


# GitLab


def gitlab_job(clone: Repository, url: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The job of the page: `before_script` and `script` in one shell, then `after_script`."""
    job = recipe(".gitlab-ci.yml")["prompts"]
    stated = {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_API_V4_URL": f"{url}/api/v4",
        "CI_COMMIT_SHORT_SHA": clone.git("rev-parse", "--short=8", "HEAD"),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": clone.git("rev-parse", "origin/main"),
        "CI_MERGE_REQUEST_IID": "7",
        "CI_PROJECT_DIR": str(clone.path),
        "CI_PROJECT_ID": "11",
        **variables,
    }
    environ = clone.environ | stated
    environ |= {k: expand_shell(v, stated) for k, v in job["variables"].items()}
    begin = "set -eo pipefail\n"

    def shell(parts: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            check=False,
            args=["bash", "-c", begin + "\n".join(parts)],
            cwd=clone.path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
        )

    done = shell([*job["before_script"], *job["script"]])
    after = shell(job["after_script"])
    done.stderr += after.stderr
    return done


def expand_shell(text: str, variables: dict[str, str]) -> str:
    """`$NAME` as GitLab expands it in variables."""
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], text)


def test_the_gitlab_job_judges_and_keeps_one_note(
    team: Repository, tmp_path: Path, comments: Comments
) -> None:
    comments.add("mallory", f"{MARKER}\nnot yours")
    for number in range(110):
        comments.add("mallory", f"chat {number}")
    for name, change, code in (("damaged", damage, 1), ("worded", reword, 0)):
        clone = team.pull_request(tmp_path / name, change)
        done = gitlab_job(clone, comments.url, TUNEGATE_NOTE_TOKEN=WRITER)
        assert done.returncode == code, done.stderr
        assert ET.parse(clone.path / "junit.xml").getroot().get("tests") == "4"
    (note,) = comments.of(AUTHORS["gitlab"])
    assert note.startswith(f"{MARKER}\n## tunegate: PASS")
    assert comments.of("mallory")[0] == f"{MARKER}\nnot yours"


def test_the_base_is_where_the_merge_request_begins() -> None:
    of_change = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "d1ff"}
    assert base_from(of_change) == "d1ff"
    assert base_from(of_change | {"CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "7a26e7"}) == "7a26e7"
    assert base_from(of_change | {"CI_MERGE_REQUEST_TARGET_BRANCH_SHA": ""}) == "d1ff"
    assert base_from(of_change | {"TUNEGATE_BASE": "main"}) == "main"
    assert base_from({"CI_MERGE_REQUEST_DIFF_BASE_SHA": ""}) is None


def test_the_gitlab_label_counts_for_its_commit_only(
    team: Repository, tmp_path: Path, comments: Comments
) -> None:
    clone = team.pull_request(tmp_path / "clone", loosen)
    sha = clone.git("rev-parse", "--short=8", "HEAD")
    for labels, code in ((f"docs,gate-reviewed-{sha}", 0), ("gate-reviewed-12345678,docs", 3)):
        done = gitlab_job(clone, comments.url, CI_MERGE_REQUEST_LABELS=labels)
        assert done.returncode == code, done.stderr
    assert comments.requests == [], "without a token nothing is asked"


def test_a_note_that_cannot_be_written_does_not_change_the_result(
    team: Repository, tmp_path: Path, comments: Comments
) -> None:
    clone = team.pull_request(tmp_path / "clone", break_suite)
    (clone.path / "summary.md").write_text(f"{MARKER}\n## tunegate: PASS\n")
    done = gitlab_job(clone, comments.url, TUNEGATE_NOTE_TOKEN=WRITER)
    assert done.returncode == 2
    assert comments.of(AUTHORS["gitlab"]) == [f"{MARKER}\n## tunegate: no verdict\n"]
    done = gitlab_job(clone, comments.url, TUNEGATE_NOTE_TOKEN=READER)
    assert done.returncode == 2
    assert len(comments.all) == 1


# pre-commit


def test_the_hooks_find_a_broken_suite(team: Repository, tmp_path: Path) -> None:
    clone = team.pull_request(tmp_path / "clone")
    (ours,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    local = recipe(".pre-commit-config.yaml, with the tunegate that is installed")
    (theirs,) = local["repos"][0]["hooks"]
    for hook in (ours, theirs):
        assert not hook["pass_filenames"], "tunegate takes suites, not files"
        assert re.search(hook["files"], f"{SUITE}/prompts/route.j2")
        assert not re.search(hook["files"], "src/app.py")

    def code(hook: dict[str, Any]) -> int:
        command = [*hook["entry"].split(), *hook.get("args", [])]
        done = subprocess.run(
            command, check=False, cwd=clone.path, env=clone.environ, capture_output=True
        )
        return done.returncode

    assert code(ours) == 0
    break_suite(clone.path)
    assert (code(ours), code(theirs)) == (2, 2)


# The page


def test_the_walk_through_prints_what_the_page_says(team: Repository, tmp_path: Path) -> None:
    shutil.copytree(SAMPLE, tmp_path / "tickets")
    walk = Repository(tmp_path / "tickets", team.environ)
    walk.git("init", "--quiet", "--initial-branch", "main")
    said = transcript()
    assert len(said) > 15
    for command, output in said:
        done = subprocess.run(
            ["bash", "-c", command],
            check=False,
            cwd=walk.path,
            env=walk.environ,
            capture_output=True,
            text=True,
        )
        assert without_what_varies(done.stdout) == without_what_varies(output), command


def without_what_varies(text: str) -> list[str]:
    """Lines without commits, run ids, dates, seconds, white space at their ends and blank ones."""
    for pattern in (
        r"\([0-9a-f]{10}\)",
        r"tickets-dev-[0-9a-f]{10}",
        r"\d{4}-\d\d-\d\dT[\d:+]+",
        r"[\d.]+ s generating",
    ):
        text = re.sub(pattern, "*", text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_the_tables_of_cases_are_computed() -> None:
    rows = []
    for line in (ROOT / "docs" / "ci.md").read_text(encoding="utf-8").splitlines():
        numbers = re.findall(r"\d[\d,.]*", line) if re.match(r"\| \d", line) else []
        rows.append([float(number.replace(",", "")) for number in numbers])
    needed = {row[0]: row[1:] for row in rows if len(row) == 7}
    assert list(needed) == [0.02, 0.03, 0.05, 0.1]
    for margin, cells in needed.items():
        passes = [cases_for_noninferiority(margin, psi) for psi in (0.05, 0.1, 0.2)]
        catches = [cases_to_catch(2 * margin, margin, psi) for psi in (0.05, 0.1, 0.2)]
        assert cells == [*passes, *catches]
    shown = {row[0]: row[1:] for row in rows if len(row) == 3}
    assert list(shown) == [50, 100, 200, 400, 800]
    for n, cells in shown.items():
        caught = smallest_caught_loss(int(n), 0.05, 0.1)
        assert cells == [round(100 * caught), round(100 * noninferiority_power(n, 0.05, 0.1))]
