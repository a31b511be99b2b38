"""`eval --rescore`: stored outputs scored anew, with the model gone."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.sample_suite import TOPICS, write_suite
from tests.tunegate.command_line import CommandLine, files_below
from tests.tunegate.scenes import write_model

RULES = [
    {"contains": TOPICS["billing"], "reply": "It is billing."},
    {"contains": TOPICS["login"], "reply": "login"},
]


@pytest.fixture
def suite(tmp_path: Path, tunegate: CommandLine) -> Path:
    """A suite whose candidate was evaluated and whose model is gone since."""
    model = write_model(tmp_path / "model.json", RULES).replace(f"{tmp_path}/", "")
    extra = f"candidate: {{model: '{model}', prompt: spec}}\n"
    folder = write_suite(
        tmp_path / "tickets", sizes={"train": 6, "dev": 12, "test": 6}, extra=extra
    )
    assert tunegate("eval", "tickets").code == 0
    (tmp_path / "model.json").unlink()
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def rows(folder: Path) -> dict[str, Any]:
    db = sqlite3.connect(folder / ".tunegate" / "ledger.sqlite3")
    try:
        return {
            table: db.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("outputs", "batches", "runs")
        }
    finally:
        db.close()


def test_a_changed_metric_is_applied_to_what_is_stored(
    suite: Path, tunegate: CommandLine, tmp_path: Path
) -> None:
    before = rows(tmp_path)
    change(suite / "suite.yaml", "labels: [", "lenient: true, labels: [")
    told = tunegate("eval", "tickets", "--rescore", "--json")
    assert told.code == 0
    (found,) = told.document["rescored"]
    assert found["score"] == pytest.approx(8 / 12)
    assert told.document["left_out"] == []
    assert rows(tmp_path) == {**before, "runs": 2}
    shown = tunegate("show", found["id"])
    assert (shown.code, "66.7%" in shown.out) == (0, True)
    write_model(tmp_path / "model.json", RULES)
    again = tunegate("eval", "tickets", "--json").document
    assert (again["id"], again["created"]) == (found["id"], found["created"])
    assert rows(tmp_path) == {**before, "runs": 2}


def test_what_it_was_and_what_it_is_are_shown(suite: Path, tunegate: CommandLine) -> None:
    change(suite / "suite.yaml", "labels: [", "lenient: true, labels: [")
    out = " ".join(tunegate("eval", "tickets", "--rescore").out.split())
    assert "33.3% 66.7%" in out


def test_a_changed_prompt_is_refused_and_nothing_is_stored(
    suite: Path, tunegate: CommandLine, tmp_path: Path
) -> None:
    before = rows(tmp_path)
    change(suite / "prompts" / "spec.j2", "Answer", "Reply")
    told = tunegate("eval", "tickets", "--rescore")
    assert told.code == 2
    assert "prompt 'spec' changed since" in " ".join(told.err.split())
    assert "without --rescore" in " ".join(told.err.split())
    assert rows(tmp_path) == before


def test_new_and_changed_cases_are_counted_and_named(suite: Path, tunegate: CommandLine) -> None:
    change(suite / "dev.jsonl", "charged for plan", "charged a plan")
    change(suite / "dev.jsonl", '"dev-0005"', '"dev-0099"')
    told = tunegate("eval", "tickets", "--rescore")
    said = " ".join(told.err.split())
    assert told.code == 2
    assert "of 12 cases 1 are asked otherwise now (dev-0000) and 1 it never answered" in said
    few = tunegate("eval", "tickets", "--rescore", "--case", "dev-0001", "--json")
    assert (few.code, few.document["rescored"][0]["cases"]) == (0, 1)


def test_all_repeats_are_scored_and_summed_up(
    suite: Path, tunegate: CommandLine, tmp_path: Path
) -> None:
    rules = [{**RULES[0], "seed": 1}, RULES[1]]
    write_model(tmp_path / "other.json", rules)
    assert tunegate("eval", "tickets", "--model", "scripted:other.json", "--repeats", 2).code == 0
    (tmp_path / "other.json").unlink()
    change(suite / "suite.yaml", "labels: [", "lenient: true, labels: [")
    told = tunegate("eval", "tickets", "--rescore", "--model", "scripted:other.json", "--json")
    (found,) = told.document["rescored"]
    assert [run["score"] for run in found["runs"]] == pytest.approx([4 / 12, 8 / 12])
    assert found["over_repeats"]["score"] == pytest.approx(0.5)
    assert len(found["over_repeats"]["wavered"]) == 4
    assert len(tunegate("eval", "tickets", "--rescore", "--json").document["rescored"]) == 2


def test_options_of_a_model_are_refused(suite: Path, tunegate: CommandLine) -> None:
    for option in (("--repeats", 2), ("--precision", "float32")):
        told = tunegate("eval", "tickets", "--rescore", *option)
        assert (told.code, "--rescore runs none" in told.err) == (2, True)


def test_where_nothing_is_stored_nothing_is_made(tunegate: CommandLine, tmp_path: Path) -> None:
    write_suite(tmp_path / "tickets", sizes={"train": 6, "dev": 12}, extra="")
    told = tunegate("eval", "tickets", "--rescore")
    assert told.code == 5
    assert not any(name.startswith(".tunegate") for name in files_below(tmp_path))


def test_another_candidate_than_those_stored_is_said_to_be_missing(
    suite: Path, tunegate: CommandLine
) -> None:
    for option in (("--prompt", "terse"), ("--few-shot", 2), ("--adapter", "gone")):
        told = tunegate("eval", "tickets", "--rescore", *option)
        assert (told.code, "no stored run of tickets on dev" in told.err) == (5, True)


def test_scoring_the_sealed_split_anew_is_a_look(
    suite: Path, tunegate: CommandLine, tmp_path: Path
) -> None:
    write_model(tmp_path / "model.json", RULES)
    assert tunegate("eval", "tickets", "--split", "test").code == 0
    (suite / "looks.jsonl").unlink()
    assert tunegate("eval", "tickets", "--split", "test", "--rescore").code == 0
    (look,) = (suite / "looks.jsonl").read_text().splitlines()
    assert json.loads(look)["purpose"] == "rescoring of spec"


def test_what_it_was_is_over_the_same_cases_and_what_is_gone_is_counted(
    suite: Path, tunegate: CommandLine
) -> None:
    few = " ".join(tunegate("eval", "tickets", "--rescore", "--case", "dev-0000").out.split())
    assert "0.0% 0.0%" in few
    assert "not scored" not in few
    lines = (suite / "dev.jsonl").read_text().splitlines()
    (suite / "dev.jsonl").write_text("\n".join(lines[:-1]) + "\n")
    out = " ".join(tunegate("eval", "tickets", "--rescore").out.split())
    assert "36.4% 36.4%" in out
    assert "not scored: stored outputs of 1 case that the split has no more" in out


def test_a_candidate_that_is_left_out_is_said_to_be(
    suite: Path, tunegate: CommandLine, tmp_path: Path
) -> None:
    write_model(tmp_path / "model.json", RULES)
    assert tunegate("eval", "tickets", "--prompt", "terse").code == 0
    change(suite / "prompts" / "terse.j2", "Route.", "Send.")
    told = tunegate("eval", "tickets", "--rescore", "--json")
    (left,) = told.document["left_out"]
    assert (told.code, left["label"]) == (0, "terse")
    out = " ".join(tunegate("eval", "tickets", "--rescore").out.split())
    assert "not rescored: terse on scripted:model.json: prompt 'terse' changed since" in out
    assert tunegate("eval", "tickets", "--rescore", "--prompt", "terse").code == 2
