from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.errors import UsageError
from evals.regression.revision import find_revision, read_reference, removed_gates
from evals.suite import load_suite
from evals.suite.spec import Suite
from tests.sample_suite import write_suite

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository with one commit: a suite that guards another, and a baseline by hand."""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
                "GIT_CONFIG_GLOBAL": os.devnull,
                "GIT_CONFIG_SYSTEM": os.devnull,
            },
        )
        return done.stdout.strip()

    run("init", "-q", "-b", "main")
    run("config", "user.name", "Ada")
    run("config", "user.email", "ada@example.org")
    write_suite(tmp_path / "suites" / "tickets", extra="guards: {manners: {}}\n")
    write_suite(tmp_path / "suites" / "manners", extra="")
    run("add", "-A")
    run("commit", "-q", "-m", "first")
    return run


def guards_beside(suite: Suite) -> dict[str, Suite]:
    return {g.suite: load_suite(suite.root.parent / g.suite) for g in suite.guards}


def test_the_gate_is_read_as_it_was_and_not_as_it_is(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "suites" / "tickets"
    manifest = root / "suite.yaml"
    manifest.write_text(manifest.read_text() + "ci: {max_loss: 0.3}\n")
    (root / "dev.jsonl").write_text("broken")
    reference = read_reference(root, find_revision(root, "HEAD"), guards_beside)
    assert reference.problem == ""
    assert reference.definition is not None
    assert reference.definition.rules["ci.max_loss"] == 0.05
    assert len(reference.definition.cases) == 60
    assert set(reference.definition.guards) == {"manners"}
    assert reference.name.startswith("HEAD (")


def test_the_point_where_two_histories_part_is_what_counts(git: Git, tmp_path: Path) -> None:
    first = git("rev-parse", "HEAD")
    git("checkout", "-q", "-b", "change")
    git("commit", "-q", "--allow-empty", "-m", "mine")
    git("checkout", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "theirs")
    git("checkout", "-q", "change")
    assert find_revision(tmp_path, "main").commit == first


def test_a_suite_that_was_not_there_is_new(git: Git, tmp_path: Path) -> None:
    root = write_suite(tmp_path / "suites" / "fresh", extra="")
    reference = read_reference(root, find_revision(root, "HEAD"), guards_beside)
    assert (reference.definition, "the suite is new" in reference.problem) == (None, True)


def test_a_suite_that_was_broken_then_is_said_to_be(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "suites" / "tickets"
    good = (root / "suite.yaml").read_text()
    (root / "suite.yaml").write_text("format: 9\n")
    git("commit", "-q", "-a", "-m", "broken")
    (root / "suite.yaml").write_text(good)
    reference = read_reference(root, find_revision(root, "HEAD"), guards_beside)
    assert reference.definition is None
    assert "cannot be read" in reference.problem


def test_a_gate_that_is_gone_is_found(git: Git, tmp_path: Path) -> None:
    assert removed_gates(find_revision(tmp_path, "HEAD")) == []
    git("rm", "-rq", "suites/manners")
    assert removed_gates(find_revision(tmp_path, "HEAD")) == ["suites/manners"]


@pytest.mark.parametrize("name", ["nowhere", "--output=x", "HEAD:suites", ""])
def test_what_is_no_commit_is_refused_with_what_to_do(git: Git, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="fetch-depth"):
        find_revision(tmp_path, name)
    assert not (tmp_path / "x").exists()


def test_a_folder_in_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository"):
        find_revision(tmp_path, "HEAD")


def test_links_in_the_history_are_not_followed(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "suites" / "tickets"
    (root / "prompts" / "spec.j2").unlink()
    (root / "prompts" / "spec.j2").symlink_to("/etc/hostname")
    git("add", "-A")
    git("commit", "-q", "-m", "link")
    reference = read_reference(root, find_revision(root, "HEAD"), guards_beside)
    assert "cannot be read" in reference.problem


def test_a_link_inside_the_suite_is_the_file_it_means(git: Git, tmp_path: Path) -> None:
    root = tmp_path / "suites" / "tickets"
    (root / "prompts" / "spec.j2").rename(root / "prompts" / "real.j2")
    (root / "prompts" / "spec.j2").symlink_to("real.j2")
    git("add", "-A")
    git("commit", "-q", "-m", "link")
    reference = read_reference(root, find_revision(root, "HEAD"), guards_beside)
    assert reference.problem == ""


def test_a_tag_does_not_hide_a_branch_of_the_same_name(git: Git, tmp_path: Path) -> None:
    git("tag", "main")
    with pytest.raises(UsageError, match="refs/tags/main or refs/heads/main"):
        find_revision(tmp_path, "main")
    assert find_revision(tmp_path, "refs/heads/main").commit == git("rev-parse", "HEAD")


def test_a_suite_that_became_a_link_to_another_is_gone(git: Git, tmp_path: Path) -> None:
    git("rm", "-rq", "suites/manners")
    (tmp_path / "suites" / "manners").symlink_to("tickets")
    assert removed_gates(find_revision(tmp_path, "HEAD")) == ["suites/manners"]


def test_a_suite_in_a_submodule_is_compared_with_the_repository_around_it(
    git: Git, tmp_path: Path
) -> None:
    other = tmp_path.parent / f"{tmp_path.name}-other"
    shutil.copytree(tmp_path, other)
    git("rm", "-rq", "suites/tickets")
    git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "suites/tickets")
    inner = tmp_path / "suites" / "tickets" / "suites" / "tickets"
    revision = find_revision(inner, "HEAD")
    assert revision.top == tmp_path
    reference = read_reference(inner, revision, guards_beside)
    assert "the suite is new" in reference.problem
    assert removed_gates(revision) == ["suites/tickets"]


def test_attributes_of_the_repository_hide_nothing(git: Git, tmp_path: Path) -> None:
    (tmp_path / ".gitattributes").write_text("suites/tickets/dev.jsonl export-ignore\n")
    git("add", "-A")
    git("commit", "-q", "-m", "hide")
    root = tmp_path / "suites" / "tickets"
    reference = read_reference(root, find_revision(root, "HEAD"), guards_beside)
    assert reference.definition is not None
    assert len(reference.definition.cases) == 60
