"""`structure:` of a suite: read, derived, and held against the right answers."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from evals.errors import SuiteError
from evals.models import constrained
from evals.records import Finding
from evals.suite import Suite, load_suite, structure_check
from evals.suite.check import check_suite
from evals.suite.structure import choices_grammar

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"team": {"enum": ["a", "b"]}, "size": {"type": "integer"}},
    "required": ["team", "size"],
    "additionalProperties": False,
}
FORM = json.dumps(SCHEMA)
GOLD = '{"team": "a", "size": 1}'


def write(
    folder: Path, structure: str = "", *, scorer: str = "exact@1", gold: str = GOLD, more: str = ""
) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "ask.j2").write_text('{% message "user" %}{{ input.text }}{% endmessage %}')
    case = {"id": "c1", "input": {"text": "hi"}, "expected": gold}
    (folder / "cases.jsonl").write_text(json.dumps(case) + "\n")
    (folder / "suite.yaml").write_text(
        "format: 1\nname: s\ntask: T.\ncases: {dev: cases.jsonl}\nprompts: {ask: ask.j2}\n"
        f"metrics: {{m: {{scorer: {scorer}}}}}\nprimary: m\n"
        + (f"structure: {structure}\n" if structure else "")
        + more
    )
    return folder


def loaded(folder: Path, structure: str = "", **more: str) -> Suite:
    return load_suite(write(folder, structure, **more))


def findings(suite: Suite) -> dict[str, Finding]:
    return {one.code: one for one in check_suite(suite).findings if "structure" in one.code}


def test_a_schema_a_grammar_a_regex_and_choices_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    inline = loaded(folder, f"{{schema: {FORM}}}").structure
    (folder / "form.json").write_text(FORM)
    (folder / "form.gbnf").write_text('# teams\nroot ::= "a" | "b"\n')
    named = loaded(folder, "{schema: form.json}").structure
    grammar = loaded(folder, "{grammar: form.gbnf}").structure
    regex = loaded(folder, "{regex: '[ab]'}").structure
    choices = loaded(folder, "{choices: [a, 'b\"c']}").structure
    assert inline
    assert named
    assert grammar
    assert regex
    assert choices
    assert inline.schema == named.schema == SCHEMA
    assert inline.source == "structure.schema"
    assert named.source == named.file == "form.json"
    assert (grammar.grammar, grammar.source) == ('# teams\nroot ::= "a" | "b"\n', "form.gbnf")
    assert (regex.regex, regex.source) == ("[ab]", "structure.regex")
    assert choices.grammar == 'root ::= "a" | "b\\"c"'
    assert all(one.stated for one in (inline, named, grammar, regex, choices))


@pytest.mark.parametrize(
    ("structure", "said"),
    [
        ("{}", "structure: expected one of schema, grammar, regex, choices; found none"),
        ("{regex: a, choices: [a]}", "found regex and choices"),
        ("{schemas: x.json}", "unknown key 'schemas'"),
        ("{schema: missing.json}", "structure.schema: file 'missing.json' does not exist"),
        ("{schema: ../x.json}", "leads out of the suite"),
        ("{schema: {type: objekt}}", "not a valid JSON schema: 'objekt'"),
        ("{schema: 3}", "expected a JSON schema"),
        ("{grammar: bare.gbnf}", "the grammar has no rule 'root'"),
        ("{grammar: 'root ::= x'}", "does not exist"),
        ("{choices: []}", "at least 1"),
        ("{choices: [a, a]}", "appears twice"),
        ("{choices: [' a']}", "begins or ends with a blank"),
        ("{regex: 7}", "expected text"),
        ("billing", "expected a mapping"),
    ],
)
def test_a_faulty_structure_is_refused_with_file_line_and_key(
    tmp_path: Path, structure: str, said: str
) -> None:
    folder = write(tmp_path / "s", structure)
    (folder / "bare.gbnf").write_text('start ::= "x"\n')
    with pytest.raises(SuiteError) as caught:
        load_suite(folder)
    assert said in str(caught.value)
    assert caught.value.line is not None


@pytest.mark.parametrize(
    ("scorer", "source"),
    [
        ("label@1, labels: [a, b]", "the labels of m"),
        (f"json_schema@1, schema: {FORM}", "the schema of m"),
        (f"all_of@1, scorers: {{f: {{scorer: json_schema@1, schema: {FORM}}}}}", "the schema of m"),
        ("exact@1", None),
        ("json_fields@1", None),
        (f"any_of@1, scorers: {{f: {{scorer: json_schema@1, schema: {FORM}}}}}", None),
        ("json_schema@1, schema: {type: objekt}", None),
    ],
)
def test_what_is_not_stated_is_derived_only_where_every_right_answer_has_it(
    tmp_path: Path, scorer: str, source: str | None
) -> None:
    gold = "a" if scorer.startswith("label") else GOLD
    form = loaded(tmp_path / "s", scorer=scorer, gold=gold).structure
    assert (form.source if form else None) == source
    assert form is None or not form.stated


def test_the_schema_of_decoding_is_the_structure_too(tmp_path: Path) -> None:
    suite = loaded(tmp_path / "s", more=f"decoding: {{schema: {FORM}}}\n")
    assert suite.structure is not None
    assert (suite.structure.schema, suite.structure.source) == (SCHEMA, "decoding.schema")


def test_only_a_stated_structure_is_part_of_what_a_suite_is(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    labels = "label@1, labels: [a, b]"
    derived = loaded(folder, scorer=labels, gold="a")
    assert derived.fingerprint == Suite(**{**vars(derived), "structure": None}).fingerprint
    stated = loaded(folder, "{choices: [a, b]}", scorer=labels, gold="a")
    other = loaded(folder, "{choices: [a, b, c]}", scorer=labels, gold="a")
    assert len({derived.fingerprint, stated.fingerprint, other.fingerprint}) == 3
    assert stated.scoring_fingerprint == derived.scoring_fingerprint


def test_check_says_what_answers_can_be_held_to(tmp_path: Path) -> None:
    found = findings(loaded(tmp_path / "s", scorer="label@1, labels: [a, b]", gold="a"))
    assert list(found) == ["structure"]
    assert found["structure"].message == "answers can be held to the labels of m"
    assert findings(loaded(tmp_path / "t")) == {}


@pytest.mark.parametrize(
    ("structure", "gold", "why"),
    [
        (f"{{schema: {FORM}}}", '{"team": "c", "size": 1}', "'c' is not one of"),
        (f"{{schema: {FORM}}}", "a", "not one JSON document"),
        ("{choices: [a, b]}", "c", "'c' is no choice"),
        ("{regex: '[0-9]+'}", "7b", "'7b'"),
        ("{grammar: form.gbnf}", "no", "'no' cannot be written"),
    ],
)
@pytest.mark.parametrize("library", [True, False])
def test_a_structure_that_forbids_a_right_answer_is_an_error_that_names_the_case(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    structure: str,
    gold: str,
    why: str,
    library: bool,
) -> None:
    folder = write(tmp_path / "s", structure, gold=gold)
    (folder / "form.gbnf").write_text('root ::= "yes"')
    suite = load_suite(folder)
    if not library:
        monkeypatch.setattr(constrained, "library_version", lambda: "")
    found = findings(suite)
    if not library and "grammar" in structure:
        assert found["structure_not_tried"].level == "note"
        return
    fault = found["structure_forbids_answer"]
    assert fault.level == "error"
    assert "case 'c1'" in fault.message
    assert why in fault.message
    assert fault.where.endswith("cases.jsonl:1")
    assert not check_suite(suite).passed


def test_right_answers_that_hold_are_no_finding(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", "{grammar: form.gbnf}", gold="yes")
    (folder / "form.gbnf").write_text('root ::= "yes"')
    assert list(findings(load_suite(folder))) == ["structure"]
    for n, structure in enumerate((f"{{schema: {FORM}}}", "{regex: '.*'}")):
        assert list(findings(loaded(tmp_path / f"t{n}", structure))) == ["structure"]


def test_right_answers_in_another_order_or_spacing_are_a_note(tmp_path: Path) -> None:
    for n, gold in enumerate(('{"size": 1, "team": "a"}', '{\n "team": "a",\n "size": 1\n}')):
        found = findings(loaded(tmp_path / f"s{n}", f"{{schema: {FORM}}}", gold=gold))
        assert list(found) == ["structure", "structure_writes_otherwise"]


def test_a_structure_that_no_model_can_be_held_to_is_an_error_where_it_is_stated(
    tmp_path: Path,
) -> None:
    schema = '{"not": {"type": "string"}}'
    stated = findings(loaded(tmp_path / "s", f"{{schema: {schema}}}"))
    assert stated["structure_not_enforced"].level == "error"
    assert "`not`" in stated["structure_not_enforced"].message
    derived = findings(loaded(tmp_path / "t", scorer=f"json_schema@1, schema: {schema}"))
    assert derived["structure_not_enforced"].level == "note"
    rounds = "rounds: [{family: structured, prompts: [ask]}]\n"
    used = findings(loaded(tmp_path / "u", scorer=f"json_schema@1, schema: {schema}", more=rounds))
    assert used["structure_not_enforced"].level == "error"


def test_a_pattern_that_backtracks_does_not_hold_check_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constrained, "library_version", lambda: "")
    suite = loaded(tmp_path / "s", "{regex: '(a|aa)+b'}", gold="a" * 60 + "c")
    assert findings(suite)["structure_forbids_answer"].level == "error"


def test_choices_of_any_text_are_a_grammar() -> None:
    from evals.models.constrained import Form
    from evals.models.guidance import Acceptor

    choices = ("a", 'say "hi"', "back\\slash", "two\nlines", "été", "tab\there", "[x]", "\x01")
    held = Acceptor(Form(grammar=choices_grammar(choices)), key="structure")
    assert [text for text in choices if not held.accepts(text)] == []
    assert not held.accepts("b")


def test_an_ambiguous_grammar_costs_a_check_no_more_than_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(structure_check, "SECONDS", 0.5)
    folder = write(tmp_path / "s", "{grammar: g.gbnf}", gold="ab" * 400)
    (folder / "g.gbnf").write_text('root ::= root root root root | "a" | "b" | ""\n')
    suite, start = load_suite(folder), monotonic()
    found = findings(suite)["structure_slow"]
    assert monotonic() - start < 20
    assert (found.level, "0 of 1 right answers" in found.message) == ("warning", True)


def test_a_schema_of_thousands_of_properties_is_refused_at_once(tmp_path: Path) -> None:
    many = {"type": "object", "properties": {f"k{n}": {"type": "string"} for n in range(5000)}}
    folder = write(tmp_path / "s", "{schema: s.json}", gold="{}")
    (folder / "s.json").write_text(json.dumps(many))
    fault = findings(load_suite(folder))["structure_not_enforced"]
    assert "too many properties" in fault.message


HALF = [
    r'{regex: "\ud800"}',
    r'{choices: ["\ud800", b]}',
    r'{schema: {enum: ["\ud800"]}}',
    r'{schema: {"\ud800": 1}}',
    "{schema: half.json}",
]


@pytest.mark.parametrize("structure", HALF)
def test_half_a_character_in_a_structure_is_one_clear_error(tmp_path: Path, structure: str) -> None:
    folder = write(tmp_path / "s", structure)
    (folder / "half.json").write_text(r'{"enum": ["\ud800"]}')
    with pytest.raises(SuiteError, match="lone surrogate") as caught:
        load_suite(folder)
    assert caught.value.line
    assert caught.value.key
