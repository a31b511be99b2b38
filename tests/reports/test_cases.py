"""Every case gets the right status, its texts, and an address that never changes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.records import CaseResult, Output, Run, Score
from reports.cases import CasesView, Side, cases_view, safe_anchor
from reports.differences import Piece
from reports.disclosure import EVERYTHING, Disclosure
from reports.html import TEMPLATES, render_html
from reports.stored import NotRun
from tests.reports.hostile import PAYLOADS
from tests.reports.page_reader import PageReader
from tests.reports.partial_jobs import gate_only, leader_sealed_only, nothing_run, small_job
from tuning.records import JobRecord


def with_scores(before: float | None, after: float | None) -> JobRecord:
    """The small job with one sealed case that scored so; None is an error."""
    job = small_job()

    def one(run: Run, value: float | None) -> Run:
        result: CaseResult = run.results[0]
        output = Output(None, "error", error="no") if value is None else Output("text", "stop")
        scores = {} if value is None else {"correct": Score(value)}
        return replace(run, results=(replace(result, output=output, scores=scores),))

    runs = dict(job.runs)
    runs["testbefore"] = one(runs["testbefore"], before)
    runs["testafter"] = one(runs["testafter"], after)
    return replace(job, runs=runs)


def view(job: JobRecord) -> CasesView:
    found = cases_view(job)
    assert not isinstance(found, NotRun)
    return found[0]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (0.0, 1.0, "fixed"),
        (1.0, 0.0, "broken"),
        (0.0, 0.0, "still_wrong"),
        (1.0, 1.0, "still_right"),
        (0.2, 0.6, "fixed"),
        (0.6, 0.2, "broken"),
        (0.6, 0.6, "still_wrong"),
        (None, 1.0, "error"),
        (0.0, None, "error"),
        (None, None, "error"),
    ],
)
def test_status_is_what_became_of_the_case(
    before: float | None, after: float | None, status: str
) -> None:
    assert [case.status for case in view(with_scores(before, after)).cases] == [status]


def test_counts_agree_with_the_cases_and_with_wins_and_losses() -> None:
    job = small_job()
    found = view(job)
    counts = {s.status: s.count for s in found.statuses}
    assert sum(counts.values()) == len(found.cases) == 24
    assert job.shipping is not None
    assert (counts["fixed"], counts.get("broken", 0)) == (job.shipping.wins, job.shipping.losses)


def test_cases_that_changed_for_the_worse_come_first() -> None:
    order = [case.status for case in view(small_job()).cases]
    ranks = ["broken", "error", "fixed", "still_wrong", "still_right"]
    assert [ranks.index(status) for status in order] == sorted(ranks.index(s) for s in order)


def test_a_case_that_changed_between_the_runs_is_not_compared() -> None:
    job = with_scores(0.0, 1.0)
    old = job.runs["testbefore"]
    changed = replace(old.results[0], case_fingerprint="another")
    runs = {**job.runs, "testbefore": replace(old, results=(changed,))}
    assert view(replace(job, runs=runs)).cases == ()


def test_without_a_sealed_pair_one_run_is_shown_alone() -> None:
    assert view(leader_sealed_only()).heading == "Sealed cases of spec + 4 nearest"
    dev = view(gate_only())
    assert dev.heading == "Dev cases of spec + 4 nearest"
    assert {case.status for case in dev.cases} <= {"right", "wrong", "error"}
    assert isinstance(cases_view(nothing_run()), NotRun)


def names(job: JobRecord, told: Disclosure) -> list[tuple[str, int, bool]]:
    """Of each set its name, how many outputs a case has, and whether texts are left out."""
    found = cases_view(job, told)
    assert not isinstance(found, NotRun)
    return [(one.name, len(one.sides), bool(one.note)) for one in found]


def test_the_adapter_is_read_on_dev_where_sealed_texts_stay_sealed() -> None:
    job = small_job()
    assert names(job, Disclosure()) == [("dev", 2, False), ("sealed", 2, True)]
    assert names(job, EVERYTHING) == [("sealed", 2, False), ("dev", 2, False)]
    assert names(job, Disclosure(texts=False)) == [("sealed", 2, True), ("dev", 2, True)]
    assert names(replace(job, adapter_dev=None), Disclosure())[0] == ("dev", 1, False)
    assert names(gate_only(), Disclosure()) == [("dev", 1, False)]


def test_outputs_that_differ_in_white_space_only_are_said_to() -> None:
    job = with_scores(1.0, 1.0)
    runs = dict(job.runs)
    for run_id, text in (("testbefore", "a  b"), ("testafter", "a b")):
        result = replace(runs[run_id].results[0], output=Output(text, "stop"))
        runs[run_id] = replace(runs[run_id], results=(result,))
    assert "white space" in view(replace(job, runs=runs)).cases[0].note


def test_an_output_that_lacks_marks_is_held_against_what_was_expected() -> None:
    job = with_scores(0.0, 1.0)
    first = next(iter(job.runs["testbefore"].results))
    wanted = job.cases[first.case_fingerprint].wanted
    said = replace(first, output=Output(f"surely {wanted}", "stop"))
    runs = {**job.runs, "testbefore": replace(job.runs["testbefore"], results=(said,))}
    [case] = view(replace(job, runs=runs)).cases
    [old, new] = case.sides
    assert old.against is not None
    assert "".join(piece.text for piece in old.against.before) == wanted
    assert {piece.part for piece in old.against.before} == {"same"}
    assert [piece.text.strip() for piece in old.against.after if piece.part == "added"] == [
        "surely"
    ]
    assert new.against is None, "full marks lack nothing"
    quiet = cases_view(replace(job, runs=runs), Disclosure(texts=False))
    assert not isinstance(quiet, NotRun)
    assert all(side.against is None for each in quiet for one in each.cases for side in one.sides)


def held_against(expected: str | None, said: str) -> Side:
    """The side of a failing output of a case with this expectation."""
    job = with_scores(0.0, 1.0)
    before = job.runs["testbefore"]
    first = before.results[0]
    case = replace(job.cases[first.case_fingerprint], expected=expected, answer=expected or "")
    wrong = replace(before, results=(replace(first, output=Output(said, "stop")),))
    runs, cases = {**job.runs, "testbefore": wrong}, {first.case_fingerprint: case}
    return view(replace(job, runs=runs, cases=cases)).cases[0].sides[0]


def changed(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces if piece.part != "same").strip()


def test_where_nothing_was_expected_nothing_is_held_against_it() -> None:
    assert held_against(None, "null or so").against is None


@pytest.mark.parametrize("begun", ["", "Well, here they are, as asked for: "])
@pytest.mark.parametrize("ending", ["\r\n", " "])
def test_a_long_answer_is_not_said_to_lack_what_stands_behind_its_cut(
    begun: str, ending: str
) -> None:
    wanted = ending.join(f"row {place}" for place in range(800))
    against = held_against(wanted, f"{begun}{wanted}{ending}extra").against
    assert against is not None
    assert changed(against.before) == ""
    assert changed(against.after) == begun.strip()


def test_the_gist_of_a_conversation_is_what_was_said_last() -> None:
    job = with_scores(1.0, 1.0)
    [print_] = {r.case_fingerprint for r in job.runs["testafter"].results}
    talk = [{"customer": "Hello."}, {"customer": "Is it safe?", "pip": "Hm."}]
    case = replace(job.cases[print_], input={"talk": talk, "shop": "north", "open": True, "n": []})
    told = view(replace(job, cases={**job.cases, print_: case}))
    assert told.cases[0].summary == "… Is it safe? · Hm. · north · true"
    for asked, gist in (
        ({"talk": [], "n": []}, "[] · []"),
        ({"a": {}, "b": None, "c": " ", "d": 0}, "0"),
        (
            {
                "chat": [
                    {"role": "user", "content": "Hm?"},
                    {"role": "assistant", "content": "Yes."},
                    {"role": "assistant", "content": ""},
                ]
            },
            "… Yes.",
        ),
    ):
        case = replace(case, input=asked)
        assert view(replace(job, cases={**job.cases, print_: case})).cases[0].summary == gist


def with_output(output: Output) -> JobRecord:
    job = with_scores(1.0, 1.0)
    run = job.runs["testafter"]
    result = replace(run.results[0], output=output)
    return replace(job, runs={**job.runs, "testafter": replace(run, results=(result,))})


def test_votes_and_thoughts_stand_behind_the_answer() -> None:
    output = Output("a", "stop", full="Hm.\nAnswer: a", ballots=("b", "a", None, "A", ""))
    before, after = view(with_output(output)).cases[0].sides
    assert (before.full, before.votes) == (None, None)
    assert after.full is not None
    assert after.full.text == output.full
    assert after.votes is not None
    assert after.votes.gist == "5 votes: 2x a, 1x b, 1x no answer, 1 error"
    assert [(often, text.text) for often, text in after.votes.answers] == [
        ("2×", "a"),
        ("1×", "b"),
        ("1×", "(empty)"),
    ]


@pytest.mark.parametrize("payload", PAYLOADS[:-2:4])
def test_hostile_votes_and_thoughts_are_folded_and_stay_text(payload: str) -> None:
    page = render_html(
        with_output(Output("a", "stop", full=payload, ballots=(payload, "b"))), EVERYTHING
    )
    tame = render_html(
        with_output(Output("a", "stop", full="tame", ballots=("tame", "b"))), EVERYTHING
    )
    reader, allowed = PageReader(page), PageReader(tame)
    assert allowed.tags["details"] > 2
    assert reader.tags == allowed.tags
    assert reader.attributes <= allowed.attributes


def test_a_plain_id_is_its_own_address() -> None:
    assert safe_anchor("test-001_b") == "case-test-001_b"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_an_address_is_always_safe(case_id: str) -> None:
    assert re.fullmatch(r"case-[A-Za-z0-9_.-]+", safe_anchor(case_id))


@given(st.sets(st.text(alphabet=st.sampled_from("ab-_.\u00e9 /A"), max_size=6), min_size=2))
def test_different_ids_have_different_addresses(ids: set[str]) -> None:
    assert len({safe_anchor(one) for one in ids}) == len(ids)


def test_no_address_is_an_id_of_the_page_itself() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.j2"))
    taken = set(re.findall(r'id="(case-[\w-]+)"', templates))
    assert "case-data" in taken
    assert not taken & {safe_anchor(name.removeprefix("case-")) for name in taken}
