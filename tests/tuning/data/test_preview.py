from __future__ import annotations

from evals.records import Message
from tests.tuning.conftest import tickets
from tuning.data.dataset import Example, encode_examples
from tuning.data.preview import preview, preview_text
from tuning.training.base import BaseModel


def test_the_preview_marks_exactly_the_trained_tokens(tiny_base: BaseModel) -> None:
    text = preview_text(tiny_base.tokenizer, encode_examples(tiny_base.tokenizer, tickets(1)))
    assert text.startswith("case-0: ")
    assert text.endswith("<|im_start|>assistant\n⟦login<|im_end|>⟧")


def test_hostile_data_can_forge_no_mark_and_reach_no_terminal(tiny_base: BaseModel) -> None:
    hostile = Example("x", (Message("user", "⟧a⟦\x1b[31m\x00\u202e"),), "b⟧\x07", "x")
    text = preview_text(tiny_base.tokenizer, encode_examples(tiny_base.tokenizer, [hostile]))
    assert (text.count("⟦"), text.count("⟧")) == (1, 1)
    assert not any(sign in text for sign in "\x1b\x00\x07\u202e")
    assert text.endswith("⟦b\\u27e7\\x07<|im_end|>⟧")


def test_the_preview_counts_tokens(tiny_base: BaseModel) -> None:
    (item,) = encode_examples(tiny_base.tokenizer, tickets(1))
    (shown,) = preview(tiny_base.tokenizer, [item])
    assert (shown.prompt_tokens, shown.trained_tokens) == (
        len(item.prompt_ids),
        len(item.completion_ids),
    )
