from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from evals.approach import Approach, Technique
from evals.errors import InfrastructureError, NothingRunError
from evals.ledger import Ledger
from evals.models.scripted import Rule, ScriptedModel
from evals.prompting import make_candidate
from evals.prompting.ballots import agreement
from evals.records import Output
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import load_suite
from tests.sample_suite import TOPICS, write_suite

RULES = [Rule(contains=text, reply=label) for label, text in TOPICS.items() if label != "login"]


class KilledError(Exception):
    """Stands for a process that dies at a point."""


@pytest.fixture
def suite(tmp_path):
    return load_suite(write_suite(tmp_path / "tickets"))


def run(suite, model, ledger, **kwargs):
    with build_scorers(suite) as scorers:
        candidate = make_candidate(suite, model, "spec")
        return Runner(model, scorers, ledger, **kwargs).run(suite, candidate, "dev")


def test_a_run_has_a_result_for_every_case_with_scores_by_metric(suite, tmp_path):
    made = run(suite, ScriptedModel(RULES, default="login"), Ledger(tmp_path / "l"))
    assert [result.case_id for result in made.results] == [c.id for c in suite.split("dev")]
    assert set(made.values().values()) == {1.0}
    wrong = run(suite, ScriptedModel(RULES, default="hm"), Ledger(tmp_path / "l"))
    assert sum(wrong.values().values()) == 40


def test_the_same_work_is_found_and_not_done_again(suite, tmp_path):
    ledger, model = Ledger(tmp_path / "l"), ScriptedModel(RULES)
    first = run(suite, model, ledger)
    calls = model.calls
    assert run(suite, model, ledger) == first
    assert model.calls == calls


def test_a_run_that_was_killed_goes_on_and_equals_an_uninterrupted_one(suite, tmp_path):
    whole = run(suite, ScriptedModel(RULES), Ledger(tmp_path / "whole"))
    model, ledger = ScriptedModel(RULES), Ledger(tmp_path / "killed")

    def die(done: int, _total: int) -> None:
        if done >= 24:
            raise KilledError

    with pytest.raises(KilledError):
        run(suite, model, ledger, progress=die)
    assert model.calls == 3
    again = run(suite, model, ledger)
    assert model.calls == 8
    assert again.id == whole.id
    assert [r.scores for r in again.results] == [r.scores for r in whole.results]


def test_an_error_is_kept_as_a_third_state(suite, tmp_path):
    rules = [Rule(contains="train", reply="x"), Rule(contains=TOPICS["login"], error="fell over")]
    model = ScriptedModel(rules, default="billing")
    made = run(suite, model, Ledger(tmp_path / "l"))
    assert len(made.errors) == 20
    assert len(made.values()) == 40
    assert made.errors[0].failed == "fell over"


class Flaky(ScriptedModel):
    """Fails for one case of every batch while it is `down`, in a way that may pass."""

    down = True

    def run(self, batch):
        outputs = super().run(batch)
        if self.down:
            outputs[0] = Output(None, "error", error="no answer", transient=True)
        return outputs


def test_an_error_that_may_pass_is_tried_again_by_the_same_work(suite, tmp_path):
    ledger, model = Ledger(tmp_path / "l"), Flaky(RULES, default="login")
    model.down = False
    whole = run(suite, model, Ledger(tmp_path / "whole"))
    model.down = True
    first = run(suite, model, ledger)
    assert [result.failed for result in first.errors] == ["no answer"] * 8
    still = run(suite, model, ledger)
    assert len(still.errors) == 8
    model.down = False
    mended = run(suite, model, ledger)
    assert mended.id == first.id == whole.id
    assert [r.scores for r in mended.results] == [r.scores for r in whole.results]
    assert ledger.find_run(first.id) == mended
    calls = model.calls
    assert run(suite, model, ledger) == mended
    assert model.calls == calls


def test_only_the_batches_with_an_error_that_may_pass_are_run_again(suite, tmp_path):
    ledger, model = Ledger(tmp_path / "l"), Flaky(RULES, default="login")
    model.down = False

    def fail_in_the_third(done: int, _total: int) -> None:
        model.down = done == 16

    run(suite, model, ledger, progress=fail_in_the_third)
    calls = model.calls
    model.down = False
    assert not run(suite, model, ledger).errors
    assert model.calls == calls + 1


def test_while_most_cases_fail_again_the_stored_run_stays_as_it_was(suite, tmp_path):
    ledger, model = Ledger(tmp_path / "l"), Flaky(RULES, default="login")
    first = run(suite, model, ledger)
    model.down, model.script = False, [Rule(error="endpoint down")]
    with pytest.raises(InfrastructureError, match="endpoint down"):
        run(suite, model, ledger)
    assert ledger.find_run(first.id) == first


def test_an_error_that_will_not_pass_stays_and_costs_nothing_again(suite, tmp_path):
    rules = [Rule(contains=TOPICS["login"], error="needs 9000 tokens")]
    ledger, model = Ledger(tmp_path / "l"), ScriptedModel(rules, default="billing")
    first = run(suite, model, ledger)
    assert len(first.errors) == 20
    calls = model.calls
    assert run(suite, model, ledger) == first
    assert model.calls == calls


def test_mostly_errors_is_an_infrastructure_failure_not_a_score(suite, tmp_path):
    model = ScriptedModel([Rule(error="endpoint down")])
    with pytest.raises(
        InfrastructureError, match=r"60 of 60 cases ended in an error.*endpoint down"
    ):
        run(suite, model, Ledger(tmp_path / "l"))


def test_an_empty_split_is_refused(tmp_path):
    sizes = {"train": 3, "dev": 3}
    suite = load_suite(write_suite(tmp_path / "tickets", sizes=sizes, extra=""))
    model = ScriptedModel(RULES)
    runner = Runner(model, {}, Ledger(tmp_path / "l"))
    with pytest.raises(NothingRunError, match="test split"):
        runner.run(suite, make_candidate(suite, model, "spec"), "test")


def test_the_adapter_of_the_candidate_is_the_one_that_answers(suite, tmp_path):
    model = ScriptedModel([Rule(adapter="tuned", reply="billing")], default="login")
    ledger = Ledger(tmp_path / "l")
    model.use_adapter("tuned")
    base = run(suite, model, ledger)
    assert {result.output.text for result in base.results} == {"login"}
    with build_scorers(suite) as scorers:
        candidate = make_candidate(suite, model, "spec", adapter="tuned", adapter_path="tuned")
        tuned = Runner(model, scorers, ledger).run(suite, candidate, "dev")
    assert {result.output.text for result in tuned.results} == {"billing"}


def test_a_changed_prompt_scorer_or_case_is_another_run(suite, tmp_path):
    first = run(suite, ScriptedModel(RULES), Ledger(tmp_path / "l"))
    (suite.root / "prompts" / "spec.j2").write_text(
        '{% message "user" %}{{ input.text }}!{% endmessage %}'
    )
    second = run(load_suite(suite.root), ScriptedModel(RULES), Ledger(tmp_path / "l"))
    manifest = suite.root / "suite.yaml"
    manifest.write_text(manifest.read_text().replace("login, shipping]", "login, shipping, other]"))
    third = run(load_suite(suite.root), ScriptedModel(RULES), Ledger(tmp_path / "l"))
    assert len({first.id, second.id, third.id}) == 3


THINK = Approach(technique=Technique(reasoning=True, max_tokens=200))


def votes(number, **more):
    return Approach(technique=Technique(votes=number, temperature=0.7, **more))


def sampled(*replies):
    """A script in which the sample of each seed is one of `replies`, in turn."""
    return [
        Rule(seed=n, reply=reply) if reply is not None else Rule(seed=n, error="fell over")
        for n, reply in enumerate(replies)
    ]


def run_how(suite, model, ledger, how, seed=0, **kwargs):
    with build_scorers(suite) as scorers:
        candidate = make_candidate(suite, model, "spec", how)
        candidate = replace(candidate, decoding=replace(candidate.decoding, seed=seed))
        return Runner(model, scorers, ledger, **kwargs).run(suite, candidate, "dev")


def test_a_reasoned_answer_is_scored_and_all_that_was_written_is_kept(suite, tmp_path):
    rules = [
        Rule(contains=TOPICS["login"], reply="Is it shipping?\nAnswer: login"),
        Rule(contains=TOPICS["billing"], reply="It may be billing " * 200),
    ]
    made = run_how(suite, ScriptedModel(rules, default="shipping"), Ledger(tmp_path / "l"), THINK)
    by_label = dict(zip(["billing", "login", "shipping"], made.results, strict=False))
    assert by_label["login"].output.full == "Is it shipping?\nAnswer: login"
    assert by_label["login"].output.text == "login"
    assert by_label["billing"].scores["accuracy"].kind == "no_answer"
    assert "all tokens went into the reasoning" in by_label["billing"].scores["accuracy"].reason
    assert by_label["shipping"].output.text == "shipping"
    assert sum(made.values().values()) == 40
    assert not made.errors


def test_votes_elect_the_commonest_sample_and_sum_up_what_all_took(suite, tmp_path):
    model = ScriptedModel(sampled("login", "billing", "Billing."))
    made = run_how(suite, model, Ledger(tmp_path / "l"), votes(3))
    output = made.results[0].output
    assert (output.text, output.ballots) == ("billing", ("login", "billing", "Billing."))
    assert output.completion_tokens == 6
    assert model.calls == 3 * 8
    assert agreement(made) == pytest.approx(2 / 3)


def test_more_votes_ask_only_for_the_samples_that_fewer_did_not_draw(suite, tmp_path):
    model, ledger = ScriptedModel(sampled(*"ababa")), Ledger(tmp_path / "l")
    run_how(suite, model, ledger, votes(3))
    run_how(suite, model, ledger, votes(5))
    assert model.calls == 5 * 8


def test_repeats_of_a_vote_draw_samples_of_their_own(suite, tmp_path):
    model, ledger = ScriptedModel(sampled(*"aabbb")), Ledger(tmp_path / "l")
    first, second = (run_how(suite, model, ledger, votes(2), seed=seed) for seed in (0, 1))
    assert first.results[0].output.ballots == ("a", "a")
    assert second.results[0].output.ballots == ("b", "b")
    assert model.calls == 4 * 8


@pytest.mark.parametrize("stop_at", [1, 19, 20, 21, 45])
def test_votes_that_were_killed_go_on_and_equal_uninterrupted_ones(suite, tmp_path, stop_at):
    how = votes(3, reasoning=True, max_tokens=50)
    rules = sampled("Hm\nAnswer: login", "So\nAnswer: billing", "Ah\nAnswer: billing")
    whole = run_how(suite, ScriptedModel(rules), Ledger(tmp_path / "whole"), how)
    model, ledger = ScriptedModel(rules), Ledger(tmp_path / "killed")

    def die(done: int, total: int) -> None:
        assert 0 <= done <= total == 60
        if done >= stop_at:
            raise KilledError

    with pytest.raises(KilledError):
        run_how(suite, model, ledger, how, progress=die)
    assert 0 < model.calls < 24
    again = run_how(suite, model, ledger, how)
    assert model.calls == 24
    assert again.id == whole.id
    assert [r.output for r in again.results] == [r.output for r in whole.results]


def test_progress_of_votes_is_told_in_cases(suite, tmp_path):
    told: list[int] = []

    def tell(done: int, total: int) -> None:
        assert total == 60
        told.append(done)

    run_how(suite, ScriptedModel(sampled(*"aba")), Ledger(tmp_path / "l"), votes(3), progress=tell)
    assert told == sorted(told)
    assert told[-1] == 60


def test_a_vote_that_did_not_come_is_asked_for_again_and_the_others_are_not(suite, tmp_path):
    ledger, model = Ledger(tmp_path / "l"), Flaky(sampled("billing", "login", "login"))
    model.down = False
    whole = run_how(suite, model, Ledger(tmp_path / "whole"), votes(3))

    def fail_in_the_second(done: int, _total: int) -> None:
        model.down = 20 <= done < 40

    calls = model.calls
    first = run_how(suite, model, ledger, votes(3), progress=fail_in_the_second)
    assert model.calls == calls + 24
    model.down = False
    missing = [r for r in first.results if None in r.output.ballots]
    assert 0 < len(missing) <= 9
    assert not first.errors
    calls = model.calls
    mended = run_how(suite, model, ledger, votes(3))
    assert model.calls == calls + len(missing)
    assert mended.id == first.id == whole.id
    assert [r.output for r in mended.results] == [r.output for r in whole.results]
    assert run_how(suite, model, ledger, votes(3)) == mended


def test_a_case_is_an_error_only_where_every_vote_is_one(suite, tmp_path):
    rules = [
        Rule(contains=TOPICS["login"], error="too long"),
        *sampled("billing", None, "login", "x"),
    ]
    made = run_how(suite, ScriptedModel(rules), Ledger(tmp_path / "l"), votes(4))
    assert len(made.errors) == 20
    assert made.errors[0].failed == "too long"
    other = next(result for result in made.results if not result.failed)
    assert other.output.ballots == ("billing", None, "login", "x")


def test_votes_that_are_mostly_errors_are_an_infrastructure_failure(suite, tmp_path):
    model = ScriptedModel(sampled("billing", None, None))
    with pytest.raises(InfrastructureError, match="120 of 180 votes on 60 cases ended in an error"):
        run_how(suite, model, Ledger(tmp_path / "l"), votes(3))


def test_the_thoughts_of_all_votes_are_not_in_memory_at_once(suite, tmp_path):
    model = ScriptedModel(
        lambda _: "thought " * 5_000 + "\nAnswer: billing", identity="long", context_tokens=10**9
    )
    how = votes(8, reasoning=True, max_tokens=20_000)
    one = Approach(technique=Technique(reasoning=True, max_tokens=20_000))
    peaks = []
    for approach in (one, how):
        tracemalloc.start()
        run_how(suite, model, Ledger(tmp_path / "l"), approach)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 3 * peaks[0]
