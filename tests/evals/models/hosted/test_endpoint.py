from __future__ import annotations

import copy
import pickle
from dataclasses import asdict

import pytest

from evals.errors import ModelError
from evals.models.hosted.endpoint import Secret, endpoint_from, proxy_for

KEY = "sk-Secret0123456789"


def test_the_address_and_the_account_come_from_the_ecosystems_variables():
    endpoint = endpoint_from(
        {
            "OPENAI_BASE_URL": "https://Models.Example:8443/team/v1/",
            "OPENAI_API_KEY": KEY,
            "OPENAI_ORG_ID": "org-1",
            "OPENAI_PROJECT_ID": "proj-1",
        }
    )
    assert endpoint.chat_url == "https://models.example:8443/team/v1/chat/completions"
    assert (endpoint.host, endpoint.place) == ("models.example:8443", "models.example:8443/team/v1")
    assert endpoint.account == {"OpenAI-Organization": "org-1", "OpenAI-Project": "proj-1"}
    assert endpoint.key is not None
    assert endpoint.key.reveal() == KEY


def test_without_an_address_the_default_one_is_asked_and_needs_a_key():
    assert endpoint_from({"OPENAI_API_KEY": KEY}).base == "https://api.openai.com/v1"
    for environ in ({}, {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": " "}):
        with pytest.raises(ModelError, match="OPENAI_API_KEY is not set"):
            endpoint_from(environ)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8000/v1", "https://models.example"])
def test_an_address_that_is_named_needs_no_key(base):
    assert endpoint_from({"OPENAI_BASE_URL": base}).key is None


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("ftp://host-s3cret/v1", "no http:// or https:// address"),
        ("host-s3cret/v1", "no http:// or https:// address"),
        ("http:///v1-s3cret", "no http:// or https:// address"),
        ("https://user:s3cret@host/v1", "a user or a password"),
        ("https://s3cret@host/v1", "a user or a password"),
        ("https://host/v1?key=s3cret", "a query or a fragment"),
        ("https://host/v1#s3cret", "a query or a fragment"),
        ("https://host/v1?", "a query or a fragment"),
        ("https://host:s3cret/v1", "is no address"),
        ("https://host:99999/s3cret", "is no address"),
        ("https://[::1/s3cret", "is no address"),
        ("https://host/s3cret\nEvil: header", "control character"),
        ("https://höst/s3cret", "outside ASCII"),
        ("https://host/s3cret/chat/completions", "/chat/completions away"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_shown(base, message):
    with pytest.raises(ModelError, match=message) as raised:
        endpoint_from({"OPENAI_BASE_URL": base, "OPENAI_API_KEY": KEY})
    assert "s3cret" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"])
@pytest.mark.parametrize("tail", ["\n", "\r\nX: y", "\x00", " ", "é", "\u2028"])
def test_a_value_that_no_header_can_hold_is_refused_without_being_shown(variable, tail):
    with pytest.raises(ModelError, match=variable) as raised:
        endpoint_from({"OPENAI_API_KEY": KEY, variable: f"sk-s3cret{tail}"})
    assert "s3cret" not in str(raised.value)


def test_nothing_that_is_printed_copied_or_written_of_an_endpoint_has_the_key():
    endpoint = endpoint_from({"OPENAI_API_KEY": KEY})
    secret = endpoint.key
    for text in (repr(endpoint), f"{secret} {secret!r}", str([secret])):
        assert KEY not in text
    for write in (pickle.dumps, copy.deepcopy, asdict):
        with pytest.raises(TypeError, match="not written down"):
            write(endpoint)


def test_the_key_is_redacted_wherever_and_in_whatever_case_it_stands():
    secret = Secret(KEY)
    text = f"Bearer {KEY}, again {KEY.upper()}; {KEY.lower()}.example"
    assert secret.redact(text) == "Bearer [key], again [key]; [key].example"
    assert secret.within(f"x{KEY.lower()}x")


def test_a_word_in_place_of_a_key_is_no_secret():
    assert Secret("EMPTY").redact("EMPTY is EMPTY") == "EMPTY is EMPTY"
    assert not Secret("ollama").within("I run on ollama")


@pytest.mark.parametrize(
    ("base", "key", "exposed"),
    [
        ("http://models.example/v1", KEY, True),
        ("http://192.168.0.2:8000/v1", KEY, True),
        ("http://models.example/v1", "", False),
        ("https://models.example/v1", KEY, False),
        ("http://localhost:8000/v1", KEY, False),
        ("http://127.8.9.1/v1", KEY, False),
        ("http://[::1]:8000/v1", KEY, False),
    ],
)
def test_a_key_that_would_travel_in_the_open_is_known(base, key, exposed):
    endpoint = endpoint_from({"OPENAI_BASE_URL": base, "OPENAI_API_KEY": key})
    assert endpoint.exposed is exposed


HTTPS = "https://models.example:8443/v1"


@pytest.mark.parametrize(
    ("base", "environ", "address"),
    [
        (HTTPS, {}, None),
        (HTTPS, {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        (HTTPS, {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        (HTTPS, {"HTTP_PROXY": "http://proxy:3128"}, None),
        (HTTPS, {"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("http://127.0.0.1:1/v1", {"http_proxy": "http://proxy:3128"}, None),
        (HTTPS, {"HTTPS_PROXY": "http://proxy", "NO_PROXY": "other, .example"}, None),
        (HTTPS, {"HTTPS_PROXY": "http://proxy", "no_proxy": "models.example:8443"}, None),
        (HTTPS, {"HTTPS_PROXY": "http://proxy", "no_proxy": "*"}, None),
        (HTTPS, {"HTTPS_PROXY": "http://proxy", "no_proxy": "dels.example,"}, "http://proxy"),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_names_for_the_address(base, environ, address):
    found = proxy_for(base, environ)
    assert (found.address if found else None) == address


def test_a_proxys_credentials_are_kept_apart_and_not_shown():
    proxy = proxy_for(HTTPS, {"HTTPS_PROXY": "http://me:s%40cret@proxy:3128"})
    assert proxy is not None
    assert proxy.password is not None
    assert (proxy.address, proxy.user) == ("http://proxy:3128", "me")
    assert proxy.password.reveal() == "s@cret"
    assert "s@cret" not in repr(proxy)
    assert "s%40cret" not in repr(proxy)


def test_a_proxy_of_another_kind_is_refused_without_being_shown():
    with pytest.raises(ModelError, match=r"HTTPS_PROXY names no http:// proxy") as raised:
        proxy_for(HTTPS, {"HTTPS_PROXY": "socks5://me:s3cret@proxy"})
    assert "s3cret" not in str(raised.value)


def test_a_key_in_the_escapes_of_json_is_seen_through():
    key = "sk-proof-7Zq2/Xw9fLk4Tn8"
    endpoint = endpoint_from({"OPENAI_API_KEY": key, "OPENAI_BASE_URL": "http://127.0.0.1/v1"})
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in key)
    assert endpoint.leaks(f'{{"k": "{escaped}"}}')
    assert endpoint.leaks(f'{{"k": "{key[:5]}{escaped[30:]}"}}')
    assert endpoint.leaks(key.replace("/", "\\/"))
    assert not endpoint.leaks("\\u0073\\u006b is no key")


@pytest.mark.parametrize("cut", [slice(None, -1), slice(1, None), slice(3, -3)])
def test_a_key_quoted_in_part_is_redacted_too(cut):
    key = "sk-proof-7Zq2/Xw9fLk4Tn8"
    endpoint = endpoint_from({"OPENAI_API_KEY": key, "OPENAI_BASE_URL": "http://127.0.0.1/v1"})
    assert endpoint.redact(f"bad key '{key[cut]}', try again") == "bad key '[key]', try again"
