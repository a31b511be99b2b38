"""Every fault of a suite is one error with its exact place."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import evals.scorers
from evals.approach import Approach
from evals.errors import SuiteError
from evals.suite import load_suite
from evals.suite.scorer_files import DATA_FILES
from evals.suite.spec import CandidateSpec
from tests.evals.suite.small_suite import MANIFEST, MakeSuite, rows

FULL = """\
candidate: {model: "hf:org/small", prompt: spec}
compare_models: ["openai:large"]
operation: {calls_per_month: 2000000, facts_change: never, retrain_months: 6, max_cost: 3}
search: {early_stop: true, dev_extensions: 1}
rounds:
  - {family: wording, prompts: [terse, spec]}
  - {family: few_shot, prompts: [spec], k: [4, 8]}
  - {family: nearest, prompts: [spec], k: 4}
guards: {general_ability: {max_loss: 0.05}, other: {}}
tune: {method: lora, prompt: terse, min_examples: 50, learning_rate: 1e-4}
ci: {split: dev, max_loss: 0.04, on_inconclusive: fail}
decoding: {max_tokens: 12, stop: ["\\n"]}
variables: {company: Acme}
"""


def fails(root: Path) -> SuiteError:
    with pytest.raises(SuiteError) as caught:
        load_suite(root)
    return caught.value


def test_a_full_manifest_is_read_into_typed_parts(make_suite: MakeSuite) -> None:
    suite = load_suite(make_suite(extra=FULL))
    assert suite.name == "ticket_routing"
    assert suite.labels == ("billing", "login")
    assert (suite.target, suite.min_gain) == (0.92, 0.10)
    assert [(r.family, r.prompts, r.approaches, r.line) for r in suite.rounds] == [
        ("wording", ("terse", "spec"), (Approach(),), 17),
        ("few_shot", ("spec",), (Approach("static", 4), Approach("static", 8)), 18),
        ("nearest", ("spec",), (Approach("nearest", 4),), 19),
    ]
    assert [(g.suite, g.max_loss) for g in suite.guards] == [
        ("general_ability", 0.05),
        ("other", 0.10),
    ]
    assert (suite.tune.prompt, suite.tune.learning_rate) == ("terse", 1e-4)
    assert (suite.ci.max_loss, suite.ci.on_inconclusive) == (0.04, "fail")
    assert suite.decoding.stop == ("\n",)
    assert suite.operation.calls_per_month == 2_000_000
    assert suite.operation.max_cost == 3
    assert (suite.operation.pay_back_months, suite.operation.max_loss) == (12, 0.05)
    assert (suite.search.early_stop, suite.search.dev_extensions) == (True, 1)
    assert suite.candidate == CandidateSpec("hf:org/small", "spec", Approach())
    assert [len(suite.split(s)) for s in ("train", "dev", "test")] == [4, 3, 3]
    assert suite.cases[3].line == 4


def test_the_manifest_itself_can_be_named(make_suite: MakeSuite) -> None:
    root = make_suite()
    assert load_suite(root / "suite.yaml") == load_suite(root)


def test_yes_and_no_are_labels_and_not_booleans(make_suite: MakeSuite) -> None:
    cases = [{**row, "expected": "yes"} for row in rows()]
    manifest = MANIFEST.replace("[billing, login]", "[yes, no, on, off]")
    assert load_suite(make_suite(manifest, cases=cases)).labels == ("yes", "no", "on", "off")


# What is wrong, what stands instead of what in the manifest; line, key, words of the message.
BAD_MANIFESTS = [
    ("task: Route", "tasks: Route", 3, "tasks", "unknown key 'tasks' (did you mean 'task'?)"),
    ("format: 1", "format: 2", 1, "format", "expected format 1, found number 2"),
    ("name: ticket_routing", "name: ../up", 2, "name", "'../up' is not a name"),
    ("name: ticket_routing", "name: 12", 2, "name", "expected text, found number 12"),
    ("min_gain: 0.10", "min_gain: 0", 11, "min_gain", "at least 0.001 and below 1, found number 0"),
    ("min_gain: 0.10", "min_gain: 1.0e-320", 11, "min_gain", "at least 0.001 and below 1"),
    ("min_gain: 0.10", "min_gain: 1.0e-160", 11, "min_gain", "at least 0.001 and below 1"),
    ("min_gain: 0.10", "min_gain: 1", 11, "min_gain", "found number 1"),
    ("min_gain: 0.10", "min_gain: .nan", 11, "min_gain", "expected a finite number"),
    ("min_gain: 0.10", "min_gain: big", 11, "min_gain", "found text 'big'"),
    ("target: 0.92", "target: 92", 10, "target", "at most 1, found number 92"),
    ("target: 0.92", "target: true", 10, "target", "found boolean true"),
    ("primary: accuracy", "primary: acuracy", 9, "primary", "did you mean 'accuracy'?"),
    ("test: 0.25", "test: 0.5", 5, "split", "the shares sum to 1.25, expected 1"),
    ("test: 0.25", "tset: 0.25", 5, "split.tset", "did you mean 'test'?"),
    ("test: 0.25", "test: -0.25", 5, "split.test", "at least 0"),
    ("label@1", "label", 8, "metrics.accuracy.scorer", "a versioned scorer like 'exact@1'"),
    ("{scorer: label@1, ", "{", 8, "metrics.accuracy", "key 'scorer' is missing"),
    ("cases: cases.jsonl", "cases: case.jsonl", 4, "cases", "did you mean 'cases.jsonl'?"),
    ("cases: cases.jsonl", "cases: /etc/passwd", 4, "cases", "must be relative"),
    ("cases: cases.jsonl", "cases: C:\\cases.jsonl", 4, "cases", "must be relative"),
    ("cases: cases.jsonl", "cases: a/../../x", 4, "cases", "'..' is not allowed"),
    ("cases: cases.jsonl", "cases: prompts", 4, "cases", "is not a regular file"),
    ("cases: cases.jsonl", "cases: 3", 4, "cases", "found number 3"),
    ("cases: cases.jsonl", "cases: {dev: cases.jsonl}", 5, "split", "shares make no sense"),
    ("spec: prompts/spec.j2", "spec: [a]", 6, "prompts.spec", "a path inside the suite"),
    ("{terse: prompts/terse.j2, spec: prompts/spec.j2}", "{}", 6, "prompts", "at least one prompt"),
    ("primary: accuracy\n", "", 1, None, "key 'primary' is missing"),
    ("task: Route", "task: Route\ntask: Route", 4, "task", "appears twice, first on line 3"),
    ("task: Route a", "task: !!python/object:os.system a", 3, "task", "YAML tag"),
    ("task: Route", "task: [", 4, None, "not valid YAML"),
    ("task: Route", "task: \x07", 3, None, "character U+0007 is not allowed"),
]


@pytest.mark.parametrize(("old", "new", "line", "key", "words"), BAD_MANIFESTS)
def test_a_fault_in_the_manifest_is_named_with_its_line_and_key(
    make_suite: MakeSuite, old: str, new: str, line: int, key: str | None, words: str
) -> None:
    assert old in MANIFEST
    error = fails(make_suite(MANIFEST.replace(old, new)))
    assert (error.path or "").endswith("suite.yaml")
    assert (error.line, error.key) == (line, key)
    assert words in str(error)


BAD_EXTRAS = [
    ("rounds: [{family: wordings, prompts: [spec]}]", "rounds[0].family", "one of wording"),
    ("rounds: [{family: wording, prompts: [spek]}]", "rounds[0].prompts[0]", "mean 'spec'?"),
    ("rounds: [{family: wording, prompts: [spec, spec]}]", "rounds[0].prompts[1]", "twice"),
    ("rounds: [{family: wording, prompts: []}]", "rounds[0].prompts", "at least 1"),
    ("rounds: [{family: wording, prompts: [spec], k: [2]}]", "rounds[0].k", "has no k"),
    ("rounds: [{family: nearest, prompts: [spec]}]", "rounds[0]", "'k' is missing"),
    ("rounds: [{family: few_shot, prompts: [spec], k: 2, draw: odd}]", "rounds[0].draw", "one of"),
    ("rounds: [{family: nearest, prompts: [spec], k: 2, by: [x]}]", "rounds[0].by[0]", "one of"),
    ("rounds: [{family: nearest, prompts: [spec], k: [0]}]", "rounds[0].k[0]", "from 1 to 64"),
    ("rounds: {}", "rounds", "expected a list, found an object"),
    ("guards: {../x: {}}", "guards.../x", "is not a name"),
    ("guards: {g: {max_los: 1}}", "guards.g.max_los", "did you mean 'max_loss'?"),
    ("tune: {prompt: trse}", "tune.prompt", "did you mean 'terse'?"),
    ("tune: {method: dop}", "tune.method", "unknown method 'dop'"),
    ("tune: {documents: 2}", "tune.documents", "and the suite has none"),
    ("tune: {documents: 0}", "tune.documents", "from 1 to 64"),
    ("tune: {remedies: [sclae]}", "tune.remedies[0]", "there is no remedy 'sclae'"),
    ("tune: {remedies: [rate, rate]}", "tune.remedies[1]", "'rate' appears twice"),
    ("tune: {remedies: some}", "tune.remedies", "expected a list"),
    ("tune: {max_text_rise: 0}", "tune.max_text_rise", "expected"),
    ("tune: {min_examples: 1.5}", "tune.min_examples", "a whole number"),
    ("tune: {seeds: 0}", "tune.seeds", "1"),
    ("tune: {seeds: 21}", "tune.seeds", "20"),
    ("tune: {seeds: many}", "tune.seeds", "a whole number"),
    ("ci: {split: prod}", "ci.split", "one of train, dev, test"),
    ("repeats: 5", "repeats", "expected a mapping"),
    ("repeats: {pass_at_least: 2}", "repeats", "'times' is missing"),
    ("repeats: {times: 0}", "repeats.times", "from 1 to 1000"),
    ("repeats: {times: 3, pass_at_least: 4}", "repeats.pass_at_least", "can never be right"),
    ("repeats: {times: 3, pass_at_least: 0}", "repeats.pass_at_least", "from 1"),
    ("candidate: {url: x}", "candidate.url", "unknown key"),
    ("decoding: {temperature: -1}", "decoding.temperature", "at least 0"),
    ("decoding: {max_tokens: 0}", "decoding.max_tokens", "from 1"),
    ("decoding: {stop: [1]}", "decoding.stop[0]", "expected text"),
    ("slices: [langage]", "slices[0]", "no case has the tag 'langage'"),
    ("variables: {a-b: 1}", "variables.a-b", "not a name that a template can use"),
    ("operation: {facts_change: daily}", "operation.facts_change", "one of never"),
    ("operation: {pay_back_months: 0}", "operation.pay_back_months", "at least 0.01"),
    ("operation: {pay_back_months: 1.0e-320}", "operation.pay_back_months", "at least 0.01"),
    ("operation: {retrain_months: 1.0e-320}", "operation.retrain_months", "at least 0.01"),
    (f"operation: {{retrain_months: 1{'0' * 400}}}", "operation.retrain_months", "at most 1200"),
    (f"operation: {{max_cost: 1{'0' * 400}}}", "operation.max_cost", "at most 1e+09"),
    (f"tune: {{epochs: 1{'0' * 400}}}", "tune.epochs", "at most 1000"),
    ("operation: {max_loss: 1.0e-9}", "operation.max_loss", "at least 0.001"),
    ("ci: {max_loss: 1.0e-320}", "ci.max_loss", "at least 0.001"),
    ("guards: {other: {max_loss: 1.0e-9}}", "guards.other.max_loss", "at least 0.001"),
    ("operation: {person_hours: -1}", "operation.person_hours", "at least 0"),
    ("operation: {max_loss: 1}", "operation.max_loss", "below 1"),
    ("search: {dev_extensions: 3}", "search.dev_extensions", "from 0 to 2"),
    ("search: {early_stop: sometimes}", "search.early_stop", "true or false"),
]


@pytest.mark.parametrize(("extra", "key", "words"), BAD_EXTRAS)
def test_a_fault_in_an_optional_part_is_named(
    make_suite: MakeSuite, extra: str, key: str, words: str
) -> None:
    error = fails(make_suite(extra=extra + "\n"))
    assert (error.line, error.key) == (12, key)
    assert words in str(error)


def test_a_missing_suite_and_a_folder_without_a_manifest_are_told_apart(tmp_path: Path) -> None:
    assert "no such suite" in str(fails(tmp_path / "nowhere"))
    assert "no suite.yaml in this folder" in str(fails(tmp_path))


def test_an_empty_manifest_is_refused(make_suite: MakeSuite) -> None:
    assert "expected a mapping, found nothing" in str(fails(make_suite("")))


def test_an_alias_bomb_ends_at_the_node_limit(make_suite: MakeSuite) -> None:
    levels = "".join(
        f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" if n else "  a0: &a0 [x]\n"
        for n in range(12)
    )
    error = fails(make_suite(extra="variables:\n" + levels))
    assert "more than 20000 values, aliases expanded" in str(error)


def test_an_alias_to_itself_and_deep_nesting_are_refused(make_suite: MakeSuite) -> None:
    assert "nested deeper" in str(fails(make_suite(extra="variables: &a {b: *a}\n")))


def test_a_hundred_thousand_brackets_are_refused(make_suite: MakeSuite) -> None:
    assert "nested deeper" in str(fails(make_suite(extra="variables: " + "[" * 100_000)))


def test_an_oversized_manifest_is_refused_unread(make_suite: MakeSuite) -> None:
    assert "the limit is" in str(fails(make_suite(extra="#" * (2 << 20))))


@pytest.mark.parametrize("inside", ["cases.jsonl", "prompts/terse.j2"])
def test_a_link_out_of_the_suite_is_refused(
    make_suite: MakeSuite, tmp_path: Path, inside: str
) -> None:
    root = make_suite()
    outside = tmp_path / "outside"
    outside.write_text((root / inside).read_text())
    (root / inside).unlink()
    (root / inside).symlink_to(outside)
    assert "a link that leads out of the suite" in str(fails(root))


def test_a_linked_folder_out_of_the_suite_is_refused(make_suite: MakeSuite, tmp_path: Path) -> None:
    root = make_suite()
    (root / "prompts").rename(tmp_path / "prompts")
    (root / "prompts").symlink_to(tmp_path / "prompts")
    assert "a link that leads out of the suite" in str(fails(root))


def test_a_suite_reached_through_a_link_is_fine(make_suite: MakeSuite, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(make_suite())
    assert load_suite(tmp_path / "link").name == "ticket_routing"


def test_a_pipe_is_not_read(make_suite: MakeSuite) -> None:
    root = make_suite()
    (root / "cases.jsonl").unlink()
    os.mkfifo(root / "cases.jsonl")
    assert "is not a regular file" in str(fails(root))


BAD_CASES: list[tuple[str, str | None, str]] = [
    ('{"id": "x", "input": "a", "expected": "b", }', None, "not valid JSON"),
    ('{"id": "x", "input": "a", "expected": NaN}', None, "NaN is not a JSON number"),
    ('{"id": "x", "input": "a", "expected": -Infinity}', None, "-Infinity is not"),
    ('{"id": "x", "input": "a", "expected": 1e999}', None, "number 1e999 is too large"),
    ('{"id": "x", "id": "y", "input": "a", "expected": "b"}', None, "key 'id' appears twice"),
    ('["x"]', None, "expected a JSON object, found a list"),
    ("[" * 100_000, None, "nested deeper than"),
    ('{"id": "x", "input": "a", "expected": ' + "[" * 90 + "]" * 90 + "}", None, "nested deeper"),
    ('{"id": "x", "input": "a", "expected": ' + "9" * 5000 + "}", None, "not valid JSON"),
    ('{"input": "a", "expected": "b"}', None, "key 'id' is missing"),
    ('{"id": "x", "expected": "b"}', None, "key 'input' is missing"),
    ('{"id": "x", "input": "a"}', None, "key 'expected' is missing"),
    ('{"id": "", "input": "a", "expected": "b"}', "id", "expected text, found text ''"),
    ('{"id": 7, "input": "a", "expected": "b"}', "id", "expected text, found number 7"),
    ('{"id": "a\\u0007", "input": "a", "expected": "b"}', "id", "control character U+0007"),
    ('{"id": "a\\nb", "input": "a", "expected": "b"}', "id", "control character U+000A"),
    (json.dumps({"id": "x" * 201, "input": "a", "expected": "b"}), "id", "the limit is 200"),
    ('{"id": "x", "input": [], "expected": "b"}', "input", "found an empty list"),
    ('{"id": "x", "input": {}, "expected": "b"}', "input", "found an object"),
    ('{"id": "x", "input": "\\ud800", "expected": "b"}', None, "lone surrogate \\ud800"),
    ('{"id": "x", "inptu": "a", "expected": "b"}', "inptu", "did you mean 'input'?"),
    ('{"id": "x", "input": "a", "expected": "b", "answer": 3}', "answer", "expected text"),
    ('{"id": "x", "input": "a", "expected": "b", "split": "prod"}', "split", "one of train"),
    ('{"id": "x", "input": "a", "expected": "b", "choices": ["b"]}', "choices", "at least 2"),
    ('{"id": "x", "input": "a", "expected": "b", "choices": ["c", "c"]}', "choices[1]", "twice"),
    ('{"id": "x", "input": "a", "expected": "b", "choices": ["c", "d"]}', "expected", "one of the"),
    ('{"id": "x", "input": "a", "expected": "b", "tags": {"a": 1}}', "tags.a", "expected text"),
    ('{"id": "x", "input": "a", "expected": "b", "tags": []}', "tags", "expected a mapping"),
    ('{"id": "x", "input": "a", "expected": "b", "must_pass": 1}', "must_pass", "true or false"),
    ('{"id": "x", "input": "a", "expected": "b", "documents": "d"}', "documents", "a list"),
    ('{"id": "t2", "input": "a", "expected": "b"}', "id", "appears twice, first on line 3"),
]


@pytest.mark.parametrize(("text", "key", "words"), BAD_CASES)
def test_a_fault_on_line_seven_of_the_cases_is_named(
    make_suite: MakeSuite, text: str, key: str | None, words: str
) -> None:
    good = "".join(json.dumps(row) + "\n" for row in rows()[:5])
    error = fails(make_suite(cases=f"{good}\n{text}\n"))
    assert (error.path or "").endswith("cases.jsonl")
    assert (error.line, error.key) == (7, key)
    assert words in str(error)
    assert len(str(error)) < 500


def test_invalid_utf8_is_refused_with_its_line(make_suite: MakeSuite) -> None:
    good = json.dumps(rows()[0]).encode()
    error = fails(make_suite(cases=good + b'\n{"id": "\xff"}\n'))
    assert (error.line, "byte 0xff" in str(error)) == (2, True)


def test_a_byte_order_mark_blank_lines_and_crlf_are_tolerated(make_suite: MakeSuite) -> None:
    lines = [json.dumps(row).encode() for row in rows()]
    root = make_suite(cases=b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines))
    assert [case.line for case in load_suite(root).cases] == list(range(1, 20, 2))


def test_a_file_without_cases_is_refused(make_suite: MakeSuite) -> None:
    assert "holds no cases" in str(fails(make_suite(cases="\n \n")))


def test_a_case_in_train_and_test_is_refused_with_both_places(make_suite: MakeSuite) -> None:
    manifest = MANIFEST.replace("cases.jsonl", "{train: cases.jsonl, test: test.jsonl}")
    manifest = manifest.replace("split: {train: 0.5, dev: 0.25, test: 0.25}\n", "")
    train = [{"id": f"t{n}", "input": "a", "expected": "b"} for n in range(3)]
    test = json.dumps({"id": "other", "input": "a", "expected": "b"}) + "\n" + json.dumps(train[1])
    error = fails(make_suite(manifest, cases=train, files={"test.jsonl": test}))
    assert (error.path or "").endswith("test.jsonl")
    assert error.line == 2
    assert "cases.jsonl:2 (in train there, in test here)" in str(error)


def test_a_cluster_in_two_splits_is_refused(make_suite: MakeSuite) -> None:
    cases = [{**row, "cluster": "acme"} for row in rows()]
    error = fails(make_suite(cases=cases))
    assert (error.line, error.key) == (5, "cluster")
    assert "in dev here and in train on" in str(error)


def test_a_case_that_contradicts_its_files_split_is_refused(make_suite: MakeSuite) -> None:
    manifest = MANIFEST.replace("cases.jsonl", "{train: cases.jsonl}")
    manifest = manifest.replace("split: {train: 0.5, dev: 0.25, test: 0.25}\n", "")
    error = fails(make_suite(manifest))
    assert (error.line, error.key) == (5, "split")


def test_without_shares_every_case_must_state_its_split(make_suite: MakeSuite) -> None:
    manifest = MANIFEST.replace("split: {train: 0.5, dev: 0.25, test: 0.25}\n", "")
    cases = rows()
    del cases[2]["split"]
    error = fails(make_suite(manifest, cases=cases))
    assert error.line == 3
    assert "split: {train: 0.5, dev: 0.25, test: 0.25}" in str(error)


def case_of(make_suite: MakeSuite, **fields: Any) -> Any:
    row = {"id": "x", "input": "a", "split": "dev", **fields}
    return load_suite(make_suite(cases=[row])).cases[0]


def test_text_input_becomes_an_object_and_expected_text_the_answer(make_suite: MakeSuite) -> None:
    case = case_of(make_suite, expected="b")
    assert (case.input, case.answer) == ({"text": "a"}, "b")


def test_an_expected_object_gives_a_compact_json_answer(make_suite: MakeSuite) -> None:
    assert case_of(make_suite, expected={"b": [1, "ü"]}).answer == '{"b":[1,"ü"]}'


def test_a_stated_answer_wins(make_suite: MakeSuite) -> None:
    case = case_of(make_suite, expected=["b", "c"], answer="c")
    assert (case.expected, case.answer) == (["b", "c"], "c")


PYTHON = MANIFEST.replace("label@1, labels: [billing, login]", 'python@1, function: "s.py:f"')


@pytest.mark.parametrize("file", ["grammar.py", "table.csv", "data/words.txt", "late.py"])
def test_whatever_scorer_code_could_read_is_part_of_its_identity(
    make_suite: MakeSuite, file: str
) -> None:
    code = {
        "s.py": "import grammar\nimport importlib\n",
        "grammar.py": "A = 1\n",
        "late.py": "B = 1\n",
        "table.csv": "a,b\n",
        "data/words.txt": "a\n",
    }
    root = make_suite(PYTHON, files=code)
    first = load_suite(root)
    (root / file).write_text("C = 2\n")
    assert load_suite(root).scoring_fingerprint != first.scoring_fingerprint


@pytest.mark.parametrize("file", ["README.md", "accepted.json", "looks.jsonl", ".notes/x", "p.txt"])
def test_what_has_another_use_is_no_part_of_a_scorers_identity(
    make_suite: MakeSuite, file: str
) -> None:
    root = make_suite(PYTHON, files={"s.py": ""})
    first = load_suite(root)
    path = next((root / "prompts").iterdir()) if file == "p.txt" else root / file
    path.parent.mkdir(exist_ok=True)
    path.write_text('{% message "user" %}{{ input.text }}!{% endmessage %}')
    assert load_suite(root).scoring_fingerprint == first.scoring_fingerprint


def test_a_python_scorer_inside_another_scorers_options_counts_too(make_suite: MakeSuite) -> None:
    nested = 'by_tag@1, tag: kind, scorers: {a: {scorer: python@1, function: "s.py:f"}}'
    manifest = PYTHON.replace('python@1, function: "s.py:f"', nested)
    assert load_suite(make_suite(manifest, files={"s.py": ""})).scorers_sha256


@pytest.mark.parametrize(
    "metric",
    [
        "json_schema@1, schema: forms/ticket.json",
        "by_tag@1, tag: kind, scorers: "
        "{a: {scorer: json_schema@1, schema: forms/ticket.json}}, default: {scorer: exact@1}",
    ],
)
def test_a_changed_schema_file_is_another_metric(make_suite: MakeSuite, metric: str) -> None:
    manifest = MANIFEST.replace("label@1, labels: [billing, login]", metric)
    files = {"forms/ticket.json": '{"type": "object"}', "forms/other.json": "{}"}
    root = make_suite(manifest, files=files)
    first = load_suite(root)
    (root / "forms" / "other.json").write_text("[]")
    assert load_suite(root).scoring_fingerprint == first.scoring_fingerprint
    (root / "forms" / "ticket.json").write_text('{"type": "array"}')
    changed = load_suite(root)
    assert changed.scoring_fingerprint != first.scoring_fingerprint
    assert changed.fingerprint != first.fingerprint


def test_a_schema_inside_the_manifest_reads_no_file(make_suite: MakeSuite) -> None:
    metric = 'json_schema@1, schema: {properties: {scorer: {type: string}, schema: {const: "x"}}}'
    manifest = MANIFEST.replace("label@1, labels: [billing, login]", metric)
    assert load_suite(make_suite(manifest)).scorers_sha256 == ""


@pytest.mark.parametrize(
    ("named", "said"),
    [("form.json", "does not exist"), ("../form.json", "not allowed"), ("/form.json", "relative")],
)
def test_a_schema_file_that_is_not_in_the_suite_is_refused_with_its_line(
    make_suite: MakeSuite, named: str, said: str
) -> None:
    metric = f"json_schema@1, schema: {named}"
    root = make_suite(MANIFEST.replace("label@1, labels: [billing, login]", metric))
    (root.parent / "form.json").write_text("{}")
    with pytest.raises(SuiteError, match=rf"suite.yaml:8: metrics.accuracy.schema: .*{said}"):
        load_suite(root)


def test_every_file_that_a_scorer_reads_is_part_of_the_metrics_identity() -> None:
    """A scorer that reads a file by an option of its own must be named in `DATA_FILES`."""
    folder = Path(evals.scorers.__file__).parent
    asked = re.compile(r"\.file\(\s*[\"'](\w+)")
    read = {name for path in folder.rglob("*.py") for name in asked.findall(path.read_text())}
    assert read == {"function"}.union(*DATA_FILES.values())
    assert set(DATA_FILES) < set(evals.scorers.scorer_names())


def test_loading_never_runs_the_suites_code(make_suite: MakeSuite, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    load_suite(make_suite(PYTHON, files={"s.py": f"open({str(ran)!r}, 'w')\n"}))
    assert not ran.exists()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("s.py", "a function like"),
        ("../s.py:f", "'..' is not allowed"),
        ("t.py:f", "does not exist"),
        ("broken.py:f", "not valid Python on line 1"),
    ],
)
def test_a_bad_scorer_function_is_named(make_suite: MakeSuite, function: str, words: str) -> None:
    manifest = PYTHON.replace("s.py:f", function)
    error = fails(make_suite(manifest, files={"s.py": "", "broken.py": "def"}))
    assert (error.line, error.key) == (8, "metrics.accuracy.function")
    assert words in str(error)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, evals.suite, evals.suite.load, evals.suite.check, evals.suite.scaffold;"
        "evals.suite.load_suite;"
        "sys.exit(', '.join({'numpy','scipy','sklearn','torch','jinja2'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_metric_that_tells_the_form_is_named(make_suite: MakeSuite) -> None:
    assert load_suite(make_suite(extra="form: accuracy\n")).form == "accuracy"


def test_without_one_no_metric_tells_the_form(make_suite: MakeSuite) -> None:
    assert load_suite(make_suite()).form is None


@pytest.mark.parametrize(
    ("form", "message"),
    [("acuracy", "no metric 'acuracy'"), ("[accuracy]", "expected text"), ("3", "expected text")],
)
def test_a_form_that_names_no_metric_is_an_error_at_its_line(
    make_suite: MakeSuite, form: str, message: str
) -> None:
    error = fails(make_suite(extra=f"form: {form}\n"))
    assert (error.key, error.line) == ("form", 12)
    assert message in error.message
