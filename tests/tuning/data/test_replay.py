from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.models.scripted import ScriptedModel
from evals.models.tokens import stop_ids
from evals.records import Case, Message
from evals.suite import load_suite
from evals.suite.folding import input_text
from evals.suite.shipped import shipped_names
from evals.suite.spec import TuneSpec
from tests.tuning.conftest import MakeTask, tickets
from tuning.data.dataset import Example, encode_examples
from tuning.data.replay import _REQUESTS, replay_count, replay_of, replay_requests
from tuning.training.forward import shared_columns
from tuning.training.objectives.sft import Encoded
from tuning.training.objectives.size_order import size_batched_order
from tuning.training.train import train_adapter


def echo() -> ScriptedModel:
    return ScriptedModel(lambda messages: f"about {messages[-1].content}", identity="echo")


def case(text: str) -> Case:
    return Case("c", {"text": text}, expected="x")


def test_the_answers_are_the_models_own_and_are_asked_for_once(tmp_path: Path) -> None:
    model = echo()
    examples = replay_of(model, [], tmp_path)(5)
    assert len(examples) == 5
    assert all(e.answer == f"about {e.messages[-1].content}" for e in examples)
    calls = model.calls
    assert replay_of(model, [], tmp_path)(5) == examples
    assert model.calls == calls
    (kept,) = tmp_path.iterdir()
    kept.write_text("[1, 2", encoding="utf-8")
    assert replay_of(model, [], tmp_path)(5) == examples


def test_another_model_is_asked_again(tmp_path: Path) -> None:
    replay_of(echo(), [], tmp_path)(3)
    other = ScriptedModel(lambda messages: "no", identity="other")
    assert {e.answer for e in replay_of(other, [], tmp_path)(3)} == {"no"}


def test_where_an_answer_was_cut_off_stopping_is_not_learned(
    make_task: MakeTask, tmp_path: Path
) -> None:
    endless = ScriptedModel(lambda messages: "and so on " * 100, identity="endless")
    examples = replay_of(endless, [], tmp_path)(10)
    assert len(examples) == 10
    tokenizer = make_task().base.tokenizer
    stops = stop_ids(tokenizer)
    cut = encode_examples(tokenizer, examples)
    whole = encode_examples(tokenizer, [replace(e, whole=True) for e in examples])
    assert all(e.completion_ids[-1] not in stops for e in cut)
    assert [(*e.completion_ids, f.completion_ids[-1]) for e, f in zip(cut, whole, strict=True)] == [
        e.completion_ids for e in whole
    ]


def test_no_answer_is_no_example(tmp_path: Path) -> None:
    silent = ScriptedModel(lambda messages: " ", identity="silent")
    assert replay_of(silent, [], tmp_path)(10) == ()


def test_a_request_like_a_judged_case_is_left_out() -> None:
    line = _REQUESTS.read_text(encoding="utf-8").splitlines()[3]
    asked = {request.messages[-1].content for request in replay_requests([])}
    kept = {
        request.messages[-1].content for request in replay_requests([f"Please: {line.upper()}"])
    }
    assert asked - kept == {line}


SUITES = Path(__file__).parents[3] / "suites"


@pytest.mark.parametrize("name", shipped_names(SUITES))
def test_most_requests_are_unlike_the_cases_of_shipped_suites(name: str) -> None:
    judged = [input_text(c) for c in load_suite(SUITES / name).cases]
    assert len(replay_requests(judged)) >= 110


def test_requests_are_distinct_and_some_have_a_system_message() -> None:
    requests = replay_requests([])
    assert len({r.messages[-1].content.casefold() for r in requests}) == len(requests) == 128
    assert {r.messages[0].role for r in requests} == {"system", "user"}


def test_the_share_is_of_the_examples_and_can_be_none() -> None:
    assert replay_count(TuneSpec(), 1500) == 120
    assert replay_count(TuneSpec(replay=0.0), 1500) == 0
    assert replay_count(TuneSpec(replay=0.5), 10) == 5


def general(count: int) -> tuple[Example, ...]:
    return tuple(
        Example(f"replay-{n}", (Message("user", f"what is {n}?"),), f"a number {n}", f"replay-{n}")
        for n in range(count)
    )


def test_replayed_examples_are_trained_on_and_part_of_the_identity(
    make_task: MakeTask, tmp_path: Path
) -> None:
    plain = make_task(epochs=1.0)
    task = replace(plain, replayed=general(6))
    assert task.identity != plain.identity
    assert task.identity != replace(plain, replayed=general(5)).identity
    record = train_adapter(task, tmp_path)
    assert (record.examples, record.replayed) == (36, 6)
    assert max(point.step for point in record.curve) == 7  # (36 + 6) / 6
    assert all(proof.passed for proof in record.proofs if proof.name != "loss")


def test_batches_keep_examples_without_the_prefix_together() -> None:
    sizes = [(n % 4 == 0, 10 + n % 7) for n in range(64)]
    order = size_batched_order(sizes, 8, "0")
    mixed = [{sizes[i][0] for i in order[start : start + 8]} for start in range(0, len(order), 8)]
    assert sum(len(kinds) == 2 for kinds in mixed) <= 1


def test_shared_columns_stop_before_the_last_token_that_predicts_a_label() -> None:
    import torch

    ids = torch.tensor([[1, 2, 3, 7, 8], [1, 2, 3, 9, 4]])
    labels = torch.tensor([[-100, -100, -100, 7, 8], [-100, -100, -100, -100, 4]])
    batch = {"input_ids": ids, "labels": labels}
    assert shared_columns(batch, 5) == 2  # column 2 predicts the first row's label in column 3
    assert shared_columns(batch, 1) == 1
    ids[1, 1] = 5
    assert shared_columns(batch, 5) == 1


def test_tickets_share_what_they_begin_with(make_task: MakeTask) -> None:

    task = make_task()
    encoded = encode_examples(task.base.tokenizer, tickets(6))
    other = encode_examples(task.base.tokenizer, general(2))
    prefix = Encoded(encoded, other, ()).prefix
    assert len(prefix) > 4
    assert all(e.prompt_ids[: len(prefix)] == prefix for e in encoded)
    assert not any(e.prompt_ids[: len(prefix)] == prefix for e in other)
