"""What users get from endpoints that misbehave: an answer, a reason for a case, or a clear end."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from evals.records import Run
from tests.evals.models.hosted.scene import (
    KEY,
    answers,
    begin,
    client,
    evaluate,
    reasons,
    stored_run,
    text_of,
    topic,
    write_tickets,
)
from tests.hosted_misbehaviours import (
    BROKEN,
    BUSY,
    LARGE,
    LIMITS,
    ODD_TEXT,
    REDIRECTS,
    SLOW,
    UNREADABLE,
    USABLE,
)
from tests.hosted_server import (
    HostedServer,
    Messages,
    always,
    at_first,
    at_random,
    for_texts,
    never,
    refused_port,
)
from tests.tunegate.command_line import CommandLine, Told, finish

CASES = 12
MODEL = ("--model", "openai:stub")
Ask = Callable[..., Told]


@pytest.fixture
def server() -> Iterator[HostedServer]:
    with HostedServer(answer=topic) as server:
        yield server


@pytest.fixture
def tunegate(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def ask(
    server: HostedServer,
    tmp_path: Path,
    tunegate: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """`tunegate eval` in this process, with waits between attempts a hundred times shorter."""
    import evals.models.hosted.attempts as attempts

    patient = attempts.backoff
    monkeypatch.setattr(attempts, "backoff", lambda *how: patient(*how) / 100)
    monkeypatch.chdir(tmp_path)
    for name, value in client(server).items():
        monkeypatch.setenv(name, value)
    write_tickets(tmp_path, CASES, "ci: {thresholds: {accuracy: 0.1}}\n")
    return lambda *more: tunegate("eval", "tickets", *MODEL, "--json", *more)


def all_answered(told: Told) -> Run:
    """The run, after seeing that every case has the score of an honest endpoint."""
    assert told.code == 0, told.err
    document = told.document
    assert (document["cases"], document["errors"]) == (CASES, 0)
    assert document["score"] == pytest.approx(2 / 3)
    return stored_run(Path(), told)


def one_error(told: Told, number: int = 4) -> str:
    """Why one case has no score; every other one has its own."""
    assert told.code == 0, told.err
    run = stored_run(Path(), told)
    found = reasons(run)
    assert list(found) == [f"dev-{number:04d}"]
    assert len(answers(run)) == CASES - 1
    return found[f"dev-{number:04d}"]


def ended(told: Told, code: int = 4) -> str:
    """What a command that ended early says: one message, and no trace of the program."""
    assert told.code == code, told
    assert "Traceback" not in told.err
    assert KEY not in told.out + told.err
    return told.err


RETRIED = [*BUSY, *BROKEN, *(name for name in UNREADABLE if name != "content filter")]


@pytest.mark.parametrize("name", RETRIED)
def test_what_may_pass_is_asked_again_and_answered(
    name: str, ask: Ask, server: HostedServer
) -> None:
    server.plan = at_first(name)
    all_answered(ask())
    asked = Counter(call.text for call in server.calls)
    assert set(asked.values()) == {2}


REASONS = {
    "429": "HTTP 429: slow down",
    "500": "HTTP 500: internal error",
    "503": "HTTP 503: overloaded",
    "closed": "closed before a reply came",
    "cut": "cut off",
    "cut chunked": "cut off",
    "html": "text/html, not application/json",
    "invalid JSON": "no valid JSON",
    "deep JSON": "no valid JSON",
    "no object": "no JSON object",
    "empty choices": "no choices",
    "no choices": "no choices",
    "no message": "no message",
    "null content": "neither text nor tool calls",
    "number content": "neither text nor tool calls",
    "error in 200": "an error instead of a reply: no",
}


@pytest.mark.parametrize("name", REASONS)
def test_one_case_that_never_gets_an_answer_is_an_error_with_its_reason(
    name: str, ask: Ask, server: HostedServer
) -> None:
    server.plan = for_texts(name, [text_of(4)])
    assert REASONS[name] in one_error(ask())
    assert 2 <= sum(text_of(4) in call.text for call in server.calls) <= 6


@pytest.mark.parametrize("name", USABLE)
def test_a_strange_reply_with_an_answer_in_it_is_an_answer(
    name: str, ask: Ask, server: HostedServer
) -> None:
    server.plan = always(name)
    run = all_answered(ask())
    assert len(server.calls) == CASES
    assert all(
        0 <= result.output.prompt_tokens < 100 and 0 <= result.output.completion_tokens < 100
        for result in run.results
    )


def test_a_wait_that_the_endpoint_asks_for_is_kept_by_all(ask: Ask, server: HostedServer) -> None:
    server.plan = lambda call: "429 with seconds" if len(server.calls) == 0 else None
    all_answered(ask())
    first = server.calls[0].started
    later = [call.started - first for call in server.calls[1:] if call.attempt == 2]
    assert min(later) >= 0.99


@pytest.mark.parametrize("name", SLOW)
def test_an_endpoint_that_takes_for_ever_over_one_case_gets_its_time_and_no_more(
    name: str, ask: Ask, server: HostedServer
) -> None:
    server.plan = for_texts(name, [text_of(4)])
    began = time.monotonic()
    reason = one_error(ask("--timeout", "0.5"))
    assert time.monotonic() - began < 15
    assert "within 0.5 s" in reason


@pytest.mark.parametrize("name", LARGE)
def test_an_answer_without_end_is_an_error_of_its_case(
    name: str, ask: Ask, server: HostedServer
) -> None:
    server.plan = for_texts(name, [text_of(4)])
    began = time.monotonic()
    assert "longer than" in one_error(ask())
    assert time.monotonic() - began < 30
    assert sum(text_of(4) in call.text for call in server.calls) == 1


def test_a_filtered_answer_is_an_error_that_says_so(ask: Ask, server: HostedServer) -> None:
    server.plan = for_texts("content filter", [text_of(4)])
    assert "content filter" in one_error(ask())
    assert len(server.calls) == CASES


def test_a_prompt_beyond_the_context_is_an_error_of_its_case_for_good(
    ask: Ask, server: HostedServer
) -> None:
    server.plan = for_texts("400 context", [text_of(4)])
    assert "maximum context length is 8192 tokens" in one_error(ask())
    server.forget()
    one_error(ask())
    assert server.calls == []


@pytest.mark.parametrize("name", LIMITS)
def test_either_name_of_the_limit_is_found_out(name: str, ask: Ask, server: HostedServer) -> None:
    server.plan = always(name)
    all_answered(ask())
    assert len(server.calls) <= 2 * CASES


@pytest.mark.parametrize(("name", "code"), [("401", 4), ("403", 4), ("404", 2), ("400", 4)])
def test_what_holds_for_every_case_ends_the_work_at_once(
    name: str, code: int, ask: Ask, server: HostedServer
) -> None:
    server.plan = always(name)
    said = ended(ask(), code)
    assert "127.0.0.1" in said
    assert {"401": "Incorrect API key", "403": "not allowed", "404": "`stub` does not exist",
            "400": "not like this"}[name] in said  # fmt: skip
    assert len(server.calls) <= CASES


NEVER = ["429", "500", "503", *BROKEN, "empty choices", "hang"]


@pytest.mark.parametrize("name", NEVER)
def test_an_endpoint_that_never_answers_ends_the_work_in_time(
    name: str, ask: Ask, server: HostedServer
) -> None:
    server.plan = always(name)
    began = time.monotonic()
    said = ended(ask("--timeout", "0.5"))
    assert time.monotonic() - began < 20
    assert "127.0.0.1" in said


def test_one_that_always_asks_to_wait_is_waited_for_and_given_up(
    ask: Ask, server: HostedServer
) -> None:
    server.plan, server.retry_after = always("429 with seconds"), 0.1
    began = time.monotonic()
    assert "slow down" in ended(ask())
    assert time.monotonic() - began < 20


def test_one_that_asks_to_wait_for_hours_ends_the_work_at_once(
    ask: Ask, server: HostedServer
) -> None:
    server.plan, server.retry_after = always("429 with seconds"), 7200
    began = time.monotonic()
    assert "7200 s" in ended(ask())
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("name", ODD_TEXT)
def test_an_odd_text_is_an_answer_that_everything_can_show(
    name: str, ask: Ask, server: HostedServer, tunegate: CommandLine
) -> None:
    server.plan = for_texts(name, [text_of(4)])
    told = ask()
    assert (told.code, told.document["errors"]) == (0, 0), told.err
    run_id = told.document["id"]
    for more in ((), ("--json",)):
        assert tunegate("show", run_id, "dev-0004", *more).code == 0
    junit = tunegate("ci", "tickets", *MODEL, "--junit", "ci.xml", "--markdown", "ci.md")
    assert junit.code in (0, 3), junit.err
    ET.parse("ci.xml")


@pytest.mark.parametrize("name", REDIRECTS)
def test_a_redirect_is_not_followed(name: str, ask: Ask, server: HostedServer) -> None:
    with HostedServer() as other:
        server.elsewhere, server.plan = other.root, always(name)
        assert "redirects are not followed" in ended(ask()).replace("\n", " ")
        assert (other.calls, other.strays) == ([], [])


def test_nobody_at_that_port_is_said_within_seconds(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refused_port() as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        began = time.monotonic()
        assert "connection refused" in ended(ask())
        assert time.monotonic() - began < 10


def test_what_was_answered_before_the_end_is_not_asked_again(
    ask: Ask, server: HostedServer
) -> None:
    server.plan = lambda call: "401" if len(server.answered) >= 5 else None
    ended(ask("--concurrency", "1"))
    server.plan = lambda call: None
    before = {call.text for call in server.answered}
    server.forget()
    all_answered(ask())
    assert not before & {call.text for call in server.calls}
    assert len(server.calls) == CASES - 5


def test_a_case_whose_error_may_pass_is_asked_again_and_only_it(
    ask: Ask, server: HostedServer
) -> None:
    server.plan = for_texts("500", [text_of(4)])
    one_error(ask())
    server.forget()
    server.plan = lambda call: None
    all_answered(ask())
    assert [call.text for call in server.calls] == [text_of(4)]


@pytest.mark.parametrize("name", ["500", "closed", "empty choices", "hang"])
def test_many_prompts_that_always_fail_do_not_keep_the_others_from_their_scores(
    name: str, ask: Ask, server: HostedServer, tmp_path: Path
) -> None:
    write_suite_again(tmp_path, 60)
    server.plan = for_texts(name, [text_of(number) for number in range(0, 60, 3)])
    told = ask("--timeout", "0.15")
    assert told.code == 0, told.err
    run = stored_run(Path(), told)
    assert (len(reasons(run)), len(answers(run))) == (20, 40)


def write_suite_again(folder: Path, dev: int) -> None:
    shutil.rmtree(folder / "tickets")
    write_tickets(folder, dev)


MIXTURE = (
    *BUSY, *BROKEN, *UNREADABLE, *USABLE, "hang", "gzip bomb", "400 context"
)  # fmt: skip


def test_with_one_request_in_five_failing_at_random_no_case_is_lost_or_answered_twice(
    server: HostedServer, tmp_path: Path
) -> None:
    faultless, faulty = tmp_path / "faultless", tmp_path / "faulty"
    for folder in (faultless, faulty):
        folder.mkdir()
        write_tickets(folder, 1_000)
    expected = answers(stored_run(faultless, evaluate(faultless, server)))
    assert len(expected) == 1_000
    server.forget()

    server.plan, server.retry_after = at_random(MIXTURE, share=0.2, seed=4), 0.1
    told = evaluate(faulty, server, "--timeout", "3")
    assert told.code == 0, told.err
    run = stored_run(faulty, told)
    ids = [result.case_id for result in run.results]
    assert sorted(ids) == sorted(expected)
    failed, found = reasons(run), answers(run)
    assert len(failed) + len(found) == 1_000
    assert all(failed.values())
    assert 0 < len(failed) < 100
    assert found == {name: expected[name] for name in found}
    misbehaved = [call for call in server.calls if call.behaviour]
    assert 0.15 < len(misbehaved) / len(server.calls) < 0.25
    assert {call.behaviour for call in misbehaved} == set(MIXTURE)
    assert set(Counter(call.text for call in server.answered).values()) == {1}


def part_way(folder: Path, server: HostedServer, answered: int) -> subprocess.Popen[bytes]:
    """The command at work, after so many answers."""
    process = begin(folder, server)
    for _ in range(600):
        if len(server.answered) >= answered:
            return process
        time.sleep(0.02)
    raise AssertionError(finish(process))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["kill", "Ctrl-C"])
def test_after_a_sudden_end_only_what_is_missing_is_asked_again(
    end: signal.Signals, server: HostedServer, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        folder.mkdir()
        write_tickets(folder, 600)
    expected = stored_run(whole, evaluate(whole, server))
    server.forget()
    server.latency = 0.2

    process = part_way(cut, server, 150)
    process.send_signal(end)
    began = time.monotonic()
    told = finish(process)
    assert time.monotonic() - began < 2
    assert told.code == (-9 if end == signal.SIGKILL else 130)
    assert "Traceback" not in told.err
    kept = {call.text for call in server.answered}
    assert len(kept) < 600
    server.forget()

    server.latency = 0.0
    run = stored_run(cut, evaluate(cut, server))
    assert answers(run) == answers(expected)
    again = kept & {call.text for call in server.calls}
    # What was on its way when the end came, answered or not yet stored, is asked once more.
    assert len(again) <= 2 * 64
    assert len(server.calls) == 600 - len(kept) + len(again)
    if end == signal.SIGINT:
        assert "the same command goes on where it was" in told.err


def test_a_stored_run_stands_where_its_errors_cannot_be_tried_again(
    server: HostedServer, tmp_path: Path
) -> None:
    write_tickets(tmp_path, dev=40)
    server.plan = for_texts("500", [text_of(4), text_of(9)])
    first = evaluate(tmp_path, server)
    assert (first.code, first.document["errors"]) == (0, 2)
    with refused_port() as nowhere:
        again = evaluate(tmp_path, nowhere)
    assert again.code == 4  # another address is another model, of which nothing is stored
    server.plan = always("401")
    again = evaluate(tmp_path, server)
    assert (again.code, again.document["id"]) == (0, first.document["id"])
    assert again.document["errors"] == 2
    assert "is shown as it is, with 2 errors: trying them again failed" in again.err
    server.plan = never
    last = evaluate(tmp_path, server)
    assert (last.code, last.document["errors"]) == (0, 0)


def test_a_server_that_answers_one_after_another_is_not_driven_into_time_outs(
    tmp_path: Path,
) -> None:

    def one_at_a_time(messages: Messages) -> str:
        time.sleep(0.15)  # in the server's only thread: the other requests wait
        return topic(messages)

    with HostedServer(one_at_a_time) as server:
        write_tickets(tmp_path, dev=40)
        told = evaluate(tmp_path, server, "--timeout", 2)
        assert (told.code, told.document["errors"]) == (0, 0)
        assert len(server.calls) <= 50  # more than a dozen at once would time out
