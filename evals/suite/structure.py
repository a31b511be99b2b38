"""The `structure:` of a suite: the form that answers can be held to while they are written.

What is not stated is derived where it is certain: a structure that forbids a right answer would
be worse than none. See `evals.suite.structure_check` for whether it does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.errors import SuiteError
from evals.fingerprint import canonical as plain_json
from evals.records import Decoding, Json
from evals.suite.inside import inner_file
from evals.suite.listed import ROOT_RULE, choices_grammar
from evals.suite.section import Section
from evals.suite.source import describe, read_json, read_text
from evals.suite.spec import MetricSpec, Structure

KINDS = ("schema", "grammar", "regex", "choices")
NONE = "none"
"""The word by which a suite says that its answers are to be held to nothing."""
MAX_GRAMMAR_BYTES = 256 << 10
MAX_CHOICES = 10_000


def read_structure(
    top: Section, root: Path, primary: MetricSpec, decoding: Decoding
) -> Structure | None:
    """What the suite states, else what `decoding` or the primary metric imply, else None.

    `structure: none` states that there is none, whatever is implied. What else right answers
    imply: `evals.suite.implied`. Raises SuiteError with file, line and key.
    """
    if top.values.get("structure") == NONE:
        return None
    if top.has("structure"):
        return _stated(top.section("structure"), root)
    if decoding.schema is not None:
        return Structure(schema=decoding.schema, source="decoding.schema")
    return _derived(top, root, primary)


def read_schema(section: Section, root: Path) -> Json:
    """The JSON schema under the key `schema`: inline, or a `.json` file of the suite.

    Raises SuiteError also for a schema that breaks the rules of its own draft.
    """
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import validator_for

    schema: Any = section.values["schema"]
    if isinstance(schema, str):
        path = inner_file(root, section, "schema")
        schema = read_json(path)
        section = Section(path, {"schema": schema}, 1)
    if not isinstance(schema, Mapping) or not schema:
        section.expect("a JSON schema, or a .json file of the suite", "schema")
    try:
        json.dumps(plain_json(schema), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        half = ord(error.object[error.start])
        section.fail(f"lone surrogate \\u{half:04x}: half a character", "schema")
    except (TypeError, ValueError, RecursionError):
        pass  # said below, of the schema's own rules
    try:
        validator_for(schema).check_schema(dict(schema))
    except SchemaError as error:
        section.fail(f"not a valid JSON schema: {error.message[:300]}", "schema")
    except (TypeError, ValueError, RecursionError) as error:
        section.fail(f"not a valid JSON schema: {str(error)[:300]}", "schema")
    return schema


def _stated(section: Section, root: Path) -> Structure:
    section.only(*KINDS)
    kinds = [kind for kind in KINDS if section.has(kind)]
    if len(kinds) != 1:
        found = f"found {' and '.join(kinds)}" if kinds else "found none of them"
        section.fail(f"expected one of {', '.join(KINDS)}; {found}")
    (kind,) = kinds
    line, value = section.line_of(kind), section.values[kind]
    if kind == "schema":
        file = value if isinstance(value, str) else ""
        schema, source = read_schema(section, root), file or "structure.schema"
        return Structure(schema=schema, source=source, stated=True, file=file, line=line)
    if kind == "grammar":
        path = inner_file(root, section, "grammar")
        text = read_text(path, max_bytes=MAX_GRAMMAR_BYTES)
        _check_grammar(text, path)
        return Structure(grammar=text, source=value, stated=True, file=value, line=line)
    if kind == "regex":
        regex = section.text("regex")
        if len(regex) > MAX_GRAMMAR_BYTES:
            section.fail(f"longer than {MAX_GRAMMAR_BYTES} characters", "regex")
        return Structure(regex=regex, source="structure.regex", stated=True, line=line)
    choices = section.texts("choices", at_least=1)
    _check_choices(section, choices)
    return Structure(
        grammar=choices_grammar(choices),
        source="structure.choices",
        choices=choices,
        stated=True,
        line=line,
    )


def _check_grammar(text: str, path: Path) -> None:
    """What is wrong with any grammar; the rest is seen where it is compiled."""
    lines = (line.split("#", 1)[0] for line in text.splitlines())
    if not any(line.split("::=")[0].strip() == ROOT_RULE for line in lines if "::=" in line):
        raise SuiteError(
            f"the grammar has no rule {ROOT_RULE!r}",
            path=path,
            line=1,
            hint='write it as llama.cpp does (GBNF): root ::= "yes" | "no"',
        )


def _check_choices(section: Section, choices: tuple[str, ...]) -> None:
    if len(choices) > MAX_CHOICES:
        section.fail(f"{len(choices)} choices, the limit is {MAX_CHOICES}", "choices")
    for i, text in enumerate(choices):
        if text != text.strip():
            section.fail(f"{describe(text)} begins or ends with a blank", "choices", i)


def _derived(top: Section, root: Path, primary: MetricSpec) -> Structure | None:
    """The structure that every full-mark answer has, where the primary metric says so."""
    for at, scorer, options in binding(primary):
        if scorer == "label@1" and (labels := _labels(options)):
            source = f"the labels of {primary.name}"
            return Structure(grammar=choices_grammar(labels), source=source, choices=labels)
        if scorer == "json_schema@1" and options.get("schema"):
            schema = schema_of(top, root, at, options)
            source = f"the schema of {primary.name}"
            return None if schema is None else Structure(schema=schema, source=source)
    return None


def schema_of(top: Section, root: Path, at: tuple[str, ...], options: Mapping[str, Json]) -> Json:
    """The schema that the options of `json_schema@1` at `at` name; None for what is no schema.

    The scorer refuses that in its own words when it is built.
    """
    section = Section(top.path, options, top.line_of(*at), at)
    try:
        return read_schema(section, root)
    except SuiteError:
        return None


def binding(
    metric: MetricSpec,
) -> Iterator[tuple[tuple[str, ...], str, Mapping[str, Json]]]:
    """The scorers that a full-mark answer must all satisfy: the metric's, or those of `all_of@1`.

    Each with where it stands, its name and its options.
    """
    at = ("metrics", metric.name)
    yield at, metric.scorer, metric.options
    inner = metric.options.get("scorers")
    if metric.scorer == "all_of@1" and isinstance(inner, Mapping):
        for name, options in inner.items():
            if isinstance(options, Mapping):
                yield (*at, "scorers", str(name)), str(options.get("scorer")), options


def _labels(options: Mapping[str, Json]) -> tuple[str, ...]:
    """A label metric's labels; empty where they are not what it takes."""
    labels = options.get("labels")
    fit = isinstance(labels, list | tuple) and all(
        isinstance(label, str) and label and label == label.strip() for label in labels
    )
    return tuple(labels) if fit and isinstance(labels, list | tuple) else ()
