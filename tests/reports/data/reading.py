"""Reading a report as data: strictly, by its schema, with nothing that JSON does not have."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from reports import report_schema


def read(text: str) -> Any:
    """The document, valid by the schema. Raises what says why it is not."""
    document = json.loads(text, parse_constant=_refuse)
    kind = "Report" if document["format"].startswith("tunegate-report@") else "ComparisonReport"
    _validator(kind).validate(document)
    return document


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


@cache
def _validator(kind: str) -> Draft202012Validator:
    """Strict: properties that the schema does not name are errors here, though not to a reader."""
    schema = copy.deepcopy(report_schema())
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = False
    del schema["oneOf"]
    return Draft202012Validator({**schema, "$ref": f"#/$defs/{kind}"})
