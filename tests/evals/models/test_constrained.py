"""Answers held to a form, on a tiny model with random weights: whatever it wants to say."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from importlib import metadata
from typing import Any

import jsonschema
import pytest

from evals.errors import MissingExtraError, ModelError
from evals.fingerprint import fingerprint
from evals.models import constrained
from evals.models.constrained import Form, library_version
from evals.models.guidance import Acceptor, fault_of
from evals.models.local import LocalModel
from evals.records import Decoding, Message, Output, Request

TICKET = {
    "type": "object",
    "properties": {
        "team": {"enum": ["billing", "login"]},
        "urgent": {"type": "boolean"},
        "note": {"type": "string", "maxLength": 8},
    },
    "required": ["team", "urgent", "note"],
    "additionalProperties": False,
}
HELD = Decoding(max_tokens=120, schema=TICKET)


def asked(*texts: str, **more: Any) -> list[Request]:
    return [Request((Message("user", text),), **more) for text in texts]


REQUESTS = asked(*(f"ticket {n} " + "please route " * (n % 4) for n in range(9)))


def run_all(model: LocalModel, requests: list[Request], decoding: Decoding) -> list[Output]:
    outputs: dict[int, Output] = {}
    for batch in model.plan(requests, decoding):
        outputs.update(zip(batch.indices, model.run(batch), strict=True))
    return [replace(outputs[n], seconds=0.0) for n in range(len(requests))]


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_every_answer_under_a_schema_is_a_document_of_it(
    tiny: LocalModel, temperature: float
) -> None:
    outputs = run_all(tiny, REQUESTS, replace(HELD, temperature=temperature))
    assert {output.finish_reason for output in outputs} == {"stop"}
    for output in outputs:
        jsonschema.validate(json.loads(output.text or ""), TICKET)
    if temperature:
        assert len({output.text for output in outputs}) > 1


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_who_shares_the_batch_changes_no_constrained_answer(
    tiny: LocalModel, temperature: float
) -> None:
    decoding = replace(HELD, temperature=temperature)
    together = run_all(tiny, REQUESTS, decoding)
    alone = [run_all(tiny, [request], decoding)[0] for request in REQUESTS]
    assert [output.text for output in together] == [output.text for output in alone]


def test_an_answer_ends_where_nothing_can_follow_and_not_before(tiny: LocalModel) -> None:
    outputs = run_all(tiny, REQUESTS, Decoding(max_tokens=40, grammar='root ::= "ab" "c"'))
    assert {(output.text, output.finish_reason) for output in outputs} == {("abc", "stop")}


def test_the_model_may_end_an_answer_only_where_it_is_complete(tiny: LocalModel) -> None:
    decoding = Decoding(max_tokens=60, temperature=1.5, regex="(ab){2,}")
    for output in run_all(tiny, REQUESTS, decoding):
        if output.finish_reason == "stop":
            assert re.fullmatch("(ab){2,}", output.text or "")
        else:
            assert output.completion_tokens == 60


def test_an_answer_that_the_limit_cuts_says_so(tiny: LocalModel) -> None:
    for output in run_all(tiny, REQUESTS, replace(HELD, max_tokens=5)):
        assert (output.finish_reason, output.completion_tokens) == ("length", 5)
        assert (output.text or "").startswith("{")


def test_a_stop_string_that_a_schema_rules_out_changes_nothing(tiny: LocalModel) -> None:
    plain = run_all(tiny, REQUESTS, HELD)
    assert run_all(tiny, REQUESTS, replace(HELD, stop=("\n", "</s>"))) == plain


def test_a_stop_string_within_a_schemas_answer_cuts_it_there(tiny: LocalModel) -> None:
    for output in run_all(tiny, REQUESTS, replace(HELD, stop=("urgent",))):
        assert output.finish_reason == "stop"
        assert (output.text or "").endswith('"')
        assert "urgent" not in (output.text or "")


def test_an_empty_answer_is_one_where_the_structure_allows_it(tiny: LocalModel) -> None:
    outputs = run_all(tiny, REQUESTS[:2], Decoding(max_tokens=8, grammar='root ::= "" | "a"'))
    assert {output.text for output in outputs} <= {"", "a"}
    assert {output.finish_reason for output in outputs} == {"stop"}


def test_every_turn_of_a_conversation_is_held(tiny: LocalModel) -> None:
    (request,) = asked("first", follow_ups=("second",))
    (output,) = run_all(tiny, [request], Decoding(max_tokens=20, grammar='root ::= "yes" | "no"'))
    assert set(output.replies) <= {"yes", "no"}
    assert len(output.replies) == 2


def test_options_are_ranked_as_they_are_without_a_structure(tiny: LocalModel) -> None:
    requests = asked("a or b?", choices=("a", "b"))
    (batch,) = tiny.plan(requests, HELD)
    assert batch.constrained_by == ""
    assert run_all(tiny, requests, HELD) == run_all(tiny, requests, Decoding(max_tokens=120))


def test_answers_without_a_structure_are_what_they_were_before_one_was_used(
    tiny: LocalModel,
) -> None:
    free = Decoding(max_tokens=12, temperature=0.7)
    before = run_all(tiny, REQUESTS, free)
    run_all(tiny, REQUESTS, HELD)
    assert run_all(tiny, REQUESTS, free) == before


def test_work_without_a_structure_keeps_the_identity_it_had(tiny: LocalModel) -> None:
    (batch,) = tiny.plan(REQUESTS[:1], Decoding(max_tokens=12))
    stored = {"max_tokens": 12, "temperature": 0.0, "top_p": 1.0, "seed": 0, "stop": []}
    assert batch.key("model", "") == fingerprint(
        "batch@1", "model", "", batch.requests, stored, batch.prefix_tokens
    )


def test_another_structure_library_or_order_of_keys_is_other_work(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(decoding: Decoding) -> str:
        return tiny.plan(REQUESTS[:1], decoding)[0].key("model", "")

    turned = TICKET | {"properties": dict(reversed(TICKET["properties"].items()))}  # type: ignore[attr-defined]
    keys = {
        key(one)
        for one in (Decoding(max_tokens=120), HELD, replace(HELD, schema=turned, ordered=""))
    }
    monkeypatch.setattr(constrained, "library_version", lambda: "llguidance 99.0")
    keys.add(key(HELD))
    assert len(keys) == 4


def test_without_the_library_one_line_says_what_to_install(
    tiny: LocalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(MissingExtraError) as caught:
        tiny.plan(REQUESTS, HELD)
    assert str(caught.value).count("\n") == 0
    assert "tunegate[structured]" in str(caught.value)
    assert tiny.plan(REQUESTS, Decoding())


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (Form(schema={"not": {"type": "string"}}), "`not` cannot be enforced"),
        (Form(schema={"if": {}, "then": {}}), "`if`, `then` cannot be enforced"),
        (Form(schema={"type": "array", "uniqueItems": True}), "`uniqueItems`"),
        (Form(schema={"type": "string", "format": "weird"}), "Unknown format: weird"),
        (Form(schema={"type": "string", "pattern": "(?=a)b"}), "look-around"),
        (Form(schema={"$ref": "http://127.0.0.1:9/x"}), "Resource 'http://127.0.0.1:9/x'"),
        (Form(schema={"enum": []}), "Unsatisfiable schema"),
        (Form(schema={"oneOf": [{"const": 1}, {"const": 2}]}), "`oneOf` is enforced only of"),
        (Form(regex="(a"), "unclosed group"),
        (Form(regex=r"(.)\1"), "backreferences are not supported"),
        (Form(grammar="root ::= missing"), "'missing' not found"),
        (Form(grammar='root ::= "open'), "not a grammar"),
        (Form(grammar='root ::= "x\\'), "not a grammar"),
        (Form(grammar="root ::= " + "(" * 5000 + '"a"' + ")" * 5000), "nested too deep"),
        (Form(regex="a" * 300_000), "the limit is"),
    ],
)
def test_a_form_that_cannot_be_enforced_is_refused_by_name_before_anything_runs(
    tiny: LocalModel, form: Form, said: str
) -> None:
    fault = fault_of(form, "structure")
    assert fault is not None
    assert said in fault.message
    with pytest.raises(ModelError) as caught:
        tiny.plan(REQUESTS, Decoding(schema=form.schema, grammar=form.grammar, regex=form.regex))
    assert said in caught.value.message
    assert caught.value.key == "structure"
    assert "\n" not in str(caught.value)


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"k": schema}, "required": ["k"]}
    return schema


HOSTILE: dict[str, dict[str, Any]] = {
    "a huge enum": {"enum": [f"value {n}" for n in range(50_000)]},
    "deep nesting": nested(60),
    "recursion": {
        "$ref": "#/$defs/n",
        "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}},
    },
    "itself": {"$ref": "#"},
    "a pattern that backtracks": {"type": "string", "pattern": "^((a|aa|a)+)+b$"},
    "repeats of repeats": {"type": "string", "pattern": "^((a{1,100}){1,100}){1,100}$"},
    "a pattern of many states": {"type": "string", "pattern": "^(.*a.{60})(.*b.{60})$"},
    "many alternatives": {
        "anyOf": [
            {"type": "object", "properties": {f"a{n}": {"type": "integer"}}, "required": [f"a{n}"]}
            for n in range(1000)
        ]
    },
    "all of many": {
        "allOf": [{"anyOf": [{"minLength": n}, {"maxLength": n + 9}]} for n in range(16)]
    },
    "a long list": {"type": "array", "items": {"type": "null"}, "minItems": 10**6},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_ends_soon_in_an_answer_or_an_error(tiny: LocalModel, name: str) -> None:
    began = time.monotonic()
    try:
        outputs = run_all(tiny, REQUESTS[:2], Decoding(max_tokens=24, schema=HOSTILE[name]))
    except ModelError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert all(output.text or output.error for output in outputs)
    assert time.monotonic() - began < 20


def test_texts_are_accepted_to_their_last_byte() -> None:
    numbers = Acceptor(Form(regex="[0-9]{2}"), key="structure")
    assert [numbers.accepts(text) for text in ("12", "1", "123", "ab", "")] == [
        True,
        False,
        False,
        False,
        False,
    ]
    words = Acceptor(Form(grammar='root ::= "\\u00e9t\\u00e9" | [\\u0041-C]'), key="structure")
    assert [words.accepts(text) for text in ("été", "B", "D", "e")] == [True, True, False, False]


def test_answers_name_their_keys_in_the_schemas_order_with_few_blanks() -> None:
    held = Acceptor(Form(schema=TICKET), key="structure")
    right = '{"team": "login", "urgent": true, "note": ""}'
    assert held.accepts(right)
    assert held.accepts(right.replace(" ", ""))
    assert not held.accepts(right.replace(": ", ":  "))
    assert not held.accepts(right.replace("{", "{\n"))
    assert not held.accepts('{"urgent": true, "team": "login", "note": ""}')


def test_a_schema_cannot_loosen_its_own_enforcement() -> None:
    lenient = {"not": {"type": "string"}, "x-guidance": {"lenient": True}}
    assert fault_of(Form(schema=lenient), "structure") is not None
    blanks = {"const": {"a": 1}, "x-guidance": {"whitespace_flexible": True}}
    assert not Acceptor(Form(schema=blanks), key="structure").accepts('{\n\n"a": 1}')


def test_what_enforces_a_form_is_named_with_its_version() -> None:
    version = metadata.version("llguidance").split(".")
    assert library_version() == f"llguidance {version[0]}.{version[1]}"
