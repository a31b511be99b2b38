from __future__ import annotations

from copy import deepcopy

import pytest

from evals.models.hosted.endpoint import endpoint_from
from evals.models.hosted.failures import Failure
from evals.models.hosted.reply import Candidate, Reply, read_reply, read_usage
from evals.models.hosted.wire import chat_body
from evals.records import Decoding, Message, Request, ToolCall
from evals.spending.usage import Usage

KEY = "sk-Secret0123456789"
ENDPOINT = endpoint_from({"OPENAI_API_KEY": KEY})
HELLO = Request((Message("user", "Hello"),))
TOOL = {"name": "find", "description": "", "parameters": {"type": "object"}}


def document(message=None, finish="stop", usage=None, **rest):
    message = {"role": "assistant", "content": "Hi"} if message is None else message
    choice = {"index": 0, "message": message, "finish_reason": finish} | rest
    usage = usage or {"prompt_tokens": 5, "completion_tokens": 2}
    return {"model": "m-1", "choices": [choice], "usage": usage}


def read(value, request=HELLO, decoding=None):
    asked = chat_body("m", request, decoding or Decoding(max_tokens=16))
    return read_reply(value, asked, ENDPOINT)


def text_of(value, **asked):
    found = read(value, **asked)
    assert isinstance(found, Reply), found
    return found.text


def failure_of(value, **asked):
    found = read(value, **asked)
    assert isinstance(found, Failure), found
    return found


def test_a_plain_reply_is_its_text_its_end_and_its_tokens():
    found = read(document() | {"system_fingerprint": "fp"})
    assert found == Reply("Hi", "stop", usage=Usage(5, 2, 0), served="m-1", system="fp")


def test_empty_text_is_a_reply():
    assert text_of(document({"content": ""})) == ""


def test_a_refusal_is_what_the_model_says():
    assert text_of(document({"content": None, "refusal": "I won't."})) == "I won't."


def test_text_in_parts_is_joined():
    parts = [{"type": "text", "text": "a"}, {"type": "x"}, "?", {"type": "text", "text": "b"}]
    assert text_of(document({"content": parts})) == "ab"


@pytest.mark.parametrize(
    ("finish", "used", "reason"),
    [
        ("stop", 2, "stop"),
        ("eos_token", 2, "stop"),
        ("STOP", 2, "stop"),
        ("length", 16, "length"),
        ("max_tokens", 16, "length"),
        (None, 2, "stop"),
        (None, 16, "length"),
    ],
)
def test_how_a_reply_ended_is_told_in_three_words(finish, used, reason):
    usage = {"prompt_tokens": 5, "completion_tokens": used}
    found = read(document(finish=finish, usage=usage))
    assert isinstance(found, Reply)
    assert found.finish == reason


@pytest.mark.parametrize("finish", ["abort", "insufficient_system_resource", "", 7, {"a": []}])
def test_an_end_that_is_not_known_is_no_reply_and_tried_again(finish):
    failure = failure_of(document(finish=finish))
    assert failure.follows == "again"
    assert "unknown reason" in failure.reason


def test_a_content_filter_ends_the_case():
    failure = failure_of(document({"content": "half of"}, finish="content_filter"))
    assert (failure.follows, "content filter" in failure.reason) == ("case", True)


def test_a_reply_whose_tokens_all_went_before_any_text_says_what_to_change():
    failure = failure_of(document({"content": None}, finish="length"))
    assert failure.follows == "case"
    assert "raise `decoding.max_tokens`" in failure.reason


@pytest.mark.parametrize("arguments", ['{"id": 7}', {"id": 7}, None, "{broken"])
def test_tool_calls_are_kept_as_the_model_wrote_them(arguments):
    calls = [{"id": "1", "type": "function", "function": {"name": "find", "arguments": arguments}}]
    for finish in ("tool_calls", "stop"):
        value = document({"content": None, "tool_calls": calls}, finish=finish)
        found = read(value, request=Request(HELLO.messages, tools=(TOOL,)))
        assert isinstance(found, Reply)
        expected = {"None": "", "{'id': 7}": '{"id":7}'}.get(str(arguments), arguments)
        assert (found.text, found.finish) == ("", "tools")
        assert found.calls == (ToolCall("find", expected),)


@pytest.mark.parametrize(
    "calls", [[{}], ["x"], [{"function": None}], [{"function": {"name": 7}}], {"function": 1}]
)
def test_a_tool_call_without_a_name_is_no_reply(calls):
    failure = failure_of(document({"tool_calls": calls}), request=Request((), tools=(TOOL,)))
    assert "tool call without a name" in failure.reason


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "text",
        {},
        {"choices": None},
        {"choices": []},
        {"choices": {}},
        {"choices": ["x"]},
        {"choices": [{}]},
        {"choices": [{"message": "x"}]},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {"content": 3}, "finish_reason": "stop"}]},
        {"error": {"message": "overloaded"}},
        {"error": ["x"]},
    ],
)
def test_what_is_no_reply_is_tried_again(value):
    assert failure_of(value).follows == "again"


def test_every_single_value_of_a_reply_may_be_of_any_type():
    def paths(value, path=()):
        yield path
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items if isinstance(value, dict | list) else ():
            yield from (
                paths(inner, (*path, key)) if isinstance(inner, dict | list) else [(*path, key)]
            )

    entry = {"token": "A", "logprob": -0.5}
    whole = document(logprobs={"content": [entry | {"top_logprobs": [entry]}]})
    whole["usage"]["prompt_tokens_details"] = {"cached_tokens": 1}
    whole["usage"]["completion_tokens_details"] = {"reasoning_tokens": 1}
    whole["choices"][0]["message"]["tool_calls"] = [{"function": {"name": "a", "arguments": ""}}]
    for path in paths(whole):
        for strange in (None, True, -1, 1e300, 10**400, "x", [], {}, [[]], {"a": None}):
            value = deepcopy(whole)
            place = value
            for key in path[:-1]:
                place = place[key]
            if path:
                place[path[-1]] = strange
            else:
                value = strange
            for request in (HELLO, Request(HELLO.messages, choices=("A", "B"))):
                assert isinstance(read(value, request=request), Reply | Failure)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 1}, Usage(9, 1)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
            Usage(9, 1, 4),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cached_tokens": 99},
            },
            Usage(9, 1, 9),
        ),
        ({"prompt_tokens": -9, "completion_tokens": 1}, None),
        ({"prompt_tokens": 9}, None),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": 9, "completion_tokens": 10**12}, None),
        ({"prompt_tokens": True, "completion_tokens": 1}, None),
        ({"prompt_tokens": "9", "completion_tokens": 1.0}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_count_that_is_not_to_be_believed_is_no_count(usage, counted):
    assert read_usage({"usage": usage}) == counted


def test_an_ignored_limit_is_named():
    value = document(usage={"prompt_tokens": 5, "completion_tokens": 17})
    failure = failure_of(value)
    assert failure.follows == "case"
    assert "ignored `max_tokens`: 17 tokens instead of at most 16" in failure.reason


def test_hidden_reasoning_does_not_count_as_an_ignored_limit():
    details = {"completion_tokens_details": {"reasoning_tokens": 400}}
    assert text_of(document(usage={"prompt_tokens": 5, "completion_tokens": 410} | details)) == "Hi"


def test_an_ignored_stop_is_named():
    failure = failure_of(document({"content": "a\nb"}), decoding=Decoding(16, stop=("x", "\n")))
    assert "ignored `stop`: '\\n' stands in the reply" in failure.reason


def test_more_replies_than_were_asked_for_are_named():
    value = document()
    value["choices"] *= 2
    assert "ignored `n`: 2 replies" in failure_of(value).reason


def test_a_call_where_no_tool_was_offered_is_named():
    calls = [{"function": {"name": "rm", "arguments": ""}}]
    assert "no tools were offered" in failure_of(document({"tool_calls": calls})).reason


def test_an_ignored_schema_is_named_unless_the_reply_was_cut():
    asked = Decoding(16, schema={"type": "object", "required": ["a"]})
    failure = failure_of(document(), decoding=asked)
    assert "ignored `response_format`: the reply is no JSON" in failure.reason
    assert text_of(document({"content": '{"a": 1}'}), decoding=asked) == '{"a": 1}'
    assert text_of(document({"content": '{"a": '}, finish="length"), decoding=asked) == '{"a": '


@pytest.mark.parametrize("text", [f"it is {KEY}!", KEY.lower()])
def test_a_reply_that_holds_the_key_is_not_kept(text):
    calls = [{"function": {"name": "find", "arguments": text}}]
    for message in ({"content": text}, {"content": "", "tool_calls": calls}):
        failure = failure_of(document(message), request=Request((), tools=(TOOL,)))
        assert "not kept" in failure.reason
        assert "secret" not in failure.reason.lower()


def test_the_first_tokens_rivals_are_read():
    listed = [
        {"token": "A", "logprob": -0.25},
        {"token": "B", "logprob": 0.05},
        {"token": "C", "logprob": 3.0},
        {"token": "D", "logprob": None},
        {"token": "E", "logprob": -(10**400)},
        {"token": 7, "logprob": -1.0},
        "F",
        {"token": "G", "logprob": -9999.0},
    ]
    found = read(document(logprobs={"content": [{"top_logprobs": listed}, {}]}))
    assert isinstance(found, Reply)
    assert found.candidates == (Candidate("A", -0.25), Candidate("B", 0.0), Candidate("G", -9999.0))


@pytest.mark.parametrize("logprobs", [None, [], {"content": []}, {"content": [7]}, {"content": 1}])
def test_where_there_are_no_rivals_there_are_none(logprobs):
    found = read(document(logprobs=logprobs))
    assert isinstance(found, Reply)
    assert found.candidates == ()


def test_a_refusal_is_held_to_no_schema():
    form = Decoding(max_tokens=16, schema={"type": "object", "required": ["a"]})
    refused = document({"content": None, "refusal": "I won't."})
    assert text_of(refused, decoding=form) == "I won't."
    assert "response_format" in failure_of(document(), decoding=form).reason
