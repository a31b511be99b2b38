from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from evals.errors import InfrastructureError, ModelError
from evals.models.hosted.endpoint import endpoint_from
from evals.models.hosted.failures import Refused, backoff, of_status, retry_after

KEY = "sk-Secret0123456789"
ENDPOINT = endpoint_from({"OPENAI_API_KEY": KEY})
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def failed(status, body=b"", **headers):
    if isinstance(body, dict):
        body = json.dumps({"error": body}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return of_status(Refused(status, named, body), ENDPOINT, "m", 300.0, NOW)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(status):
    assert failed(status).follows == "again"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_the_case_itself_is_refused_for_is_not(status):
    failure = failed(status, {"message": "not this"})
    assert (failure.follows, failure.reason) == ("case", f"HTTP {status}: not this")


@pytest.mark.parametrize("status", [429, 503])
def test_an_endpoint_that_has_too_much_to_do_says_so(status):
    assert failed(status).congested
    assert not failed(500).congested


@pytest.mark.parametrize(
    ("status", "charge"),
    [(429, "none"), (500, "none"), (400, "none"), (502, "perhaps"), (504, "perhaps")],
)
def test_only_a_gateway_that_gave_up_may_have_been_paid_for(status, charge):
    assert failed(status).charge == charge


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, {"message": "bad key"}, InfrastructureError, "refuses access .HTTP 401.: bad key"),
        (403, {}, InfrastructureError, "refuses access"),
        (402, {}, InfrastructureError, "quota"),
        (429, {"code": "insufficient_quota"}, InfrastructureError, "quota"),
        (429, {"type": "insufficient_quota"}, InfrastructureError, "quota"),
        (404, {"message": "no model"}, ModelError, "no chat completions of a model 'm'"),
        (400, {"code": "model_not_found"}, ModelError, "no chat completions of a model 'm'"),
        (405, b"<html>", ModelError, "at that path"),
        (400, {"param": "temperature", "message": "only 1"}, ModelError, "`temperature`.*only 1"),
        (400, {"param": "stop"}, ModelError, r"decoding\.stop"),
        (400, {"param": "response_format.json_schema"}, ModelError, r"decoding\.schema"),
        (400, {"param": "max_tokens", "message": "too large"}, ModelError, r"decoding\.max_tokens"),
        (422, {"param": "top_logprobs"}, ModelError, "choices"),
    ],
)
def test_what_every_case_would_be_refused_for_ends_the_work(status, body, kind, message):
    failure = failed(status, body)
    assert failure.follows == "end"
    assert type(failure.error) is kind
    with pytest.raises(kind, match=message):
        raise failure.error


@pytest.mark.parametrize(
    "body",
    [
        {"code": "context_length_exceeded", "param": "messages", "message": "too long"},
        {"param": "max_tokens", "message": "maximum context length is 4096 tokens"},
        {"param": "messages[1].content", "message": "bad"},
        {"param": "tools[0].function", "message": "bad"},
        {"code": "content_filter", "message": "no"},
    ],
)
def test_what_depends_on_the_case_ends_the_case_alone(body):
    assert failed(400, body).follows == "case"


def test_a_model_that_wants_the_limits_newer_name_is_understood():
    said = "Unsupported parameter: use 'max_completion_tokens' instead"
    assert failed(400, {"param": "max_tokens", "message": said}).renamed
    assert failed(400, {"param": "max_tokens", "code": "unsupported_parameter"}).renamed
    assert not failed(400, {"param": "max_tokens", "message": "is too large"}).renamed


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_ends_the_work_and_names_only_the_targets_host(status):
    failure = failed(status, Location="https://me:pw@evil.example:1/path?token=x")
    assert failure.error is not None
    assert "redirects to evil.example;" in failure.error.message
    for part in ("token", "path", "pw"):
        assert part not in str(failure.error).replace("OPENAI_BASE_URL", "")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9.0),
        ({"Retry-After": format_datetime(NOW - timedelta(seconds=9), usegmt=True)}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "Mon, 99 Foo 2030 99:99:99 GMT"}, None),
        ({"retry-after-ms": "250", "Retry-After": "9"}, 0.25),
        ({"retry-after-ms": "x", "Retry-After": "9"}, 9.0),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(headers, seconds):
    assert retry_after(headers, NOW) == seconds


def test_a_wait_beyond_patience_ends_the_work_and_names_it():
    assert failed(429, Retry_After="300").wait == 300.0
    failure = failed(429, Retry_After="301")
    assert failure.error is not None
    assert "asks to wait 301 s before the next request, more than 300 s" in failure.error.message


@pytest.mark.parametrize(
    "body",
    [
        b"plain text",
        b'{"detail": "plain text"}',
        b'{"message": "plain text"}',
        b'{"error": "plain text"}',
        b'"plain text"',
        b'{"error": {"message": "plain\\n  text", "code": 400, "param": 3}}',
    ],
)
def test_every_form_of_error_body_is_read(body):
    assert "plain text" in failed(400, body).reason


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[" * 50_000, b"null", b'{"error": []}'])
def test_a_body_that_says_nothing_is_no_trouble(body):
    assert failed(400, body).reason.startswith("HTTP 400")


def test_an_error_body_is_shown_short_on_one_line_and_without_the_key():
    text = f"Bearer {KEY}\n\x1b[31m" + "x" * 290 + KEY
    reason = failed(400, {"message": text}).reason
    assert "Bearer [key] \\x1b[31m" in reason
    assert len(reason) < 320
    assert "Secret" not in reason
    assert "\n" not in reason


def test_waits_grow_at_random_up_to_a_bound():
    rng = random.Random(7)
    for attempt, most in ((1, 0.5), (2, 1.0), (5, 8.0), (60, 30.0)):
        waits = [backoff(attempt, 0.5, rng) for _ in range(300)]
        assert 0.0 <= min(waits) < 0.1 * most
        assert 0.9 * most < max(waits) <= most
