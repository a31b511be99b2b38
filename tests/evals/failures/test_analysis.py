"""What must hold of every analysis: one kind each, sums, any order; slices and topics."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.failures import KINDS, analyse
from evals.failures.contrasts import contrasts, share_of
from evals.failures.examples import MOST_EXAMPLES, choose_examples
from evals.failures.loops import find_loop
from evals.fingerprint import canonical_json
from tests.evals.failures.runs import case, result, run, suite

TEXTS = st.one_of(
    st.none(),
    st.text(max_size=80),
    st.sampled_from(["I cannot help with that.", "0" * 90, "退款需要十天吗很多", "billing", ""]),
    st.text(alphabet="ab \n", min_size=30, max_size=120),
)
ANSWERS = st.tuples(
    TEXTS,
    st.sampled_from(["unknown_label", "wrong_label", "mismatch", "", "\x1b[2J"]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from(["stop", "length", "choice"]),
)


def made(answers, scorer="label@1"):
    cases = [
        case(f"c{n:03d}", tags={"kind": f"k{n % 3}"}, text=f"word{n % 5} and {n}")
        for n in range(len(answers))
    ]
    results = [
        result(one, text, kind, value=value, finish=finish)
        for one, (text, kind, value, finish) in zip(cases, answers, strict=True)
    ]
    return suite(cases, scorer, slices=("kind",)), results


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ANSWERS, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_every_failing_case_has_one_kind_and_the_order_of_cases_does_not_matter(answers, shuffle):
    one, results = made(answers)
    found = analyse(one, run(results))
    failing = [r.case_id for r in results if r.failed or r.scores["score"].value < 1.0]
    assert [failure.case_id for failure in found.failures] == sorted(failing)
    assert all(failure.kind in KINDS for failure in found.failures)
    assert sum(found.counts.values()) == found.failed == len(failing)
    assert sum(line.failed for line in found.slices) == len(failing)
    for line in found.slices:
        assert sum(line.kinds.values()) == line.failed <= line.cases
    assert 0 <= found.constrainable <= found.failed
    assert 0 <= found.form_gain <= 1
    shuffle.shuffle(results)
    assert analyse(one, run(results)) == found


@given(st.text(max_size=600))
@settings(max_examples=150, deadline=None)
def test_a_loop_that_is_found_is_there(text):
    found = find_loop(text)
    if found:
        end = text.rstrip()[-found.length :]
        assert len(end) >= 3 * len(found.piece)
        assert all(a == b for a, b in zip(end, end[len(found.piece) :], strict=False))


@given(st.text(alphabet="abc xyz", min_size=1, max_size=40), st.integers(0, 39))
def test_a_text_repeated_often_enough_is_a_loop_wherever_it_is_cut(piece, cut):
    text = (piece.strip() or "a") * 40
    assert find_loop(text[: len(text) - cut % 10]) is not None


def test_an_analysis_can_be_stored_and_read_again(tmp_path):
    from evals.codec import decode, encode

    one, results = made([("x", "unknown_label", 0.0, "stop")] * 4)
    found = analyse(one, run(results))
    assert canonical_json(decode(encode(found), type(found))) == canonical_json(found)


# --- slices ----------------------------------------------------------------------------------


def sliced(failing: dict[str, tuple[int, int]], clusters: bool = False):
    """An analysis of slices with so many failures in so many cases each."""
    cases, results = [], []
    for value, (failed, total) in failing.items():
        for n in range(total):
            shared = {"cluster": f"{value}{n // 5}"} if clusters else {}
            one = case(f"{value}-{n:04d}", tags={"kind": value}, text=f"ask {n}", **shared)
            cases.append(one)
            results.append(result(one, "x", value=0.0 if n < failed else 1.0))
    return analyse(suite(cases, slices=("kind",)), run(results), topics=False)


def standing(found, value):
    return next(line.contrast for line in found.slices if line.value == value)


def test_a_slice_that_fails_far_more_differs_and_so_does_its_rest():
    found = sliced({"hard": (80, 100), "easy": (20, 100)})
    assert standing(found, "hard").differs
    assert standing(found, "hard").difference.low > 0
    assert standing(found, "easy").difference.high < 0


def test_slices_that_fail_alike_do_not_differ():
    assert standing(sliced({"a": (30, 100), "b": (33, 100)}), "b").differs is False


def test_a_slice_of_few_cases_is_shown_and_not_tested():
    found = sliced({"rare": (9, 9), "rest": (20, 200)})
    assert standing(found, "rare").differs is None
    assert standing(found, "rare").p is None
    assert next(line.share.low for line in found.slices if line.value == "rare") > 0.6


def test_what_every_case_has_is_compared_with_nothing():
    assert standing(sliced({"only": (10, 40)}), "only") is None


def test_many_slices_are_corrected_together():
    one = {"odd": (14, 20), "rest": (36, 100)}
    assert standing(sliced(one), "odd").differs
    # The same among 40 others: now such a difference is to be expected somewhere.
    many = {"odd": (14, 20), **{f"s{n:02d}": (8, 20) for n in range(40)}}
    assert standing(sliced(many), "odd").differs is False


def test_noise_alone_rarely_makes_a_slice_differ():
    wrong = 0
    for seed in range(120):
        draw = random.Random(seed)
        counts = {f"s{n}": (sum(draw.random() < 0.4 for _ in range(40)), 40) for n in range(5)}
        wrong += any(line.contrast.differs for line in sliced(counts).slices)
    assert wrong <= 12  # 0.05 of 120 is 6; Fisher's test is below its level


def test_clusters_that_fail_whole_are_not_many_cases():
    alone = {"a": (30, 60), "b": (15, 60)}
    assert standing(sliced(alone), "a").differs
    assert standing(sliced(alone, clusters=True), "a").differs is False


def test_too_few_clusters_tell_nothing():
    found = sliced({"a": (15, 20), "b": (1, 20)}, clusters=True)
    assert standing(found, "a").differs is None
    assert standing(found, "a").difference.low is None


def test_a_contrast_that_is_corrected_is_never_below_its_own():
    draw = random.Random(3)
    failing = [draw.random() < 0.5 for _ in range(200)]
    parts = [[draw.random() < 0.4 for _ in range(200)] for _ in range(6)]
    together = contrasts(parts, failing, [None] * 200)
    for part, found in zip(parts, together, strict=True):
        (alone,) = contrasts([part], failing, [None] * 200)
        assert found.p >= alone.p


def test_a_share_is_that_of_the_cases_with_wilsons_interval():
    found = share_of([True] * 18 + [False] * 2, [None] * 20)
    assert (found.estimate, round(found.low, 3), round(found.high, 3)) == (0.9, 0.699, 0.972)


def test_a_tag_of_many_values_is_cut_and_the_rest_is_counted():
    found = sliced({f"v{n:03d}": (1, 2) for n in range(60)})
    assert (len(found.slices), found.slices_hidden) == (50, 10)


# --- topics ----------------------------------------------------------------------------------

ABOUT = {
    "refund": "please refund the invoice of my card payment number {}",
    "login": "the password reset link for my account login is dead {}",
    "parcel": "my parcel with the courier never arrived at the door {}",
}


def asked(failing: dict[str, float], each: int = 60):
    draw = random.Random(1)
    cases, results = [], []
    for topic, share in failing.items():
        for n in range(each):
            one = case(f"{topic}-{n:03d}", text=ABOUT[topic].format(n))
            cases.append(one)
            results.append(result(one, "x", value=0.0 if draw.random() < share else 1.0))
    return suite(cases), run(results)


def test_inputs_of_one_topic_that_fail_more_are_found_and_named_by_their_words():
    topics = analyse(*asked({"refund": 0.9, "login": 0.1, "parcel": 0.1})).topics
    assert topics.found
    words = {term for topic in topics.found for term in topic.terms}
    assert words & {"refund", "invoice", "payment", "card"}
    assert not words & {"parcel", "courier", "password", "login"}
    for topic in topics.found:
        assert topic.contrast.differs
        assert all(name.startswith("refund") for name in topic.examples)


def test_a_common_topic_that_fails_like_the_rest_is_none():
    topics = analyse(*asked({"refund": 0.5, "login": 0.5, "parcel": 0.5})).topics
    assert (topics.found, topics.why_not) == ((), "")
    assert topics.looked_at > 1


@pytest.mark.parametrize(
    ("shares", "why"),
    [
        ({"refund": 1.0, "login": 1.0}, "every case fails"),
        ({"refund": 0.1, "login": 0.1}, "failures are too few"),
    ],
)
def test_why_no_topic_was_looked_for_is_said(shares, why):
    assert why in analyse(*asked(shares)).topics.why_not


def test_inputs_without_any_common_words_have_no_topics():
    cases = [case(f"c{n}", text=chr(0x4E00 + 7 * n)) for n in range(60)]
    results = [result(one, "x", value=float(n % 2)) for n, one in enumerate(cases)]
    assert analyse(suite(cases), run(results)).topics.why_not == "the inputs share no words"


def test_languages_without_spaces_have_topics_too():
    texts = ("请把发票的钱退还给我的银行卡", "密码重置链接已经失效无法登录账户")
    cases = [case(f"c{n:03d}", text=f"{texts[n % 2]}{n}") for n in range(120)]
    results = [result(one, "x", value=float(n % 2)) for n, one in enumerate(cases)]
    assert analyse(suite(cases), run(results)).topics.found


def test_terms_of_hostile_inputs_are_short_and_visible():
    hostile = "\x1b[31mevil\u202e" + "w" * 300
    cases = [
        case(f"c{n:03d}", text=f"{hostile if n % 2 else 'quiet harmless words'} {n}")
        for n in range(120)
    ]
    results = [result(one, "x", value=float(1 - n % 2)) for n, one in enumerate(cases)]
    for topic in analyse(suite(cases), run(results)).topics.found:
        for term in topic.terms:
            assert term.isprintable()
            assert len(term) <= 30


# --- examples and speed ----------------------------------------------------------------------


def test_examples_are_bounded_the_same_in_any_order_and_not_the_first_of_the_file():
    ids = [f"c{n:04d}" for n in range(500)]
    found = choose_examples(ids)
    assert len(found) == MOST_EXAMPLES
    assert choose_examples(reversed(ids)) == found
    assert set(found) != set(ids[:MOST_EXAMPLES])


def test_ten_thousand_failing_cases_take_seconds():
    draw = random.Random(0)
    words = [f"word{n}" for n in range(3000)]
    cases = [
        case(f"c{n:05d}", " ".join(draw.choices(words, k=30)), " ".join(draw.choices(words, k=20)),
             tags={"kind": f"k{n % 7}"})
        for n in range(11_000)
    ]  # fmt: skip
    results = [
        result(one, " ".join(draw.choices(words, k=40)), value=float(n >= 10_000),
               finish="length" if n % 5 == 0 else "stop")
        for n, one in enumerate(cases)
    ]  # fmt: skip
    made_suite, made_run = suite(cases, slices=("kind",)), run(results)
    began = time.perf_counter()
    found = analyse(made_suite, made_run)
    took = time.perf_counter() - began
    assert found.failed == 10_000
    assert took < 60  # about 5 s on a quiet machine; a square of the cases would take an hour


def test_an_error_is_counted_among_all_cases_and_not_among_what_a_constraint_could_gain():
    one, two = case("c1"), case("c2")
    results = [result(one, None), result(two, "x", "unknown_label")]
    found = analyse(suite([one, two], "label@1"), run(results))
    assert (found.cases, found.failed, found.form_gain) == (2, 2, 1.0)


def test_a_run_of_errors_alone_is_analysed():
    one = case("c1")
    found = analyse(suite([one]), run([result(one, None)]))
    assert (found.counts, found.form_gain, found.form_known) == ({"error": 1}, 0.0, True)


def test_a_repeated_analysis_is_the_same():
    made_suite, made_run = asked({"refund": 0.9, "login": 0.1, "parcel": 0.1})
    first = analyse(made_suite, made_run)
    again = analyse(made_suite, replace(made_run, results=made_run.results[::-1]))
    assert first == again
