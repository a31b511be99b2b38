from __future__ import annotations

from evals.records import Message
from tests.tuning.conftest import tickets
from tuning.data.dataset import Example, encode_examples
from tuning.data.fitting import fit
from tuning.training.base import BaseModel

LONG = Example(
    "long.jsonl:4",
    (Message("user", "word " * 300),),
    "billing",
    "long.jsonl:4",
    where="data/long.jsonl:4",
)


def test_the_rows_that_are_cut_are_named_and_none_of_the_others_changes(
    tiny_base: BaseModel,
) -> None:
    fitted = fit(tiny_base.tokenizer, (*tickets(3), LONG), 200, "truncate")
    assert fitted.examples[:3] == tickets(3)
    assert fitted.examples[3].answer == LONG.answer
    assert " [...] " in fitted.examples[3].messages[0].content
    assert max(item.tokens for item in fitted.encoded) <= 200
    assert fitted.encoded == encode_examples(tiny_base.tokenizer, fitted.examples)
    assert fitted.truncated == ("long.jsonl:4",)
    (found,) = fitted.findings
    assert (found.level, found.code) == ("warning", "truncated")
    assert found.rows == ("long.jsonl:4 (data/long.jsonl:4)",)
    assert "1 prompt" in found.message
    assert found.rows[0] in found.message


def test_nothing_is_cut_unless_that_is_chosen(tiny_base: BaseModel) -> None:
    for chosen in ("refuse", "leave_out"):
        fitted = fit(tiny_base.tokenizer, (*tickets(3), LONG), 200, chosen)  # type: ignore[arg-type]
        assert fitted.examples == (*tickets(3), LONG)
        assert fitted.findings == ()


def test_rows_that_the_models_template_refuses_are_named_and_in_no_training(
    tiny_base: BaseModel,
) -> None:
    import copy

    picky = copy.deepcopy(tiny_base.tokenizer)
    picky.chat_template = (
        "{% if messages[0]['content'] == 'no' %}{{ raise_exception('not so') }}{% endif %}"
        + str(picky.chat_template)
    )
    bad = Example("x.jsonl:2", (Message("user", "no"),), "a", "x", where="x.jsonl:2")
    fitted = fit(picky, (tickets(2)[0], bad, tickets(2)[1]), 200, "refuse")
    assert fitted.examples == tickets(2)
    assert len(fitted.encoded) == 2
    assert fitted.refused == (bad,)
    (found,) = fitted.findings
    assert (found.level, found.code) == ("error", "refused_by_template")
    assert found.rows == ("x.jsonl:2",)
    assert "not so" in found.message
