from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from evals.models.hosted.wire import Dialect, chat_body, encode, parse
from evals.records import Decoding, Message, Request

HELLO = Request((Message("system", "Be brief."), Message("user", "Hello")))


def sent(request=HELLO, decoding=None, dialect=None):
    body = chat_body("m", request, decoding or Decoding())
    return json.loads(encode(body, dialect or Dialect()))


def test_a_plain_request_states_what_matters_and_no_more():
    assert sent() == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
        "n": 1,
        "stream": False,
        "max_tokens": 128,
        "temperature": 0.0,
        "top_p": 1.0,
    }


def test_decoding_is_passed_on():
    body = sent(decoding=Decoding(9, 0.7, 0.9, seed=5, stop=("\n", "END"), schema={"type": "null"}))
    assert (body["max_tokens"], body["temperature"], body["top_p"]) == (9, 0.7, 0.9)
    assert (body["seed"], body["stop"]) == (5, ["\n", "END"])
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": {"type": "null"}},
    }


def test_the_newer_name_of_the_limit_replaces_the_older():
    body = sent(dialect=Dialect("max_completion_tokens"))
    assert body["max_completion_tokens"] == 128
    assert "max_tokens" not in body


def test_tools_are_offered_as_functions():
    tool = MappingProxyType({"name": "find", "description": "", "parameters": {"type": "object"}})
    body = sent(Request(HELLO.messages, tools=(tool,)))
    assert body["tools"] == [{"type": "function", "function": dict(tool)}]


def test_choices_ask_for_one_token_with_its_rivals_and_nothing_that_constrains_it():
    request = Request(HELLO.messages, choices=("yes", "no"), tools=({"name": "find"},))
    body = sent(request, Decoding(stop=("x",), schema={}))
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)
    assert not {"stop", "response_format", "tools"} & set(body)


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\u2028</script>", "😀", '"\\'])
def test_every_text_arrives_as_it_is(text):
    body = sent(Request((Message("user", text),)))
    assert body["messages"][0] == {"role": "user", "content": text}


@pytest.mark.parametrize("text", ['"\\ud800"', '{"a": 1, "a": 2}', "[1.5, null, true]"])
def test_json_is_read_as_the_standard_library_reads_it(text):
    assert parse(text) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", "[Infinity]", "<html>", "[" * 100_000, '{"a":' * 5_000, "9" * 10_000, b"\xff"],
)
def test_what_is_no_json_or_beyond_bounds_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011 - what it says is not shown to anybody
        parse(text)
