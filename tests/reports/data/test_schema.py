"""The shipped schema is what the records say, describes everything, and nothing is never told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from jsonschema import Draft202012Validator

from evals.comparison import compare_runs
from reports import report_schema
from reports.data.comparison import comparison_data
from reports.data.document import report_data
from reports.data.schema import derive_schema
from reports.disclosure import EVERYTHING
from tests.reports.data.filled import filled_job
from tests.reports.partial_jobs import fix_evals
from tests.reports.test_two_runs import pair


def test_the_shipped_schema_is_the_one_that_the_records_give() -> None:
    assert report_schema() == derive_schema(), "write it anew: python -m reports.data.schema"
    Draft202012Validator.check_schema(report_schema())


def test_every_property_is_described_and_required() -> None:
    for name, definition in report_schema()["$defs"].items():
        assert definition["description"], name
        assert definition["required"] == list(definition["properties"]), name
        for key, each in definition["properties"].items():
            assert each.get("description"), f"{name}.{key}"
            assert key == key.lower(), f"{name}.{key}"


def test_readers_may_meet_properties_that_they_do_not_know() -> None:
    for definition in report_schema()["$defs"].values():
        assert "additionalProperties" not in definition


def told_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every property that says something, as (record, key)."""
    if is_dataclass(value):
        for field in fields(value):
            inner = getattr(value, field.name)
            if inner is not None and inner not in ((), {}, ""):
                yield type(value).__name__, field.name
                yield from told_in(inner)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from told_in(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from told_in(inner)


def test_every_property_says_something_in_some_report() -> None:
    job = filled_job()
    (a, b), cases = pair(0.4, 0.6, errors=4)
    changed = replace(b.results[0], case_fingerprint="other")
    b = replace(b, results=(changed, *b.results[2:]))
    a = replace(a, results=(*a.results[:1], *a.results[2:4], *a.results[1:2], *a.results[5:]))
    found = compare_runs(a, b, margin=0.05, min_gain=0.3)
    found = replace(found, margin=found.margin and replace(found.margin, cases_needed=9))
    found = replace(found, gain=found.gain and replace(found.gain, cases_needed=9))
    documents = (
        report_data(job, EVERYTHING),
        report_data(fix_evals(), EVERYTHING),
        comparison_data((a, b), cases, found, EVERYTHING),
    )
    told = {each for document in documents for each in told_in(document)}
    whole = {
        (name, key)
        for name, definition in report_schema()["$defs"].items()
        for key in definition["properties"]
    }
    assert whole == told
