"""The two stages of dev: fixed by the cases alone, whole clusters, planned apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evals.ledger import Ledger
from evals.models.scripted import ScriptedModel
from evals.prompting import make_candidate
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.staging import MIN_STAGE_CASES, planned_apart, stages_of
from evals.suite import Suite, load_suite
from tests.sample_suite import TOPICS, write_suite

STOP = "search: {early_stop: true}\n"
REPLIES = {text: label for label, text in TOPICS.items()}


def suite_of(folder: Path, dev: int, extra: str = STOP, **options: Any) -> Suite:
    return load_suite(write_suite(folder, sizes={"train": 12, "dev": dev}, extra=extra, **options))


def test_stage_one_is_about_a_quarter_and_both_stages_make_the_whole(tmp_path: Path) -> None:
    suite = suite_of(tmp_path / "t", 800)
    stages = stages_of(suite)
    assert stages is not None
    assert 160 < len(stages.first) < 240
    assert sorted((*stages.first, *stages.rest), key=lambda case: case.id) == list(
        suite.split("dev")
    )


def test_without_early_stop_or_with_few_cases_there_are_no_stages(tmp_path: Path) -> None:
    assert stages_of(suite_of(tmp_path / "off", 800, extra="")) is None
    assert stages_of(suite_of(tmp_path / "few", 100)) is None
    suite = suite_of(tmp_path / "enough", 400)
    stages = stages_of(suite)
    assert stages is not None
    kept = {case.id for case in (*stages.first[:MIN_STAGE_CASES], *stages.rest)}
    at_least = replace(suite, cases=tuple(c for c in suite.cases if c.id in kept))
    assert stages_of(at_least) is not None
    one = stages.first[0].id
    assert stages_of(replace(at_least, cases=tuple(c for c in at_least.cases if c.id != one))) is (
        None
    )


def test_more_dev_cases_move_none_to_another_stage(tmp_path: Path) -> None:
    before = stages_of(suite_of(tmp_path / "before", 400))
    after = stages_of(suite_of(tmp_path / "after", 800))
    assert before is not None
    assert after is not None
    assert {c.id for c in before.first} <= {c.id for c in after.first}
    assert {c.id for c in before.rest} <= {c.id for c in after.rest}


def test_a_cluster_is_never_divided_and_few_clusters_make_no_stage(tmp_path: Path) -> None:
    def in_groups(size: int) -> Any:
        return lambda case: case | {"cluster": f"g{int(case['id'][-4:]) // size}-{case['id'][:3]}"}

    stages = stages_of(suite_of(tmp_path / "many", 800, change=in_groups(10)))
    assert stages is not None
    assert not {c.cluster for c in stages.first} & {c.cluster for c in stages.rest}
    assert stages_of(suite_of(tmp_path / "few", 800, change=in_groups(100))) is None


def test_only_the_whole_of_dev_is_planned_in_two_lists(tmp_path: Path) -> None:
    suite = suite_of(tmp_path / "t", 400)
    stages = stages_of(suite)
    assert stages is not None
    dev = suite.split("dev")
    first, rest = planned_apart(suite, dev)
    assert [dev[n] for n in first] == list(stages.first)
    assert [dev[n] for n in rest] == list(stages.rest)
    assert planned_apart(suite, stages.first) == [list(range(len(stages.first)))]
    assert planned_apart(suite, suite.split("train")) == [list(range(12))]


@pytest.mark.parametrize("stage_first", [True, False])
def test_a_run_over_stage_one_and_the_whole_share_batches_and_outputs(
    tmp_path: Path, stage_first: bool
) -> None:
    suite = suite_of(tmp_path / "t", 400)
    stages = stages_of(suite)
    assert stages is not None
    model = ScriptedModel(REPLIES, batch_size=7)
    candidate = make_candidate(suite, model, "terse")
    done: list[tuple[int, int]] = []
    ledger = Ledger(tmp_path / "ledger")
    with build_scorers(suite) as scorers:
        runner = Runner(model, scorers, ledger, lambda *found: done.append(found))
        if stage_first:
            part = runner.run(suite, candidate, "dev", cases=stages.first, keep=False)
            assert ledger.find_run(part.id) is None
            assert model.calls == -(-len(stages.first) // 7)
        assert runner.find(suite, candidate, "dev") is None
        whole = runner.run(suite, candidate, "dev")
        assert runner.find(suite, candidate, "dev") == whole
    assert [r.case_id for r in whole.results] == [c.id for c in suite.split("dev")]
    assert all(r.output.text == suite_answer(suite, r.case_id) for r in whole.results)
    assert model.calls == -(-len(stages.first) // 7) - (-len(stages.rest) // 7)
    assert done[-1] == (400, 400)


def suite_answer(suite: Suite, case_id: str) -> str:
    return next(case.answer for case in suite.split("dev") if case.id == case_id)
