"""Every kind of failure, with the answers that are easily taken for another."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evals.failures import FailureAnalysis, analyse
from evals.prompting.answers import NO_ANSWER
from evals.records import Output, Score, Turn
from evals.suite.spec import CiSpec, MetricSpec, Structure
from tests.evals.failures.runs import case, result, run, suite

LOOP = "It is a service that provides a service to the internet. " * 4


def kind_of(wanted, text, kind="mismatch", scorer="exact@1", *, asked="charged twice", **more):
    """The kind of one failing answer beside an expected one."""
    return failure_of(wanted, text, kind, scorer, asked=asked, **more).kind


def failure_of(wanted, text, kind="mismatch", scorer="exact@1", *, asked="charged twice", **more):
    stated = {name: more.pop(name) for name in ("options", "structure") if name in more}
    one = case("c1", wanted, asked)
    found = analyse(suite([one], scorer, **stated), run([result(one, text, kind, **more)]))
    (only,) = found.failures
    return only


# --- failing at all --------------------------------------------------------------------------


def test_a_right_answer_is_no_failure_whatever_it_reads_like():
    one = case("c1", "I'm sorry, but I cannot help with that.")
    found = analyse(suite([one]), run([result(one, one.answer, "", value=1.0, finish="length")]))
    assert (found.failed, found.kinds, found.counts) == (0, (), {})


def test_a_case_fails_below_the_suites_own_pass_score():
    one, two = case("c1"), case("c2")
    results = [result(one, "x", value=0.79), result(two, "x", value=0.80)]
    found = analyse(suite([one, two], ci=CiSpec(pass_score=0.8)), run(results))
    assert [failure.case_id for failure in found.failures] == ["c1"]


def test_no_output_is_an_error():
    assert kind_of("billing", None) == "error"


def test_an_output_that_no_scorer_could_judge_is_an_error_and_not_wrong():
    one = case("c1")
    judged = replace(result(one, "billing"), scores={}, error="TimeoutError: 5 s")
    (failure,) = analyse(suite([one]), run([judged])).failures
    assert (failure.kind, failure.value, failure.detail) == ("error", None, "TimeoutError: 5 s")


# --- refusals --------------------------------------------------------------------------------

REFUSALS = [
    "I'm sorry, but I can't assist with that request.",
    "I’m sorry, I cannot help with that.",
    "Sorry, I am unable to provide this information.",
    "I cannot provide medical advice.",
    "I can't help you with this one.",
    "As an AI language model, I cannot browse the internet.",
    "Unfortunately, I do not have access to your account.",
    "I don't have enough information to answer that.",
    '"I am not able to translate this text."',
    "Okay. I'm afraid I can't do that.",
    "I must respectfully decline.",
    "Es tut mir leid, aber ich kann dabei nicht helfen.",
    "Je suis désolé, je ne peux pas répondre.",
    "Lo siento, pero no puedo ayudar con eso.",
    "抱歉，我无法回答这个问题。",
    "申し訳ありませんが、お手伝いできません。",
]


@pytest.mark.parametrize("text", REFUSALS)
def test_a_declining_beginning_is_a_refusal(text):
    assert kind_of("The refund takes five days.", text) == "refusal"


NO_REFUSALS = [
    "I'm sorry for your loss. Please, feel free to continue.",
    "I'm sorry to hear that. The refund takes ten days.",
    "I can't help but notice that it takes ten days.",
    "Unfortunately, the refund takes ten days.",
    "I will answer in ten days.",
    "You cannot get a refund.",
    "The customer says: I cannot help you with this.",
    "The refund takes ten days. I cannot help you further.",
    "As an AI language model would say, ten days.",
    "I have enough information: ten days.",
]


@pytest.mark.parametrize("text", NO_REFUSALS)
def test_an_apology_or_somebody_elses_cannot_is_no_refusal(text):
    assert kind_of("The refund takes five days.", text) != "refusal"


def test_where_the_expected_answer_declines_declining_is_not_what_is_wrong():
    wanted = "I'm sorry, but I can't share personal data."
    assert kind_of(wanted, "I cannot provide that.") != "refusal"
    assert kind_of("We can't do that before Monday.", "I cannot do that.") != "refusal"
    german = "Es tut mir leid, ich kann dabei nicht helfen."
    assert kind_of("Tut mir leid, ich darf das nicht.", german) != "refusal"


def test_a_refusal_that_stands_in_the_input_may_be_quoted():
    asked = "Translate: I cannot help you with this."
    wanted = "Je regrette de ne rien pouvoir faire."
    assert kind_of(wanted, "I cannot help you with this.", asked=asked) == "wrong_content"
    assert kind_of(wanted, "I cannot help you with this.", asked="Translate: No.") == "refusal"


def test_a_refusal_that_was_cut_off_is_a_refusal():
    text = "I'm sorry, but I can't assist with that, since it"
    assert kind_of("The refund takes five days.", text, finish="length") == "refusal"


# --- runaways --------------------------------------------------------------------------------


def test_what_is_cut_off_at_the_token_limit_is_a_runaway():
    assert kind_of("billing", "Billing is when a customer", finish="length") == "runaway"


@pytest.mark.parametrize(
    "text", [LOOP, "The top " + "0" * 60, "x-" * 40, "1 | 2h | " * 12, "cache_15m_" * 9]
)
def test_a_loop_is_a_runaway_also_where_it_ends_by_itself(text):
    found = failure_of("billing", text)
    assert found.kind == "runaway"
    assert "repeating" in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "bye bye bye",
        "| --- | --- | --- | --- | --- | --- | --- |\n" + "-" * 60,
        "Ann paid. Bob paid. Cid paid. Dan paid. Eve paid. Fay paid.",
        "   " * 40 + "login",
    ],
)
def test_repetition_that_language_or_layout_has_is_no_loop(text):
    assert "repeating" not in failure_of("billing", text).detail


def test_a_loop_is_no_runaway_where_the_expected_answer_loops():
    chorus = "na na na na hey " * 6
    assert kind_of(chorus, "la la la la hey " * 6) == "wrong_content"


def test_an_answer_that_has_its_form_and_was_cut_after_it_is_wrong_content():
    found = failure_of("6", "It is 7, for a simple reason, which", "wrong_number", "numeric@1",
                       finish="length")  # fmt: skip
    assert (found.kind, found.form) == ("wrong_content", True)


# --- form ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scorer", "kind", "expected"),
    [
        ("label@1", "unknown_label", "invalid_format"),
        ("label@1", "several_labels", "invalid_format"),
        ("label@1", "wrong_label", "wrong_content"),
        ("numeric@1", "no_number", "invalid_format"),
        ("numeric@1", "wrong_number", "wrong_content"),
        ("json_schema@1", "not_json", "invalid_format"),
        ("json_schema@1", "schema", "invalid_format"),
        ("json_fields@1", "not_json", "invalid_format"),
        ("json_fields@1", "wrong_fields", "wrong_content"),
        ("tool_calls@1", "bad_json", "invalid_format"),
        ("tool_calls@1", "wrong_arguments", "wrong_content"),
        ("sql_equal@1", "not_sql", "invalid_format"),
        ("sql_result@1", "sql_error", "invalid_format"),
        ("sql_result@1", "wrong_rows", "wrong_content"),
        ("python@1", "grammar", "invalid_format"),
    ],
)
def test_the_primary_scorers_kinds_say_what_is_form(scorer, kind, expected):
    found = failure_of("billing", "shipping", kind, scorer)
    assert found.kind == expected
    assert found.form is (expected == "wrong_content")


@pytest.mark.parametrize(
    ("scorer", "kind"),
    [("exact@1", "mismatch"), ("contains@1", "missing"), ("python@1", "wrong_query"),
     ("rouge@1", "different"), ("judge@1", "bad"), ("regex@1", "no_match"),
     ("json_fields@1", "missing_fields"), ("any_of@1", "unknown_label")],
)  # fmt: skip
def test_of_scorers_that_do_not_tell_form_nothing_is_claimed(scorer, kind):
    found = failure_of("billing", "shipping", kind, scorer)
    assert (found.kind, found.form) == ("wrong_content", None)


def test_one_pattern_for_all_cases_is_a_form():
    found = failure_of("2020-05-05", "5 May", "no_match", "regex@1", options={"pattern": r"\d+-"})
    assert found.kind == "invalid_format"


def test_a_scorer_of_the_suites_own_that_names_form_somewhere_tells_it_everywhere():
    one, two = case("c1"), case("c2")
    results = [result(one, "a", "grammar"), result(two, "b", "wrong_query")]
    found = analyse(suite([one, two], "python@1"), run(results))
    assert [(f.kind, f.form) for f in found.failures] == [
        ("invalid_format", False),
        ("wrong_content", True),
    ]


def test_scorers_inside_scorers_tell_form():
    label = {"scorer": "label@1", "labels": ["billing", "login"]}
    number = {"scorer": "numeric@1"}
    turns = {"options": {"turn": label}}
    assert kind_of("billing", "no", "unknown_label", "turns@1", **turns) == "invalid_format"
    by_tag = {"tag": "kind", "scorers": {"route": label, "count": number}}
    one, two = case("c1", tags={"kind": "route"}), case("c2", tags={"kind": "count"})
    # A kind means what the scorer that judged means by it.
    results = [result(one, "x", "unknown_label"), result(two, "x", "unknown_label")]
    found = analyse(suite([one, two], "by_tag@1", options=by_tag), run(results))
    assert [f.form for f in found.failures] == [False, None]


def test_of_all_scorers_together_one_that_judges_form_alone_decides():
    from evals.records import Part

    options = {"scorers": {"shape": {"scorer": "json_schema@1"}, "same": {"scorer": "exact@1"}}}
    one = case("c1")

    def form(shape: float, kind: str):
        parts = (Part("scorer", "shape", shape), Part("scorer", "same", 0.0))
        said = {"score": Score(0.0, "", kind, parts)}
        found = analyse(
            suite([one], "all_of@1", options=options), run([result(one, "{}", scores=said)])
        )
        return found.failures[0].form

    assert form(0.0, "schema") is False
    assert form(1.0, "mismatch") is True
    # Both at the bottom: the kind is the first one's, the form is wrong nevertheless.
    assert form(0.0, "mismatch") is False


def test_the_metric_that_the_suite_names_wins_over_the_scorers_kinds():
    one, two = case("c1"), case("c2")
    made = suite(
        [one, two], "label@1", metrics={"parses": MetricSpec("parses", "python@1")}, form="parses"
    )
    good, bad = Score(1.0), Score(0.5, "", "grammar")
    results = [
        result(one, "x", "unknown_label", scores={"parses": good}),
        result(two, "x", "wrong_label", scores={"parses": bad}),
    ]
    found = analyse(made, run(results))
    assert [f.form for f in found.failures] == [True, False]
    assert found.form_from == "the metric parses"


SCHEMA = {"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]}
TEAM = Structure(schema=SCHEMA, source="team.json")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"team": "login"}', "wrong_content"),
        ('{"tea": "login"}', "invalid_format"),
        ('{"team": 3}', "invalid_format"),
        ('```json\n{"team": "login"}\n```', "invalid_format"),
        ('Sure! {"team": "login"}', "invalid_format"),
        ('{"team": NaN}', "invalid_format"),
        ("", "invalid_format"),
        ("[" * 100_000, "invalid_format"),
        ('{"team": "' + "x" * 200_000 + '"}', "invalid_format"),
    ],
)
def test_without_either_the_suites_structure_tells_form(text, kind):
    assert kind_of('{"team": "billing"}', text, structure=TEAM) == kind


def test_a_scorer_that_takes_fences_says_that_json_in_one_has_the_form():
    fenced = '```json\n{"team": "login"}\n```'
    found = failure_of({"team": "billing"}, fenced, "wrong_fields", "json_fields@1", structure=TEAM)
    assert found.kind == "wrong_content"


def test_a_field_that_is_missing_is_form_where_the_structure_requires_it():
    found = failure_of({"team": "x"}, "{}", "missing_fields", "json_fields@1", structure=TEAM)
    assert found.kind == "invalid_format"


def test_a_schema_cannot_stop_the_analysis():
    slow = Structure(schema={"type": "string", "pattern": "^(a+)+$", "uniqueItems": True})
    assert kind_of("x", '"' + "a" * 40 + '!"', structure=slow) == "wrong_content"
    circle = Structure(schema={"$ref": "#"})
    assert failure_of("billing", "3", structure=circle).form is None
    elsewhere = Structure(schema={"$ref": "https://attacker.example/schema"})
    assert failure_of("billing", "3", structure=elsewhere).form is None


def test_leaving_patterns_out_of_a_schema_never_makes_it_stricter():
    named = {"patternProperties": {"^t": {"type": "string"}}, "additionalProperties": False}
    assert failure_of("x", '{"team": "a"}', structure=Structure(schema=named)).form is True


def test_a_property_that_is_called_pattern_is_no_pattern():
    named = {"type": "object", "properties": {"pattern": {"type": "string"}}}
    assert failure_of("x", '{"pattern": 1}', structure=Structure(schema=named)).form is False


def test_a_chosen_option_has_its_form():
    found = failure_of("billing", "login", "wrong_choice", "choice@1", finish="choice")
    assert (found.kind, found.form) == ("wrong_content", True)


# --- reasoning, turns, tools -----------------------------------------------------------------


def test_reasoning_that_was_cut_before_an_answer_is_a_runaway():
    found = failure_of("billing", "", finish="length", full="First I think about the plan")
    assert (found.kind, found.detail) == ("runaway", "cut off before the answer")


def test_reasoning_that_ends_without_an_answer_is_not_in_the_form():
    assert kind_of("billing", "", full="I think it is about the plan.") == "invalid_format"


def test_thoughts_without_an_answer_are_known_by_their_score_too():
    # Those behind an answer that another vote gave, too, are not kept.
    stopped = failure_of("billing", "", NO_ANSWER, "python@1")
    assert (stopped.kind, stopped.form) == ("invalid_format", False)
    assert failure_of("billing", "", NO_ANSWER, finish="length").kind == "runaway"


def test_reasoning_that_loops_is_a_runaway_though_an_answer_was_found():
    assert kind_of("billing", "internet.", full=LOOP) == "runaway"


def test_a_conversation_is_read_whole():
    one = case("c1", "five days", turns=(Turn("And then?", "ten days", "ten days"),))
    said = Output("I cannot help with that.", "stop", replies=("Well.", "I cannot help with that."))
    results = [replace(result(one, "x"), output=said)]
    assert analyse(suite([one]), run(results)).failures[0].kind == "wrong_content"


# --- script and length -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "text", "kind"),
    [
        ("The refund takes five days.", "退款需要十天。", "language"),
        ("The refund takes five days.", "Возврат займёт десять дней.", "language"),
        ("返金には五日かかります。", "退款需要十天。", "wrong_content"),  # both East Asian
        ("The refund takes five days.", "Le remboursement prend dix jours.", "wrong_content"),
        ("Five days.", "10 日", "wrong_content"),  # too few letters
        ("42", "四十三天以后", "wrong_content"),  # no letters are expected
        ("The refund: 五天", "退款需要十天。", "wrong_content"),  # both are expected
        ("Café naïve", "ＦＵＬＬ ｗｉｄｔｈ", "wrong_content"),  # letters in another coat
        ("x² + y²", "𝐱𝐲𝐳 𝐚𝐛𝐜", "wrong_content"),
    ],
)
def test_another_script_than_expected_is_a_failure_of_language(wanted, text, kind):
    assert kind_of(wanted, text) == kind


def test_latin_is_another_script_where_chinese_is_expected():
    asked = "退款要多久？"
    assert kind_of("退款需要五天。", "The refund takes ten days.", asked=asked) == "language"


def test_a_script_that_the_input_is_written_in_is_not_held_against_the_answer():
    asked = "翻译成英文：退款需要五天。"
    assert kind_of("The refund takes five days.", "退款需要五天。", asked=asked) == "wrong_content"


@pytest.mark.parametrize(
    ("wanted", "text", "kind"),
    [
        ("billing", "It is about money, which was taken from a card twice.", "length"),
        ("billing", "billing, I think", "wrong_content"),
        ("The refund takes five days from today on.", "Ten.", "length"),
        ("The refund takes five days.", "", "length"),
        ("The refund takes five days.", " \n\t", "length"),
        ("yes", "n", "wrong_content"),
    ],
)
def test_far_more_or_less_than_expected_is_a_failure_of_length(wanted, text, kind):
    assert kind_of(wanted, text) == kind


def test_where_other_cases_expect_long_answers_a_long_one_is_no_failure_of_length():
    one, two = case("c1", "Ten days."), case("c2", "word " * 60)
    text = " ".join(f"w{n}" for n in range(60))
    found = analyse(suite([one, two]), run([result(one, text), result(two, "x" * 200)]))
    assert found.failures[0].kind == "wrong_content"


def test_where_the_form_is_right_any_length_is():
    text = "To find out how many there are one adds six and seven, which gives 14 in all."
    assert kind_of("13", text, "wrong_number", "numeric@1") == "wrong_content"


# --- the whole -------------------------------------------------------------------------------


def test_cases_that_are_not_stored_any_more_are_said_and_not_compared():
    one = case("c1")
    found: FailureAnalysis = analyse(None, run([result(one, "退款需要十天吗很多很多很多")]))
    assert (found.unread, found.failures[0].kind) == (1, "wrong_content")
    assert analyse(None, run([result(one, "退款需要十天吗很多很多很多")]), [one]).unread == 0


def test_without_a_suite_the_words_that_scorers_use_by_convention_count():
    one, two = case("c1"), case("c2")
    found = analyse(
        None, run([result(one, "x", "not_json"), result(two, "y", "wrong")]), [one, two]
    )
    assert found.counts == {"invalid_format": 1, "wrong_content": 1}
    assert found.form_known


def test_what_a_constraint_could_change_is_what_has_not_the_form_yet():
    cases = [case(f"c{n}") for n in range(5)]
    results = [
        result(cases[0], "x", "unknown_label", value=0.0),
        result(cases[1], "billing" * 30, "wrong_label"),
        result(cases[2], "I cannot help with that.", "unknown_label"),
        result(cases[3], "login", "wrong_label"),
        result(cases[4], None),
    ]
    found = analyse(suite(cases, "label@1"), run(results))
    assert found.counts == {"error": 1, "refusal": 1, "runaway": 1, "invalid_format": 1,
                            "wrong_content": 1}  # fmt: skip
    assert found.constrainable == 1  # not the loop that the scorer takes for a label
    assert found.form_gain == pytest.approx(1 / 4)  # of the cases that have a score


def test_a_graded_failure_of_form_can_gain_what_it_lacks_only():
    one, two = case("c1"), case("c2")
    results = [result(one, "x", "unknown_label", value=0.75), result(two, "x", "", value=1.0)]
    assert analyse(suite([one, two], "label@1"), run(results)).form_gain == pytest.approx(0.125)


def test_details_hold_no_control_characters_and_are_short():
    one = case("c1")
    said = result(one, "x\x1b[31m" * 50, "unknown_label\x1b[2J" * 40)
    failed = replace(said, scores={}, error="\x1b]8;;https://x\x07" * 100)
    for each in (said, failed):
        (failure,) = analyse(suite([one]), run([each])).failures
        assert failure.detail.isprintable()
        assert len(failure.detail) <= 120


@pytest.mark.parametrize(
    ("team", "form"), [("LOGIN TEAM", False), ("login", True)], ids=["forbidden", "allowed"]
)
def test_what_the_structure_forbids_is_form_although_the_scorer_calls_it_content(team, form):
    allowed = {"type": "object", "properties": {"team": {"enum": ["billing", "login"]}}}
    found = failure_of(
        {"team": "billing"},
        json.dumps({"team": team}),
        "wrong_fields",
        "json_fields@1",
        structure=Structure(schema=allowed),
    )
    assert found.form is form
