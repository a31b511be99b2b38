"""Release notes: that its cases follow the house's rules, keep apart and are judged right."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.records import SPLITS, Case, Output, Score
from evals.suite.load import load_suite
from tests.suites.suite_code import load_code

SUITE = Path(__file__).parents[2] / "suites" / "release_notes"
GENERATOR = SUITE / "generator"
SCHEMA = json.loads((SUITE / "notes.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
RUN = 50  # letters in a row that the lint of training data refuses


house: Any = load_code(GENERATOR / "house.py")
scorers: Any = load_code(SUITE / "scorers.py")


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_suite(SUITE).cases


def commits(case: Case) -> list[str]:
    return str(case.input["commits"]).split("\n")


def by_rules(lines: list[str]) -> dict[str, object]:
    notes, bump = house.release(lines)
    return {"notes": notes, "bump": bump}


def spec() -> str:
    return (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8")


# --- the cases --------------------------------------------------------------------------------


def test_every_answer_follows_the_rules_and_the_schema(cases: tuple[Case, ...]) -> None:
    """The answers of hand-written lists were written by hand; the rules give the same."""
    for case in cases:
        assert case.expected == by_rules(commits(case)), case.id
        assert case.answer == json.dumps(case.expected), case.id
        assert case.tags["rule"] == house.hardest(commits(case)), case.id
        assert case.tags["commits"] == str(len(commits(case))), case.id
        assert VALIDATOR.is_valid(case.expected), case.id


def runs_of(case: Case) -> set[str]:
    letters = "".join(filter(str.isalnum, str(case.input["commits"]).lower()))
    return {letters[at : at + RUN] for at in range(len(letters) - RUN + 1)}


def test_no_train_list_shares_fifty_letters_with_dev_or_test(cases: tuple[Case, ...]) -> None:
    sealed = set().union(*(runs_of(case) for case in cases if case.split != "train"))
    assert [one.id for one in cases if one.split == "train" and sealed & runs_of(one)] == []


def test_a_sprint_and_a_subject_are_of_one_split(cases: tuple[Case, ...]) -> None:
    generated = [case for case in cases if case.tags["source"] == "generated"]
    sprints: dict[str | None, set[str]] = {}
    for case in generated:
        sprints.setdefault(case.cluster, set()).add(case.split)
    assert None not in sprints
    assert len(sprints) > 150
    assert {len(found) for found in sprints.values()} == {1}
    texts = {
        split: "\n".join(str(one.input["commits"]) for one in generated if one.split == split)
        for split in SPLITS
    }
    lines = (GENERATOR / "subjects.txt").read_text(encoding="utf-8").splitlines()
    subjects = [line.split("{")[0] for line in lines if line[0] not in "#["]
    assert len(subjects) > 1000
    for subject in subjects:
        prefix, words = re.escape(subject).split(":", 1)
        told = re.compile(rf"{prefix}\(\w+\)!?:{words}(?![\w ]*[a-z])")
        assert sum(bool(told.search(text)) for text in texts.values()) <= 1, subject


REFERENCES = re.compile(r'[,;]? ?(?:closes|fixes|see)? ?[(\[]?[#!]\d.*|["@\[(].*| (?:--|/) \w+$')


def subject_of(line: str) -> str:
    """What a commit is about: its words without case, punctuation, references and CVE."""
    commit = house.read_commit(line)
    words = (commit.quote or commit.text).split(": ", 1)[1]
    words = REFERENCES.sub("", house._CVE.sub("", words))
    return " ".join(re.findall(r"\w+", words.casefold()))


def test_no_two_splits_have_a_subject_in_common_hand_written_or_not(
    cases: tuple[Case, ...],
) -> None:
    splits: dict[str, set[str]] = {}
    for case in cases:
        for line in commits(case):
            splits.setdefault(subject_of(line), set()).add(case.split)
    splits.pop("")  # a CVE alone
    assert len(splits) > 1300
    assert {subject for subject, found in splits.items() if len(found) > 1} == set()


@pytest.mark.parametrize(
    "line",
    [
        "feat(api): Sort-order, kept",
        "perf(rpt): sort order kept #12 (ilse)",
        'Revert "fix(api)!: sort order kept [#12]"',
        "- fix(api): sort order kept, closes #12 -- lw",
        "* fix(api): sort order kept; see #12 / lw",
        "0a1b2c3 fix(api): sort order kept (!3) @lw",
        "deps(api): sort order kept CVE-2031-1234, fixes #1 (!2)",
    ],
)
def test_a_subject_is_told_from_what_stands_around_it(line: str) -> None:
    assert subject_of(line) == "sort order kept"


def pattern_of(kind: str, entry: str) -> str:
    """An entry of `words.json` with its blanks filled by anything, as a whole word."""
    filled = re.sub(r"\\{\w+\\}", r"\\w+", re.escape(entry))
    before = "^" if kind == "lead" else r"(?<!\w)" if entry[0].isalnum() else ""
    return rf"{before}{filled}" if entry.endswith(" ") else rf"{before}{filled}(?!\w)"


def test_what_is_held_out_is_never_in_train(cases: tuple[Case, ...]) -> None:
    words = json.loads((GENERATOR / "words.json").read_text(encoding="utf-8"))
    held = [pattern_of(kind, one) for kind, entries in words.items() for one in entries["held"]]
    assert len(held) == 14
    text = {
        split: "\n".join(str(one.input["commits"]) for one in cases if one.split == split)
        for split in SPLITS
    }
    for pattern in held:
        found = re.compile(pattern, re.MULTILINE)
        assert [split for split in SPLITS if found.search(text[split])] == ["dev", "test"], pattern


def test_no_blank_is_left_open(cases: tuple[Case, ...]) -> None:
    assert [one.id for one in cases if re.search(r"[{}]", str(one.input["commits"]))] == []


# --- the rules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "notes", "bump"),
    [
        (
            ["fix(rf): beep #12", "feat(ink): A6 (#9, !77)"],
            ["Fixed Handhelds 12", "New Labels 9"],
            "minor",
        ),
        (["perf(bay): quick !40"], ["Faster Receiving"], "patch"),
        (["feat(dock): undo #3", "ci(api): more #4", "chore(api): tidy #5"], [], "none"),
        (["feat(api)!: remove version 1 #6"], [], "none"),
        (["chore(api): remove version 1 #6"], ["Breaking API 6"], "major"),
        (["refactor(cyc): rename A to B #6"], ["Breaking Stocktake 6"], "minor"),
        (["test(cyc): rename A to B, CVE-2031-1000 #6"], [], "none"),
        (["fix(auth): allow to rename #1"], ["Fixed Accounts 1"], "patch"),
        (
            ["fix(rma): a #1", "deps(rpt): b for CVE-2031-1000 #2"],
            ["Security Reports 2", "Fixed Returns 1"],
            "patch",
        ),
        (["chore(api): drop a, CVE-2031-1000 #2"], ["Security API 2"], "patch"),
        (['Revert "feat(carr): a #1"', "feat(carr): a #1 [rk]"], [], "none"),
        (["0a1b2c3 feat(carr): a #1", '9f8e7d6 Revert "feat(carr): a" #8'], [], "none"),
        (
            ['Revert "feat(carr): a #1"', "feat(carr): b #2"],
            ["Withdrawn Carriers 1", "New Carriers 2"],
            "minor",
        ),
        (['Revert "chore(api): drop a #1"'], ["Withdrawn API 1"], "patch"),
        (['Revert "feat(tally): a #1"', 'Revert "fix(pick)!: b #2"'], [], "none"),
    ],
)
def test_the_first_rule_that_applies_decides(lines: list[str], notes: list[str], bump: str) -> None:
    assert by_rules(lines) == {"notes": notes, "bump": bump}


def test_the_example_of_the_readme_is_right() -> None:
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    lines = readme.split("```")[1].strip().split("\n")
    answer = re.search(r"^becomes `(.+)`\.$", readme, re.MULTILINE)
    assert answer is not None
    assert json.loads(answer[1]) == by_rules(lines)


@pytest.mark.parametrize("line", ["fix: no scope", "wip(api): a", "fix(zoo): a", "", "Merge x"])
def test_a_line_that_the_house_does_not_write_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="of this house"):
        house.read_commit(line)


def reading(change: Callable[[Any], dict[str, Any]]) -> Callable[[str], Any]:
    def read(line: str, plain: Callable[[str], Any] = house.read_commit) -> Any:
        commit = plain(line)
        return commit._replace(**change(commit))

    return read


FORGOTTEN: dict[str, tuple[str, Any]] = {
    "internal scopes": (
        "read_commit",
        reading(lambda one: {"scope": "api"} if one.internal else {}),
    ),
    "silent prefixes": (
        "read_commit",
        reading(lambda one: {"prefix": "fix"} if one.prefix in house.SILENT else {}),
    ),
    "dark commits": ("read_commit", reading(lambda _: {"dark": False})),
    "withdrawn": ("read_commit", reading(lambda _: {"quote": ""})),
    "pairs": ("_cancelled", lambda _: set()),
    "security": ("_CVE", re.compile("(?!)")),
    "breaking": ("read_commit", reading(lambda _: {"first_word": ""})),
    "major": ("_bump", lambda notes: "minor" if notes else "none"),
}


@pytest.mark.parametrize("rule", FORGOTTEN)
@pytest.mark.parametrize("split", ["dev", "test"])
def test_whoever_forgets_a_rule_is_wrong_often_enough_to_show(
    rule: str, split: str, cases: tuple[Case, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, *FORGOTTEN[rule])
    mine = [case for case in cases if case.split == split]
    wrong = sum(by_rules(commits(case)) != case.expected for case in mine)
    assert wrong >= 0.05 * len(mine)


def test_no_one_answer_is_right_often(cases: tuple[Case, ...]) -> None:
    for split in ("dev", "test"):
        counts = Counter(case.answer for case in cases if case.split == split)
        assert counts.most_common(1)[0][1] <= 0.04 * counts.total()


def test_security_is_often_moved_to_the_front(cases: tuple[Case, ...]) -> None:
    def moved(case: Case) -> bool:
        notes = [one.note for one in map(house.read_commit, commits(case)) if one.note]
        first = [note.startswith("Security") for note in notes]
        return first != sorted(first, reverse=True)

    for split in ("dev", "test"):
        assert sum(moved(case) for case in cases if case.split == split) >= 10


# --- prompt and schema ------------------------------------------------------------------------


def test_the_specification_has_every_rule_area_and_word() -> None:
    text = spec()
    assert re.findall(r"^(\d)\. ", text, re.MULTILINE) == list("123456")
    sentence = re.search(r"Areas by scope: ([^.]+)\.", text)
    assert sentence is not None
    told = {
        scope: area
        for part in sentence[1].split("; ")
        for scopes, area in [part.rsplit(" ", 1)]
        for scope in scopes.split(", ")
    }
    assert told == house.AREAS
    left_out = re.search(r"^1\. Scope (.+), prefix (.+), or a !", text, re.MULTILINE)
    assert left_out is not None
    assert tuple(re.split(r", | or ", left_out[1])) == house.INTERNAL
    assert tuple(re.split(r", | or ", left_out[2])) == house.SILENT
    assert (
        dict(re.findall(r"(\w+): (\w+)\.", text.split("5. ")[1].split("\n")[0])) == house.HEADINGS
    )


def test_schema_and_rules_know_the_same_words() -> None:
    properties = SCHEMA["properties"]
    pattern = properties["notes"]["items"]["pattern"]
    headings, areas = (found.split("|") for found in re.findall(r"\(([A-Z][\w|]+)\)", pattern))
    assert sorted(areas) == sorted(set(house.AREAS.values()))
    assert sorted(headings) == sorted(
        [*house.HEADINGS.values(), "Breaking", "Security", "Withdrawn"]
    )
    assert properties["bump"]["enum"] == ["major", "minor", "patch", "none"]


def test_the_example_of_the_specification_has_the_form_that_it_asks_for() -> None:
    example = re.search(r'\{"notes".*?\}', spec())
    assert example is not None
    assert VALIDATOR.is_valid(json.loads(example[0]))


def test_both_prompts_ask_for_one_line_since_a_line_break_ends_the_answer() -> None:
    assert load_suite(SUITE).decoding.stop == ("\n",)
    for name in ("terse", "spec"):
        text = (SUITE / "prompts" / f"{name}.j2").read_text(encoding="utf-8")
        assert "one JSON object on one line" in text


# --- the scorer -------------------------------------------------------------------------------

RIGHT = {"notes": ["New Labels 412", "Fixed API"], "bump": "minor"}


def score(answer: str | None, expected: object = RIGHT) -> Score:
    case = Case("c", {"commits": "?"}, expected, json.dumps(expected), "dev")
    found: Score = scorers.score_release(case, Output(answer, "stop"))
    return found


@pytest.mark.parametrize(
    "answer",
    [
        json.dumps(RIGHT),
        json.dumps(RIGHT, indent=2),
        '{"bump": "minor", "notes": ["New Labels 412", "Fixed API"]}',
        f" {json.dumps(RIGHT)}\n",
        f"```json\n{json.dumps(RIGHT)}\n```",
        f"```\n{json.dumps(RIGHT, indent=2)}\n```\n",
        f"```JSON\n{json.dumps(RIGHT)}\n```",
        f"```json \r\n{json.dumps(RIGHT)}\r\n```\r\n",
        f"~~~json\n{json.dumps(RIGHT)}\n~~~",
        f"\ufeff{json.dumps(RIGHT)}",
    ],
)
def test_the_right_object_is_right_however_it_is_spaced(answer: str) -> None:
    assert score(answer) == Score(1.0)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ('{"notes": ["Fixed API", "New Labels 412"], "bump": "minor"}', "wrong_order"),
        ('{"notes": ["New Labels 412", "Fixed API"], "bump": "patch"}', "wrong_bump"),
        ('{"notes": ["New Labels 412", "Fixed API"], "bump": ["minor"]}', "wrong_bump"),
        ('{"notes": ["New Labels 412"], "bump": "minor"}', "wrong_notes"),
        (
            '{"notes": ["New Labels 412", "New Labels 412", "Fixed API"], "bump": "minor"}',
            "wrong_notes",
        ),
        ('{"notes": ["New Labels 41", "Fixed API"], "bump": "minor"}', "wrong_notes"),
        ('{"notes": ["new labels 412", "Fixed API"], "bump": "minor"}', "wrong_notes"),
        ('{"notes": ["New Labels 412", "Fixed API"]}', "schema"),
        ('{"notes": ["New Labels 412", "Fixed API"], "bump": "minor", "x": 1}', "schema"),
        ('{"notes": "New Labels 412", "bump": "minor"}', "schema"),
        ('{"notes": [1, null], "bump": "minor"}', "schema"),
        ("[]", "schema"),
        ("null", "schema"),
        (f"{json.dumps(RIGHT)} as asked", "not_json"),
        (f"```json\n{json.dumps(RIGHT)}\n~~~", "not_json"),
        (f"```json\n{json.dumps(RIGHT)}", "not_json"),
        (f"```python\n{json.dumps(RIGHT)}\n```", "not_json"),
        ("```json", "not_json"),
        ("{", "not_json"),
        ('{"notes": ["New Labels 412", "Fixed API"], "bump": "minor"', "not_json"),
        (
            '{"bump": "patch", "notes": ["New Labels 412", "Fixed API"], "bump": "minor"}',
            "not_json",
        ),
        ('{"notes": [NaN], "bump": "minor"}', "not_json"),
        ("", "not_json"),
        (None, "not_json"),
        ("[" * 1999, "not_json"),
        ('{"notes":' * 200, "not_json"),
        ("9" * 1999, "schema"),
        ("9" * 10_000_000, "runaway"),
        (json.dumps(RIGHT) + " " * 2000, "runaway"),
    ],
)
def test_an_answer_that_cannot_be_published_is_wrong_and_says_why(
    answer: str | None, kind: str
) -> None:
    found = score(answer)
    assert (found.value, found.kind) == (0.0, kind)
    assert len(found.reason) < 1500
    assert found.reason.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["notes", "bump", "x"]), inner),
    max_leaves=8,
)


@given(st.text() | json_values.map(json.dumps))
@settings(max_examples=80, deadline=None)
def test_no_answer_makes_the_scorer_raise(answer: str) -> None:
    found = score(answer)
    assert found.value == 0.0
    assert found.kind in {"not_json", "schema", "wrong_notes", "wrong_bump"}


@given(st.lists(st.sampled_from(["New API 1", "Fixed API", "Faster Labels 2"]), max_size=3))
@settings(max_examples=30, deadline=None)
def test_an_answer_is_right_only_where_it_is_the_expected_one(notes: list[str]) -> None:
    answer = {"notes": notes, "bump": "minor"}
    assert score(json.dumps(answer), answer).value == 1.0
    assert score(json.dumps(answer)).value == 0.0
