"""The query assistant: its language, its scorer, and the honesty of its cases."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.records import SPLITS, Case, Output, Score
from evals.suite.duplicates import find_duplicates
from evals.suite.load import load_suite
from evals.suite.templates import compile_prompt
from tests.suites.ebb_queries import (
    SUITE,
    make_cases,
    meaning,
    parser,
    queries,
    scorers,
    tokens,
    tree,
    wording,
)


def _case(expected: str) -> Case:
    return Case("c", {"text": "?"}, expected, expected, "dev")


def _score(expected: str, answer: str | None) -> Score:
    score: Score = scorers.score_query(_case(expected), Output(answer, "stop"))
    return score


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_suite(SUITE).cases


# --- the language -----------------------------------------------------------------------------


@given(queries())
@settings(max_examples=300, deadline=None)
def test_reading_what_was_written_gives_the_same_query(query: Any) -> None:
    written = tree.format_query(query)
    if len(written) <= tokens.MAX_CHARS:
        assert parser.parse(written) == query
        assert meaning.differences(query, parser.parse(written)) == []


@given(queries(), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_stages_conditions_and_groups_means_nothing(query: Any, random: Any) -> None:
    def shuffled(condition: Any) -> Any:
        if not isinstance(condition, tree.AllOf | tree.AnyOf):
            return condition
        parts = [shuffled(part) for part in condition.parts]
        random.shuffle(parts)
        return type(condition)(tuple(parts))

    other = tree.Query(
        query.calcs,
        query.columns[::-1],
        shuffled(query.condition),
        query.per[::-1],
        query.rank,
        query.window,
    )
    assert meaning.differences(query, other) == []


EQUIVALENT = [
    ("count | if service=cart and status=500 | @2h", "count | @2h | if status=500 and svc=cart"),
    ("count | @1h", "count"),
    ("count | @1h", "COUNT | @60m"),
    ("count | @1d", "count | @24h"),
    ("count | @1w", "count | @7d"),
    ("count | @mar10", "count | @mar10..mar10"),
    ("count | per pod | @1h", "count | by pod | high 50 count | @1h"),
    ("count | per pod | high 5 | @1h", "count | per pod | top 5 count | @1h"),
    ("count | @1h", "count | high 3 | @1h"),
    ("duration_ms.p50 | @1h", "dur.median | @1h"),
    ("count | if region=[a, b] | @1h", "count | if region=b or region=a | @1h"),
    ("count | if region!=[a, b] | @1h", "count | if region!=b and region!=a | @1h"),
    ("count | if status=5xx | @1h", "count | if status>=500 | @1h"),
    ("count | if status=5xx | @1h", "count | if status>499 and status<600 | @1h"),
    ("count | if status=[4xx, 5xx] | @1h", "count | if status>=400 | @1h"),
    (
        "count | if status=4xx and status!=404 | @1h",
        "count | if status!=404 and status>=400 and status<500 | @1h",
    ),
    ("count | if duration_ms>2000 | @1h", "count | if duration_ms>2s | @1h"),
    ("count | if bytes_out>1mb | @1h", "count | if bytes_out>1000000 | @1h"),
    ("count | if cache_hit=no | @1h", "count | if cache_hit!=true | @1h"),
    ("count | if region=eu-west | @1h", 'count | where region == "EU-West" | @1h'),
    ("count | if error~timeout | @1h", "count | if +error and error~timeout | @1h"),
    ("count | if +error | @1h", "count | if ((+error)) & +error | @1h"),
    (
        "count | if service=a and (+error or status=404) | @1h",
        "count | if (service=a and +error) or (service=a and status=404) | @1h",
    ),
    ("count, rpm | per pod | @1h", "rpm, count | per pod | high count | @1h"),
    ("rows pod, status | high 10 | @1h", "rows status, pod | high 10 | @1h"),
    ("count | @1h", "```\ncount | @1h\n```"),
    ("count | @1h", "  `count | @1h`\n"),
]


@pytest.mark.parametrize(("expected", "answer"), EQUIVALENT)
def test_equivalent_queries_score_full_both_ways(expected: str, answer: str) -> None:
    assert _score(expected, answer) == Score(1.0)
    if "`" not in answer:
        assert _score(answer, expected) == Score(1.0)


DIFFERENT = [
    ("count | @1h", "rpm | @1h", "calculations"),
    ("count | @1h", "count | @2h", "time"),
    ("count | @1d", "count | @today", "time"),
    ("count | @3h..2h", "count | @3h", "time"),
    ("count | per pod | @1h", "count | per region | @1h", "breakdown"),
    ("count | per pod | high 5 | @1h", "count | per pod | low 5 | @1h", "order"),
    ("count | per pod | high 5 | @1h", "count | per pod | @1h", "limit"),
    ("count, rpm | per pod | @1h", "rpm, count | per pod | @1h", "order"),
    ("rows pod | high 5 | @1h", "rows pod | high 5 duration_ms | @1h", "order"),
    ("rows pod | @1h", "rows | @1h", "row columns"),
    ("rows pod | @1h", "count | per pod | @1h", "calculations"),
    ("count | if +error | @1h", "count | @1h", "filter"),
    ("count | if +error | @1h", "count | if -error | @1h", "filter"),
    ("count | if service=a | @1h", "count | if service!=a | @1h", "filter"),
    ("count | if service=a | @1h", "count | if service~a | @1h", "filter"),
    ("count | if service=a | @1h", "count | if service^a | @1h", "filter"),
    ("count | if duration_ms>500 | @1h", "count | if duration_ms>=500 | @1h", "filter"),
    ("count | if duration_ms>500 | @1h", "count | if duration_ms>500s | @1h", "filter"),
    ("count | if status=500 | @1h", "count | if status=5xx | @1h", "filter"),
    ("count | if region=[a, b] | @1h", "count | if region=a and region=b | @1h", "filter"),
    ("count | if region!=[a, b] | @1h", "count | if region!=a or region!=b | @1h", "filter"),
    (
        "count | if service=a and (+error or status=404) | @1h",
        "count | if service=a and +error or status=404 | @1h",
        "filter",
    ),
]


@pytest.mark.parametrize(("expected", "answer", "clause"), DIFFERENT)
def test_different_queries_score_zero_and_name_the_clause(
    expected: str, answer: str, clause: str
) -> None:
    score = _score(expected, answer)
    assert (score.value, score.kind) == (0.0, "wrong_query")
    assert f"{clause}: want" in score.reason


UNREADABLE = [
    ("", 1),
    ("Sure, count | @1h", 1),
    ("count | @1h Hope that helps", 13),
    ("p95(duration_ms) | @1h", 1),
    ("SELECT count FROM requests", 1),
    ("region.p95 | @1h", 1),
    ("count | if latency>5 | @1h", 12),
    ("count | if region>5 | @1h", 18),
    ("count | if status=5x | @1h", 19),
    ("count | if duration_ms>fast | @1h", 24),
    ("count | if service= | @1h", 21),
    ("count | if (service=a | @1h", 23),
    ("count | if region=[a, b | @1h", 25),
    ("count | per pod | per pod | @1h", 19),
    ("count | @2h..3h", 10),
    ("count | @feb30", 10),
    ("count | @0h", 10),
    ("count | per pod | high 0 | @1h", 24),
    ("count | if error~'x' | @1h", 18),
    ("rows pod | per pod | @1h", 12),
    ("count\x00 | @1h", 6),
    ("count | if region=\ud800 | @1h", 19),
    ("``count | @1h``", 1),
]


@pytest.mark.parametrize(("answer", "position"), UNREADABLE)
def test_what_is_no_query_is_a_grammar_error_with_its_place(answer: str, position: int) -> None:
    score = _score("count | @1h", answer)
    assert (score.value, score.kind) == (0.0, "grammar")
    assert score.reason.startswith(f"at character {position}: expected ")
    assert scorers.score_grammar(_case("count"), Output(answer, "stop")).kind == "grammar"


@pytest.mark.parametrize(
    "answer",
    [
        "count | if " + "(" * 1900,
        "count | if " + "(" * 500 + "+error" + ")" * 500 + " | @1h",
        "count | if " + " and ".join(["(status=500 or +error)"] * 80),
        "count | if " + " or ".join(f"pod=p{i} and -error" for i in range(80)),
        "count, " * 280 + "count",
        "count | if pod=[" + ",".join("abcdefg"[i % 7] for i in range(900)) + "]",
        "count | if duration_ms>" + "9" * 1900,
        "`" * 1_000_000,
        "```\n" * 200_000,
        "count " + "\n" * 1_000_000 + "| @1h",
        '"' * 1900,
    ],
)
def test_hostile_text_is_judged_at_once(answer: str) -> None:
    start = time.perf_counter()
    assert _score("count | if +error and (pod=a or pod~b) | @1h", answer).value == 0.0
    assert time.perf_counter() - start < 1.0


@given(st.text(max_size=200) | st.text(alphabet='count|if per@1h()[],=~^+-"`. ', max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_the_scorer_raise(text: str) -> None:
    assert _score("count | @1h", text).value in {0.0, 1.0}


def test_an_unreadable_expectation_is_the_cases_fault() -> None:
    with pytest.raises(tokens.QueryError, match="at character 1"):
        _score("nonsense", "count | @1h")


# --- the cases --------------------------------------------------------------------------------


def test_every_expectation_scores_full_against_itself(cases: tuple[Case, ...]) -> None:
    assert {case.id for case in cases if _score(case.expected, case.answer).value != 1.0} == set()


def test_an_answer_to_another_question_scores_only_where_the_meaning_is_the_same(
    cases: tuple[Case, ...],
) -> None:
    for case, other in zip(cases, [*cases[1:], cases[0]], strict=True):
        same = meaning.meaning(parser.parse(case.expected)) == meaning.meaning(
            parser.parse(other.expected)
        )
        assert _score(case.expected, other.expected).value == float(same)


def _in_schema_order(condition: Any) -> Iterator[bool]:
    """Conditions stand in the schema's order and lists are sorted, at every level."""
    if isinstance(condition, tree.AllOf | tree.AnyOf):
        columns = list(tree.COLUMNS)
        places = [columns.index(_first_column(part)) for part in condition.parts]
        yield places == sorted(places)
        for part in condition.parts:
            yield from _in_schema_order(part)
    elif isinstance(condition, tree.Compare):
        yield [str(v) for v in condition.values] == sorted(str(v) for v in condition.values)


def _first_column(condition: Any) -> str:
    if isinstance(condition, tree.AllOf | tree.AnyOf):
        return _first_column(condition.parts[0])
    return str(condition.column)


def test_every_expectation_is_written_the_one_canonical_way(cases: tuple[Case, ...]) -> None:
    for case in cases:
        query = parser.parse(case.expected)
        assert tree.format_query(query) == case.expected
        assert all(_in_schema_order(query.condition)), case.expected
        groups = [g for g in query.per if g in tree.COLUMNS]
        assert groups == sorted(groups, key=list(tree.COLUMNS).index)


def test_the_splits_are_as_large_and_as_handwritten_as_the_readme_says(
    cases: tuple[Case, ...],
) -> None:
    counts = Counter((case.split, case.tags["source"]) for case in cases)
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    for split in SPLITS:
        by_hand, made = counts[split, "handwritten"], counts[split, "generated"]
        assert f"| {split} | {made} | {by_hand} | {made + by_hand} |" in readme
    assert sum(n for (_, source), n in counts.items() if source == "handwritten") >= 150


def test_no_question_leaks_repeats_or_contradicts(cases: tuple[Case, ...]) -> None:
    assert find_duplicates(cases) == ()


def test_held_out_phrases_and_values_never_reach_train(cases: tuple[Case, ...]) -> None:
    def held(pools: dict[str, str]) -> list[str]:
        entries = [entry for pool in pools.values() for entry in pool.split("|")]
        return [entry[1:] for entry in entries if entry.startswith("*")]

    made = [case for case in cases if case.tags["source"] == "generated"]
    values, phrases = held(wording.VALUES), held(wording.PHRASES["measures"])
    assert values
    assert phrases

    def used(split: str) -> set[str]:
        queries = " ".join(case.expected for case in made if case.split == split)
        texts = " ".join(case.input["text"] for case in made if case.split == split)
        return {v for v in values if f"={v} " in queries} | {p for p in phrases if p in texts}

    assert used("train") == set()
    assert used("dev")
    assert used("test")


def test_the_generator_withholds_what_only_people_ask(cases: tuple[Case, ...]) -> None:
    withheld: dict[str, Callable[[str], bool]] = {
        "or": lambda q: " or " in q and "(" not in q,
        "or in parentheses": lambda q: "(" in q,
        "span in the past": lambda q: q.rpartition("@")[2][0].isdigit() and ".." in q,
        "does not contain": lambda q: "!~" in q,
        "does not start with": lambda q: "!^" in q,
        "not in": lambda q: "!=[" in q,
        "anonymous": lambda q: "-user_id" in q,
        "minimum": lambda q: ".min" in q,
        "every column": lambda q: q.startswith("rows |"),
        "bucket and column": lambda q: re.search(r"per [0-9]+[mhd], ", q) is not None,
        "ranking by a later calculation": lambda q: isinstance(_key_of(q), tree.Calc),
        "ranking by a group": lambda q: isinstance(_key_of(q), str),
        "two bounds": lambda q: re.search(r"(\w+)>=?\w+ and \1<", q) is not None,
    }
    for name, shows in withheld.items():
        by = Counter((c.split, c.tags["source"]) for c in cases if shows(c.expected))
        assert sum(n for (_, source), n in by.items() if source == "generated") == 0, name
        assert by["test", "handwritten"] >= 1, name
        assert by["train", "handwritten"] >= 5, f"{name}: fewer than the README says"


def _key_of(text: str) -> Any:
    """What the groups of a query are ranked by, where it says so."""
    query = parser.parse(text)
    return query.rank.key if query.calcs else None


def test_every_example_in_a_prompt_is_a_query_and_nobodys_case(cases: tuple[Case, ...]) -> None:
    source = (SUITE / "prompts" / "spec_examples.j2").read_text(encoding="utf-8")
    examples = [line.split(" -> ") for line in source.splitlines() if " -> " in line]
    assert len(examples) >= 5
    questions = {case.input["text"].lower() for case in cases}
    for question, rest in examples:
        query = rest.partition("{%")[0]
        assert tree.format_query(parser.parse(query)) == query
        assert question.lower() not in questions


def test_prompts_share_their_beginning_and_end_with_the_question(cases: tuple[Case, ...]) -> None:
    for prompt in load_suite(SUITE).prompts.values():
        template = compile_prompt(prompt)
        one, two = (template.render(input=case.input, demos=cases[5:7]) for case in cases[:2])
        assert one[:-1] == two[:-1]
        assert [m.role for m in one] == ["system", *["user", "assistant"] * 2, "user"]
        assert one[2].content == cases[5].answer
        assert one[-1].content == cases[0].input["text"]


def test_handwritten_lines_each_hold_a_split_a_text_and_a_query() -> None:
    lines = (SUITE / "handwritten.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert all(set(row) == {"split", "text", "expected"} for row in rows)
    assert len({row["text"] for row in rows}) == len(rows)


TAGS = [
    ("count | @1h", "number", "0"),
    ("count | if error~dns and region!=[a, b] | @1h", "number", "2"),
    ("duration_ms.p50, duration_ms.p95 | if status=5xx | @1h", "several", "1"),
    ("count, rpm | per 5m | @1h", "breakdown", "0"),
    ("count | if duration_ms>=5 and duration_ms<=9 | per 5m, pod | @1h", "breakdown", "2"),
    ("count | per pod | high 1 | @1h", "ranking", "0"),
    ("count, rpm | if -user_id | per pod | low | @1h", "ranking", "1"),
    ("count | if (region=a and plan=b) or -error | per pod | low pod | @1h", "ranking", "3+"),
    ("rows | @1h", "rows", "0"),
    ("rows pod | if service=a and method=b and +error and plan=c | high 5 | @1h", "rows", "3+"),
]


@pytest.mark.parametrize(("expected", "shape", "conditions"), TAGS)
def test_tags_are_read_off_the_query(expected: str, shape: str, conditions: str) -> None:
    row = make_cases.make_entry("q", "?", expected, "generated").row
    assert row["tags"] == {"source": "generated", "shape": shape, "conditions": conditions}


def test_every_tag_occurs_in_every_split(cases: tuple[Case, ...]) -> None:
    for split in SPLITS:
        found = {(tag, value) for c in cases if c.split == split for tag, value in c.tags.items()}
        shapes = {value for tag, value in found if tag == "shape"}
        assert shapes == {"number", "several", "breakdown", "ranking", "rows"}
        assert {value for tag, value in found if tag == "conditions"} == {"0", "1", "2", "3+"}


def _handwritten(path: Path, *lines: tuple[str, str, str]) -> Path:
    rows = [dict(zip(("split", "text", "expected"), line, strict=True)) for line in lines]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("judge", ["dev", "test"])
def test_a_handwritten_train_question_near_one_that_judges_is_refused(
    judge: str, tmp_path: Path
) -> None:
    mine = ("train", "p95 on checkout by pod, last 2h", "duration_ms.p95 | per pod | @2h")
    near = (judge, "p95 on checkout by pod, last 3h?", "duration_ms.p95 | per pod | @3h")
    message = rf"q-train-h001 \('p95 .* too near to q-{judge}-h001 \('p95 .*: reword it"
    with pytest.raises(SystemExit, match=message):
        make_cases.written(_handwritten(tmp_path / "near.jsonl", mine, near))
    apart = (judge, "who sent the most bytes?", "bytes_out.sum | per user_id | high 1 | @1h")
    entries = make_cases.written(_handwritten(tmp_path / "apart.jsonl", mine, apart))
    assert [len(entries[split]) for split in ("train", judge)] == [1, 1]


def test_a_handwritten_query_in_another_spelling_is_refused(tmp_path: Path) -> None:
    path = _handwritten(tmp_path / "spelt.jsonl", ("dev", "how many?", "count | @60m"))
    with pytest.raises(SystemExit, match=r"'how many\?': write count \| @1h"):
        make_cases.written(path)
