"""Form against knowledge: no plateau where a constraint was not tried and could bring the gain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evals.errors import StatisticsError
from tests.tuning.gate.test_deciding import arm, judge, search
from tuning.gate.evidence import Evidence
from tuning.records import Decision, FailureSummary

PLATEAU = search(2, 2, 400, 100)
"""Seven candidates in three rounds, flat, the leader `anchor` with 100 of 400 right."""


def failing(form: int = 0, wrong: int = 0, *, cases: int = 400, **more) -> FailureSummary:
    """The leader's failures: so many of form, so many of wrong content."""
    counts = {"invalid_format": form, "wrong_content": wrong}
    return FailureSummary(
        **{
            "run": "anchor",
            "cases": cases,
            "counts": {kind: count for kind, count in counts.items() if count},
            "form": form,
            "form_gain": form / cases,
            "form_unknown": 0,
            "form_from": "the metric parses",
            "structured": "untried",
        }
        | more
    )


def verdict(failures: FailureSummary | None, trials=PLATEAU, **options) -> Decision:
    return judge(trials, 0.10, failures=failures, **options)


def test_without_failures_known_the_plateau_is_a_plateau():
    found = verdict(None)
    assert (found.verdict, found.failures) == ("fine_tune", None)


def test_failures_of_form_that_could_be_the_gain_ask_for_a_structured_round_first():
    found = verdict(failing(form=40, wrong=260))
    assert (found.verdict, found.plateau) == ("prompt_more", False)
    gap = "10% of the cases fail by form alone, and no structured candidate was tried"
    assert gap in found.sentence
    assert "round of family structured" in found.next_steps[0]
    assert not any("another family" in step for step in found.next_steps)
    assert found.failures == failing(form=40, wrong=260)


@pytest.mark.parametrize(
    "failures",
    [
        failing(form=39, wrong=261),  # 9.75 points: less than the gain
        failing(form=40, wrong=260, form_gain=0.099),  # graded: they lack less than a whole point
        failing(form=300, structured="tried"),
        failing(form=300, structured="declared"),  # then it is among the untried
        failing(form=300, structured="no_structure"),
        failing(wrong=300),
    ],
)
def test_what_a_constraint_cannot_bring_or_did_not_bring_is_no_gap(failures):
    assert verdict(failures).verdict == "fine_tune"


def test_the_gap_stands_beside_the_others_and_beside_what_was_not_tried():
    found = verdict(failing(form=300), untried=("spec",))
    assert any("'spec'" in step for step in found.next_steps)
    assert any("tunegate run" in step for step in found.next_steps)
    assert any("round of family structured" in step for step in found.next_steps)


def test_a_verdict_that_waits_for_a_structured_round_is_a_look_at_dev_all_the_same():
    # Who sees the scores could add cases until they suit: that must count.
    assert verdict(failing(form=300)).dev_look == 1


def test_an_improvement_is_said_before_the_gap():
    found = judge(search(45, 15, 200, 40), failures=failing(form=100, run="n1", cases=200))
    assert found.verdict == "prompt_more"
    assert "still pays" in found.sentence


def test_a_prompt_that_suffices_suffices_whatever_fails_by_form():
    trials = search(0, 0, 400, 390)
    assert judge(trials, 0.10, target=0.9, failures=failing(form=10)).verdict == "prompt_suffices"


def test_failures_of_another_run_than_the_leaders_are_refused():
    with pytest.raises(StatisticsError, match="failures are those of run n1"):
        verdict(failing(form=300, run="n1"))


# --- what kind of gap remains ------------------------------------------------------------------


def test_fine_tune_says_what_kind_of_gap_remains():
    found = verdict(failing(form=12, wrong=119, structured="tried"))
    assert "Of 131 failures of the leader 12 are form and 119 wrong content." in found.sentence


def test_other_kinds_and_unknown_form_are_said():
    counts = {"invalid_format": 3, "wrong_content": 90, "refusal": 7}
    found = verdict(failing(form=3, counts=counts, form_unknown=60))
    said = "Of 100 failures of the leader 3 are known to be form, 30 wrong content, 7 of other"
    assert f"{said} kinds and of 60 the form is not known." in found.sentence


def test_failures_of_unknown_form_are_not_called_wrong_content():
    found = verdict(failing(wrong=250, form_unknown=250, structured="no_structure"))
    said = "Of 250 failures of the leader 0 are known to be form and of 250 the form is not known."
    assert said in found.sentence


def test_without_a_structure_the_next_step_says_how_to_state_one():
    found = verdict(failing(form=100, wrong=200, structured="no_structure"))
    assert found.verdict == "fine_tune"
    assert any(
        "25% of the cases fail by form" in s and "`structure`" in s for s in found.next_steps
    )


def test_where_the_form_is_not_known_the_next_step_says_what_would_tell_it():
    found = verdict(failing(wrong=300, form_unknown=300, structured="no_structure"))
    assert any("`form` in suite.yaml" in step for step in found.next_steps)
    assert not any("`structure`" in step for step in found.next_steps)


def test_a_leader_that_never_fails_needs_no_sentence_about_failures():
    assert "failures" not in verdict(failing()).sentence


@pytest.mark.parametrize(
    ("unknown", "said"),
    [
        (0, "288 are wrong content."),
        (
            88,
            "200 are wrong content and 88 are wrong in content or form, which nothing tells apart.",
        ),
        (288, "288 are wrong in content or form, which nothing tells apart."),
    ],
)
def test_missing_knowledge_is_said_with_how_much_of_what_fails_is_content(unknown, said):
    gained = arm("oracle", [1.0] * 300 + [0.0] * 100)
    failures = failing(form=12, wrong=288, structured="tried", form_unknown=unknown)
    found = verdict(failures, oracle_context=gained)
    assert found.verdict == "use_retrieval"
    assert f"Of 300 failures of the leader {said}" in found.sentence


# --- the promise -------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 300),
    st.floats(0, 1),
    st.sampled_from(["tried", "declared", "untried", "no_structure"]),
)
@example(49, 28, 0, 1.0, "untried")
def test_failures_only_ever_take_a_plateau_away(wins, losses, form, gain, structured):
    trials = search(wins, losses, 400, 100)
    plain = verdict(None, trials)
    told = verdict(
        failing(form, 300 - form, form_gain=gain, structured=structured, run=plain.leader), trials
    )
    assert plain.plateau or not told.plateau
    assert told.trials == plain.trials
    assert (told.leader, told.anchor, told.alpha) == (plain.leader, plain.anchor, plain.alpha)
    if plain.verdict != told.verdict:
        assert plain.verdict in ("fine_tune", "more_cases")  # before cases comes effort
        assert told.verdict == "prompt_more"


def test_a_decision_stored_without_failures_reads_as_before():
    from evals.codec import decode, encode

    stored = encode(verdict(None)).replace('"failures":null,', "").replace(',"failures":null', "")
    assert '"failures"' not in stored
    assert decode(stored, Decision) == verdict(None)
    told = verdict(failing(form=12, wrong=119))
    assert decode(encode(told), Decision) == told


def test_the_evidence_may_be_without():
    assert Evidence((), 0).failures is None
    assert replace(Evidence((), 0), failures=failing()).failures is not None


def test_what_no_adapter_is_shown_is_no_room_for_an_adapter():
    """The leader is right in 200 of 400, and 170 of its failures are about unshown documents."""
    trials = search(0, 0, 400, 200)
    unshown = {"unshown": 170, "unshown_gain": 170 / 400}
    found = verdict(failing(wrong=200, **unshown), trials)
    assert found.verdict == "fine_tune"
    assert found.next_steps[0].startswith("State `tune: {documents: 1}`")
    assert found.next_steps[1].startswith(
        "At most 7.5 points are left on these cases apart from those failures about documents, and"
    )
    fewer = verdict(failing(wrong=200, unshown=160, unshown_gain=160 / 400), trials)
    assert not any("points are left" in step for step in fewer.next_steps)
