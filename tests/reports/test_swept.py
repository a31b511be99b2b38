from __future__ import annotations

from dataclasses import replace

from evals.codec import decode, encode
from reports import render_html
from reports.swept import MOST_ROWS, swept_view
from reports.trained import TrainedView, trained_view
from tests.reports.sample_job import sample_job
from tuning.intervals import Interval
from tuning.records import JobRecord, TrainingRecord
from tuning.sweeping.records import SweepRecord, Trial

FIRST = Trial(1e-3, 8, 2.0, 1, 100, 200, 9.0, 0.4, 0.3, 0.5, 1.25, went_on=True)
TRIALS = (
    FIRST,
    replace(FIRST, rank=16, failed="the loss became nan at step 3", score=None, low=None),
    replace(FIRST, rung=2, examples=300, went_on=False),
    replace(FIRST, learning_rate=2e-3, rung=2, default=True, went_on=False),
)
SWEEP = SweepRecord(
    found={"learning_rate": 1e-3, "rank": 8, "epochs": 2.0},
    default={"learning_rate": 2e-3, "rank": 8, "epochs": 2.0},
    best={"learning_rate": 1e-3, "rank": 8, "epochs": 2.0},
    changed=True,
    by="score",
    sentence="Trained with <b>learning_rate 0.001</b>.",
    budget=9000,
    planned=8000,
    seen=7000,
    seed=0,
    tried=2,
    possible=9,
    learnt=300,
    judged=90,
    groups=80,
    seconds=60.0,
    score=Interval(0.05, 0.01, 0.09, 0.975),
    trials=TRIALS,
)


def job(**changes: object) -> JobRecord:
    sample = sample_job()
    assert sample.training is not None
    return replace(sample, training=replace(sample.training, **changes))


def test_the_report_has_every_trial_and_how_the_settings_were_found() -> None:
    page = render_html(job(sweep=SWEEP))
    assert "How the settings were found" in page
    assert "Trained with &lt;b&gt;learning_rate 0.001" in page
    assert "7,000 of a budget of 9,000" in page
    assert "2 of 8 others beside the default" in page
    assert "the loss became nan at step 3" in page
    assert page.count('<td class="n">1.250</td>') == 4
    assert "How the settings were found" not in render_html(sample_job())


def test_of_very_many_trials_the_rest_is_counted() -> None:
    view = swept_view(replace(SWEEP, trials=TRIALS * 40))
    assert (len(view.rows), view.hidden) == (MOST_ROWS, 160 - MOST_ROWS)


def test_the_last_column_says_what_became_of_a_trial() -> None:
    fates = [row[-1] for row in swept_view(SWEEP).rows]
    assert fates.count("taken") == 1
    assert "the loss became nan at step 3" in fates
    kept = replace(SWEEP, found=SWEEP.default, changed=False)
    rows = swept_view(kept).rows
    assert [row[0] for row in rows if row[-1] == "taken"] == ["default"]


def test_why_training_ended_is_a_fact_where_it_is_known() -> None:
    def facts(record: JobRecord) -> dict[str, str]:
        view = trained_view(record)
        assert isinstance(view, TrainedView)
        return dict(view.facts)

    assert facts(job(ended="all 9 steps were taken"))["Ended"] == "all 9 steps were taken"
    assert "Ended" not in facts(sample_job())


def test_a_search_is_read_as_it_was_stored_and_older_records_have_none() -> None:
    training = job(sweep=SWEEP).training
    assert training is not None
    assert decode(encode(training), TrainingRecord) == training
    older = encode(replace(training, sweep=None)).replace('"sweep":null', "").replace(",}", "}")
    assert decode(older.replace(",,", ","), TrainingRecord).sweep is None
