from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.approach import Approach, Technique
from evals.errors import NothingRunError, UsageError
from evals.models.scripted import Rule, ScriptedModel
from evals.suite import Suite, load_suite
from tests.facts_suite import write_facts
from tests.sample_suite import TOPICS, ticket, write_suite
from tests.tuning.data.sampled.drawn import Listening, sample
from tuning.data.dataset import answered_case, build_examples
from tuning.data.formats import read_examples
from tuning.data.sampled.asking import draws_of, sampled_candidate
from tuning.data.sampled.drawing import Tuned
from tuning.data.sampled.records import MAX_TIMES, SamplePlan
from tuning.data.sampled.rows import chat_lines

SIZES = {"train": 12, "dev": 6, "test": 6}
LENIENT = """\
metrics:
  accuracy: {scorer: contains@1}
"""


def lenient(folder: Path, **options: Any) -> Suite:
    """The sample suite, whose scorer takes any text that has the label in it."""
    options.setdefault("sizes", SIZES)
    write_suite(folder, extra="", **options)
    manifest = folder / "suite.yaml"
    head, _, tail = manifest.read_text().partition("metrics:\n")
    manifest.write_text(head + LENIENT + tail.partition("\n")[2])
    return load_suite(folder)


def chatty(**more: Any) -> ScriptedModel:
    """Knows billing, in another way at each seed; of login it says what is wrong."""
    rules = [
        Rule(contains=TOPICS["billing"], seed=seed, reply=f"{'So ' * seed}billing it is")
        for seed in range(4)
    ]
    return ScriptedModel(rules, default="no idea", name="scripted:chatty", **more)


def test_kept_answers_become_examples_as_the_adapter_will_be_asked(tmp_path: Path) -> None:
    suite = lenient(tmp_path / "s")
    own = {one.case_id: one for one in build_examples(suite, "terse")}
    found = sample(
        suite, chatty(), tmp_path / "l", SamplePlan(3, keep=2), approach=Approach("nearest", 2)
    )
    assert len(found.kept) == 2 * 4
    for example, origin in found.kept:
        mine = own[origin.case]
        assert example.messages == mine.messages  # no demonstrations
        assert example.group == mine.group
        assert example.where == mine.where
        assert example.source == origin.source == "sampled scripted:chatty"
        assert "billing" in example.answer
        assert example.answer != mine.answer
        assert origin.candidate == "terse + 2 nearest"
        assert (origin.score, origin.metric, origin.drawn) == (1.0, "accuracy", 3)
        assert origin.temperature == 0.8
    ids = [example.case_id for example, _ in found.kept]
    assert len({*ids, *own}) == len(ids) + len(own)
    assert [answered_case(example) for example, _ in found.kept] == [
        origin.case for _, origin in found.kept
    ]
    assert all(answered_case(example) == example.case_id for example in own.values())
    assert [origin.seed for _, origin in found.kept[:2]] == [0, 1]


def test_what_nothing_answered_is_listed(tmp_path: Path) -> None:
    suite = lenient(tmp_path / "s")
    found = sample(suite, chatty(), tmp_path / "l", SamplePlan(2))
    unknown = [case.id for case in suite.split("train") if case.answer != "billing"]
    assert list(found.unsolved) == unknown
    assert (found.drawn, found.right, found.solved) == (24, 8, 4)


def test_answers_of_another_model_are_distilled(tmp_path: Path) -> None:
    found = sample(
        lenient(tmp_path / "s"),
        chatty(),
        tmp_path / "l",
        SamplePlan(1),
        tuned=Tuned("smollm2-135m", "spec"),
    )
    assert {one.example.source for one in found.kept} == {"distilled scripted:chatty"}
    assert {one.provenance.prompt for one in found.kept} == {"spec"}
    assert "Answer with one of" in found.kept[0].example.messages[0].content


def test_the_same_seed_gives_the_same_bytes_and_asks_nothing_again(tmp_path: Path) -> None:
    suite, plan = lenient(tmp_path / "s"), SamplePlan(3, keep=3)
    first, again, elsewhere = chatty(), chatty(), chatty()
    lines = chat_lines(sample(suite, first, tmp_path / "l", plan).kept)
    assert chat_lines(sample(suite, again, tmp_path / "l", plan).kept) == lines
    assert chat_lines(sample(suite, elsewhere, tmp_path / "other", plan).kept) == lines
    assert (first.calls > 0, again.calls, elsewhere.calls) == (True, 0, first.calls)


def test_more_draws_find_those_made_before_and_another_seed_shares_none(tmp_path: Path) -> None:
    suite = lenient(tmp_path / "s")
    candidate = sampled_candidate(suite, chatty(), "terse", Approach())

    def seeds(times: int, seed: int) -> set[int]:
        return {one.decoding.seed for one in draws_of(candidate, SamplePlan(times, seed=seed))}

    assert seeds(4, 0) < seeds(8, 0)
    assert not seeds(8, 0) & seeds(8, 1)
    assert all(0 <= seed < 2**31 for seed in seeds(8, 2**31 - 1))
    few, more = chatty(), chatty()
    sample(suite, few, tmp_path / "l", SamplePlan(2))
    sample(suite, more, tmp_path / "l", SamplePlan(3))
    assert more.calls * 2 == few.calls


def test_votes_are_left_to_the_sampling_and_reasoning_is_taken_off_the_answer(
    tmp_path: Path,
) -> None:
    suite = lenient(tmp_path / "s")
    thinking = ScriptedModel(
        lambda _: "Let me see, login or shipping?\nAnswer: surely billing", identity="thinking"
    )
    technique = Technique(reasoning=True, votes=5, temperature=0.7, max_tokens=64)
    found = sample(
        suite, thinking, tmp_path / "l", SamplePlan(1), approach=Approach(technique=technique)
    )
    assert thinking.calls == 2  # 12 cases in batches of 8, once
    assert {one.example.answer for one in found.kept} == {"surely billing"}
    assert found.candidate.technique.votes == 1
    assert found.candidate.label == "terse + reasoning"
    assert "Think step by step" not in found.kept[0].example.messages[-1].content


@settings(max_examples=15, deadline=None)
@given(
    copies=st.dictionaries(st.integers(0, 11), st.sampled_from(["dev", "test"]), max_size=6),
    k=st.integers(0, 1),
    times=st.integers(1, 3),
)
def test_nothing_of_dev_or_test_is_ever_asked(
    tmp_path_factory: pytest.TempPathFactory,
    copies: dict[int, str],
    k: int,
    times: int,
) -> None:
    """Train cases that read like held-out ones are planted; they are not shown either."""
    folder = tmp_path_factory.mktemp("leaking")

    def change(row: dict[str, Any]) -> dict[str, Any]:
        split, number = row["id"].split("-")
        if split == "train" and int(number) in copies:
            other = ticket(copies[int(number)], int(number) % 6)
            row = row | {"input": {"text": other["input"]["text"].upper() + "!"}}
        return row

    suite = lenient(folder / "s", change=change)
    seen: list[str] = []

    def answer(messages: Any) -> str:
        seen.append("\n".join(message.content for message in messages).casefold())
        return "so billing"

    heard: list[Listening] = []
    model = ScriptedModel(answer, identity="x")
    how = Approach("nearest", k) if k else None
    found = sample(suite, model, folder / "l", SamplePlan(times), approach=how, listen=heard.append)
    assert {(split, own) for split, _, own in heard[0].asked} == {("train", "train")}
    assert len(seen) == times * len(found.cases)
    for case in suite.cases:
        if case.split != "train":
            assert not any(str(case.input["text"]).casefold() in text for text in seen)
    assert sorted(found.left_out) == sorted(f"train-{number:04d}" for number in copies)
    assert not {one.provenance.case for one in found.kept} & set(found.left_out)


def test_cases_that_write_nothing_are_not_asked(tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        return (
            row | {"choices": ["billing", "login"], "expected": "login"}
            if row["id"] == "train-0001"
            else row
        )

    suite = lenient(tmp_path / "s", change=change)
    found = sample(suite, chatty(), tmp_path / "l", SamplePlan(1))
    assert found.left_out == ("train-0001",)


def test_a_suite_without_train_cases_to_ask_is_told_so(tmp_path: Path) -> None:
    suite = lenient(tmp_path / "s")
    bare = replace(suite, cases=tuple(case for case in suite.cases if case.split != "train"))
    with pytest.raises(NothingRunError, match="no train case"):
        sample(bare, chatty(), tmp_path / "l", SamplePlan(1))


def test_rows_are_chat_lines_with_their_origin_and_no_line_is_broken(tmp_path: Path) -> None:
    def change(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"input": {"text": row["input"]["text"] + " \u2028 \x85 über"}}

    suite = lenient(tmp_path / "s", change=change)
    found = sample(suite, chatty(), tmp_path / "l", SamplePlan(2))
    text = chat_lines(found.kept)
    lines = text.splitlines()
    written = tmp_path / "new.jsonl"
    written.write_text(text, encoding="utf-8")
    read = read_examples(written)
    assert [replace(e, where="") for e in read] == [
        replace(k.example, where="") for k in found.kept
    ]
    assert [answered_case(e) for e in read] == [k.provenance.case for k in found.kept]
    assert len(lines) == len(found.kept) > 0
    assert "über" in text
    for line, (example, origin) in zip(lines, found.kept, strict=True):
        row = json.loads(line)
        assert list(row) == ["messages", "tunegate"]
        assert [m["role"] for m in row["messages"]] == ["system", "user", "assistant"]
        assert row["messages"][-1]["content"] == example.answer
        assert row["messages"][1]["content"] == example.messages[1].content
        assert row["tunegate"]["drawn"]["model_fingerprint"] == origin.model_fingerprint


@pytest.mark.parametrize(
    "stated",
    [
        {"times": 0},
        {"times": MAX_TIMES + 1},
        {"times": 1, "temperature": 0.0},
        {"times": 1, "temperature": 2.1},
        {"times": 1, "temperature": float("nan")},
        {"times": 1, "keep": 0},
        {"times": 1, "least": 0.0},
        {"times": 1, "least": 1.01},
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(stated: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        SamplePlan(**stated)


def test_examples_show_the_documents_that_the_adapter_will_be_shown(tmp_path: Path) -> None:
    suite = load_suite(write_facts(tmp_path / "facts"))
    shown = Technique(retrieval="bm25", documents=2)
    model = ScriptedModel(
        {case.input["question"]: case.answer for case in suite.split("train")},
        name="scripted:shop",
    )
    found = sample(
        suite,
        model,
        tmp_path / "l",
        SamplePlan(1, with_own=True),
        tuned=Tuned("other", "terse", shown),
    )
    asked = {one.case_id: one.messages for one in build_examples(suite, "terse", shown)}
    assert len(found.kept) > 5
    for example, origin in found.kept:
        assert example.messages == asked[origin.case]
        assert "Documents:" in example.messages[-1].content
