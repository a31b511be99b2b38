from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import SuiteError
from evals.fingerprint import file_sha256, fingerprint
from evals.suite import check_suite, load_suite
from evals.suite.spec import DataFile, TuneSpec
from tests.sample_suite import write_suite

ROW = '{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]}\n'


def suite_with(folder: Path, tune: str) -> Path:
    """A sample suite with `extra.jsonl` and a folder `set/` in it, and this under `tune:`."""
    write_suite(folder, extra=f"tune:\n{tune}")
    (folder / "extra.jsonl").write_text(ROW)
    (folder / "set").mkdir()
    (folder / "set" / "state.json").write_text("{}")
    return folder


def test_files_of_training_data_are_found_hashed_and_kept_in_order(tmp_path: Path) -> None:
    folder = suite_with(
        tmp_path / "s",
        "  data:\n    - {path: set, format: datasets}\n    - extra.jsonl\n"
        "  too_long: leave_out\n  allow: [contradiction]\n",
    )
    tune = load_suite(folder).tune
    assert [file.path for file in tune.data] == ["set", "extra.jsonl"]
    assert tune.data[1].sha256 == file_sha256(folder / "extra.jsonl")
    assert tune.data[1].format is None
    assert tune.data[0].format == "datasets"
    assert [file.line for file in tune.data] == [11, 12]
    assert (tune.too_long, tune.allow) == ("leave_out", ("contradiction",))


def test_how_a_file_is_read_can_be_said(tmp_path: Path) -> None:
    stated = "  data: [{path: extra.jsonl, format: csv, columns: {input: q, expected: a}}]\n"
    (file,) = load_suite(suite_with(tmp_path / "s", stated)).tune.data
    assert (file.format, file.columns) == ("csv", {"input": "q", "expected": "a"})


@pytest.mark.parametrize(
    ("tune", "key", "line", "said"),
    [
        ("  data: extra.jsonl\n", "tune.data", 10, "expected a list of files"),
        ("  data:\n    - extra.jsonl\n    - nosuch.jsonl\n", "tune.data[1]", 12, "does not exist"),
        ("  data: [../other.jsonl]\n", "tune.data[0]", 10, "leads out of the suite"),
        ("  data: [/etc/passwd]\n", "tune.data[0]", 10, "must be relative"),
        ("  data: [link.jsonl]\n", "tune.data[0]", 10, "link that leads out"),
        ("  data: [linked]\n", "tune.data[0]", 10, "link that leads out"),
        ("  data: [extra.jsonl, extra.jsonl]\n", "tune.data[1]", 10, "twice"),
        ("  data: [extra.jsonl, ./extra.jsonl]\n", "tune.data[1]", 10, "twice"),
        ("  data: [nothing.jsonl]\n", "tune.data[0]", 10, "'nothing.jsonl' is a link to nothing"),
        ("  sweep: {rank: []}\n", "tune.sweep.rank", 10, "found an empty list"),
        ("  data: [3]\n", "tune.data[0]", 10, "expected a path"),
        ("  data: [' ']\n", "tune.data[0]", 10, "expected a path"),
        ("  data: [{path: extra.jsonl, fromat: csv}]\n", "tune.data[0].fromat", 10, "unknown key"),
        ("  data: [{path: extra.jsonl, format: xml}]\n", "tune.data[0].format", 10, "one of chat"),
        ("  data: [{format: csv}]\n", "tune.data[0]", 10, "key 'path' is missing"),
        (
            "  data: [{path: extra.jsonl, columns: {input: 3}}]\n",
            "tune.data[0].columns.input",
            10,
            "expected text",
        ),
        ("  too_long: cut\n", "tune.too_long", 10, "refuse, leave_out, truncate"),
        ("  allow: [leak]\n", "tune.allow[0]", 10, "'leak' cannot be let pass"),
        ("  allow: [imbalance, near_leak]\n", "tune.allow[1]", 10, "cannot be let pass"),
        ("  allow: [too_long]\n", "tune.allow[0]", 10, "tune.too_long"),
        ("  allow: contradiction\n", "tune.allow", 10, "expected a list"),
    ],
)
def test_what_the_manifest_says_wrongly_is_named_with_line_and_key(
    tmp_path: Path, tune: str, key: str, line: int, said: str
) -> None:
    folder = suite_with(tmp_path / "s", tune)
    (tmp_path / "other.jsonl").write_text(ROW)
    (folder / "link.jsonl").symlink_to(tmp_path / "other.jsonl")
    (folder / "nothing.jsonl").symlink_to(folder / "gone.jsonl")
    (folder / "linked").mkdir()
    (folder / "linked" / "data.arrow").symlink_to(tmp_path / "other.jsonl")
    with pytest.raises(SuiteError) as caught:
        load_suite(folder)
    error = caught.value
    assert said in str(error)
    assert (error.key, error.line) == (key, line)
    assert error.path == str(folder / "suite.yaml")


def test_a_changed_file_changes_what_rests_on_the_data_and_no_score(tmp_path: Path) -> None:
    scorer = "metrics:\n  own: {scorer: python@1, function: 'scorers.py:score'}\nprimary: own\n"
    folder = suite_with(tmp_path / "s", "  data: [extra.jsonl, set]\n")
    manifest = folder / "suite.yaml"
    text = manifest.read_text()
    start, end = text.index("metrics:"), text.index("tune:")
    manifest.write_text(text[:start] + scorer + text[end:])
    (folder / "scorers.py").write_text("def score(case, output):\n    return 1.0\n")
    before = load_suite(folder)
    (folder / "extra.jsonl").write_text(ROW * 2)
    (folder / "set" / "state.json").write_text("{ }")
    after = load_suite(folder)
    for old, new in zip(before.tune.data, after.tune.data, strict=True):
        assert old.sha256 != new.sha256
    assert fingerprint(before.tune) != fingerprint(after.tune)
    assert before.scoring_fingerprint == after.scoring_fingerprint
    assert before.fingerprint == after.fingerprint


def test_a_suite_without_training_files_keeps_the_identity_it_had() -> None:
    was = {
        "method": "lora",
        "prompt": None,
        "min_examples": 100,
        "rank": None,
        "learning_rate": None,
        "epochs": None,
        "replay": None,
        "seed": 0,
    }
    assert fingerprint(TuneSpec()) == fingerprint(was)
    assert fingerprint(TuneSpec(data=(DataFile("x"),))) != fingerprint(was)


def test_check_leaves_the_counting_of_files_to_the_command_that_reads_them(
    tmp_path: Path,
) -> None:
    report = check_suite(load_suite(suite_with(tmp_path / "s", "  data: [extra.jsonl]\n")))
    (found,) = [finding for finding in report.findings if finding.code == "few_train_cases"]
    assert found.level == "note"
    assert "`tunegate data` counts" in found.message
