"""Contract review: that each clause has the line its rule book gives, and keeps its distance."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evals.records import SPLITS, Case, Output, Score
from evals.suite import Suite
from evals.suite.load import load_suite
from tests.suites.suite_code import load_code

SUITE = Path(__file__).parents[2] / "suites" / "contract_review"
GENERATOR = SUITE / "generator"
RUN = 50  # letters that a train clause may not share with one of dev or test
AROUND = r"[ \t\r\n]*"  # what `form` lets stand before and after a line
RIGHT = "LOSS/CAP | on customer | for supplier | pass"


rules = load_code(GENERATOR / "rules.py")
scorers = load_code(SUITE / "scorers.py")
Scorer = Callable[[Case, Output], Score]
SCORERS: dict[str, Scorer] = {
    name: getattr(scorers, f"score_{name}") for name in ("line", "category", "bearer", "risk")
}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(SUITE)


def clause(case: Case) -> str:
    return str(case.input["clause"])


def field(case: Case, place: int) -> str:
    return str(case.expected).split(" | ")[place]


def generated(suite: Suite) -> list[Case]:
    return [case for case in suite.cases if case.tags["source"] == "generated"]


def score(name: str, answer: str | None, expected: str = RIGHT) -> Score:
    case = Case("c", {"acts_for": "supplier", "clause": "?"}, expected, expected, "dev")
    return SCORERS[name](case, Output(answer, "stop"))


def test_the_counts_are_those_of_the_readme(suite: Suite) -> None:
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    for split in SPLITS:
        counts = Counter(case.tags["source"] for case in suite.split(split))
        made, written = counts["generated"], counts["handwritten"]
        assert f"| {split} | {made} | {written} | {made + written} |" in readme
    drafts = (GENERATOR / "drafts.txt").read_text(encoding="utf-8")
    assert f"{len(re.findall(r'^(?:train|dev|test) ', drafts, re.MULTILINE))} drafts" in readme


def test_no_train_clause_shares_fifty_letters_with_dev_or_test(suite: Suite) -> None:
    def runs(case: Case) -> set[str]:
        letters = "".join(filter(str.isalnum, clause(case).lower()))
        return {letters[at : at + RUN] for at in range(len(letters) - RUN + 1)}

    held = set().union(*(runs(case) for case in suite.cases if case.split != "train"))
    assert [case.id for case in suite.split("train") if held & runs(case)] == []


def test_every_code_is_as_frequent_and_no_side_gives_the_mark_away(suite: Suite) -> None:
    for split in SPLITS:
        mine = [case for case in generated(suite) if case.split == split]
        kinds = Counter(
            (field(case, 0), case.tags["weighs_on"], case.tags["mark"]) for case in mine
        )
        assert len(kinds) == 12 * 6
        for (code, side, _), count in kinds.items():
            assert kinds[code, side, "yes"] == kinds[code, side, "no"] == count
        assert len(set(Counter(field(case, 0) for case in mine).values())) == 1
        written = [case for case in suite.split(split) if case.tags["source"] == "handwritten"]
        codes = Counter(field(case, 0) for case in written)
        assert len(codes) == 12
        assert len(set(codes.values())) == 1


def test_the_readme_says_how_far_guesses_get(suite: Suite) -> None:
    readme = " ".join((SUITE / "README.md").read_text(encoding="utf-8").split())
    blind = {"them": "pass", "both": "mention", "us": "refuse"}
    for split in ("dev", "test"):
        mine = suite.split(split)
        levels = [field(case, 3) for case in mine]
        assert Counter(levels).most_common(1)[0][0] == "redraft"
        usual = levels.count("redraft") / len(mine)
        sided = sum(blind[case.tags["weighs_on"]] == field(case, 3) for case in mine) / len(mine)
        assert f"Always `redraft` is right in {usual:.0%}".replace("%", " %") in readme
        assert f"is right in {sided:.0%} of each".replace("%", " %") in readme


def test_the_readme_says_how_often_the_bearer_is_named_first(suite: Suite) -> None:
    readme = " ".join((SUITE / "README.md").read_text(encoding="utf-8").split())
    for split in SPLITS:
        mine = [case for case in generated(suite) if case.split == split]
        one_sided = [case for case in mine if case.tags["weighs_on"] != "both"]
        first = sum(bearer_is_first(case) for case in one_sided)
        assert f"{first} of {len(one_sided)} in {split}" in readme


def bearer_is_first(case: Case) -> bool:
    """Whether the party that bears a generated clause is named before the other one."""
    roles = json.loads((GENERATOR / "words.json").read_text(encoding="utf-8"))["roles"]
    bearer = field(case, 1).removeprefix("on ").capitalize()
    others = {role for pair in roles if bearer in (two := pair.strip("*").split()) for role in two}
    named = re.findall(rf"\b({'|'.join(others)})\b", clause(case))
    assert set(named) == others, case.id
    return bool(named[0] == bearer)


def test_what_is_held_out_is_never_in_generated_train_clauses(suite: Suite) -> None:
    text = " ".join(clause(case) for case in generated(suite) if case.split == "train")
    words = json.loads((GENERATOR / "words.json").read_text(encoding="utf-8"))
    figures = json.loads((GENERATOR / "figures.json").read_text(encoding="utf-8"))
    places = [place for pool in figures["OPEN/COURT"].values() for place in pool]
    extras = json.loads((GENERATOR / "extras.json").read_text(encoding="utf-8"))
    held = [role for entry in words["roles"] if entry.startswith("*") for role in entry[1:].split()]
    held += [entry[1:] for entry in words["agreement"] + words["fees"] if entry.startswith("*")]
    held += [entry[1:] for pool in extras.values() for entry in pool if entry.startswith("*")]
    held += [place[1:] for place in places if place.startswith("*")]
    held += ["percent", " clear days", " calendar months"]
    assert len(held) > 30
    assert [entry for entry in held if re.search(rf"\b{entry.strip()}\b", text)] == []


def test_a_figure_is_marked_just_beyond_the_firms_limit() -> None:
    figures = json.loads((GENERATOR / "figures.json").read_text(encoding="utf-8"))
    least = {"LOSS/CAP": 150, "END/WALK": 60, "END/FAULT": 20, "OPEN/BOOKS": 10}
    most = {"END/ROLL": 12, "PAY/LATE": 4, "PAY/MOVE": 5, "KEEP/QUIET": 36, "KEEP/AWAY": 9}
    spec = (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8")
    assert set(figures) == {*least, *most, "OPEN/COURT"}
    for code, limit in {**least, **most}.items():
        shown = limit // 12 if code == "KEEP/QUIET" else limit
        line = re.search(rf"^{code}: .*Mark: (.*)$", spec, re.MULTILINE)
        assert line is not None
        assert str(shown) in re.findall(r"\d+", line[1]), code
        for kind, entries in figures[code].items():
            for entry in entries:
                number = float(re.findall(r"[\d.]+", entry)[0]) * (12 if "year" in entry else 1)
                marked = number < limit if code in least else number > limit
                assert marked == (kind == "marked"), (code, entry)
    listed = ("England and Wales", "Ireland", "Denmark", "Singapore")
    plain = figures["OPEN/COURT"]["plain"]
    assert all(any(place.endswith(name) for name in listed) for place in plain)
    assert not any(place.endswith(listed) for place in figures["OPEN/COURT"]["marked"])


def test_sole_discretion_is_always_a_mark(suite: Suite) -> None:
    cases = [case for case in suite.cases if "sole discretion" in clause(case).lower()]
    assert len(cases) > 20
    assert {case.tags["mark"] for case in cases} == {"yes"}
    assert len({case.tags["weighs_on"] for case in cases}) == 3


def test_no_blank_or_choice_is_left_open(suite: Suite) -> None:
    wrong = re.compile(r"[{}<>\[\]|*]|  | [.,;]|\.\.|,,|'s's|[Pp]art(?:y|ies) Part|third.Party")
    assert [case.id for case in suite.cases if wrong.search(clause(case))] == []


def test_clauses_have_the_length_of_clauses(suite: Suite) -> None:
    lengths = [len(clause(case).split()) for case in suite.cases]
    assert min(lengths) >= 25
    assert max(lengths) <= 90


def test_whoever_bears_a_clause_is_named_in_it(suite: Suite) -> None:
    for case in suite.cases:
        _, on, acts_for, _ = str(case.expected).split(" | ")
        assert acts_for == f"for {case.input['acts_for']}"
        if on != "on both":
            assert re.search(rf"\b{on[3:]}\b", clause(case), re.IGNORECASE), case.id
            assert re.search(rf"\b{acts_for[4:]}", clause(case), re.IGNORECASE), case.id


@pytest.mark.parametrize(
    ("on", "marked", "level"),
    [
        ("customer", False, "pass"),
        ("customer", True, "pass"),
        ("both", False, "mention"),
        ("both", True, "redraft"),
        ("supplier", False, "redraft"),
        ("supplier", True, "refuse"),
    ],
)
def test_the_level_follows_from_who_bears_a_clause_and_its_mark(
    on: str, marked: bool, level: str
) -> None:
    line = rules.line_of("PAY/LATE", on, "supplier", marked=marked)
    assert line == f"PAY/LATE | on {on} | for supplier | {level}"


def test_the_specification_and_the_readme_have_every_code_in_one_order() -> None:
    spec = (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8")
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^([A-Z]+/[A-Z]+): ", spec, re.MULTILINE)) == rules.CODES
    assert tuple(re.findall(r"^\| ([A-Z]+/[A-Z]+) \|", readme, re.MULTILINE)) == rules.CODES
    rule = re.compile(r"^(\S+): (.*?)\. On: (.*?)\. Mark: (.*?)\.$", re.MULTILINE)
    assert [f"| {' | '.join(one)} |" for one in rule.findall(spec)] == re.findall(
        r"^\| [A-Z]+/[A-Z]+ \|.*$", readme, re.MULTILINE
    )
    levels = spec[spec.index("LEVEL:") :]
    assert "on the other party: pass, marked or not" in levels
    assert "on both: mention; marked: redraft" in levels
    assert "on the party we act for: redraft; marked: refuse" in levels


def test_the_form_takes_every_right_line_and_no_other(suite: Suite) -> None:
    pattern = str(suite.metrics["form"].options["pattern"])
    manifest = (SUITE / "suite.yaml").read_text(encoding="utf-8")
    assert f"  regex: '{pattern.removeprefix(AROUND).removesuffix(AROUND)}'" in manifest
    form = regex.compile(pattern)
    assert all(form.fullmatch(str(case.expected)) for case in suite.cases)
    for code, level in itertools.product(rules.CODES, ("pass", "mention", "redraft", "refuse")):
        assert form.fullmatch(f"{code} | on both | for licensee | {level}")
    for wrong in (
        "LOSS/WALK | on both | for buyer | pass",
        RIGHT + ".",
        "Line: " + RIGHT,
        RIGHT[:-4],
    ):
        assert not form.fullmatch(wrong)


@pytest.mark.parametrize(
    ("answer", "scores", "kind"),
    [
        (RIGHT, (1, 1, 1, 1), ""),
        (f"  {RIGHT}\n", (1, 1, 1, 1), ""),
        ("LOSS/BACK | on customer | for supplier | pass", (0, 0, 1, 1), "code"),
        ("LOSS/CAP | on supplier | for supplier | pass", (0, 1, 0, 1), "bearer"),
        ("LOSS/CAP | on customer | for customer | pass", (0, 1, 1, 1), "client"),
        ("LOSS/CAP | on customer | for supplier | refuse", (0, 1, 1, 0), "risk"),
        ("LOSS/CAP|on customer|for supplier|pass", (0, 1, 1, 1), "form"),
        ("loss/cap | on customer | for supplier | pass", (0, 0, 1, 1), "code"),
        ("LOSS/CAP", (0, 1, 0, 0), "form"),
        (f"Sure: {RIGHT}", (0, 0, 1, 1), "code"),
        (f"{RIGHT} | pass", (0, 1, 1, 1), "form"),
        (f"{RIGHT}\n{RIGHT}", (0, 1, 1, 0), "form"),
        (RIGHT + " " * 200, (1, 1, 1, 1), ""),
        (" \r\n\t" * 100_000 + RIGHT, (1, 1, 1, 1), ""),
        ("\u00a0" + RIGHT, (0, 1, 1, 1), "form"),
        (RIGHT + "\0", (0, 1, 1, 0), "risk"),
        (RIGHT + " " * 300 + "|", (0, 0, 0, 0), "form"),
        ("|" * 100_000, (0, 0, 0, 0), "form"),
        ("", (0, 0, 0, 0), "form"),
        (None, (0, 0, 0, 0), "form"),
    ],
)
def test_a_line_is_judged_whole_and_by_its_fields(
    answer: str | None, scores: tuple[int, ...], kind: str
) -> None:
    assert tuple(score(name, answer).value for name in SCORERS) == scores
    assert (score("line", answer).kind or "") == kind


def test_every_case_is_right_with_its_own_line_and_wrong_with_anothers(suite: Suite) -> None:
    lines = sorted({str(case.expected) for case in suite.cases})
    for line, other in itertools.pairwise(lines):
        assert all(score(name, line, line).value == 1 for name in SCORERS)
        assert score("line", other, line).value == 0


PIECES = [*RIGHT.split(" "), " ", "|", "\0", "\n", "\u202e", "{" * 40, "9" * 300]


@settings(max_examples=60, deadline=None, database=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_no_answer_breaks_the_scorers_and_only_the_right_line_is_right(answer: str) -> None:
    assert score("line", answer).value == float(answer.strip(" \t\r\n") == RIGHT)
    assert all(score(name, answer).value in {0.0, 1.0} for name in SCORERS)


@settings(max_examples=60, deadline=None, database=None)
@given(
    before=st.text(" \t\r\n\x1f\u00a0", max_size=4), after=st.text(" \t\r\n\v\u2028", max_size=4)
)
@example(before="", after=" " * 200)
def test_what_stands_around_a_line_counts_in_form_as_in_line(
    suite: Suite, before: str, after: str
) -> None:
    answer = before + RIGHT + after
    form = regex.compile(str(suite.metrics["form"].options["pattern"]))
    assert bool(form.fullmatch(answer)) == (score("line", answer).value == 1)
