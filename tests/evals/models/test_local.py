from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.errors import InfrastructureError
from evals.models import open_model
from evals.models.local import LocalModel
from evals.records import Decoding, Message, Output, Request
from tests.evals.models.reference import greedy, load_plain, option_logprob
from tests.tiny_model import make_tiny_model

SYSTEM = "answer with one of billing login other " * 3
WORDS = ["charged", "twice", "reset", "link", "dead", "please", "route", "quick", "fox", "7", "é"]


def ask(text: str, *choices: str, system: str = SYSTEM) -> Request:
    return Request((Message("system", system), Message("user", text)), choices)


def questions(count: int) -> list[Request]:
    return [ask(" ".join(WORDS[(n * k) % 11] for k in range(1, 2 + n % 7))) for n in range(count)]


def run_all(model: LocalModel, requests: Sequence[Request], decoding: Decoding) -> list[Output]:
    outputs: dict[int, Output] = {}
    for batch in model.plan(requests, decoding):
        outputs.update(zip(batch.indices, model.run(batch), strict=True))
    assert sorted(outputs) == list(range(len(requests)))
    return [replace(outputs[n], seconds=0.0) for n in range(len(requests))]


def close(a: Output, b: Output) -> bool:
    return replace(a, logprobs=()) == replace(b, logprobs=()) and a.logprobs == pytest.approx(
        b.logprobs, abs=1e-3
    )


def test_a_llama_model_is_run_packed(tiny: LocalModel) -> None:
    assert tiny.backend.version == "packed@2"


def test_greedy_answers_are_those_of_plain_transformers(
    tiny: LocalModel, tiny_folder: Path
) -> None:
    requests = questions(20)
    decoding = Decoding(max_tokens=16)
    outputs = run_all(tiny, requests, decoding)
    plain = load_plain(tiny_folder)
    for request, output in zip(requests, outputs, strict=True):
        expected = greedy(plain, tiny.encode(request), 16, sorted(tiny.stops))
        assert output.text == tiny.tokenizer.decode(expected)


def test_a_plan_computes_its_shared_prefix_once(tiny: LocalModel) -> None:
    requests = questions(12)
    batches = tiny.plan(requests, Decoding(max_tokens=4))
    prefix = batches[0].prefix_tokens
    prompts = [tiny.encode(request) for request in requests]
    assert prefix > 20
    assert len({tuple(prompt[:prefix]) for prompt in prompts}) == 1
    assert len({tuple(prompt[: prefix + 1]) for prompt in prompts}) > 1


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join),
        min_size=2,
        max_size=7,
    ),
    seed=st.randoms(use_true_random=False),
)
def test_a_request_gets_the_same_answer_in_any_order_batched_or_alone(
    tiny: LocalModel, texts: list[str], seed: random.Random
) -> None:
    requests = [ask(text) for text in texts] + [ask(texts[0], "billing", "log in", "other")]
    decoding = Decoding(max_tokens=12)
    together = run_all(tiny, requests, decoding)
    alone = [run_all(tiny, [request], decoding)[0] for request in requests]
    order = list(range(len(requests)))
    seed.shuffle(order)
    shuffled = run_all(tiny, [requests[n] for n in order], decoding)
    for n, output in enumerate(together):
        assert close(output, alone[n])
        assert close(output, shuffled[order.index(n)])


def test_rows_that_finish_early_leave_without_changing_the_others(tiny: LocalModel) -> None:
    requests = questions(16)
    long = run_all(tiny, requests, Decoding(max_tokens=40))
    # Stop on a letter that only some answers contain: rows then leave at different steps.
    letter = next(c for c in "etaoinsr" if 0 < sum(c in (o.text or "") for o in long) < 16)
    cut = run_all(tiny, requests, Decoding(max_tokens=40, stop=(letter,)))
    for whole, output in zip(long, cut, strict=True):
        assert whole.text is not None
        assert output.text == whole.text.split(letter)[0]
    assert {output.finish_reason for output in cut} >= {"stop", "length"}


def test_decoding_grows_beyond_the_room_that_rows_start_with(
    tiny: LocalModel, tiny_folder: Path
) -> None:
    request = ask("fox " * 4)
    output = run_all(tiny, [request, ask("dog")], Decoding(max_tokens=150))[0]
    expected = greedy(load_plain(tiny_folder), tiny.encode(request), 150, sorted(tiny.stops))
    assert len(expected) > 70
    assert output.text == tiny.tokenizer.decode(expected)


def test_max_tokens_ends_an_answer_with_reason_length(tiny: LocalModel) -> None:
    output = run_all(tiny, [ask("quick fox")], Decoding(max_tokens=3))[0]
    assert (output.finish_reason, output.completion_tokens) == ("length", 3)


def test_the_prefix_cache_is_not_changed_by_decoding(tiny: LocalModel) -> None:
    requests = questions(6)
    decoding = Decoding(max_tokens=10)
    first = run_all(tiny, requests, decoding)
    assert run_all(tiny, requests, decoding) == first
    assert len(tiny.backend.passes._prefixes) == 1


def test_option_logprobs_are_those_of_full_passes(tiny: LocalModel, tiny_folder: Path) -> None:
    requests = [
        ask("charged twice", "billing", "login please", "o"),
        ask("reset link", "a", "bb", "the lazy dog jumps", "dd", "quick"),
        ask("fox"),
    ]
    outputs = run_all(tiny, requests, Decoding(max_tokens=4))
    plain = load_plain(tiny_folder)
    for request, output in zip(requests[:2], outputs[:2], strict=True):
        expected = [
            option_logprob(plain, tiny.encode(request), tiny.tokenizer(option)["input_ids"])
            for option in request.choices
        ]
        assert output.logprobs == pytest.approx(expected, abs=1e-3)
        assert output.text == request.choices[expected.index(max(expected))]
        assert output.finish_reason == "choice"
    assert outputs[2].finish_reason in {"stop", "length"}


def test_an_empty_option_is_an_error_and_the_others_are_ranked(tiny: LocalModel) -> None:
    outputs = run_all(tiny, [ask("a", "x", ""), ask("a", "x", "y")], Decoding())
    assert outputs[0].error == "an option is empty"
    assert outputs[1].text in {"x", "y"}


def test_a_request_beyond_the_context_is_an_error_and_is_not_truncated(tiny: LocalModel) -> None:
    requests = [ask("fox"), ask("fox " * 600), ask("dog")]
    outputs = run_all(tiny, requests, Decoding(max_tokens=8))
    assert outputs[1].text is None
    assert "the model's context has 512" in (outputs[1].error or "")
    assert [outputs[n].error for n in (0, 2)] == [None, None]


def test_a_prompt_that_leaves_no_room_for_max_tokens_is_an_error(tiny: LocalModel) -> None:
    output = run_all(tiny, [ask("fox")], Decoding(max_tokens=500))[0]
    assert output.finish_reason == "error"


def test_sampling_depends_on_seed_and_prompt_but_not_on_the_batch(tiny: LocalModel) -> None:
    decoding = Decoding(max_tokens=12, temperature=1.5, top_p=0.9, seed=1)
    requests = questions(5)
    together = run_all(tiny, requests, decoding)
    assert [run_all(tiny, [r], decoding)[0].text for r in requests] == [o.text for o in together]
    other = run_all(tiny, requests, replace(decoding, seed=2))
    assert [o.text for o in other] != [o.text for o in together]


def test_sampling_with_a_tiny_top_p_is_greedy(tiny: LocalModel) -> None:
    requests = questions(4)
    sampled = run_all(tiny, requests, Decoding(max_tokens=8, temperature=1.0, top_p=1e-9))
    assert sampled == run_all(tiny, requests, Decoding(max_tokens=8))


def test_logits_that_are_not_finite_are_errors_of_their_request(tiny: LocalModel) -> None:
    with torch.no_grad():
        tiny.loaded.model.lm_head.weight[7] = float("nan")
    outputs = run_all(tiny, [ask("fox"), ask("fox", "a", "b")], Decoding(max_tokens=4))
    assert ["not finite" in (output.error or "") for output in outputs] == [True, True]


def test_running_out_of_memory_is_an_infrastructure_error(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1")

    monkeypatch.setattr(tiny.backend.passes, "first", fail)
    (batch,) = tiny.plan([ask("fox")], Decoding(max_tokens=4))
    with pytest.raises(InfrastructureError, match="out of memory"):
        tiny.run(batch)


def test_the_fingerprint_holds_weights_and_precision(tiny_folder: Path, tmp_path: Path) -> None:
    name = f"hf:{tiny_folder}"
    prints = [
        open_model(name, precision="float32").fingerprint,
        open_model(name, precision="bfloat16").fingerprint,
        open_model(
            f"hf:{make_tiny_model(tmp_path / 'b', seed=1)}", precision="float32"
        ).fingerprint,
    ]
    assert len(set(prints)) == 3
    again = make_tiny_model(tmp_path / "again")
    assert open_model(f"hf:{again}", precision="float32").fingerprint == prints[0]


def test_bfloat16_runs_and_ranks(tiny_folder: Path) -> None:
    model = open_model(f"hf:{tiny_folder}", precision="bfloat16")
    assert isinstance(model, LocalModel)
    outputs = run_all(model, [*questions(5), ask("fox", "a", "b")], Decoding(max_tokens=6))
    assert [output.error for output in outputs] == [None] * 6


def test_a_model_with_sliding_windows_is_run_plainly_and_rightly(tmp_path: Path) -> None:
    from transformers import MistralConfig, MistralForCausalLM

    folder = make_tiny_model(tmp_path / "m")
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=320,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=8,
        eos_token_id=2,
        pad_token_id=2,
        bos_token_id=1,
    )
    MistralForCausalLM(config).save_pretrained(folder)
    model = open_model(f"hf:{folder}", precision="float32")
    assert isinstance(model, LocalModel)
    assert model.backend.version == "plain@1"
    plain = load_plain(folder)
    requests = [*questions(4), ask("fox", "ab", "the dog")]
    outputs = run_all(model, requests, Decoding(max_tokens=8))
    for request, output in zip(requests[:4], outputs[:4], strict=True):
        expected = greedy(plain, model.encode(request), 8, sorted(model.stops))
        assert output.text == model.tokenizer.decode(expected)
    expected_sums = [
        option_logprob(plain, model.encode(requests[4]), model.tokenizer(option)["input_ids"])
        for option in requests[4].choices
    ]
    assert outputs[4].logprobs == pytest.approx(expected_sums, abs=1e-3)
