"""The model against a real server; how it takes misbehaviour is in `test_misbehaviour.py`."""

from __future__ import annotations

import json
import threading
import time
import warnings
from dataclasses import dataclass, field

import pytest

from evals.asking import LedgerAsker
from evals.errors import (
    BudgetSpentError,
    InfrastructureError,
    ModelError,
    TunegateError,
    UsageError,
)
from evals.ledger import Ledger
from evals.models.hosted.model import open_hosted
from evals.models.hosted.settings import HostedSettings
from evals.models.protocol import Batch
from evals.records import Decoding, Message, Request, ToolCall
from evals.spending.budget import Budget
from evals.spending.usage import Usage
from tests.hosted_server import (
    HostedServer,
    Reply,
    always,
    at_first,
    for_texts,
    never,
    refused_port,
)

KEY = "sk-Secret0123456789"
DECODING = Decoding(max_tokens=16)
QUICK = {"backoff_seconds": 0.01, "request_seconds": 5.0, "connect_seconds": 2.0}


def opened(server, environ=None, **settings):
    base = server if isinstance(server, str) else server.url
    found = {"OPENAI_BASE_URL": base, "OPENAI_API_KEY": KEY} | (environ or {})
    return open_hosted("openai:stub", HostedSettings(**(QUICK | settings)), found)


def asked(*texts, **rest):
    return [Request((Message("user", text),), **rest) for text in texts]


def outputs_of(model, requests, decoding=DECODING):
    """Outputs by index, each exactly once, and the error that ended the stream."""
    found, error = {}, None
    try:
        for group in model.stream(model.plan(requests, decoding)):
            for batch, outputs in group:
                assert batch.indices[0] not in found
                (found[batch.indices[0]],) = outputs
    except TunegateError as raised:
        error = raised
    return found, error


def only_output(model, request, decoding=DECODING):
    (output,) = model.run(Batch((0,), (request,), decoding))
    return output


def test_each_request_gets_its_own_answer_under_way_at_once():
    with HostedServer(latency=0.05) as server:
        texts = [f"case {n}" for n in range(100)]
        found, error = outputs_of(opened(server, concurrency=8), asked(*texts))
        assert error is None
        assert [found[n].text for n in range(100)] == texts
        assert 4 <= server.most_at_once <= 8
        assert len(server.calls) == 100


def test_an_output_tells_tokens_time_and_how_it_ended():
    with HostedServer(latency=0.05) as server:
        output = only_output(opened(server), asked("one two three")[0])
    assert (output.prompt_tokens, output.completion_tokens) == (3, 3)
    assert (output.finish_reason, output.attempts) == ("stop", 0)
    assert 0.05 <= output.seconds < 2.0


def test_what_had_to_be_asked_again_says_how_often():
    with HostedServer(plan=at_first("500", 2)) as server:
        output = only_output(opened(server), asked("a")[0])
    assert (output.text, output.attempts) == ("a", 3)


def test_the_key_and_the_account_go_to_the_endpoint():
    with HostedServer() as server:
        only_output(opened(server, {"OPENAI_ORG_ID": "org-1"}), asked("a")[0])
        headers = server.calls[0].headers
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["OpenAI-Organization"] == "org-1"


def test_without_a_key_none_is_sent_and_netrc_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with HostedServer() as server:
        only_output(opened(server, {"OPENAI_API_KEY": ""}), asked("a")[0])
        assert "Authorization" not in server.calls[0].headers


def test_a_proxy_of_the_environment_is_asked_with_its_own_credentials():
    with HostedServer() as proxy:
        named = proxy.root.replace("http://", "http://me:s3cret@")
        model = opened("http://models.example/v1", {"OPENAI_API_KEY": "", "HTTP_PROXY": named})
        assert only_output(model, asked("a")[0]).text == "a"
        headers = proxy.calls[0].headers
    assert headers["Host"] == "models.example"
    assert headers["Proxy-Authorization"] == "Basic bWU6czNjcmV0"


def test_no_error_holds_on_to_what_carries_the_key():
    with HostedServer(plan=always("401")) as server:
        _, error = outputs_of(opened(server), asked("a"))
    assert error is not None
    assert (error.__cause__, error.__context__) == (None, None)


def test_follow_ups_are_asked_one_after_another_over_what_was_said():
    def reply(messages):
        return f"reply {len(messages)}"

    with HostedServer(answer=reply) as server:
        request = Request((Message("user", "first"),), follow_ups=("second", "third"))
        output = only_output(opened(server), request)
        said = [message["content"] for message in server.calls[-1].body["messages"]]
    assert output.replies == ("reply 1", "reply 3", "reply 5")
    assert (output.text, output.attempts) == ("reply 5", 0)
    assert said == ["first", "reply 1", "second", "reply 3", "third"]
    assert output.completion_tokens == 6


def test_a_conversation_has_tokens_only_where_every_turn_was_counted():
    request = Request((Message("user", "first"),), follow_ups=("second",))
    for plan, counted in ((never, True), (for_texts("no usage", ["second"]), False)):
        with HostedServer(plan=plan) as server:
            output = only_output(opened(server), request)
        assert output.error is None
        assert len(output.replies) == 2
        assert (output.prompt_tokens > 0, output.completion_tokens > 0) == (counted, counted)


def test_a_conversation_that_fails_names_the_turn():
    with HostedServer(plan=for_texts("400", ["second"])) as server:
        request = Request((Message("user", "first"),), follow_ups=("second",))
        output = only_output(opened(server), request)
    assert (output.text, output.transient) == (None, False)
    assert (output.error or "").startswith("turn 2: HTTP 400")


def test_tool_calls_are_part_of_the_output():
    tool = {"name": "find", "description": "", "parameters": {"type": "object"}}

    def reply(messages):
        text = messages[-1]["content"]
        name = text.split()[1] if text.startswith("Call") else "find"
        return Reply(tool_calls=((name, '{"id": 7}'),))

    with HostedServer(answer=reply) as server:
        output = only_output(opened(server), asked("where?", tools=(tool,))[0])
    assert (output.finish_reason, output.text) == ("tools", "")
    assert output.tool_calls == (ToolCall("find", '{"id": 7}'),)


def test_options_are_ranked_by_the_first_token():
    with HostedServer(answer=lambda _: Reply("no", first_token={"yes": -2.0})) as server:
        output = only_output(opened(server), asked("Is it?", choices=("yes", "no"))[0])
    assert (output.text, output.finish_reason) == ("no", "choice")
    assert output.logprobs == (-2.0, -0.1)


SCHEMA = {"type": "object", "properties": {"team": {"enum": ["a"]}}, "required": ["team"]}
TOOL = {"name": "find", "description": "", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    ("spoken", "decoding", "sent"),
    [
        ("structured_outputs", Decoding(16, grammar='root ::= "yes"'), "grammar"),
        ("structured_outputs", Decoding(16, regex="yes"), "regex"),
        ("grammar", Decoding(16, grammar='root ::= "yes"'), None),
        ("guided_grammar", Decoding(16, grammar='root ::= "yes"'), None),
        ("guided_regex", Decoding(16, regex="yes"), None),
    ],
)
def test_a_grammar_is_sent_by_the_name_that_the_endpoint_is_found_to_obey(spoken, decoding, sent):
    with HostedServer(holds=[spoken]) as server:
        found, error = outputs_of(opened(server, concurrency=1), asked("a", "b"), decoding)
        bodies = [call.body for call in server.calls[-2:]]
    assert error is None
    assert [found[n].text for n in range(2)] == ["yes", "yes"]
    form = decoding.grammar or decoding.regex
    assert [body[spoken] for body in bodies] == [{sent: form} if sent else form] * 2
    names = {"structured_outputs", "grammar", "regex", "guided_grammar", "guided_regex"}
    assert all(names & set(body) == {spoken} for body in bodies)


def test_a_list_of_texts_goes_as_a_schema_where_no_grammar_is_known_and_comes_back_bare():
    decoding = Decoding(16, grammar='root ::= "yes" | "a \\"no\\""')
    with HostedServer(answer=lambda _: json.dumps({"answer": 'a "no"'})) as server:
        found, error = outputs_of(opened(server, concurrency=1), asked("a", "b"), decoding)
        body = server.calls[-1].body
    assert error is None
    assert [found[n].text for n in range(2)] == ['a "no"'] * 2
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == ["yes", 'a "no"']
    assert not {"grammar", "guided_grammar", "structured_outputs"} & set(body)


@pytest.mark.parametrize(
    ("decoding", "tried"),
    [
        (Decoding(16, grammar='root ::= "yes"+'), "grammar, guided_grammar"),
        (Decoding(16, regex="yes"), "structured_outputs.regex, guided_regex"),
    ],
)
@pytest.mark.parametrize("plan", [never, always("400")])
def test_an_endpoint_that_knows_no_grammar_is_named_with_what_was_tried(decoding, tried, plan):
    with HostedServer(plan=plan) as server:
        found, error = outputs_of(opened(server), asked(*"abcde"), decoding)
    assert found == {}
    assert isinstance(error, ModelError)
    assert "holds no answer to a " in error.message
    assert tried in error.message
    assert "structure: {schema: ...}" in (error.hint or "")
    assert "\n" not in str(error)


def test_a_trial_of_a_grammar_that_fails_for_now_says_so_and_tries_no_other_name():
    with HostedServer(plan=always("500")) as server:
        model = opened(server, attempts=1)
        _, error = outputs_of(model, asked("a"), Decoding(16, grammar='root ::= "yes"+'))
        asked_of_it = [set(call.body) & {"grammar", "guided_grammar"} for call in server.calls]
    assert isinstance(error, ModelError)
    assert "failed a trial of `grammar`" in error.message
    assert asked_of_it == [set()]


@pytest.mark.parametrize(
    ("parameter", "request_", "decoding"),
    [
        ("response_format", asked("x")[0], Decoding(16, schema=SCHEMA)),
        ("logprobs", asked("x", choices=("a", "b"))[0], DECODING),
        ("tools", asked("x", tools=(TOOL,))[0], DECODING),
    ],
)
def test_an_endpoint_that_ignores_a_parameter_is_named_before_anything_relies_on_it(
    parameter, request_, decoding
):
    with HostedServer(ignores=[parameter]) as server:
        found, error = outputs_of(opened(server), [request_] * 5, decoding)
        asked_of_it = len(server.calls)
    assert found == {}
    assert isinstance(error, ModelError)
    assert str(error).startswith(f"127.0.0.1:{server.port}: the endpoint of model 'stub'")
    assert f"accepts `{parameter}` and ignores it" in str(error)
    assert asked_of_it == 1


def test_an_endpoint_that_obeys_is_tried_once_for_as_long_as_the_model_is_open():
    with HostedServer() as server:
        model = opened(server)
        for _ in range(2):
            found, error = outputs_of(model, asked("x", "y"), Decoding(64, schema=SCHEMA))
            assert error is None
            assert [found[n].text for n in range(2)] == ['{"team": "a"}'] * 2
        assert len(server.calls) == 5


def test_an_endpoint_that_is_not_there_ends_the_work_in_seconds():
    began = time.perf_counter()
    with refused_port() as base:
        found, error = outputs_of(opened(base), asked(*map(str, range(2000))))
    assert found == {}
    assert isinstance(error, InfrastructureError)
    assert "never answered: connection refused" in str(error)
    assert time.perf_counter() - began < 5


def test_an_endpoint_that_goes_away_ends_the_work_and_what_was_answered_is_kept():
    with HostedServer() as server:
        model = opened(server, concurrency=8)
        stream = model.stream(model.plan(asked(*map(str, range(2000))), DECODING))
        found = len(next(stream))
    with pytest.raises(InfrastructureError, match="8 cases in a row"):
        found += sum(len(group) for group in stream)
    assert 0 < found < 2000


def test_the_first_requests_all_refused_alike_end_the_work():
    with HostedServer(plan=always("400")) as server:
        _, error = outputs_of(opened(server), asked(*map(str, range(500))))
        assert len(server.calls) < 40
    assert isinstance(error, InfrastructureError)
    assert "refused the first 8 cases in the same way: HTTP 400: messages: not like this" in str(
        error
    )


def test_closing_early_ends_the_thread_and_all_that_is_under_way():
    with HostedServer(plan=for_texts("hang", ["1"])) as server:
        model = opened(server, request_seconds=60.0)
        stream = model.stream(model.plan(asked(*map(str, range(1000))), DECODING))
        next(stream)
        began = time.perf_counter()
        stream.close()
        assert time.perf_counter() - began < 20  # what hangs would take 60
        time.sleep(0.2)
        assert len(server.calls) < 900
    assert "tunegate-hosted" not in [thread.name for thread in threading.enumerate()]


def test_a_stream_that_is_never_begun_leaves_nothing_open():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = opened("http://127.0.0.1:9/v1")
        model.stream(model.plan(asked("a"), DECODING)).close()


def test_requests_are_rendered_when_they_are_sent_and_not_before():
    rendered = []

    class Lazy(list):
        def __getitem__(self, index):
            rendered.append(index)
            return asked(f"case {index}")[0]

    with HostedServer() as server:
        model = opened(server, concurrency=4)
        stream = model.stream(model.plan(Lazy(range(5000)), DECODING))
        next(stream)
        time.sleep(0.5)
        assert len(rendered) < 1000
        stream.close()


@dataclass
class Purse:
    """Money for so many requests; what became of each."""

    requests: int
    closed: list[object] = field(default_factory=list)
    reserved: list[tuple[str, int, int]] = field(default_factory=list)

    def reserve(self, model, prompt_bytes, max_tokens):
        if len(self.reserved) == self.requests:
            raise BudgetSpentError("spent")
        self.reserved.append((model, prompt_bytes, max_tokens))
        return self

    def settle(self, usage):
        self.closed.append(usage)

    def release(self):
        self.closed.append("released")

    def forfeit(self):
        self.closed.append("forfeited")


def test_a_spent_budget_lets_what_is_under_way_finish_and_is_then_raised():
    purse = Purse(30)
    with HostedServer(latency=0.02) as server:
        found, error = outputs_of(opened(server, purse=purse), asked(*map(str, range(500))))
        assert len(server.calls) == 30
    assert isinstance(error, BudgetSpentError)
    assert len(found) == 30
    assert purse.closed == [Usage(1, 1, 0)] * 30
    assert purse.reserved[0][::2] == ("openai:stub", 16)
    assert purse.reserved[0][1] > 100


def test_a_spent_budget_does_not_wait_for_another_attempt():
    purse = Purse(2)
    with HostedServer(plan=always("429 with seconds")) as server:
        model = opened(server, purse=purse, backoff_seconds=60.0, concurrency=3)
        began = time.perf_counter()
        found, error = outputs_of(model, asked("a", "b", "c"))
    assert (found, type(error)) == ({}, BudgetSpentError)
    assert time.perf_counter() - began < 3
    assert purse.closed == ["released"] * 2


@pytest.mark.parametrize(
    ("behaviour", "closed"),
    [
        ("429", "released"),
        ("400", "released"),
        ("cut", "forfeited"),
        ("hang", "forfeited"),
        ("html", "forfeited"),
        ("no usage", "forfeited"),
        ("negative usage", "forfeited"),
        ("empty choices", Usage(1, 1, 0)),
    ],
)
def test_every_request_is_paid_for_as_it_went(behaviour, closed):
    purse = Purse(99)
    with HostedServer(plan=always(behaviour)) as server:
        model = opened(server, purse=purse, attempts=2, request_seconds=0.3)
        outputs_of(model, asked("a"))
        assert len(server.calls) == len(purse.closed)
    assert set(purse.closed) == {closed}


def test_what_is_cut_short_by_closing_may_have_been_paid_for():
    purse = Purse(99)
    with HostedServer(plan=for_texts("hang", ["hang"])) as server:
        model = opened(server, purse=purse)
        stream = model.stream(model.plan(asked("a", "hang"), DECODING))
        next(stream)
        stream.close()
    assert sorted(map(str, purse.closed))[-1] == "forfeited"
    assert len(purse.closed) == 2


def test_the_identity_is_name_and_address_and_neither_key_nor_scheme():
    def identity(name="m", base="https://localhost/v1", key=KEY):
        return open_hosted(
            f"openai:{name}", None, {"OPENAI_BASE_URL": base, "OPENAI_API_KEY": key}
        ).fingerprint

    assert identity() == identity(key="sk-another-key-000") == identity(base="http://localhost/v1/")
    others = {identity("n"), identity(base="https://localhost/v2"), identity(base="https://b/v1")}
    assert len(others | {identity()}) == 4


def test_the_provenance_tells_which_model_answered():
    with HostedServer() as server:
        model = opened(server)
        assert model.provenance == {"address": f"127.0.0.1:{server.port}"}
        only_output(model, asked("a")[0])
        assert model.provenance == {"address": f"127.0.0.1:{server.port}", "served": "stub"}


def test_an_adapter_is_refused_and_none_is_fine():
    model = opened("http://127.0.0.1:9/v1")
    model.use_adapter(None)
    assert model.adapter == ""
    with pytest.raises(ModelError, match="under a name of its own"):
        model.use_adapter("some/folder")


def test_tokens_are_estimated_from_bytes():
    model = opened("http://127.0.0.1:9/v1")
    assert [model.count_tokens(text) for text in ("", "abcd", "abcde", "\ud800")] == [0, 1, 2, 1]


def test_a_key_that_would_travel_in_the_open_is_warned_of():
    environ = {"OPENAI_BASE_URL": "http://models.example/v1", "OPENAI_API_KEY": KEY}
    with pytest.warns(UserWarning, match=r"goes to models\.example unencrypted") as caught:
        open_hosted("openai:m", None, environ)
    assert KEY not in str(caught[0].message)


@pytest.mark.parametrize("name", ["openai:", "openai: m", "openai:a\nb", "openai:" + "x" * 300])
def test_a_name_that_can_be_no_models_is_refused(name):
    with pytest.raises(ModelError, match="names no hosted model"):
        open_hosted(name, None, {"OPENAI_API_KEY": KEY})


@pytest.mark.parametrize(
    "limits",
    [{"concurrency": 0}, {"attempts": 0}, {"request_seconds": 0.0}, {"backoff_seconds": -1.0}],
)
def test_limits_that_leave_no_room_are_refused(limits):
    with pytest.raises(UsageError):
        HostedSettings(**limits)


def test_a_budget_begins_no_conversation_that_it_cannot_finish():
    budget = Budget(max_requests=33)
    requests = [
        Request((Message("user", f"q{n}"),), follow_ups=("more?", "and?", "so?", "why?"))
        for n in range(30)
    ]
    with HostedServer(latency=0.005) as server:
        found, error = outputs_of(opened(server, purse=budget), requests)
        assert len(server.calls) == 30
    assert isinstance(error, BudgetSpentError)
    assert len(found) == 6
    assert all(len(output.replies) == 5 for output in found.values())
    assert budget.requests == 30
    assert budget.reserved == 0


def test_a_conversation_that_fails_gives_back_what_was_set_aside_for_its_later_turns():
    budget = Budget(max_requests=100)
    request = Request((Message("user", "q"),), follow_ups=("more?", "and?"))
    with HostedServer() as server:
        server.plan = always("400 context")
        found, _ = outputs_of(opened(server, purse=budget), [request])
    assert found[0].error is not None
    assert budget.requests == 1


def test_who_answers_behind_a_name_is_part_of_what_a_judge_is(tmp_path):
    """Not of what a judged model is: its runs would be of another candidate each time."""
    with HostedServer() as server:
        found = {}
        for served in ("judge-1", "judge-2", "judge-1"):
            server.served = served
            model = opened(server)
            asker = LedgerAsker({"openai:stub": model}.__getitem__, Ledger(tmp_path))
            found.setdefault(served, set()).add(asker.identity("openai:stub"))
            assert asker.identity("openai:stub") in found[served]
            assert len(server.calls) == 1  # asked once, and never found in the ledger
            server.forget()
            found.setdefault("model", set()).add(model.fingerprint)
    assert {name: len(known) for name, known in found.items()} == dict.fromkeys(found, 1)
    assert found["judge-1"] != found["judge-2"]


def test_a_judge_that_does_not_answer_has_no_identity(tmp_path):
    with HostedServer() as server:
        server.plan = always("content filter")
        model = opened(server)
        with pytest.raises(InfrastructureError, match="does not say which model 'stub' is"):
            model.served()
