"""A suite that a model judges, through every command: it gates only where people agree with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evals.models.scripted import ScriptedModel
from tests.judged_suite import RULES, judge_metric, judged_suite, labels, write_judge, write_labels
from tests.tunegate.command_line import ROOT, CommandLine
from tests.tunegate.pytesting.project import must_pass, outputs_stored, run_pytest
from tests.tunegate.repository import outside_ci
from tests.tunegate.scenes import KNOWN, write_model

MODEL = ("--model", "scripted:model.json")
SUITE = Path("tickets")
CI = "ci: {thresholds: {accuracy: 0.3}}\n"


def scene(
    *, wrong: int = 0, metric: dict[str, Any] | None = None, extra: str = CI, **options: Any
) -> None:
    """A judged suite, its judge and the model that is judged, in the current folder."""
    sizes = {"train": 9, "dev": 60, "test": 12}
    judged_suite(SUITE, metric, lines=labels(60, wrong=wrong), sizes=sizes, extra=extra, **options)
    write_judge(Path("judge.json"))
    write_model(Path("model.json"), KNOWN)


def test_eval_calibrates_and_says_that_the_judge_may_gate(tunegate: CommandLine) -> None:
    scene()
    told = tunegate("eval", SUITE, *MODEL)
    assert told.code == 0
    assert "may gate: judge scripted:judge.json of accuracy: kappa with people is 1.00" in told.out
    (judge,) = tunegate("eval", SUITE, *MODEL, "--json").document["judges"]
    assert judge["calibration"]["confusion"] == [[30, 0, 0], [0, 30, 0]]


def test_check_passes_and_says_what_it_did_not_test(tunegate: CommandLine) -> None:
    scene()
    told = tunegate("check", SUITE)
    assert told.code == 0
    assert "is not self-tested: no model runs here" in told.out


def test_the_gate_refuses_a_judge_that_people_contradict(tunegate: CommandLine) -> None:
    scene(wrong=14)
    decision = tunegate("run", SUITE, *MODEL, "--no-tune", "--json").document["decision"]
    assert decision["verdict"] == "fix_evals"
    assert tunegate("gate", SUITE, *MODEL, "--json").document["verdict"] == "fix_evals"
    assert tunegate("tune", SUITE, *MODEL).code == 1


def test_the_gate_refuses_a_judge_that_was_never_calibrated(tunegate: CommandLine) -> None:
    scene()
    tunegate("eval", SUITE, *MODEL, "--prompt", "terse")
    write_labels(SUITE / "judge_labels.jsonl", labels(62))
    told = tunegate("gate", SUITE, *MODEL)
    assert told.code == 5  # what is measured has changed, so no run counts
    tunegate("eval", SUITE, *MODEL, "--prompt", "terse", "--case", "dev-0000")
    told = tunegate("gate", SUITE, *MODEL)
    assert told.code == 5
    tunegate("eval", SUITE, *MODEL, "--prompt", "terse")
    assert tunegate("gate", SUITE, *MODEL, "--json").document["verdict"] != "fix_evals"


def test_the_report_shows_the_judge(tunegate: CommandLine) -> None:
    scene(wrong=14)
    tunegate("run", SUITE, *MODEL, "--no-tune", "-o", "report.html")
    page = Path("report.html").read_text()
    assert '<a href="#judge">' in page
    assert "may not gate" in page
    assert "what people said of 60 answers" in page
    tunegate("report", SUITE, *MODEL, "--format", "markdown", "-o", "report.md")
    text = Path("report.md").read_text()
    assert ">Judge<" in text
    assert "**may not gate**" in text


def checks(told: Any) -> dict[str, str]:
    (suite,) = told.document["suites"]
    return {check["kind"]: check["result"] for check in suite["checks"]}


def test_ci_passes_with_a_judge_that_is_shown_to_agree(tunegate: CommandLine) -> None:
    scene()
    told = tunegate("ci", SUITE, *MODEL, "--json")
    found = checks(told)
    assert (found["judge"], found["threshold"]) == ("pass", "pass")
    assert told.code == 0


@pytest.mark.parametrize("threshold", [0.3, 0.95])
def test_ci_neither_passes_nor_fails_by_a_judge_that_is_not(
    tunegate: CommandLine, threshold: float
) -> None:
    scene(wrong=14, extra=f"ci: {{thresholds: {{accuracy: {threshold}}}}}\n")
    told = tunegate("ci", SUITE, *MODEL, "--json")
    found = checks(told)
    assert (found["judge"], found["threshold"]) == ("review", "review")
    assert told.code == 3


def test_ci_reviews_a_judge_without_labels(tunegate: CommandLine) -> None:
    scene(metric=judge_metric(calibration=None))
    told = tunegate("ci", SUITE, *MODEL, "--json")
    assert checks(told)["judge"] == "review"
    assert told.code == 3


def test_a_baseline_of_another_judge_is_not_compared(tunegate: CommandLine, monkeypatch) -> None:
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    scene()
    tunegate("eval", SUITE, *MODEL)
    assert tunegate("accept", SUITE, "--why", "first", "--by", "me").code == 0
    assert checks(tunegate("ci", SUITE, "--json"))["baseline"] in {"pass", "inconclusive"}
    write_judge(Path("judge.json"), [*RULES, {"contains": "nothing like it", "reply": "bad"}])
    told = tunegate("ci", SUITE, "--json")
    assert checks(told)["baseline"] == "review"
    assert told.code == 3


def test_a_secondary_judge_blocks_nothing(tunegate: CommandLine) -> None:
    scene(extra="ci: {thresholds: {exact: 0.3}}\n")
    manifest = SUITE / "suite.yaml"
    text = manifest.read_text().replace(
        "primary: accuracy", "  exact: {scorer: exact@1}\nprimary: exact"
    )
    manifest.write_text(text.replace('"calibration": "judge_labels.jsonl"', '"min_kappa": 0.5'))
    told = tunegate("ci", SUITE, *MODEL, "--json")
    found = checks(told)
    assert (found["judge"], found["threshold"]) == ("skipped", "pass")
    assert told.code == 0


def test_outputs_from_elsewhere_are_not_judged_without_a_model(tunegate: CommandLine) -> None:
    scene()
    Path("made.jsonl").write_text(json.dumps({"id": "dev-0000", "output": "login", "score": 1}))
    told = tunegate("import", "made.jsonl", "--suite", "./tickets", "--rescore")
    assert told.code == 2
    assert 'metric "accuracy" is judged by the model scripted:judge.json' in told.err


def test_stored_outputs_are_judged_anew_while_their_model_is_gone(tunegate: CommandLine) -> None:
    scene()
    first = tunegate("eval", SUITE, *MODEL, "--json").document
    Path("model.json").unlink()
    again = tunegate("eval", SUITE, "--rescore", "--json").document["rescored"][0]
    assert (again["id"], again["score"]) == (first["id"], first["score"])
    write_labels(SUITE / "judge_labels.jsonl", labels(60, wrong=14))
    told = tunegate("eval", SUITE, "--rescore")
    assert told.code == 0
    assert "may not gate: judge scripted:judge.json of accuracy: kappa" in told.out


def test_a_model_that_judges_itself_is_opened_once(tunegate: CommandLine) -> None:
    scene(metric=judge_metric(model="scripted:model.json"))
    told = tunegate("eval", SUITE, *MODEL)
    assert told.err.count("opening scripted:model.json ...") == 1


@pytest.mark.parametrize(("wrong", "outcome"), [(0, "1 passed"), (14, "1 failed")])
def test_pytest_has_an_item_for_the_judge(tunegate: CommandLine, wrong: int, outcome: str) -> None:
    scene(wrong=wrong)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tunegate.pytest_plugin", "-k", "judge and accuracy",
         "-q", *("--tunegate-model", MODEL[1]), "--tunegate-ledger", "ledger", str(SUITE)],
        env=outside_ci(PYTHONPATH=ROOT, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert outcome in done.stdout, done.stdout + done.stderr
    if wrong:
        assert "its scores decide nothing here" in done.stdout


PYTEST_MODEL = ("--tunegate-model", MODEL[1], "--tunegate-ledger", "ledger", "-rs")
MUST_PASS = must_pass("dev-0000", "dev-0001")  # the model knows the first, and not the second


@pytest.mark.parametrize("chosen", ["dev", "dev-0000", "dev-0001"])
def test_no_case_passes_or_fails_in_pytest_by_an_unproven_judge(
    tunegate: CommandLine, chosen: str
) -> None:
    del tunegate
    scene(wrong=14, change=MUST_PASS)
    if chosen != "dev":
        run_pytest(Path(), SUITE, *PYTEST_MODEL, "-k", "judge and accuracy")
    seen = run_pytest(Path(), SUITE, *PYTEST_MODEL, "-k", f"{chosen} or (judge and accuracy)")
    cases = seen.states("dev::")
    assert len(cases) == (60 if chosen == "dev" else 1)
    assert set(cases.values()) == {"skipped"}
    said = "neither passed nor failed: judge scripted:judge.json of accuracy: kappa with people is"
    assert said in seen.items[f"dev::{chosen if chosen != 'dev' else 'dev-0000'}"].message
    assert [item.state for name, item in seen.items.items() if name == "accuracy"] == ["failed"]


@pytest.mark.parametrize("case", ["dev-0000", "dev-0001", "dev-0002"])
def test_a_case_alone_is_skipped_where_its_judge_was_never_calibrated(
    tunegate: CommandLine, case: str
) -> None:
    del tunegate
    scene(change=MUST_PASS)
    seen = run_pytest(Path(), SUITE, *PYTEST_MODEL, "-k", case, "--runxfail")
    assert seen.states() == {f"dev::{case}": "skipped"}
    assert "not held against people's labels: run `tunegate eval`" in seen.out


def test_cases_pass_and_fail_in_pytest_by_a_calibrated_judge(tunegate: CommandLine) -> None:
    del tunegate
    scene(change=MUST_PASS)
    cases = run_pytest(Path(), SUITE, *PYTEST_MODEL, "-k", "not check").states("dev::")
    assert (cases["dev::dev-0000"], cases["dev::dev-0001"]) == ("passed", "failed")
    assert set(cases.values()) == {"passed", "failed", "xfailed"}
    alone = run_pytest(Path(), SUITE, *PYTEST_MODEL, "-k", "dev-0000")
    assert alone.states() == {"dev::dev-0000": "passed"}


@pytest.mark.parametrize(("wrong", "state"), [(0, "passed"), (14, "skipped")])
def test_an_assertion_on_a_score_is_skipped_where_its_judge_is_unproven(
    tunegate: CommandLine, wrong: int, state: str
) -> None:
    del tunegate
    scene(wrong=wrong)
    Path("test_level.py").write_text(
        "def test_level(tunegate_run):\n    tunegate_run('tickets').assert_at_least(0.2)\n"
    )
    seen = run_pytest(Path(), "test_level.py", *PYTEST_MODEL)
    assert seen.states() == {"test_level": state}


def test_comparing_judged_runs_names_the_judge_and_what_is_not_known(
    tunegate: CommandLine,
) -> None:
    scene()
    ids = [
        tunegate("eval", SUITE, *MODEL, "--prompt", prompt, "--json").document["id"]
        for prompt in ("terse", "spec")
    ]
    told = tunegate("compare", *ids, "--markdown", "compared.md")
    line = "judged by scripted:judge.json: whether it agrees with people is not known here"
    assert line in told.out
    assert "agrees with people is not known here" in Path("compared.md").read_text()
    document = tunegate("compare", *ids, "--json").document
    assert document["judges"]["models"] == ["scripted:judge.json"]
    assert "tunegate gate" in document["judges"]["agreement"]
    assert document["cases"] == 60


def test_comparing_files_says_nothing_of_judges(tunegate: CommandLine) -> None:
    scores = [json.dumps({"id": f"c{n}", "score": n % 2}) + "\n" for n in range(40)]
    Path("a.jsonl").write_text("".join(scores))
    assert "judge" not in tunegate("compare", "a.jsonl", "a.jsonl", "--json").document


@pytest.mark.parametrize("wrong", [0, 14])
def test_accepting_warns_of_a_judge_that_is_not_shown_to_agree(
    tunegate: CommandLine, monkeypatch: pytest.MonkeyPatch, wrong: int
) -> None:
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    scene(wrong=wrong)
    tunegate("eval", SUITE, *MODEL)
    told = tunegate("accept", SUITE, "--why", "first", "--by", "me")
    assert told.code == 0
    said = "warning: no verdict rests on accuracy yet, and so not on this baseline: judge scripted:"
    assert (said in told.out) == bool(wrong)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every batch that a scripted model is asked."""
    found: list[object] = []
    answer = ScriptedModel.run

    def counted(model: ScriptedModel, batch: Any) -> Any:
        found.append(batch)
        return answer(model, batch)

    monkeypatch.setattr(ScriptedModel, "run", counted)
    return found


COMMANDS = [
    ["eval", SUITE, *MODEL],
    ["eval", SUITE, *MODEL, "--case", "dev-0000"],
    ["ci", SUITE, *MODEL],
    ["run", SUITE, *MODEL, "--no-tune"],
    ["tune", SUITE, *MODEL],
    ["aa", SUITE, *MODEL],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(map(str, command)))
def test_malformed_labels_are_found_before_anything_is_asked(
    tunegate: CommandLine, asked: list[object], command: list[object]
) -> None:
    scene()
    lines = [*labels(59), labels(1)[0] | {"label": "superb"}]
    write_labels(SUITE / "judge_labels.jsonl", lines)
    told = tunegate(*command)
    assert told.code == 2
    assert "judge_labels.jsonl:60" in "".join((told.out + told.err).split())  # `ci` has a table
    assert asked == []


def test_malformed_labels_are_found_before_stored_outputs_are_judged_anew(
    tunegate: CommandLine, asked: list[object]
) -> None:
    scene()
    tunegate("eval", SUITE, *MODEL)
    assert asked
    asked.clear()
    write_judge(Path("judge.json"), default="good")  # another judge: its replies are not stored
    write_labels(SUITE / "judge_labels.jsonl", [labels(1)[0] | {"label": "superb"}])
    told = tunegate("eval", SUITE, "--rescore")
    assert (told.code, asked) == (2, [])
    assert "judge_labels.jsonl:1" in told.err


@pytest.mark.parametrize("chosen", ["not check", "dev-0000"])
def test_malformed_labels_are_found_by_pytest_before_anything_is_asked(
    tunegate: CommandLine, chosen: str
) -> None:
    del tunegate
    scene()
    write_labels(SUITE / "judge_labels.jsonl", [labels(1)[0] | {"label": "superb"}])
    seen = run_pytest(Path(), SUITE, *PYTEST_MODEL, "-k", chosen)
    assert "judge_labels.jsonl:1" in seen.out
    assert seen.code == 1
    ledger = Path("ledger/ledger.sqlite3")
    assert not ledger.exists() or outputs_stored(ledger.parent) == 0
