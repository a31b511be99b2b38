from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from evals.codec import decode, encode
from evals.records import Finding
from reports import render_html
from reports.trained import MOST_NAMED, PREVIEW_CHARACTERS, TrainedView, trained_view
from reports.training_curves import curve_view
from tests.reports.page_reader import PageReader
from tests.reports.sample_job import sample_job
from tuning.records import JobRecord, LossPoint, StageRecord, TrainingRecord


def job_with(**changes: object) -> JobRecord:
    """The sample job, its training changed."""
    job = sample_job()
    assert job.training is not None
    return replace(job, training=replace(job.training, **changes))


def view_of(job: JobRecord) -> TrainedView:
    view = trained_view(job)
    assert isinstance(view, TrainedView)
    return view


def test_the_trained_stretch_is_marked_by_more_than_its_colour() -> None:
    page = render_html(sample_job())
    start = page.index('<mark class="trained">')
    marked = page[start : page.index("</mark>", start)]
    assert "⟦P95(duration_ms)" in marked
    assert "⟧" in marked
    assert "trained: " in marked
    assert "end of what is trained" in marked
    assert "Translate the question." not in marked


def test_a_preview_that_is_cut_inside_a_trained_stretch_is_marked_to_its_end() -> None:
    preview = "read ⟦" + "w" * 2 * PREVIEW_CHARACTERS + "⟧ read"
    *_, last = view_of(job_with(preview=preview)).preview
    assert last.part == "added"
    assert last.text.startswith("⟦w")
    assert view_of(job_with(preview=preview)).preview_rest


def test_every_source_is_counted_and_old_records_say_nothing_of_it() -> None:
    assert view_of(sample_job()).sources == (("suite", "310"), ("file extra.jsonl", "90"))
    assert ">file extra.jsonl</th>" in render_html(sample_job())
    older = job_with(sources={})
    assert view_of(older).sources == ()
    assert "Examples by who made them" not in render_html(older)


def test_a_record_from_before_sources_were_counted_is_read() -> None:
    training = sample_job().training
    assert training is not None
    stored = encode(training)
    without = stored.replace(encode({"sources": training.sources})[1:-1], "").replace(",}", "}")
    assert "sources" not in without
    read = decode(without.replace(",,", ","), TrainingRecord)
    assert read == replace(training, sources={})


def test_a_finding_lists_its_rows_and_says_how_many_are_not_shown() -> None:
    rows = tuple(f"x.jsonl:{n}" for n in range(MOST_NAMED + 3))
    job = job_with(findings=(Finding("warning", "duplicate", "many repeat", "", rows),))
    (found,) = view_of(job).findings
    assert found.rows == rows[:MOST_NAMED]
    assert (found.rows_title, found.hidden) == (f"{MOST_NAMED + 3} rows", 3)
    assert f"<li>{rows[7]}</li>" in render_html(job)


def test_a_finding_whose_message_names_all_its_rows_lists_none() -> None:
    found = Finding("warning", "truncated", "2 prompts cut: a, b", "", ("a", "b"))
    assert [f.rows for f in view_of(job_with(findings=(found,))).findings] == [()]


def test_what_a_person_let_pass_is_shown_as_such() -> None:
    assert [f.level for f in view_of(sample_job()).findings].count("let pass") == 1
    assert ">let pass</strong> the same prompt has" in render_html(sample_job())


def test_whether_rewards_were_cheated_is_told_also_where_it_was_not_tested() -> None:
    measured = {
        "reward": "long <b>",
        "held_out": "",
        "unscored": 3,
        "base_rate": "0.10: below 0.2",
        "reward_hacking": "not tested: no held-out scorer is stated",
    }
    stage = StageRecord("grpo", 40, 4, "id", {}, (), 0, 0, 1.0, measured)
    job = job_with(stages=(stage,))
    facts = dict(view_of(job).facts)
    assert facts["Reward hacking"] == "not tested: no held-out scorer is stated"
    assert facts["Held-out scorer"] == "none"
    assert facts["Answers without a reward"] == "3"
    assert facts["Reward before learning from it"] == "0.10: below 0.2"
    page = render_html(job)
    assert "not tested: no held-out scorer is stated" in page
    assert "long <b>" not in page
    assert "Reward hacking" not in dict(view_of(sample_job()).facts)


def points(count: int, **at_looks: float) -> tuple[LossPoint, ...]:
    """A loss at every step and, at every fourth, a look."""
    steps = [LossPoint(n, n / 10, loss=1.0 / n, reward=n / 100) for n in range(1, count + 1)]
    looks = [LossPoint(n, n / 10, **at_looks) for n in range(0, count + 1, 4)]  # type: ignore[arg-type]
    return tuple(sorted([*steps, *looks], key=lambda point: point.step))


def staged(**measured: float | int | str | bool) -> JobRecord:
    """A training of three stages: learnt answers, a reward model, rewards."""
    losses = tuple(LossPoint(n, n / 10, loss=2.0 / n) for n in range(1, 9))
    held = (*losses, LossPoint(8, 0.8, held_out=0.5))
    rewarded = {"reward": "reward model", "held_out": "exact", "unscored": 0}
    hacking = {"reward_hacking": "not seen: steps 0 to 8"}
    return job_with(
        stages=(
            StageRecord("sft", 36, 4, "a", {"rank": 4}, held, 8, 1_234, 61.0),
            StageRecord("reward", 60, 12, "b", {"learning_rate": 1e-4}, held, 8, 99, 5.0, measured),
            StageRecord(
                "grpo", 36, 4, "c", {}, points(12, score=0.5, unseen=0.25), 4, 7, 3.0,
                rewarded | hacking,
            ),
        )
    )  # fmt: skip


def test_every_stage_is_shown_with_its_rows_best_step_time_tokens_and_own_curve() -> None:
    view = view_of(staged())
    assert [stage.title for stage in view.stages] == [
        "1. Supervised fine-tuning: sft",
        "2. Reward model: reward",
        "3. Reinforcement learning (GRPO): grpo",
    ]
    assert view.stages[0].facts == (
        ("Rows", "36 learnt from, 4 held out"),
        ("Best step", "8"),
        ("Time", "1 min 1 s"),
        ("Tokens", "1,234"),
    )
    assert view.curve is None  # it would be the last stage's a second time
    page = render_html(staged())
    titles = ["Loss over the steps of stage 1", "Loss over the steps of stage 2",
              "Scores over the steps of stage 3"]  # fmt: skip
    assert [page.count(f"<title id=\"chart-{slug}-title\">{title}") for slug, title in zip(
        ("loss-1", "loss-2", "score-3"), titles, strict=True)] == [1, 1, 1]  # fmt: skip
    assert "Loss over the steps of training" not in page


def test_a_held_out_loss_that_rose_again_is_told_with_its_lowest() -> None:
    def told(*losses: float) -> str:
        points = [LossPoint(n, n / 10, 1.0, loss) for n, loss in enumerate(losses)]
        view = curve_view(points, 1)
        assert view is not None
        return view.plots[0].plot.description

    assert "went from 2.17 to 1.53, 1.46 at its lowest" in told(2.17, 1.46, 1.53)
    assert "at its lowest" not in told(2.17, 1.53, 1.46)


def test_both_held_out_curves_of_rewards_stand_in_one_plot_with_a_key_and_a_table() -> None:
    curve = view_of(staged()).stages[2].curve
    assert curve is not None
    (drawn,) = curve.plots  # the loss of a policy says nothing, and stands in the table alone
    assert [series.style for series in drawn.plot.series] == ["main", "second", "third"]
    assert [len(series.points) for series in drawn.plot.series] == [4, 4, 0]
    assert [style for style, _ in drawn.key] == ["main", "second", "third"]
    assert "score that training does not see went from 0.25 to 0.25" in drawn.plot.description
    assert "The weights are those of step 4." in drawn.plot.description
    assert curve.heads == (
        "Step", "Epoch", "Training loss", "Held-out score", "Unseen scorer", "Reward",
    )  # fmt: skip
    assert curve.rows[0] == ("0", "0.00", "–", "0.500", "0.250", "–")
    assert curve.rows[1] == ("1", "0.10", "1.000", "–", "–", "0.010")
    page = render_html(staged())
    assert "a scorer that training does not see, on the same answers</li>" in page
    assert "<summary>Stage 3 as a table</summary>" in page


def test_a_look_by_the_suites_score_beside_a_held_out_loss_is_a_plot_of_its_own() -> None:
    both = (*points(8, score=0.5), LossPoint(8, 0.8, held_out=0.2))
    curve = view_of(job_with(curve=both)).curve
    assert curve is not None
    assert [drawn.plot.slug for drawn in curve.plots] == ["score", "loss"]


def test_what_a_stage_measured_is_shown_with_its_interval_in_one_line() -> None:
    measured: dict[str, float | int | str | bool] = {
        "reward": "long",
        "reward_accuracy": 0.75,
        "reward_accuracy_low": 0.5,
        "reward_accuracy_high": 0.9,
        "reward_change": 0.125,
        "reward_low": 0.0625,
        "reward_high": 0.25,
        "reward_pairs_by": "72 by rule",
        "held_out": "",
    }
    assert view_of(staged(**measured)).stages[1].measured == (
        ("reward", "long"),
        ("reward accuracy", "0.75 (0.5 to 0.9)"),
        ("reward change", "0.125 (0.0625 to 0.25)"),
        ("reward pairs by", "72 by rule"),
        ("held out", "–"),
    )
    assert "72 by rule" in render_html(staged(**measured))


def test_text_of_stages_never_becomes_markup() -> None:
    hostile = "<script>window.pwned=1</script>"
    curve = (LossPoint(1, 0.1, loss=1.0),)
    stage = StageRecord(
        hostile, 1, 1, "id", {hostile: hostile}, curve, 1, 1, 1.0, {hostile: hostile}
    )
    page = render_html(job_with(stages=(stage,), beside={hostile: "sha"}))
    assert hostile not in page
    assert page.count("&lt;script&gt;window.pwned=1&lt;/script&gt;") >= 6


def test_stages_that_measured_nothing_and_have_no_curve_are_shown_all_the_same() -> None:
    view = view_of(job_with(stages=(StageRecord("own", 1, 0, "id", {}, (), 0, 0, 0.0),)))
    (stage,) = view.stages
    assert (stage.title, stage.measured, stage.curve) == ("1. own", (), None)


def test_headings_of_stages_skip_no_level() -> None:
    headings = PageReader(render_html(staged())).headings
    assert all(after <= before + 1 for before, after in pairwise(headings))
