from __future__ import annotations

import pytest

from evals.models.hosted.constraint import breach

TICKET = {
    "type": "object",
    "properties": {
        "team": {"enum": ["billing", "login"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "size": {"type": ["integer", "null"]},
    },
    "required": ["team"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "text",
    [
        '{"team": "billing"}',
        ' {"team": "login", "tags": ["a", "b"], "size": null}\n',
        '{"team": "login", "tags": [], "size": 3.0}',
    ],
)
def test_an_answer_that_holds_to_the_schema_breaks_nothing(text):
    assert breach(text, TICKET) is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("billing", "is no JSON"),
        ('```json\n{"team": "billing"}\n```', "is no JSON"),
        ("[]", "not of type 'object'"),
        ("{}", "has no 'team'"),
        ('{"team": "other"}', "'team' of the reply is none of the schema's values"),
        ('{"team": "login", "why": 1}', "has 'why'"),
        ('{"team": "login", "tags": ["a", 1]}', "an item of 'tags' of the reply"),
        ('{"team": "login", "size": true}', "not of type"),
        ('{"team": "login", "size": 1.5}', "not of type"),
        ("[" * 900 + "]" * 900, "not of type"),
    ],
)
def test_what_an_answer_breaks_is_named(text, what):
    assert what in (breach(text, TICKET) or "")


@pytest.mark.parametrize(
    "schema",
    [True, {}, {"type": "ticket"}, {"pattern": "(a+)+$"}, {"$ref": "#"}, {"type": [], "enum": 3}],
)
def test_what_a_schema_says_beyond_the_strict_keywords_is_not_judged(schema):
    assert breach('"' + "a" * 10_000 + '!"', schema) is None
