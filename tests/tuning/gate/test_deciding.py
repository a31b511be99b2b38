"""The gate: effort, leads, the order of verdicts, and ways to be wrong."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.errors import InfrastructureError, NothingRunError, StatisticsError
from evals.records import Finding
from evals.stats import exact_bounds, one_sided_z, paired_counts, paired_difference
from tuning.gate.deciding import decide
from tuning.gate.evidence import (
    Arm,
    CostEvidence,
    Evidence,
    Policy,
    Soundness,
    StrongerModel,
    Trial,
)
from tuning.records import Decision

FAMILIES = ("wording", "few_shot", "nearest")
SOUND = Soundness(self_test_passed=True)


def arm(name: str, values, errors: tuple[int, ...] = ()) -> Arm:
    scores = {f"c{i:05d}": float(v) for i, v in enumerate(values) if i not in errors}
    return Arm(name, scores, tuple(f"c{i:05d}" for i in errors))


def shifted(wins: int, losses: int, n: int, ones: int) -> list[float]:
    """Scores of a candidate that wins and loses so often against one with `ones` ones."""
    return [0.0] * losses + [1.0] * (ones - losses) + [1.0] * wins + [0.0] * (n - ones - wins)


def trial(name: str, values, round_index: int, family: str | None = None, **options) -> Trial:
    return Trial(
        arm(name, values, options.get("errors", ())),
        name,
        round_index,
        family or FAMILIES[round_index - 1],
        options.get("tokens", 100.0),
    )


def search(
    wins: int, losses: int, n: int, ones: int | None = None, weak: int = 0
) -> tuple[Trial, ...]:
    """Seven trials in three rounds: m = 3 for the anchor, M = 7; one of them as stated.

    The other six lose `weak` cases to the anchor and win none.
    """
    ones = max(losses, weak) if ones is None else ones
    plain = shifted(0, weak, n, ones)
    return (
        trial("anchor", shifted(0, 0, n, ones), 1),
        trial("w2", plain, 1),
        trial("w3", plain, 1),
        trial("f1", plain, 2),
        trial("f2", plain, 2),
        trial("n1", shifted(wins, losses, n, ones), 3),
        trial("n2", plain, 3),
    )


def judge(trials: tuple[Trial, ...], min_gain: float = 0.10, **options) -> Decision:
    policy = {k: options.pop(k) for k in list(options) if k in Policy.__dataclass_fields__}
    evidence = Evidence(
        trials=trials,
        clean_examples=options.pop("clean_examples", 300),
        soundness=options.pop("soundness", SOUND),
        **options,
    )
    return decide(evidence, Policy(min_gain=min_gain, **policy))


def line(decision: Decision, name: str):
    return next(t for t in decision.trials if t.run_id == name)


# --- flat, improved, neither -----------------------------------------------------------------
# The design's table of boundary cases stands in `tests/tuning/test_boundary_cases.py`.


def test_a_plateau_at_the_floor_says_that_it_is_cheap() -> None:
    assert "below 0.05" in judge(search(2, 0, 200, 0), 0.05).sentence


def test_low_scores_that_may_yet_exceed_the_gain_are_not_at_the_floor() -> None:
    found = judge(search(0, 0, 200, 16), 0.10)  # 0.08, interval 0.05 to 0.126
    assert found.plateau
    assert "floor" not in found.flags


def test_what_is_neither_flat_nor_improved_says_how_many_cases_would_tell() -> None:
    found = judge(search(4, 0, 200, 0), 0.05)
    assert found.cases_needed is not None
    assert found.cases_needed > 200
    assert f"About {found.cases_needed} cases" in found.sentence
    assert "'n1' could still be up to 5.5 points better" in found.sentence


def test_a_plateau_whose_leader_moved_names_the_new_one() -> None:
    assert "The best is now 'n1'" in judge(search(180, 120, 3000, 600), 0.05).sentence


def test_the_anchor_is_not_compared_with_itself() -> None:
    assert line(judge(search(45, 15, 200, 40), 0.10), "anchor").versus_anchor is None


def test_an_old_candidate_that_is_not_flat_forbids_the_plateau_but_cannot_improve() -> None:
    # Tried in round 1 and inconclusive then: forgetting it would be a false plateau.
    n, ones = 200, 60
    plain = shifted(0, 0, n, ones)
    old = shifted(30, 31, n, ones)  # one behind the anchor, and very different from it
    trials = (
        trial("anchor", plain, 1),
        trial("old", old, 1),
        trial("w3", plain, 1),
        *(trial(f"f{i}", plain, 2) for i in range(2)),
        *(trial(f"n{i}", plain, 3) for i in range(2)),
    )
    found = judge(trials, 0.05)
    assert not line(found, "old").flat
    assert found.verdict == "more_cases"


# --- effort ----------------------------------------------------------------------------------


def plain_rounds(*rounds: tuple[str, int], n: int = 400, ones: int = 100) -> tuple[Trial, ...]:
    return tuple(
        trial(f"{index}-{family}-{i}", shifted(0, 0, n, ones), index, family)
        for index, (family, count) in enumerate(rounds, 1)
        for i in range(count)
    )


@pytest.mark.parametrize(
    ("rounds", "gap"),
    [
        ([("wording", 1)], "1 of at least 5 candidates"),
        ([("wording", 6)], "1 of at least 3 rounds"),
        ([("wording", 3), ("few_shot", 3)], "2 of at least 3 rounds"),
        ([("wording", 2), ("few_shot", 2), ("few_shot", 2)], "same family, 'few_shot'"),
        ([("wording", 3), ("few_shot", 1), ("nearest", 2)], "ound 2 ('few_shot') tried 1 of"),
        ([("wording", 3), ("few_shot", 2), ("nearest", 1)], "ound 3 ('nearest') tried 1 of"),
    ],
)
def test_too_little_effort_asks_for_more_prompting_and_says_what_is_missing(rounds, gap) -> None:
    found = judge(plain_rounds(*rounds))
    assert found.verdict == "prompt_more"
    assert not found.plateau
    assert gap in found.sentence
    assert any(gap in step for step in found.next_steps)


def test_after_a_late_gain_the_next_step_names_the_rounds_that_show_its_plateau() -> None:
    trials = search(45, 15, 200, 40)
    last = judge(trials)
    assert last.verdict == "prompt_more"
    assert "two more rounds, of different families" in last.next_steps[0]
    assert "plausibly 10 points better than 'n1'" in last.next_steps[0]
    same = shifted(45, 15, 200, 40)
    trials += tuple(trial(f"s{i}", same, 4, "structured") for i in range(2))
    then = judge(trials)
    assert then.verdict == "prompt_more"
    assert "one more round, of another family than the last" in then.next_steps[0]
    trials += tuple(trial(f"v{i}", same, 5, "votes") for i in range(2))
    assert judge(trials).plateau


def test_five_candidates_in_three_rounds_are_enough() -> None:
    assert judge(plain_rounds(("wording", 1), ("few_shot", 2), ("nearest", 2))).plateau
    # The same family as two rounds ago is fine.
    assert judge(plain_rounds(("wording", 1), ("few_shot", 2), ("wording", 2))).plateau


def test_rounds_are_ordered_by_their_index_whatever_the_order_of_the_list() -> None:
    trials = search(45, 15, 200, 40)
    mixed = (trials[5], trials[0], *trials[3:5], trials[6], *trials[1:3])
    assert replace(judge(mixed), trials=()) == replace(judge(trials), trials=())


# --- ties, lead, ranking ---------------------------------------------------------------------


def test_ties_for_the_lead_go_to_fewer_tokens_then_to_the_earlier() -> None:
    n = 300
    values = shifted(0, 0, n, 90)
    trials = (
        trial("long", values, 1, tokens=900),
        trial("short", values, 1, tokens=50),
        trial("short_too", values, 2, tokens=50),
    )
    found = judge(trials)
    assert found.leader == "short"
    assert next(t.run_id for t in found.trials) == "short"


def test_a_tie_inside_the_window_does_not_take_the_lead_from_a_shorter_anchor() -> None:
    trials = search(0, 0, 300, 90)
    found = judge(trials)
    assert (found.leader, found.anchor) == ("anchor", "anchor")
    cheaper = tuple(replace(t, prompt_tokens=9.0) if t.label == "n1" else t for t in trials)
    found = judge(cheaper)
    assert (found.leader, found.anchor) == ("n1", "anchor")
    assert found.plateau


def test_the_ranking_is_given_under_every_verdict() -> None:
    for trials in (search(45, 15, 200, 40), search(0, 0, 12, 4), search(0, 0, 1, 0)):
        found = judge(trials)
        means = [t.score.estimate for t in found.trials]
        assert means == sorted(means, reverse=True)
        assert found.trials[0].run_id == found.leader
        assert f"'{found.leader}' leads so far" in found.provisional
        assert "settled" in found.provisional or "clear lead" in found.provisional
        assert all(t.score.low < t.score.high for t in found.trials)


# --- the order of verdicts -------------------------------------------------------------------


def test_a_split_too_small_says_how_many_cases_and_ranks_anyway() -> None:
    found = judge(search(3, 0, 12, 4))
    assert found.verdict == "fix_evals"
    assert found.rules[3].status == "applies"
    assert found.cases_needed == 250
    assert "with 12 cases" in found.sentence
    assert "about 250" in found.sentence
    assert found.provisional.startswith("'n1' leads so far with 0.58")


@pytest.mark.parametrize("n", [1, 12, 27])
def test_one_candidate_on_few_cases_is_too_small(n: int) -> None:
    found = judge((trial("only", [0.0] * n, 1),))
    assert found.verdict == "fix_evals"
    assert found.provisional.endswith("Nothing else was tried that it can be compared with.")


def test_one_candidate_on_enough_cases_needs_more_prompting() -> None:
    assert judge((trial("only", [0.0] * 28, 1),)).verdict == "prompt_more"


def test_a_leader_certain_of_the_target_suffices() -> None:
    n, ones = 250, 230
    trials = search(0, 0, n, ones)
    low, _ = exact_bounds([1.0] * ones + [0.0] * 20, None, 0.05 / 7)
    assert judge(trials, target=low - 1e-6).verdict == "prompt_suffices"
    assert judge(trials, target=low + 1e-6).verdict == "fine_tune"
    assert "the target of 0.80 is reached" in judge(trials, target=0.80).sentence


def test_what_is_still_planned_counts_before_a_prompt_is_said_to_suffice() -> None:
    """The search asks after every round: 55 of 60 reach 0.80 at α/3, and not at α/7."""
    trials = plain_rounds(("wording", 3), n=60, ones=55)
    assert judge(trials, target=0.80).verdict == "prompt_suffices"
    found = judge(trials, target=0.80, untried=("a", "b", "c", "d"))
    assert found.verdict != "prompt_suffices"
    said = next(rule.evidence for rule in found.rules if rule.verdict == "prompt_suffices")
    assert "after allowing for 7 planned" in said


def test_there_is_no_plateau_while_a_declared_candidate_is_missing() -> None:
    trials = search(0, 0, 250, 200)
    assert judge(trials).verdict == "fine_tune"
    found = judge(trials, untried=("a", "b", "c", "d", "e"))
    assert (found.verdict, found.plateau, found.open) == ("prompt_more", False, False)
    missing = "5 declared candidates were not tried: 'a', 'b', 'c' and 2 more"
    assert missing in found.sentence
    assert found.next_steps[0].startswith("Run `tunegate run`")
    assert found.next_steps[1] == f"Still missing: {missing}."
    assert "1 declared candidate was not tried: 'a'." in judge(trials, untried=("a",)).sentence


def test_missing_candidates_do_not_make_a_verdict_less_of_a_look() -> None:
    assert judge(search(0, 0, 250, 200), untried=("a",)).dev_look == 1
    assert judge(search(0, 0, 250, 200)[:4], untried=("a",)).dev_look == 0


def test_what_suffices_does_so_whatever_is_missing() -> None:
    assert judge(search(0, 0, 250, 250), untried=("a",)).verdict == "prompt_suffices"


def test_a_target_reached_on_few_cases_comes_before_too_small() -> None:
    assert judge((trial("only", [1.0] * 20, 1),), target=0.5).verdict == "prompt_suffices"


def test_perfect_scores_leave_no_room_and_need_no_target() -> None:
    found = judge(search(0, 0, 250, 250))
    assert found.verdict == "prompt_suffices"
    assert "no room is left for 10 points more" in found.sentence


def test_without_target_and_with_room_nothing_suffices() -> None:
    found = judge(search(0, 0, 250, 200))
    assert found.verdict == "fine_tune"
    assert "no target is stated" in found.rules[2].evidence


@pytest.mark.parametrize(
    "soundness",
    [
        Soundness(self_test_passed=False),
        Soundness(self_test_passed=True, audit_passed=False),
        Soundness(True, None, (Finding("error", "leak", "case t1 is in train and in dev"),)),
    ],
)
def test_unsound_evals_come_before_everything(soundness: Soundness) -> None:
    found = judge(search(0, 0, 250, 250), target=0.5, soundness=soundness)
    assert found.verdict == "fix_evals"
    assert found.rules[0].status == "applies"
    assert not found.open
    assert all(rule.status != "applies" for rule in found.rules[1:])


def test_warnings_do_not_refuse() -> None:
    soundness = Soundness(True, None, (Finding("warning", "near", "looks alike"),))
    assert judge(search(0, 0, 250, 60), soundness=soundness).verdict == "fine_tune"


def test_what_was_not_tested_says_so() -> None:
    found = judge(search(0, 0, 250, 60), soundness=None)
    untested = [rule for rule in found.rules if rule.status == "not_tested"]
    assert [rule.verdict for rule in untested] == [
        "fix_evals",
        "fine_tune",
        "try_stronger_model",
        "use_retrieval",
    ]
    assert all("not tested" in r.evidence or "No stronger model" in r.evidence for r in untested)


def test_every_rule_gives_evidence_also_after_the_verdict() -> None:
    found = judge(search(0, 0, 250, 60))
    assert len(found.rules) == 10
    assert all(rule.evidence.endswith(".") for rule in found.rules)
    statuses = [rule.status for rule in found.rules]
    assert statuses.count("applies") == 1
    assert set(statuses[statuses.index("applies") + 1 :]) <= {"not_reached", "not_tested"}


def test_too_few_examples_are_collected_first() -> None:
    trials = search(0, 0, 250, 60)
    assert judge(trials, clean_examples=99).verdict == "collect_examples"
    assert judge(trials, clean_examples=100).verdict == "fine_tune"
    assert not judge(trials, clean_examples=99).open


def test_the_plateau_sentence_can_be_read_by_anyone() -> None:
    assert judge(search(0, 0, 250, 45)).sentence == (
        "Prompting has plateaued: none of the 7 tried prompts is plausibly 10 points better than "
        "the best early one, 'anchor' (0.18). Fine-tune: there are 300 clean training examples "
        "(at least 100 are asked for)."
    )


@pytest.mark.parametrize(
    ("wins", "losses", "verdict"),
    [(40, 15, "use_retrieval"), (40, 16, "fine_tune"), (0, 0, "fine_tune")],
)
def test_oracle_context_points_to_retrieval_where_it_gains_enough(
    wins: int, losses: int, verdict: str
) -> None:
    trials = search(0, 0, 250, 60)
    oracle = arm("oracle", shifted(wins, losses, 250, 60))
    assert judge(trials, oracle_context=oracle).verdict == verdict
    assert judge(trials, oracle_context=oracle, clean_examples=0).verdict != "fine_tune"


def test_an_oracle_gain_that_may_be_chance_points_nowhere() -> None:
    trials = search(0, 0, 50, 20)  # at least +10 points either way: T(0) is 1.90 and 1.51
    real, chance = arm("oracle", shifted(8, 2, 50, 20)), arm("oracle", shifted(8, 3, 50, 20))
    assert judge(trials, oracle_context=real).verdict == "use_retrieval"
    assert judge(trials, oracle_context=chance).verdict == "fine_tune"


def test_a_large_oracle_gain_without_a_plateau_waits() -> None:
    oracle = arm("oracle", shifted(120, 0, 200, 40))
    found = judge(search(45, 15, 200, 40), oracle_context=oracle)
    assert found.verdict == "prompt_more"
    assert found.rules[5].evidence.startswith("No plateau yet.")


def test_a_stronger_model_that_reaches_the_target_comes_first_on_a_plateau() -> None:
    trials = search(0, 0, 250, 60)
    strong = StrongerModel("large", arm("large", [1.0] * 240 + [0.0] * 10))
    found = judge(trials, target=0.9, stronger_models=(strong,))
    assert found.verdict == "try_stronger_model"
    dear = replace(strong, cost=6.0, max_cost=5.0)
    assert judge(trials, target=0.9, stronger_models=(dear,)).verdict == "fine_tune"
    assert judge(trials, target=0.95, stronger_models=(strong,)).verdict == "fine_tune"
    assert judge(trials, stronger_models=(strong,)).verdict == "fine_tune"


def test_cost_opens_the_gate_where_quality_is_near_and_it_breaks_even() -> None:
    trials = search(0, 0, 250, 240)
    pays = CostEvidence(2_000_000, 3.0, 6.0)
    assert judge(trials, target=0.95, cost=pays).verdict == "fine_tune"
    assert judge(trials, target=0.95, cost=pays).rules[1].status == "applies"
    for options in (
        {"cost": replace(pays, break_even_months=7.0)},
        {"cost": replace(pays, break_even_months=None)},
        {"cost": pays, "clean_examples": 10},
    ):
        assert judge(trials, target=0.95, **options).rules[1].status == "does_not_apply"
    assert judge(trials, cost=pays).rules[1].status == "does_not_apply"
    far = judge(search(0, 0, 250, 60), target=0.95, cost=pays)
    assert far.rules[1].status == "does_not_apply"


# --- errors ----------------------------------------------------------------------------------


def test_a_trial_with_too_many_errors_neither_leads_nor_lets_a_plateau_pass() -> None:
    trials = list(search(0, 0, 200, 40))
    broken = (*range(100, 111),)  # 5.5 %
    trials[5] = trial("n1", [1.0] * 200, 3, errors=broken)
    found = judge(tuple(trials))
    assert found.leader == "anchor"
    assert found.verdict == "prompt_more"
    assert "'n1' ended in errors on 6% of the cases" in found.sentence
    assert not line(found, "n1").improved
    assert found.trials[-1].run_id == "n1"
    assert "errors" in found.flags
    assert (line(found, "n1").cases, line(found, "n1").errors) == (189, 11)


def test_a_trial_with_too_many_errors_is_not_flat_however_bad_it_looks() -> None:
    trials = list(search(0, 0, 200, 60))
    trials[5] = trial("n1", [0.0] * 200, 3, errors=tuple(range(100, 111)))
    assert not line(judge(tuple(trials)), "n1").flat


def test_a_few_errors_are_left_out_of_the_pairs_and_shown() -> None:
    trials = list(search(0, 0, 200, 40))
    trials[5] = trial("n1", shifted(0, 0, 200, 40), 3, errors=(3, 150))
    found = judge(tuple(trials))
    assert found.verdict == "fine_tune"
    assert "errors" in found.flags
    assert line(found, "n1").score.estimate == pytest.approx(39 / 198)


def test_only_broken_trials_are_an_infrastructure_failure() -> None:
    with pytest.raises(InfrastructureError):
        judge((trial("a", [0.0] * 10, 1, errors=(0, 1)),))


def test_a_trial_without_any_score_claims_nothing() -> None:
    trials = (*search(0, 0, 100, 40), trial("dead", [0.0] * 100, 3, errors=tuple(range(100))))
    found = judge(trials)
    dead = line(found, "dead")
    assert (dead.score.low, dead.score.high, dead.cases, dead.errors) == (0.0, 1.0, 0, 100)
    assert found.verdict == "prompt_more"


# --- errors within what is tolerated: bounded by the worst case --------------------------------


def with_errors(counts: tuple[int, int, int], ones: int, failed: range) -> tuple[Trial, ...]:
    """A search in which `n1`, with these counts, has no score on the cases `failed`."""
    wins, losses, n = counts
    n1 = trial("n1", shifted(wins, losses, n, ones), 3, errors=tuple(failed))
    return tuple(n1 if t.label == "n1" else t for t in search(wins, losses, n, ones))


@pytest.mark.parametrize(("errors", "flat"), [(0, True), (5, True), (6, False), (10, False)])
def test_an_error_counts_as_won_by_a_candidate_that_is_said_to_be_flat(
    errors: int, flat: bool
) -> None:
    # The anchor is wrong on the last cases, so each error there may hide a win.
    found = judge(with_errors((20, 20, 200), 40, range(200 - errors, 200)), 0.10)
    n1 = line(found, "n1")
    assert n1.versus_anchor is not None
    assert n1.flat is flat
    assert found.plateau is flat
    assert found.verdict == ("fine_tune" if flat else "more_cases")
    worst = paired_counts(20 + errors, 20, 200)
    assert worst.below(0.10, one_sided_z(0.05 / 3)) is flat
    assert n1.versus_anchor.high == worst.upper(one_sided_z(0.05 / 3))
    assert n1.versus_anchor.estimate == 0.0
    if not flat:
        assert f"bounded by the worst case of {errors} cases with errors" in found.sentence
        assert any("ended in errors" in step for step in found.next_steps)


@pytest.mark.parametrize(("errors", "improved"), [(0, True), (2, True), (3, False), (10, False)])
def test_an_error_counts_as_lost_by_a_candidate_that_is_said_to_be_better(
    errors: int, improved: bool
) -> None:
    # The anchor is right on these cases, so each error there may hide a loss.
    found = judge(with_errors((30, 12, 200), 60, range(20, 20 + errors)), 0.10)
    n1 = line(found, "n1")
    assert n1.versus_anchor is not None
    assert n1.improved is improved
    worst = paired_counts(30, 12 + errors, 200)
    assert worst.above(0.0, one_sided_z(0.05 / 6)) is improved
    assert n1.versus_anchor.low == worst.lower(one_sided_z(0.05 / 6))
    assert (found.verdict == "prompt_more") is improved


def test_an_error_of_the_anchor_may_be_a_case_that_another_won() -> None:
    trials = search(20, 20, 200, 40)
    anchor = trial("anchor", shifted(0, 0, 200, 40), 1, errors=tuple(range(20, 26)))
    # Higher on its scored cases than the rest even so; it stays the anchor.
    anchor = replace(anchor, prompt_tokens=1.0)
    weaker = tuple(
        trial(t.label, [0.0] * 40 + [1.0] * 26 + [0.0] * 134, t.round_index)
        for t in trials
        if t.label in {"w2", "w3"}
    )
    found = judge((anchor, *weaker, *trials[3:]), 0.10)
    assert found.anchor == "anchor"
    assert line(found, "anchor").errors == 6
    assert not line(found, "n1").flat


def test_errors_count_as_wrong_before_a_prompt_is_said_to_suffice() -> None:
    right = [1.0] * 238 + [0.0] * 12
    failed = tuple(range(6))

    def verdict(target: float, errors: tuple[int, ...]) -> str:
        return judge((trial("only", right, 1, errors=errors),), target=target).verdict

    as_wrong, _ = exact_bounds([0.0] * 6 + right[6:], None, 0.05)
    left_out, _ = exact_bounds(right[6:], None, 0.05)
    assert as_wrong < left_out
    assert verdict(as_wrong - 1e-6, failed) == "prompt_suffices"
    assert verdict(left_out - 1e-6, failed) == "prompt_more"
    assert verdict(left_out - 1e-6, ()) == "prompt_suffices"


def test_errors_that_may_be_right_answers_are_not_at_the_floor() -> None:
    trials = search(0, 0, 200, 8)  # 0.04, at most 0.077
    assert "floor" in judge(trials, 0.10).flags
    failed = tuple(range(190, 200))  # at most 0.04 + 10 of 200: up to 0.138
    hidden = tuple(replace(t, arm=arm(t.label, shifted(0, 0, 200, 8), failed)) for t in trials)
    assert "floor" not in judge(hidden, 0.10).flags


def test_errors_with_the_documents_or_of_a_stronger_model_earn_them_nothing() -> None:
    trials = search(0, 0, 250, 60)
    values = shifted(40, 10, 250, 60)  # +12 points
    failed = tuple(range(20, 26))  # of cases that the leader has right
    assert judge(trials, oracle_context=arm("o", values)).verdict == "use_retrieval"
    assert judge(trials, oracle_context=arm("o", values, failed)).verdict == "fine_tune"
    right = [1.0] * 240 + [0.0] * 10
    for errors, verdict in (((), "try_stronger_model"), (tuple(range(10)), "fine_tune")):
        strong = StrongerModel("large", arm("large", right, errors))
        assert judge(trials, target=0.91, stronger_models=(strong,)).verdict == verdict


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 199), max_size=10, unique=True), st.data())
def test_no_verdict_on_a_plateau_depends_on_how_the_errors_came_out(failed, data) -> None:
    counts = data.draw(st.sampled_from([(20, 20, 200), (24, 20, 200), (8, 0, 200)]))
    ones = 40
    found = judge(with_errors(counts, ones, failed), 0.10)
    truth = shifted(*counts, ones)
    for case in failed:
        truth[case] = data.draw(st.sampled_from([0.0, 1.0]))
    complete = tuple(trial("n1", truth, 3) if t.label == "n1" else t for t in search(*counts, ones))
    if line(found, "n1").flat:
        assert line(judge(complete, 0.10), "n1").flat
    if line(found, "n1").improved:
        assert line(judge(complete, 0.10), "n1").improved


# --- what is refused -------------------------------------------------------------------------


def test_nothing_tried_is_refused() -> None:
    with pytest.raises(NothingRunError):
        judge(())
    with pytest.raises(NothingRunError):
        judge((trial("empty", [], 1),))


def test_trials_over_different_cases_are_refused() -> None:
    with pytest.raises(StatisticsError, match="not over the same cases: 1 are in only one"):
        judge((trial("a", [0.0] * 10, 1), trial("b", [0.0] * 11, 1)))
    with pytest.raises(StatisticsError, match="not over the same cases"):
        judge(search(0, 0, 250, 60), oracle_context=arm("oracle", [1.0] * 249))


def test_a_run_twice_a_mixed_round_and_a_scored_error_are_refused() -> None:
    with pytest.raises(StatisticsError, match="occurs twice"):
        judge((trial("a", [0.0] * 10, 1), trial("a", [0.0] * 10, 2)))
    with pytest.raises(StatisticsError, match="mixes the families"):
        judge((trial("a", [0.0] * 10, 1), trial("b", [0.0] * 10, 1, "few_shot")))
    both = Trial(Arm("a", {"x": 1.0}, ("x",)), "a", 1, "wording")
    with pytest.raises(StatisticsError, match="a score and an error"):
        judge((both,))


@pytest.mark.parametrize("bad", [float("nan"), 2.0, -1.0, float("inf")])
def test_impossible_scores_are_refused(bad: float) -> None:
    with pytest.raises(StatisticsError, match="expected 0 to 1"):
        judge((trial("a", [bad, 0.0], 1),))


@pytest.mark.parametrize(
    "bad",
    [
        {"min_gain": 0.0},
        {"min_gain": 1.0},
        {"min_gain": float("nan")},
        {"target": 0.0},
        {"target": 1.1},
        {"alpha": 0.0},
        {"alpha": 0.6},
        {"declared_extensions": 3},
    ],
)
def test_policies_that_decide_nothing_are_refused(bad) -> None:
    with pytest.raises(StatisticsError):
        Policy(**bad)


# --- graded scores, clusters, alpha ----------------------------------------------------------


def test_graded_scores_reach_a_plateau_and_an_improvement() -> None:
    random = np.random.default_rng(1)
    base = random.beta(2, 3, 200)
    near = [np.clip(base + random.normal(0, 0.05, 200), 0, 1) for _ in range(7)]
    trials = tuple(trial(f"t{i}", near[i], (1, 1, 1, 2, 2, 3, 3)[i]) for i in range(7))
    found = judge(trials)
    assert found.verdict == "fine_tune"
    better = (*trials[:6], trial("t6", np.clip(base + 0.2, 0, 1), 3))
    found = judge(better)
    assert found.verdict == "prompt_more"
    anchor = next(t for t in better if t.arm.run_id == found.anchor)
    pair = paired_difference(list(anchor.arm.scores.values()), list(better[6].arm.scores.values()))
    shown = line(found, "t6").versus_anchor
    assert shown is not None
    assert shown.low == pytest.approx(pair.lower(one_sided_z(0.05 / 6)))


def clustered(size: int, n: int) -> dict[str, str | None]:
    return {f"c{i:05d}": f"k{i // size}" for i in range(n)}


def test_clusters_take_certainty_away() -> None:
    trials = search(40, 20, 240, 40)  # neighbours win and lose together
    shown = line(judge(trials, clusters=clustered(6, 240)), "n1").versus_anchor
    alone = line(judge(trials), "n1").versus_anchor
    assert shown is not None
    assert alone is not None
    assert shown.low < alone.low
    assert shown.high > alone.high


def test_fewer_than_ten_clusters_decide_nothing_but_still_rank() -> None:
    found = judge(search(40, 0, 240, 40), clusters=clustered(60, 240), target=0.01)
    assert found.verdict == "fix_evals"
    assert "only 4 independent clusters" in found.sentence
    assert "few_clusters" in found.flags
    assert found.leader == "n1"
    assert not any(t.flat or t.improved for t in found.trials)


bits = st.lists(st.sampled_from([0.0, 1.0]), min_size=40, max_size=40)


@settings(max_examples=60, deadline=None)
@given(st.lists(bits, min_size=1, max_size=8), st.sampled_from([0.05, 0.1, 0.3, 0.6]))
def test_any_search_gets_exactly_one_verdict_that_agrees_with_its_parts(rows, min_gain) -> None:
    rounds = (1, 1, 2, 2, 3, 3, 4, 4)
    families = ("wording", "few_shot", "nearest", "wording")
    trials = tuple(
        trial(f"t{i}", row, rounds[i], families[rounds[i] - 1]) for i, row in enumerate(rows)
    )
    found = judge(trials, min_gain, target=0.8)
    assert [rule.status for rule in found.rules].count("applies") == 1
    applied = next(rule for rule in found.rules if rule.status == "applies")
    assert applied.verdict == found.verdict
    assert applied.evidence in found.sentence
    assert found.open is (found.verdict == "fine_tune")
    if found.open:
        assert found.plateau
        assert all(t.flat for t in found.trials if t.run_id != found.anchor)
    if found.verdict == "more_cases":
        assert found.cases_needed is None or found.cases_needed > 40


# --- what is shown beside a limit ------------------------------------------------------------


def test_no_bound_reaches_the_target_by_rounding() -> None:
    """The leader is right in 477 of 500."""
    trials = search(0, 0, 500, 477)
    found = judge(trials, 0.01, target=0.93)
    row = next(rule for rule in found.rules if rule.verdict == "prompt_suffices")
    certain = re.search(r"at least (\S+) is certain", row.evidence)
    assert certain is not None
    exact = exact_bounds([1.0] * 477 + [0.0] * 23, None, 0.05 / 7)[0]
    assert float(certain[1]) == math.floor(100 * exact) / 100
    assert row.evidence.endswith("(target 0.93).")
    for limit in (exact - 1e-4, exact + 1e-4):
        judged = judge(trials, 0.01, target=round(limit, 4))
        said = next(rule for rule in judged.rules if rule.verdict == "prompt_suffices")
        shown = float(re.search(r"at least (\S+) is certain", said.evidence)[1])
        assert (shown >= round(limit, 4)) == (judged.verdict == "prompt_suffices")


def test_fine_tune_says_first_where_the_leader_leaves_less_than_the_gain_asked_for() -> None:
    room = judge(search(0, 0, 300, 275), 0.10)  # 25 of 300 are left: 8.33 points
    assert room.verdict == "fine_tune"
    assert room.next_steps[0].startswith(
        "At most 8.4 points are left on these cases, and an adapter must gain 10:"
    )
    assert "tunegate tune" in room.next_steps[1]
    assert "points are left" not in " ".join(judge(search(0, 0, 300, 260), 0.10).next_steps)


def test_few_clusters_show_no_interval_in_the_ranking() -> None:
    trials = search(0, 0, 50, 20)
    clusters = {f"c{n:05d}": f"k{n % 5}" for n in range(50)}
    found = judge(trials, clusters=clusters)
    assert "too few clusters for an interval" in found.provisional
    assert "few_clusters" in found.flags


def test_each_trial_has_its_wins_and_losses_so_that_flat_can_be_told_again() -> None:
    found = judge(search(26, 20, 250, 100))
    tried = line(found, "n1")
    assert (tried.wins, tried.losses) == (26, 20)
    assert line(found, "anchor").wins is None
    assert tried.versus_anchor is not None
    upper = paired_counts(26, 20, 250).upper(one_sided_z(found.alpha / 3))
    assert tried.versus_anchor.high == pytest.approx(upper)
    assert tried.flat == (upper < found.min_gain)


def test_the_cases_that_would_decide_say_at_which_alpha_where_it_is_another() -> None:
    assert "cases would decide at the next look's α of 0.0025 (now" in (
        judge(search(4, 0, 200, 0), 0.05).sentence
    )
    declared = judge(search(4, 0, 200, 0), 0.05, declared_extensions=1)
    assert "cases would decide (now" in declared.sentence


def test_too_few_examples_are_not_said_to_be_fine_tuned_on() -> None:
    found = judge(search(0, 0, 250, 60), clean_examples=60)
    assert found.verdict == "collect_examples"
    row = next(r for r in found.rules if r.title.startswith("Behaviour is missing"))
    assert "But there are 60 clean training examples" in row.evidence
    assert "Fine-tune:" not in row.evidence
    assert any("`tunegate curve SUITE`" in step for step in found.next_steps)
    named = judge(search(0, 0, 250, 60), clean_examples=60, suite="tickets")
    assert any("`tunegate curve tickets`" in step for step in named.next_steps)


def test_what_never_pays_says_from_which_volume_it_would() -> None:
    cost = CostEvidence(100, None, 6, break_even_calls=12_345.2)
    row = judge(search(0, 0, 250, 60), cost=cost).rules[1]
    assert "from about 12,346 calls a month on" in row.evidence
