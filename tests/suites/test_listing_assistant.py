"""Listing assistant: its notation, its scorer, and that its cases keep the rules of the house."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from evals.records import SPLITS, Case, Output, Score
from evals.suite.load import load_suite
from tests.suites.suite_code import load_code

SUITE = Path(__file__).resolve().parents[2] / "suites" / "listing_assistant"
COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def load_suite_code() -> tuple[Any, Any]:
    sys.path.append(str(SUITE))
    try:
        latch = importlib.import_module("latch")
        scorers = load_code(SUITE / "scorers.py")
    finally:
        sys.path.remove(str(SUITE))
    return latch, scorers


latch, scorers = load_suite_code()


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return load_suite(SUITE).cases


# --- the cases --------------------------------------------------------------------------------


def clients(case: Case) -> list[str]:
    return [one["content"] for one in case.input["messages"] if one["role"] == "user"]


def replies(case: Case) -> list[str]:
    return [one["content"] for one in case.input["messages"] if one["role"] == "assistant"]


def files(case: Case) -> dict[str, tuple[str, int, int, str]]:
    """Area, bedrooms, price and status of each home on file."""
    found = {}
    for line in case.input["homes"].splitlines():
        match = re.fullmatch(r"(\w\d\d) (\w+) (\d) bed (\d+)k ?(|under offer|sold)", line)
        assert match is not None, line
        found[match[1]] = (match[2], int(match[3]), int(match[4]), match[5])
    return found


def test_what_is_held_out_is_never_in_generated_train_cases(cases: tuple[Case, ...]) -> None:
    held = [
        entry[1:].lower()
        for name in ("words.json", "sentences.json")
        for pool in json.loads((SUITE / "generator" / name).read_text(encoding="utf-8")).values()
        for entry in pool
        if entry.startswith("*") and "$" not in entry and len(entry) > 10
    ]
    assert len(held) > 50
    text = " ".join(
        f"{case.input} {case.answer}".lower()
        for case in cases
        if case.split == "train" and case.tags["source"] == "generated"
    )
    assert [entry for entry in held if entry in text] == []


def test_no_sentence_of_train_is_an_answer_of_dev_or_test(cases: tuple[Case, ...]) -> None:
    sentences = [(case.split == "train", latch.read_reply(case.answer).prose) for case in cases]
    train, other = ({text for mine, text in sentences if mine is side} for side in (True, False))
    assert len(train) > 150
    assert train & other == set()


def test_no_blank_is_left_open(cases: tuple[Case, ...]) -> None:
    texts = [(case.id, f"{case.input['messages']} {case.answer}") for case in cases]
    assert [name for name, text in texts if re.search(r"[$*_]", text)] == []


def test_conversations_have_one_to_three_turns(cases: tuple[Case, ...]) -> None:
    for split in SPLITS:
        turns = Counter(len(clients(case)) for case in cases if case.split == split)
        assert set(turns) == {1, 2, 3}
        assert min(turns.values()) >= 30
    assert {case.tags["turns"] == str(len(clients(case))) for case in cases} == {True}


def test_every_reply_keeps_to_the_file(cases: tuple[Case, ...]) -> None:
    for case in cases:
        for text in (*replies(case), case.answer):
            keep_to_the_file(case, text)


def keep_to_the_file(case: Case, text: str) -> None:
    """Cards say what the file says, cheapest first; acts and asks suit the homes they name."""
    reply, homes = latch.read_reply(text), files(case)
    on_cards, prices = [], []
    for card in reply.cards:
        name, mark, beds, area, price = latch.CARD.fullmatch(card).groups()
        assert homes[name][:3] == (area, int(beds), int(price)), case.id
        assert homes[name][3] == ("under offer" if mark else ""), case.id
        on_cards.append(name)
        prices.append(int(price))
    assert prices == sorted(prices), case.id
    kind = re.sub(r"[A-Z]\d\d", "ID", reply.closing.split("@")[0].strip("~"))
    named = latch.homes_in(reply.closing)
    states = {homes[name][3] for name in named}
    assert len(on_cards) == {"compare:ID+ID": 2, "watch:ID": 1}.get(kind, "@" not in reply.closing
        and kind == "view:ID"), case.id  # fmt: skip
    if kind in ("view:ID", "?day:ID", "?offer:ID"):
        assert states == {""}, case.id
    if kind == "watch:ID":
        assert states == {"under offer"}, case.id
    if on_cards:
        assert named == on_cards, case.id
    assert "sold" not in states, case.id


def test_what_must_be_said_follows_from_the_file(cases: tuple[Case, ...]) -> None:
    for case in cases:
        asked = case.expected["blocks"][-1].startswith("~agent:")
        assert ("agent" in case.expected["says"]) == asked, case.id
        marked = any("!" in block for block in case.expected["blocks"])
        assert ("under offer" in case.expected["says"]) == marked, case.id
        if "sold" in case.expected["says"]:
            assert case.expected["blocks"] == ["~alert~"], case.id
            assert "sold" in {home[3] for home in files(case).values()}, case.id


def test_the_area_of_a_sold_home_may_be_named(cases: tuple[Case, ...]) -> None:
    sold = [case for case in cases if "sold" in case.expected["says"]]
    assert len(sold) > 40
    for case in sold:
        (area,) = case.expected["names"] or [""]
        areas = {home[0] for home in files(case).values() if home[3] == "sold"}
        named = {one for one in areas if one.lower() in " ".join(clients(case)).lower()}
        assert area in areas or named, case.id


def test_no_client_answers_which_home_with_the_same_words(cases: tuple[Case, ...]) -> None:
    for case in cases:
        if case.tags["source"] == "generated" and case.expected["blocks"] == ["~?which~"]:
            assert not any("~?which~" in text for text in replies(case)), case.id
        assert "your board at your place" not in case.input["messages"][-1]["content"].lower()


def test_searches_are_answered_as_the_clients_words_say(cases: tuple[Case, ...]) -> None:
    """Read anew from the words of generated cases, not by the generator's rules."""
    seen: Counter[int] = Counter()
    for case in cases:
        if case.tags["source"] == "handwritten" or case.tags["topic"] not in ("search", "refine"):
            continue
        beds, budget, area = wanted_by(case)
        if case.tags["topic"] == "refine" and not (beds and budget):
            first = latch.CARD.fullmatch(latch.read_reply(replies(case)[0]).cards[0])
            beds, budget, area = int(first[3]), int(first[5]) - 1, ""
        blocks = case.expected["blocks"]
        if not (beds and budget):
            assert blocks == ["~?budget~" if beds else "~?beds~"], case.id
            continue
        fits = sorted(
            (home[2], name)
            for name, home in files(case).items()
            if home[3] != "sold" and home[1] == beds and home[2] <= budget
            and area in ("", home[0].lower())
        )  # fmt: skip
        assert latch.homes_in(" ".join(blocks[:-1])) == [name for _, name in fits[:2]], case.id
        seen[min(len(fits), 2)] += 1
    assert min(seen[number] for number in (0, 1, 2)) > 40


def wanted_by(case: Case) -> tuple[int, int, str]:
    words = json.loads((SUITE / "generator" / "words.json").read_text(encoding="utf-8"))
    areas = "|".join(area.strip("*").lower() for area in words["areas"])
    text = " ".join(clients(case)).lower()
    beds = re.findall(r"\b([1-5]|one|two|three|four|five)[ -]bed", text)
    budgets = re.findall(r"\b(\d{3})(?:k|,000)", text)
    named = re.findall(areas, text)
    count = COUNTS.get(beds[-1]) or int(beds[-1]) if beds else 0
    return count, int(budgets[-1]) if budgets else 0, named[-1] if named else ""


def test_every_answer_gets_full_marks_on_every_metric(cases: tuple[Case, ...]) -> None:
    for case in cases:
        for judge in ALL:
            assert judge(case, Output(case.answer, "stop")) == Score(1.0), case.id


def test_prompt_grammar_and_cases_know_the_same_blocks(cases: tuple[Case, ...]) -> None:
    spec = (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8")
    grammar = (SUITE / "latch.gbnf").read_text(encoding="utf-8")
    assert re.findall(r"^(\d)\. ", spec, re.MULTILINE) == list("123456789")
    used = {re.findall(r"[a-z]+", case.expected["blocks"][-1])[0] for case in cases}
    stated = re.findall(r"~(\??)([a-z]+)", "".join(re.findall(r"^(?:Acts|Asks): .*", spec, re.M)))
    assert used == {word for _, word in stated}
    assert {word for word in used if word not in grammar} == set()
    for mark, word in stated:
        closing = next(
            case.expected["blocks"][-1]
            for case in cases
            if case.expected["blocks"][-1].startswith(f"~{mark}{word}")
        )
        assert bool(latch.ASK.fullmatch(closing)) == bool(mark)


# --- the scorer -------------------------------------------------------------------------------

ALL = (scorers.score_reply, scorers.score_renders, scorers.score_blocks, scorers.score_prose)
HOMES = "K41 Millbeck 3 bed 340k\nM17 Netherby 3 bed 355k under offer\nT19 Foxley 2 bed 298k sold"


def ask(client: str, *blocks: str, says: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> Case:
    given = {"homes": HOMES, "messages": [{"role": "user", "content": client}]}
    expected = {"blocks": list(blocks), "says": list(says), "names": list(names)}
    return Case("c", given, expected, "", "dev")


def kind_of(case: Case, answer: str | None) -> str | None:
    score = scorers.score_reply(case, Output(answer, "stop"))
    return None if score.value == 1 else score.kind


DETAIL = ask("K41?", "{K41|3|Millbeck|340k}", "~view:K41~", names=("Millbeck",))
BLOCKS = "{K41|3|Millbeck|340k} ~view:K41~"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (f"Here is the home in Millbeck. {BLOCKS}", None),
        (f"  You may see it, if you like. {BLOCKS}\n", None),
        (f"It isn't far, and I'd say it's free. {BLOCKS}", None),
        (f"Here is the home in Millbeck.  {BLOCKS}", "format"),
        (f"Here is the home in Millbeck.{BLOCKS}", "format"),
        (f"Here is the home in Millbeck.\n{BLOCKS}", "format"),
        (f"{BLOCKS} Here is the home in Millbeck.", "format"),
        (BLOCKS, "format"),
        ("Here is the home in Millbeck.", "format"),
        ("Here is the home. {K41|3|Millbeck|340k}", "format"),
        ("Here is the home. {K41|3|Millbeck|340k} ~view:K41", "format"),
        ("Here is the home. {K41|3|Millbeck|340} ~view:K41~", "format"),
        ("Here is the home. {K41|3 bed|Millbeck|340k} ~view:K41~", "format"),
        ("Here is the home. {K41|3|Millbeck|340k} ~view:K41~ ~view:K41~", "format"),
        ("Here is the home. {K41|3|Millbeck|340k} ~book:K41~", "format"),
        ("Here is the home. ~view:K41~ {K41|3|Millbeck|340k}", "format"),
        (f"```\nHere is the home in Millbeck. {BLOCKS}\n```", "format"),
        (f"Here it is. {'{K41|3|Millbeck|340k} ' * 3}~view:K41~", "format"),
        (f"Here is the home{' you want' * 60}. {BLOCKS}", "format"),
        ("", "format"),
        (None, "format"),
        ("Here is the home. {K41|3|Millbeck|345k} ~view:K41~", "wrong_blocks"),
        ("Here is the home. {K41!|3|Millbeck|340k} ~view:K41~", "wrong_blocks"),
        ("Here is the home. {K41|3|Millbeck|340k} ~view:K41@sat~", "wrong_blocks"),
        ("Here is the home. ~view:K41~", "wrong_blocks"),
        (f"Here you are. {BLOCKS}", "prose"),
        (f"Here is the home for 340k. {BLOCKS}", "prose"),
        (f"Here is the three-bedroom home. {BLOCKS}", "prose"),
        (f"Here is the home you want! {BLOCKS}", "prose"),
        (f"Is this the home you want? {BLOCKS}", "prose"),
        (f"Here it is. Have a look at it. {BLOCKS}", "prose"),
        (f"Here is the home: have a look. {BLOCKS}", None),
        (f"Here it is — the home in Millbeck; you may view it. {BLOCKS}", None),
        (f"Millbeck's home is this one. {BLOCKS}", None),
        (f"Perfect, here is the home you want. {BLOCKS}", None),
        (f"Great — here is the home you want. {BLOCKS}", None),
        (f"\tHere is the home in Millbeck. {BLOCKS}\t\r\n", None),
        (f"Perfect home, and here it is. {BLOCKS}", "prose"),
        (f"Great, here is a perfect home. {BLOCKS}", "prose"),
        (f"Here is K41 for you. {BLOCKS}", "prose"),
        (f"Foxley's best home is this one. {BLOCKS}", "prose"),
        (f"The two's price is on it. {BLOCKS}", "prose"),
        (f"Here is the home/flat you want. {BLOCKS}", "prose"),
        (f"here is the home you want. {BLOCKS}", "prose"),
        (f"Here is a lovely home to see. {BLOCKS}", "prose"),
        (f"Here is the home in Foxley. {BLOCKS}", "prose"),
        (f"Here is the home in Gullhaven. {BLOCKS}", "prose"),
        (f"Foxley has this home for you. {BLOCKS}", "prose"),
        (f"Here is the home with a garden. {BLOCKS}", "prose"),
        (f"You can see it on Saturday. {BLOCKS}", "prose"),
        (f"This home is now under offer. {BLOCKS}", "prose"),
        (f"This home is not sold yet. {BLOCKS}", "prose"),
        (f"Here is {'very ' * 25}much of it. {BLOCKS}", "prose"),
    ],
)
def test_a_reply_counts_where_it_renders_with_the_right_blocks_and_plain_prose(
    answer: str | None, kind: str | None
) -> None:
    assert kind_of(DETAIL, answer) == kind


def test_the_client_may_bring_up_names_days_and_features() -> None:
    fact = ask("Has K41 a garden? I come from Gullhaven on sat", "~agent:K41~", says=("agent",))
    said = "The agent will tell you of the garden on Saturday in Gullhaven. ~agent:K41~"
    assert kind_of(fact, said) is None
    assert kind_of(ask("What is K41 like?", "~agent:K41~", says=("agent",)), said) == "prose"


@pytest.mark.parametrize(
    ("client", "day", "right"),
    [
        ("K41 on thurs?", "Thursday", True),
        ("K41 on weds?", "Wednesday", True),
        ("Is Saturday's slot free?", "Saturday", True),
        ("I work on Mondays.", "Monday", True),
        ("I have the money next month.", "Monday", False),
        ("My friend told me of K41.", "Friday", False),
        ("Does K41 get the evening sun?", "Sunday", False),
    ],
)
def test_a_day_counts_where_the_client_named_it(client: str, day: str, right: bool) -> None:
    gone = ask(client, "~bye~")
    assert (kind_of(gone, f"Then until {day}, and goodbye. ~bye~") is None) == right
    assert (kind_of(gone, f"{day}'s weather will be fine. ~bye~") is None) == right


def test_the_booked_day_may_be_named_and_no_other() -> None:
    booked = ask("K41 on sun please", "~view:K41@sun~")
    assert kind_of(booked, "Sunday's viewing is booked. ~view:K41@sun~") is None
    assert kind_of(booked, "Saturday's viewing is booked. ~view:K41@sun~") == "prose"


def test_under_offer_and_sold_are_said_where_they_are_due() -> None:
    held = ask("M17?", "{M17!|3|Netherby|355k}", "~watch:M17~", says=("under offer",))
    blocks = "{M17!|3|Netherby|355k} ~watch:M17~"
    assert kind_of(held, f"That one is under offer now. {blocks}") is None
    assert kind_of(held, f"That one can be watched now. {blocks}") == "prose"
    gone = ask("T19?", "~alert~", says=("sold",))
    assert kind_of(gone, "I am sorry, it is sold. ~alert~") is None
    assert kind_of(gone, "I am sorry, it is gone. ~alert~") == "prose"
    fact = ask("Has K41 a lift?", "~agent:K41~", says=("agent",))
    assert kind_of(fact, "The agent will tell you that. ~agent:K41~") is None
    assert kind_of(fact, "That I would have to ask. ~agent:K41~") == "prose"


def test_an_ask_comes_after_a_question() -> None:
    case = ask("A home, please", "~?beds~")
    assert kind_of(case, "How many bedrooms do you need? ~?beds~") is None
    assert kind_of(case, "Tell me how many bedrooms you need. ~?beds~") == "prose"
    assert kind_of(case, "Before your budget, how many bedrooms? ~?beds~") is None
    assert kind_of(case, "Which home do you have in mind? ~?beds~") == "prose"
    offer = ask("Less for K41?", "~?offer:K41~")
    assert kind_of(offer, "How much are you willing to spend? ~?offer:K41~") is None
    assert kind_of(offer, "What would be your budget? ~?offer:K41~") is None
    assert kind_of(offer, "Which day would suit you? ~?offer:K41~") == "prose"


REVIEWED = [  # what a reader of the suite replied to its cases, and whether the rules allow it
    ("l-dev-h028", "The home in Kilnside is sold, I am afraid. ~alert~", None),
    ("l-dev-h028", "It is not sold and you may come by today. ~alert~", "prose"),
    ("l-dev-h028", "It has not yet been sold, come and see. ~alert~", "prose"),
    ("l-test-h061", "Enjoy your viewing on Sunday in Kilnside, goodbye. ~bye~", None),
    ("l-test-h061", "Enjoy your viewing in Staithe, goodbye. ~bye~", "prose"),
    ("l-dev-h020", "Nothing is cheaper than the home in Kilnside. ~alert~", None),
    ("l-dev-h020", "Nothing is cheaper than the home in Foxley. ~alert~", "prose"),
    ("l-dev-h037", "Gladly — which day would suit you? ~?day:K29~", None),
    ("l-dev-h037", "Great, which day would suit you? ~?day:K29~", None),
    ("l-dev-h037", "When would you like to visit K29? ~?day:K29~", "prose"),
    ("l-test-h035", "Y11 has sold, I am afraid. ~alert~", "prose"),
    ("l-dev-h038", "Booked: we will see you in Oldgate on Thursday. ~view:Y47@thu~", None),
    ("l-dev-h038", "Thursday's viewing is booked for you. ~view:Y47@thu~", None),
    ("l-dev-h038", "Saturday's viewing is booked for you. ~view:Y47@thu~", "prose"),
    ("l-dev-h055", "Yes, it has a garden that faces south. ~agent:F33~", "prose"),
    ("l-dev-h055", "The agent knows if the garden faces south. ~agent:F33~", None),
    ("l-dev-h011", "Which weekday would you like to come? ~?budget~", "prose"),
]


@pytest.mark.parametrize(("name", "answer", "kind"), REVIEWED)
def test_replies_of_a_reader_are_judged_as_the_rules_say(
    cases: tuple[Case, ...], name: str, answer: str, kind: str | None
) -> None:
    case = next(case for case in cases if case.id == name)
    assert kind_of(case, answer) == kind


def test_under_offer_may_not_be_denied(cases: tuple[Case, ...]) -> None:
    held = [case for case in cases if "under offer" in case.expected["says"]]
    for case in held:
        blocks = " ".join(case.expected["blocks"])
        denied = f"This home is not under offer and you can view it. {blocks}"
        assert kind_of(case, denied) == "prose"
        assert kind_of(case, f"You cannot view it, since it is under offer. {blocks}") is None


def test_each_metric_judges_its_own_part() -> None:
    def scores(answer: str) -> list[float]:
        return [judge(DETAIL, Output(answer, "stop")).value for judge in ALL]

    assert scores(f"Here is a lovely home to see. {BLOCKS}") == [0, 1, 1, 0]
    assert scores("Here is the home in Millbeck. ~alert~") == [0, 1, 0, 1]
    assert scores("Here is the home in Millbeck.") == [0, 0, 0, 0]


pieces = st.sampled_from(
    ["{", "}", "~", "|", "?", " ", "\n", "\x00", "\u2028", ".", "K41", "!", "3", "340k", "view:",
     "Here is the home. ", BLOCKS, "٣", "É", "~?beds~", "K41" * 200, "{" * 5000, "a " * 5000]
)  # fmt: skip


@given(st.text() | st.lists(pieces, max_size=12).map("".join))
@example("Ǆ ~bye~")
@example("Here is the home in Millbeck. {K41|٣|Millbeck|340k} ~view:K41~")
@settings(max_examples=150, deadline=None)
def test_no_answer_makes_the_scorer_fail(answer: str) -> None:
    values = [judge(DETAIL, Output(answer, "stop")).value for judge in ALL]
    assert values[0] == min(values)
    if values[1]:
        reply = latch.read_reply(answer)
        assert answer.strip(latch.AROUND) == f"{reply.prose} {' '.join(reply.blocks)}"


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_changed_block_is_never_right(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(BLOCKS) - 1))
    char = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    changed = BLOCKS[:place] + char + BLOCKS[place + 1 :]
    answer = f"Here is the home in Millbeck. {changed}"
    right = scorers.score_blocks(DETAIL, Output(answer, "stop")).value == 1
    assert right == (changed == BLOCKS)
