"""`accept`, `ci` and `aa` as a team uses them: in a git repository, with a scripted model."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.tunegate.command_line import CommandLine, Told
from tests.tunegate.repository import KEPT_OUT, Repository
from tests.tunegate.scenes import write_model

Tunegate = Callable[..., Told]


@pytest.fixture
def tunegate(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Tunegate:
    """The command, run in the repository's folder and outside CI."""
    for name in list(os.environ):
        if name.startswith(KEPT_OUT):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return CommandLine(capsys)


@pytest.fixture
def repository(tmp_path: Path, tunegate: Tunegate) -> Repository:
    """A repository whose baseline is accepted and committed."""
    made = Repository(tmp_path)
    assert tunegate("eval", "suites/tickets").code == 0
    assert tunegate("accept", "suites/tickets", "--why", "the first").code == 0
    made.commit("accept")
    return made


def test_a_fresh_clone_knows_what_to_run_and_passes(
    repository: Repository, tunegate: Tunegate, tmp_path: Path
) -> None:
    told = tunegate("ci", "suites/tickets", "--ledger", tmp_path / "fresh", "--json")
    assert (told.code, told.document["result"]) == (0, "pass")
    (suite,) = told.document["suites"]
    assert suite["recipe"]["prompt"] == "spec"
    assert {c["kind"]: c["result"] for c in suite["checks"]} == {
        "run": "pass",
        "definition": "pass",
        "threshold": "pass",
        "baseline": "pass",
    }
    assert suite["drift"] == []
    accepted = json.loads((repository.suite / "accepted.json").read_text())
    assert (accepted["accepted"]["by"], accepted["accepted"]["why"]) == ("Ada", "the first")
    assert len(accepted["cases"]) == 300


def test_a_damaged_prompt_fails_and_says_which_cases_were_lost(
    repository: Repository, tunegate: Tunegate, tmp_path: Path
) -> None:
    repository.change("prompts/spec.j2", "Answer", "Damaged. Answer")
    repository.commit("damage")
    told = tunegate(
        "ci", "suites/tickets", "--base", "HEAD~1", "--markdown", "out.md", "--junit", "out.xml"
    )
    assert told.code == 1
    assert "a loss of more than 5 points" in " ".join(told.out.split())
    markdown = (tmp_path / "out.md").read_text()
    assert markdown.startswith("<!-- tunegate:ci -->\n## tunegate: FAIL")
    assert "`dev-0000`" in markdown
    failures = ET.parse(tmp_path / "out.xml").getroot().iter("failure")
    assert [failure.get("type") for failure in failures] == ["fail"]


def test_a_harmless_rewording_passes(repository: Repository, tunegate: Tunegate) -> None:
    repository.change("prompts/spec.j2", "Answer with", "Please answer with")
    told = tunegate("ci", "suites/tickets", "--base", "HEAD", "--json")
    assert told.code == 0
    assert [f["code"] for f in told.document["suites"][0]["drift"]] == ["asked_otherwise"]


def test_a_margin_loosened_in_the_same_change_stands_for_review_and_does_not_judge(
    repository: Repository, tunegate: Tunegate
) -> None:
    repository.change("suite.yaml", "max_loss: 0.05", "max_loss: 0.5")
    told = tunegate("ci", "suites/tickets", "--base", "HEAD")
    assert told.code == 3
    assert "gate definition changed: review" in " ".join(told.out.split())
    repository.change("prompts/spec.j2", "Answer", "Damaged. Answer")
    assert tunegate("ci", "suites/tickets", "--base", "HEAD").code == 1
    assert tunegate("ci", "suites/tickets").code == 1  # without a base: as it was accepted
    assert tunegate("ci", "suites/tickets", "--base", "HEAD", "--reviewed").code == 0


def test_a_baseline_accepted_in_the_same_change_stands_for_review(
    repository: Repository, tunegate: Tunegate
) -> None:
    repository.change("prompts/spec.j2", "Answer", "Damaged. Answer")
    tunegate("eval", "suites/tickets")
    tunegate("accept", "suites/tickets", "--why", "we meant that")
    assert tunegate("ci", "suites/tickets").code == 0
    told = tunegate("ci", "suites/tickets", "--base", "HEAD", "--json")
    assert told.code == 1  # against the baseline of the base revision
    (change,) = told.document["suites"][0]["changes"]
    assert change["part"] == "baseline"
    assert "100.0% -> 66.7%, accepted by Ada" in change["what"]
    assert "we meant that" in change["what"]
    assert tunegate("ci", "suites/tickets", "--base", "HEAD", "--reviewed").code == 0


def test_cases_taken_out_in_the_same_change_stand_for_review(
    repository: Repository, tunegate: Tunegate
) -> None:
    path = repository.suite / "dev.jsonl"
    path.write_text("\n".join(path.read_text().splitlines()[100:]) + "\n")
    told = tunegate("ci", "suites/tickets", "--base", "HEAD", "--json")
    assert told.code == 3
    (change,) = told.document["suites"][0]["changes"]
    assert (change["what"], len(change["names"])) == ("100 cases removed", 100)


def test_a_removed_suite_stands_for_review(repository: Repository, tunegate: Tunegate) -> None:
    other = repository.folder / "suites" / "other"
    other.mkdir()
    (other / "accepted.json").write_text("{}")
    (other / "suite.yaml").write_text("format: 1\n")
    repository.commit("another")
    repository.git("rm", "-rq", "suites/other")
    told = tunegate("ci", "suites", "--base", "HEAD", "--json")
    assert told.code == 3
    assert [s["suite"] for s in told.document["suites"]] == ["tickets", "other"]


def test_a_model_that_changed_behind_its_name_is_named(
    repository: Repository, tunegate: Tunegate
) -> None:
    script = json.loads((repository.folder / "model.json").read_text())
    write_model(repository.folder / "model.json", script["rules"], default="other")
    told = tunegate("ci", "suites/tickets")
    assert told.code == 0
    assert "the model behind the name scripted:model.json is another one" in told.out


def test_no_baseline_is_accepted_in_ci(
    repository: Repository, tunegate: Tunegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (repository.suite / "accepted.json").read_bytes()
    monkeypatch.setenv("CI", "true")
    told = tunegate("accept", "suites/tickets", "--why", "let me through")
    assert (told.code, "accepted by a person, not in CI" in told.err) == (2, True)
    assert (repository.suite / "accepted.json").read_bytes() == before


def test_only_a_whole_run_of_the_suite_as_it_is_can_be_accepted(
    repository: Repository, tunegate: Tunegate
) -> None:
    def refused(*run: str) -> str:
        told = tunegate("accept", "suites/tickets", *run, "--why", "x")
        assert told.code == 2
        return told.err

    partial = tunegate("eval", "suites/tickets", "--case", "dev-0001", "--json").document["id"]
    assert "no result for 299 of 300 cases" in refused(partial)
    test = tunegate("eval", "suites/tickets", "--split", "test", "--json").document["id"]
    assert "is on test" in refused(test)
    terse = tunegate("eval", "suites/tickets", "--prompt", "terse", "--json").document["id"]
    assert "suite.yaml states candidate.prompt 'spec', the run has 'terse'" in refused(terse)
    whole = tunegate("eval", "suites/tickets", "--json").document["id"]
    repository.change("prompts/spec.j2", "Answer", "Now answer")
    assert "prompt 'spec' changed since" in refused(whole)
    repository.change("suite.yaml", "labels: [billing,", "labels: [bills, billing,")
    assert "metrics or scorers changed since" in refused(whole)


def test_a_run_with_too_many_errors_is_not_accepted(tmp_path: Path, tunegate: Tunegate) -> None:
    repository = Repository(tmp_path, cases=60)
    script = json.loads((tmp_path / "model.json").read_text())
    broken = [{"contains": "parcel lost near", "error": "it fell over"}]
    write_model(tmp_path / "model.json", [*broken, *script["rules"]])
    assert tunegate("eval", "suites/tickets").code == 0
    told = tunegate("accept", "suites/tickets", "--why", "x")
    assert told.code == 2
    assert "ended without a score, more than 2%" in told.err
    assert not (repository.suite / "accepted.json").exists()


def test_what_cannot_be_settled_warns_or_fails_as_the_suite_says(
    tmp_path: Path, tunegate: Tunegate
) -> None:
    repository = Repository(tmp_path, cases=40, ci="ci: {on_inconclusive: warn}\n")
    tunegate("eval", "suites/tickets")
    tunegate("accept", "suites/tickets", "--why", "small")
    told = tunegate("ci", "suites/tickets", "--json")
    assert (told.code, told.document["result"]) == (0, "inconclusive")
    (check,) = [c for c in told.document["suites"][0]["checks"] if c["kind"] == "baseline"]
    assert check["cases_needed"] > 40
    repository.change("suite.yaml", "on_inconclusive: warn", "on_inconclusive: fail")
    assert tunegate("ci", "suites/tickets", "--reviewed").code == 3


def test_a_suite_without_anything_to_judge_by_was_not_judged(
    tmp_path: Path, tunegate: Tunegate
) -> None:
    Repository(tmp_path, cases=40, ci="")
    told = tunegate("ci", "suites/tickets")
    assert (told.code, "nothing could be judged" in told.err) == (5, True)


def test_github_gets_a_summary_and_annotations_and_nothing_hostile(
    tmp_path: Path, tunegate: Tunegate, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository(tmp_path, cases=60, ci="")
    script = json.loads((tmp_path / "model.json").read_text())
    hostile = "::set-output name=x::y\n::error::owned ##[error]z @everyone <img src=x>"
    damage = [{"prompt_contains": "Damaged", "contains": "charged", "reply": hostile}]
    write_model(tmp_path / "model.json", [*damage, *script["rules"]])
    tunegate("eval", "suites/tickets")
    tunegate("accept", "suites/tickets", "--why", "x")
    repository.change("prompts/spec.j2", "Answer", "Damaged. Answer")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    told = tunegate("ci", "suites/tickets")
    assert told.code == 1
    lines = [*told.out.splitlines(), *told.err.splitlines()]
    commands = [line for line in lines if line.lstrip().startswith("::")]
    assert 1 <= len(commands) <= 10
    assert all(c.startswith(("::error file=suites/", "::warning file=suites/")) for c in commands)
    assert not any("##[" in line for line in lines)
    outside_code = re.sub(r"`[^`\n]*`", "", (tmp_path / "summary.md").read_text())
    assert "everyone" in outside_code
    assert "@everyone" not in outside_code
    assert "<img" not in outside_code


def test_a_candidate_against_itself_never_fails_where_nothing_wavers(
    repository: Repository, tunegate: Tunegate
) -> None:
    told = tunegate("aa", "suites/tickets", "--json", "--runs", "2", "--comparisons", "100")
    assert told.code == 0
    found = told.document
    assert (found["fails"], found["passes"], found["discordance"]) == (0, 100, 0.0)
    assert found["unstable"] == []


def test_repeats_are_accepted_and_run_again_as_often(tmp_path: Path, tunegate: Tunegate) -> None:
    Repository(tmp_path)
    runs = tunegate("eval", "suites/tickets", "--repeats", "3", "--json").document
    ids = [run["id"] for run in runs["runs"]]
    assert len(set(ids)) == 3
    assert tunegate("accept", "suites/tickets", *ids, "--why", "three").code == 0
    (suite,) = tunegate("ci", "suites/tickets", "--json").document["suites"]
    assert suite["recipe"]["repeats"] == 3
    assert suite["runs"] == ids


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ci", "suites/nowhere"], "no such suite"),
        (["ci", "suites/tickets", "--base", "nowhere"], "no base revision 'nowhere'"),
        (["ci", "suites/tickets", "--prompt", "none"], "no prompt 'none'"),
        (["ci", "suites/tickets", "--markdown", "."], "is a folder"),
        (["accept", "suites/tickets"], "--why"),
        (["accept", "suites/tickets", "--why", " "], "a reason is needed"),
        (["accept", "suites/tickets", "no-such-run", "--why", "x"], "no stored run"),
        (["aa", "suites/tickets", "--runs", "1"], "at least two"),
    ],
)
def test_bad_arguments_are_one_error(
    repository: Repository, tunegate: Tunegate, arguments: list[str], said: str
) -> None:
    told = tunegate(*arguments)
    assert (told.code, said in told.err) == (2, True), told.err


def test_a_suite_that_cannot_be_run_is_said_to_be_so_beside_the_others(
    repository: Repository, tunegate: Tunegate, tmp_path: Path
) -> None:
    other = repository.folder / "suites" / "other"
    shutil.copytree(repository.suite, other)
    manifest = (other / "suite.yaml").read_text()
    (other / "suite.yaml").write_text(
        manifest.replace("name: tickets", "name: other").replace("model.json", "broken.json")
    )
    accepted = (other / "accepted.json").read_text()
    (other / "accepted.json").write_text(accepted.replace('"suite": "tickets"', '"suite": "other"'))
    write_model(tmp_path / "broken.json", [{"contains": "a", "error": "no answer"}])
    told = tunegate("ci", "suites", "--markdown", "out.md", "--json")
    assert (told.code, told.document["result"]) == (4, "fail")
    results = {suite["suite"]: suite["result"] for suite in told.document["suites"]}
    assert results == {"tickets": "pass", "other": "fail"}
    markdown = (tmp_path / "out.md").read_text()
    assert "could not be judged: 300 of 300 cases ended in an error" in markdown


def test_errors_that_the_baseline_did_not_have_are_no_pass(
    repository: Repository, tunegate: Tunegate
) -> None:
    script = json.loads((repository.folder / "model.json").read_text())
    broken = [{"contains": "charged for plan", "error": "it fell over"}]
    write_model(repository.folder / "model.json", [*broken, *script["rules"]])
    told = tunegate("ci", "suites/tickets", "--json")
    assert (told.code, told.document["result"]) == (4, "fail")
    assert (
        "100 of 300 cases ended without a score"
        in told.document["suites"][0]["checks"][0]["sentence"]
    )


def test_a_suite_put_over_the_others_hides_none(repository: Repository, tunegate: Tunegate) -> None:
    easy = repository.folder / "suites"
    for name in ("prompts", "train.jsonl", "dev.jsonl", "test.jsonl"):
        copy = shutil.copytree if name == "prompts" else shutil.copy
        copy(repository.suite / name, easy / name)
    manifest = (repository.suite / "suite.yaml").read_text()
    (easy / "suite.yaml").write_text(manifest.replace("name: tickets", "name: easy"))
    repository.change("prompts/spec.j2", "Answer", "Damaged. Answer")
    told = tunegate("ci", "suites", "--json")
    assert told.code == 1
    assert [suite["suite"] for suite in told.document["suites"]] == ["easy", "tickets"]


def test_results_that_are_committed_with_the_change_are_not_trusted(
    repository: Repository, tunegate: Tunegate
) -> None:
    repository.git("add", "-f", ".tunegate/ledger.sqlite3")
    repository.git("commit", "-q", "-m", "forged")
    told = tunegate("ci", "suites/tickets")
    assert told.code == 2
    assert "stored runs are committed here" in " ".join(told.out.split())
    assert tunegate("ci", "suites/tickets", "--ledger", "fresh").code == 0


def test_the_baseline_of_another_suite_is_refused(
    repository: Repository, tunegate: Tunegate
) -> None:
    repository.change("suite.yaml", "name: tickets", "name: letters")
    told = tunegate("ci", "suites/tickets")
    assert (told.code, "the baseline of suite tickets, not of letters" in told.err) == (2, True)


def test_a_damaged_baseline_is_refused_before_anything_runs(
    repository: Repository, tunegate: Tunegate
) -> None:
    path = repository.suite / "accepted.json"
    path.write_text(path.read_text().replace('{"accuracy": 1}', '{"accuracy": 0}', 1))
    told = tunegate("ci", "suites/tickets")
    assert (told.code, "edited by hand" in told.err) == (2, True)
    assert "tickets dev" not in told.err
