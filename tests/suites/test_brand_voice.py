"""Brand voice: its cases keep their distance, good rewrites pass, and bad ones do not."""

from __future__ import annotations

import json
import re
import string
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.judges.labels import Label, read_labels
from evals.records import SPLITS, Case, Json, Output, Score
from evals.scorers.likeness.style_model import Example, fit_style
from evals.suite import Suite
from evals.suite.duplicates import find_duplicates
from evals.suite.load import load_suite
from tests.suites.suite_code import load_code

SUITE = Path(__file__).parents[2] / "suites" / "brand_voice"
RUN = 50


scorers = load_code(SUITE / "scorers.py")
PARTS = (scorers.score_rules, scorers.score_facts, scorers.score_fresh)


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(SUITE)


@pytest.fixture(scope="module")
def labels(suite: Suite) -> tuple[Label, ...]:
    return read_labels(SUITE / "judge_labels.jsonl", suite.cases, ["good", "bad"])


def judged(case: Case, answer: str | None) -> list[Score]:
    return [part(case, Output(answer, "stop")) for part in PARTS]


def faults(case: Case, answer: str | None) -> list[str]:
    return [score.kind or "?" for score in judged(case, answer) if score.value < 1.0]


def lines(name: str) -> list[dict[str, Json]]:
    return [json.loads(row) for row in (SUITE / name).read_text(encoding="utf-8").splitlines()]


def runs_of(text: str) -> set[str]:
    letters = "".join(filter(str.isalnum, text.lower()))
    return {letters[at : at + RUN] for at in range(len(letters) - RUN + 1)}


def test_nothing_repeats_leaks_or_contradicts(suite: Suite) -> None:
    found = find_duplicates(suite.cases)
    assert [one.message for one in found if one.level != "note"] == []
    answers = Counter(case.answer for case in suite.cases)
    assert [answer for answer, times in answers.items() if times > 1] == []


def test_no_train_text_shares_a_run_of_letters_with_dev_or_test(suite: Suite) -> None:
    sealed: set[str] = set()
    for case in (*suite.split("dev"), *suite.split("test")):
        sealed |= runs_of(str(case.input["line"])) | runs_of(case.answer)
    for case in suite.split("train"):
        assert not sealed & (runs_of(str(case.input["line"])) | runs_of(case.answer)), case.id


def test_every_kind_is_as_frequent_as_the_others(suite: Suite) -> None:
    for split in SPLITS:
        counts = Counter(case.tags["kind"] for case in suite.split(split))
        assert set(counts) == set(scorers.CLOSINGS)
        assert max(counts.values()) - min(counts.values()) <= 1


def test_what_is_held_out_is_never_in_train(suite: Suite) -> None:
    pools = json.loads((SUITE / "generator" / "words.json").read_text(encoding="utf-8"))
    held = [
        entry[1:].partition("|")[0].lower()
        for pool in pools.values()
        for entry in pool
        if entry.startswith("*") and not entry[1:].isdigit()
    ]
    assert len(held) > 40
    train = " ".join(f"{case.input['line']} {case.answer}" for case in suite.split("train")).lower()
    assert [entry for entry in held if re.search(rf"\b{re.escape(entry)}\b", train)] == []
    prices = {entry[1:] for entry in pools["price"] if entry.startswith("*")}
    prices -= {entry for entry in pools["fee"] if not entry.startswith("*")}
    generated = [case for case in suite.split("train") if case.tags["source"] == "generated"]
    assert {
        found
        for case in generated
        for found in re.findall(r"(\d+) (?:gold )?coins", str(case.input["line"]))
    }.isdisjoint(prices)


def test_no_blank_is_left_open(suite: Suite) -> None:
    texts = [f"{case.input['line']} {case.answer} {case.expected}" for case in suite.cases]
    marks = re.compile(r"\{\w+\}|[*~|_]|\ba [aeiou]")
    assert [text for text in texts if re.search(marks, text.replace("'", ""))] == []


def test_lines_and_rewrites_have_the_lengths_that_the_readme_states(suite: Suite) -> None:
    for case in suite.cases:
        assert 8 <= len(str(case.input["line"]).split()) <= 25, case.id
        assert 10 <= len(case.answer.split()) <= 35, case.id


def test_every_own_answer_passes_and_no_plain_line_does(suite: Suite) -> None:
    for case in suite.cases:
        assert faults(case, case.answer) == [], case.id
        assert {"copied"} < {*faults(case, str(case.input["line"]))}, case.id


def test_rewrites_of_a_kind_do_not_all_begin_alike(suite: Suite) -> None:
    for kind in scorers.CLOSINGS:
        answers = [case.answer for case in suite.split("train") if case.tags["kind"] == kind]
        first = Counter(answer.split()[0] for answer in answers)
        assert len(first) >= 12
        assert max(first.values()) < len(answers) / 2


def test_labels_are_of_many_dev_cases_and_say_who_made_them(
    suite: Suite, labels: tuple[Label, ...]
) -> None:
    assert min(Counter(one.label for one in labels).values()) >= 30
    assert len({one.cluster for one in labels}) > 30
    assert {one.case.split for one in labels} == {"dev"}
    assert {row["who"] for row in lines("judge_labels.jsonl")} == {"the suite's author"}
    assert not {one.output for one in labels} & {case.answer for case in suite.cases}


def test_other_good_rewrites_pass(labels: tuple[Label, ...]) -> None:
    for one in labels:
        if one.label == "good":
            assert faults(one.case, one.output) == [], one.output


def test_bad_rewrites_fail_for_their_own_reason(labels: tuple[Label, ...]) -> None:
    notes = [row.get("note") for row in lines("judge_labels.jsonl")]
    assert len({*notes}) > 15
    for one, note in zip(labels, notes, strict=True):
        if one.label == "bad":
            assert note in faults(one.case, one.output), one.output


def test_the_classifier_calls_dev_answers_and_good_rewrites_the_voice(
    suite: Suite, labels: tuple[Label, ...]
) -> None:
    like, unlike = (
        [Example(str(row["text"]), str(row["cluster"])) for row in lines(f"style_{name}.jsonl")]
        for name in ("like", "unlike")
    )
    model = fit_style(like, unlike)
    own = [case.answer for case in suite.split("dev")]
    good = [one.output for one in labels if one.label == "good"]
    assert [text for text in own + good if model.likeness(text) < 0.5] == []
    plain = [str(case.input["line"]) for case in suite.split("dev")]
    assert sum(model.likeness(text) >= 0.5 for text in plain) <= len(plain) * 0.02


SHOP = Case(
    "c",
    {"kind": "shop", "line": "Three pelts cost 45 coins north of the mill until noon."},
    {
        "kind": "shop",
        "facts": [["mill"], ["upwater"], ["until second bell"]],
        "counts": [[3, "pelts"], [45, "shells"]],
        "closing": ["pelts"],
    },
    "",
    "dev",
)
RIGHT = "Upwater of the mill {} buy {}, wader, until second bell. Shells first, then the pelts."


@pytest.mark.parametrize(
    ("price", "goods", "kind"),
    [
        ("two score and five shells", "three pelts", None),
        ("two score and five bright shells", "three otter pelts", None),
        ("two score shells and five", "three pelts", "wrong_number"),
        ("two score shells", "three pelts", "wrong_number"),
        ("three shells", "two score and five pelts", "wrong_number"),
        ("two score and five", "three pelts", "wrong_number"),
        ("two score and five shells", "the pelts", "wrong_number"),
        ("two score and five shells", "three pelts and two hides", "invented"),
        ("two score and five shells", "three pelts duskward", "invented"),
        ("two score and five shells from first bell", "three pelts", "invented"),
        ("forty-five shells", "three pelts", "world_words"),
        ("two score and five coins", "three pelts", "world_words"),
    ],
)
def test_numbers_are_read_with_what_they_count(price: str, goods: str, kind: str | None) -> None:
    found = faults(SHOP, RIGHT.format(price, goods))
    assert kind in found if kind else found == []


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("a score of shells", [20]),
        ("one score", [20]),
        ("two score and nineteen", [59]),
        ("ten score shells", [200]),
        ("a score and a half", [20]),
        ("a boat and five eels", [5]),
        ("score", []),
        ("a", []),
        ("two score and", [40]),
        ("twenty", []),
    ],
)
def test_numbers_in_her_words(words: str, numbers: list[int]) -> None:
    assert [value for value, _ in scorers.numbers_of(words.split())] == numbers


def test_her_numbers_are_those_that_are_read_back() -> None:
    say = load_code(SUITE / "generator" / "lines.py").say_number
    for number in range(1, 200):
        assert [value for value, _ in scorers.numbers_of(say(number).split())] == [number]


def expecting(**changed: Json) -> Case:
    assert isinstance(SHOP.expected, dict)
    return replace(SHOP, expected={**SHOP.expected, **changed})


def test_a_fact_in_the_closing_alone_is_not_told() -> None:
    first = "Upwater, wader, three pelts cost two score and five shells until second bell."
    answer = f"{first} Shells first, then the mill."
    assert faults(expecting(closing=["mill"]), answer) == ["missing_fact"]
    assert faults(expecting(closing=["mill"], facts=[["upwater"], ["second bell"]]), answer) == []


HOSTILE = [
    None,
    "",
    " \n ",
    ".",
    "..",
    "...",
    "Wader. Wader.",
    "\x00\x1b[31m\u202e",
    "wader " * 100_000,
    "a score and " * 50_000,
    "." * 10_000,
    "'" * 599,
    "-" * 599,
    '{"line": ' * 60,
    "\ud800",
    "١٢ shells",
    "Ｗader. The lamp is lit.",
]


@pytest.mark.parametrize("answer", HOSTILE)
def test_hostile_answers_score_nothing_and_raise_nothing(answer: str | None) -> None:
    for kind, closing in scorers.CLOSINGS.items():
        named = ["pelts"] if closing.named else []
        case = expecting(kind=kind, closing=named)
        assert all(0 <= score.value <= 1 for score in judged(case, answer))
        assert faults(case, answer)


WORDS = ["wader", "a", "score", "and", "five", "shells", "second", "bell", ".", ",", "'s", "-", "É"]


@settings(max_examples=80, deadline=None)
@given(
    st.text(max_size=700)
    | st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join)
    | st.text(string.printable, max_size=200)
)
def test_whatever_is_answered_is_scored(answer: str) -> None:
    for score in judged(SHOP, answer):
        assert score.value in (0.0, 1.0)
        assert bool(score.kind) == (score.value < 1.0)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_right_answer_stays_right_in_another_spacing_and_fails_with_a_mark_in_it(
    data: st.DataObject,
) -> None:
    answer = RIGHT.format("two score and five shells", "three pelts")
    assert faults(SHOP, f" {answer}\n") == []
    at = data.draw(st.integers(0, len(answer)))
    mark = data.draw(st.sampled_from('!?:;"()*#0123456789\n'))
    broken = answer[:at] + mark + answer[at:]
    if broken.strip() != answer:
        assert faults(SHOP, broken)


# Replies that a critic wrote from the specification alone, each in its day refused though right ...
RIGHT_REPLIES = [
    (
        "v-dev-h001",
        "In the hollow trunk, a score and ten paces downwater of the signal stone, wader, lies the "
        "bow that the ranger hid. The water remembers the signal stone.",
    ),
    (
        "v-dev-h002",
        "At third bell rouse the millstone, wader, with two buckets of river water poured upon it. "
        "The water remembers the millstone.",
    ),
    (
        "v-dev-h004",
        "With a looking glass in hand, wader, pass the eye in the dawnward corridor of Hallow "
        "Keep. The water remembers Hallow Keep.",
    ),
    (
        "v-dev-h008",
        "One after the other, wader, ask the Sallow twins about the cart that is missing. The "
        "water remembers Sallow.",
    ),
    (
        "v-dev-h027",
        "In Tarmouth the fountain holds the old queen's poison, dry-foot, so drink elsewhere. Fear "
        "the poison and grow old.",
    ),
    (
        "v-dev-h010",
        "Under the willow branches, a short walk duskward from the chapel well, wader, waits the "
        "smugglers' boat. The water remembers the willow.",
    ),
    (
        "v-dev-h014",
        "For two shells the fresh loaf is yours, wader, and for one shell the stale bread. Shells "
        "first, then the bread.",
    ),
    (
        "v-dev-h016",
        "Three pairs of small boots are all old Sedge has, wader, at a score and six shells the "
        "pair. Shells first, then the boots.",
    ),
    (
        "v-dev-h037",
        "In the orchard hold to the marked way, dry-foot, for traps lie in the grass. Fear the "
        "traps and grow old.",
    ),
    (
        "v-dev-h062",
        "With five cups of wine behind you, dry-foot, the pouring is over. So the tide has it.",
    ),
    (
        "v-test-h002",
        "At third bell give the goat's bell two rings, wader, and the shepherd girl comes from "
        "hiding. The water remembers the goat.",
    ),
    (
        "v-test-h027",
        "Doubt the map from Corrow, dry-foot, for he who drew it knows the marsh by hearsay. Fear "
        "the map and grow old.",
    ),
    (
        "v-test-h031",
        "In three tides the duke's tax collectors come, dry-foot, so put the grain beneath the "
        "boards. Fear the tax collectors and grow old.",
    ),
    (
        "v-test-h032",
        "Keep light on the lighthouse stairs, dry-foot, for two keepers fell in the dark. Fear the "
        "lighthouse and grow old.",
    ),
    (
        "v-test-h044",
        "On the ferry sit to dawnward, wader, for the other bench is soaked. The lamp is lit.",
    ),
    (
        "v-test-h051",
        "Come in and meet Grandmother, wader, who at four score and ten beats all at cards. The "
        "lamp is lit.",
    ),
    (
        "v-test-h054",
        "With a score of sacks behind already, dry-foot, the miller refuses your corn. So the tide "
        "has it.",
    ),
    (
        "v-test-h056",
        "Until second bell the swan boats are for those whom the baron has invited, dry-foot. So "
        "the tide has it.",
    ),
]
# ... or passed though wrong; some more of both kinds are the author's.
WRONG_REPLIES = [
    (
        "v-dev-h020",
        "For a score and thirteen shells a parrot is yours, wader, for a week without cage or "
        "seeds. Shells first, then the parrot.",
        "denied",
    ),
    (
        "v-dev-h039",
        "Open the red jar at once, dry-foot, and leave two score rats in the cellar. Fear the rats "
        "and grow old.",
        "missing_fact",
    ),
    (
        "v-dev-h044",
        "Dawnward dock captain crew fourteen hands wait, wader, wait by dock. The lamp is lit.",
        "word_list",
    ),
    (
        "v-dev-h053",
        "For ten score shells, dry-foot, the boat is yours to keep. So the tide has it.",
        "missing_fact",
    ),
    (
        "v-dev-h061",
        "With the three sisters of Sallow, dry-foot, old Sedge gives you the recipe gladly. So the "
        "tide has it.",
        "missing_fact",
    ),
    (
        "v-dev-h064",
        "Into the temple bring your sword, dry-foot, and slay the boy at the door. So the tide has "
        "it.",
        "missing_fact",
    ),
    (
        "v-test-h053",
        "Within five score tides, dry-foot, you marry in Greywater without fail. So the tide has "
        "it.",
        "missing_fact",
    ),
]
# The same of generated lines: words of the plain line, a reply with its blanks, what is wrong.
FILLED_REPLIES = [
    (
        "A storm comes from",
        "With a storm from {0} at {1}, dry-foot, spend {n} glasses in {2}. Fear the storm and grow "
        "old.",
        None,
    ),
    (
        "bring the straw doll",
        "If the straw doll enters {0}, dry-foot, {n} tides of snow follow. Fear the snow and grow "
        "old.",
        None,
    ),
    (
        "in this wind",
        "For {n} glasses, dry-foot, climbers of the {0} wait for the wind to tire. So the tide has "
        "it.",
        None,
    ),
    (
        "swallow a cart",
        "With {n} boards go {0} of the {1}, dry-foot, where mud takes a cart in {m} glasses. Fear "
        "the mud and grow old.",
        None,
    ),
    (
        "stairs to your room",
        "In {1} {n} stairs room {0}, wader, {0} room {1} stairs. The lamp is lit.",
        "word_list",
    ),
    (
        "loose stones",
        "In {0} step back, dry-foot, then lean over the well with {n} loose stones. Fear the well "
        "and grow old.",
        "missing_fact",
    ),
    (
        "guests are already at the table",
        "In {0}, wader, {n} guests eat {1} at the table. The lamp is lit.",
        "missing_fact",
    ),
    (
        "rents out a grey pony",
        "For {m} shells, wader, {0} lends a pony to {n} bags. Shells first, then the pony.",
        "missing_fact",
    ),
]


@pytest.mark.parametrize(("name", "reply"), RIGHT_REPLIES)
def test_right_replies_of_a_critic_pass(suite: Suite, name: str, reply: str) -> None:
    (case,) = [case for case in suite.cases if case.id == name]
    assert faults(case, reply) == []


@pytest.mark.parametrize(("name", "reply", "kind"), WRONG_REPLIES)
def test_wrong_replies_of_a_critic_fail(suite: Suite, name: str, reply: str, kind: str) -> None:
    (case,) = [case for case in suite.cases if case.id == name]
    assert kind in faults(case, reply)


@pytest.mark.parametrize(("part", "reply", "kind"), FILLED_REPLIES)
def test_replies_of_a_critic_to_generated_lines(
    suite: Suite, part: str, reply: str, kind: str | None
) -> None:
    say = load_code(SUITE / "generator" / "lines.py").say_number
    cases = [case for case in suite.cases if part in str(case.input["line"])]
    assert cases
    for case in cases:
        assert isinstance(case.expected, dict)
        facts = [fact[0] for fact in case.expected["facts"]]
        counts = [say(number) for number, *_ in case.expected["counts"]]
        filled = reply.format(*facts, n=counts[0] if counts else "", m=counts[-1] if counts else "")
        found = faults(case, filled)
        assert kind in found if kind else found == [], filled


WELL = Case(
    "w",
    {"kind": "warning", "line": "Never lean over the old well in Otterby after the rain."},
    {
        "kind": "warning",
        "facts": [["Otterby"], ["well"], ["rain"], ["@avoid well", "@avoid lean"]],
        "counts": [],
        "closing": ["well"],
    },
    "",
    "dev",
)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("In Otterby leave the old well alone, dry-foot, after rain", True),
        ("In Otterby, dry-foot, steer well clear of the well after rain", True),
        ("In Otterby, dry-foot, let the well sleep after rain", True),
        ("Keep your hands, dry-foot, off the well in Otterby after rain", True),
        ("In Otterby keep from leaning over that well, dry-foot, after rain", True),
        ("After rain the well in Otterby is slippery, dry-foot, so keep away", True),
        ("After rain the well in Otterby is slippery, dry-foot, and wise feet shun it", True),
        ("In Otterby leave your cart and lean over the well, dry-foot, after rain", False),
        ("In Otterby step back, dry-foot, lean over the well after rain", False),
        ("In Otterby step back to the well, dry-foot, after rain", False),
        ("In Otterby, dry-foot, let rain fill the well to its rim", False),
        ("Lean over the well in Otterby, dry-foot, then step back from the rain", False),
        ("From the well in Otterby keep rain, dry-foot, in your cup", False),
    ],
)
def test_what_is_forbidden_is_what_one_keeps_off(first: str, told: bool) -> None:
    found = faults(WELL, f"{first}. Fear the well and grow old.")
    assert found == ([] if told else ["missing_fact"])


@pytest.mark.parametrize(
    "thing", ["well " * 110, "keep off " * 60, "so shun it, " * 45, "leave the " * 55]
)
def test_ways_to_keep_off_are_read_in_no_time(thing: str) -> None:
    started = time.perf_counter()
    for _ in range(20):
        assert faults(WELL, f"In Otterby {thing}.")
    assert time.perf_counter() - started < 1.0


def test_a_prohibition_in_the_data_names_its_thing(suite: Suite) -> None:
    for case in suite.cases:
        assert isinstance(case.expected, dict)
        spelled = [one for fact in case.expected["facts"] for one in fact]
        marks = [one for one in spelled if one.startswith("@")]
        assert all(one in scorers.WAYS or re.fullmatch(r"@avoid [a-z ]+", one) for one in marks)
        assert ("@refused" in spelled) == (case.tags["kind"] == "refusal")


def test_what_she_never_says_stands_in_the_specification() -> None:
    spec = (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8").lower()
    rules = set(re.findall(r"[a-z']+", spec))
    for word in scorers.GAME_WORDS:
        assert word.removesuffix("s") in rules, word
    measures = {one.removesuffix("s") for one in rules}
    derived = re.compile(r"(?:ern|wards?)$")
    tens = {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
    for word in scorers.OUTSIDE - tens - {"thousand"}:
        assert derived.sub("", word).removesuffix("s") in measures, word


def test_replies_take_no_fact_back() -> None:
    without = RIGHT.format("two score and five shells without fail", "three pelts")
    assert faults(SHOP, without) == ["denied"]
    denying = replace(SHOP, input={"kind": "shop", "line": "Not without 45 coins for 3 pelts."})
    assert faults(denying, without) == []


def test_the_specification_states_every_closing_and_measure() -> None:
    spec = (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8")
    for kind, closing in scorers.CLOSINGS.items():
        (line,) = re.findall(rf"^{kind}: (.+)$", spec, re.MULTILINE)
        told = scorers.words_of(re.sub(r"\(.*?\)", "", line.partition("{%")[0]))
        assert tuple(told) == closing.before + closing.after
        assert ("(" in line) == closing.named
    for word in (*scorers.DIRECTIONS, *(f"{bell} bell" for bell in scorers.BELLS)):
        assert word in spec
    for word in ("shells", "glasses", "tides", "seasons", *scorers.ADDRESS.values()):
        assert word in spec
    assert re.findall(r"^(\d+)\. ", spec, re.MULTILINE) == [str(n) for n in range(1, 12)]
    assert f"{scorers.WORDS.start} to {scorers.WORDS.stop - 1} words" in spec
    assert scorers.RUN == 7
    assert "more than seven words in a row" in spec


def test_the_readme_lists_the_words_that_she_never_says() -> None:
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    listed = set(readme.partition("## Words")[2].partition("\n## ")[0].replace("`", " ").split())
    for words in (scorers.SELF, scorers.DENIALS, scorers.DUTIES, scorers.COURTESIES):
        assert words <= {word.strip(",.;:") for word in listed}
