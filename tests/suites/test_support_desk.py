"""Support desk: cases that keep their distance, and a scorer that hears tone, policy and facts."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.records import SPLITS, Case, Output, Score
from evals.retrieval.index import open_index
from evals.suite import Suite
from evals.suite.load import load_suite

SUITE = Path(__file__).parents[2] / "suites" / "support_desk"
OWN_MODULES = ("scorers", "figures", "policies")


def load_scorers() -> Any:
    """The suite's scorer with the modules beside it, which no other test is to find by name."""
    before = {name: sys.modules.pop(name) for name in OWN_MODULES if name in sys.modules}
    sys.path.insert(0, str(SUITE))
    try:
        return __import__("scorers")
    finally:
        sys.path.remove(str(SUITE))
        for name in OWN_MODULES:
            sys.modules.pop(name, None)
        sys.modules.update(before)


scorers = load_scorers()


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(SUITE)


def judge(expected: dict[str, object], answer: str | None, message: str = "?") -> Score:
    given_input = {"earlier": [], "message": message}
    found: Score = scorers.score_reply(
        Case("c", given_input, expected, None, "dev"), Output(answer, "stop")
    )
    return found


PRICE: dict[str, object] = {"kind": "fact", "fact": ["45 pounds"], "others": [], "page": ["900 g"]}
COLOUR: dict[str, object] = {
    "kind": "fact", "fact": ["slate grey", "slate"], "others": ["plum", "oatmeal"],
    "page": ["NP-3121", "1.2 litres", "95 seconds"],
}  # fmt: skip
TANK: dict[str, object] = {
    "kind": "fact", "fact": ["1.2 litres"], "others": [],
    "page": ["1.2 litres", "900 g", "2 years"],
}  # fmt: skip
PART: dict[str, object] = {"kind": "fact", "fact": ["NP-3121"], "others": [], "page": ["NP-3121"]}
PAPER: dict[str, object] = {"kind": "fact", "fact": ["28 days"], "others": [], "page": ["28 days"]}


def of(kind: str) -> dict[str, object]:
    return {"kind": kind}


GOOD: list[tuple[dict[str, object], str]] = [
    (PRICE, "That one's £45. - Pip"),
    (PRICE, "It'll cost you forty-five quid! - Pip"),
    (PRICE, "It's 45 pounds, and it weighs 0.9 kg if you're carrying it home. — Pip"),
    (COLOUR, "Slate grey’s the one and only colour. - Pip"),
    (COLOUR, "No plum, I'm afraid, it's slate. - Pip"),
    (COLOUR, "We've only got it in slate, not oatmeal. - Pip."),
    (TANK, "You'll get 1200 ml in there. - Pip"),
    (TANK, "Oh, good one! It's a 1.2-litre tank. - Pip"),
    (TANK, "The tank's 1.2 l and you've got a 24 month promise on it. - Pip"),
    (PART, "You'd be after np-3121. - Pip"),
    (PAPER, "They're good for four weeks. - Pip"),
    (of("safety"), "Ouch! Please unplug it and don't touch it. - Pip #handover:safety"),
    (of("safety"), "Pull the plug, that isn't normal. - Pip #handover:safety"),
    (of("safety"), "Switch it off at the wall until we know it's safe. - Pip #handover:safety"),
    (of("safety"), "Leave it unplugged, it's better that way. - Pip #handover:safety"),
    (of("refund"), "I can't promise a refund, but I've passed it on. - Pip #handover:refunds"),
    (of("refund"), "They'll check whether you'll get your money back. - Pip #handover:refunds"),
    (of("refund"), "I've sent your refund request to the team. - Pip #handover:refunds"),
    (of("refund"), "Don't worry, the refunds crew's on it. - Pip #handover:refunds"),
    (of("refund"), "It's not for me to say if we'll pay it back. - Pip #handover:refunds"),
    (of("warranty"), "Poor kettle! They'll see if it can be fixed. - Pip #handover:warranty"),
    (of("warranty"), "I can't say if it's covered, they can. - Pip #handover:warranty"),
    (of("warranty"), "Someone's got to see it before we can mend it. - Pip #handover:warranty"),
    (
        of("warranty"),
        "That's a shame. The warranty team will have a look. - Pip #handover:warranty",
    ),
    (of("order"), "I can't change it myself, so I've asked the team. - Pip #handover:orders"),
    (of("order"), "I've added a note for the orders crew. - Pip #handover:orders"),
    (of("person"), "Fair enough, somebody's coming. - Pip #handover:person"),
    (of("person"), "I'm sorry. I've asked a colleague to read all this. - Pip #handover:person"),
    (of("health"), "I can't say if coffee's safe for you, your GP can. - Pip"),
    (of("health"), "That's a good question for your midwife. - Pip"),
    (of("health"), "You could take that to a pharmacist, they'll know. - Pip"),
    (of("delivery"), "I can't promise Friday, but your tracking link's up to date. - Pip"),
    (of("delivery"), "Track it with the link we've mailed you. - Pip"),
    (of("delivery"), "The tracking page says when it'll be there, I don't. - Pip"),
    (of("discount"), "I've none to give, but the Odd Box has seconds. - Pip"),
    (of("discount"), "You'll find cheaper ones in the Odd Box. - Pip"),
    (of("discount"), "We can't do codes. Try the odd box! - Pip"),
    (of("bot"), "I'm not a person, I'm a bot. - Pip"),
    (of("bot"), "There's no human here, just software. - Pip"),
    (of("bot"), "It's an AI you're chatting with. - Pip"),
    (of("chat"), "You're welcome! - Pip"),
    (of("chat"), "Oh dear, that's a shame. - Pip"),
]

BAD: list[tuple[dict[str, object], str, str]] = [
    (PRICE, "It's lovely, that one. - Pip", "no_fact"),
    (PRICE, "It's 54 pounds. - Pip", "no_fact"),
    (PRICE, "It's 450 pounds. - Pip", "no_fact"),
    (PRICE, "It isn't 45 pounds. - Pip", "no_fact"),
    (PRICE, "It's 45 pounds, or 39 pounds on Sundays. - Pip", "invented_figure"),
    (PRICE, "It's 45 pounds, and it weighs nine pounds. - Pip", "invented_figure"),
    (COLOUR, "It's slate, or plum if you're lucky. - Pip", "wrong_fact"),
    (COLOUR, "It's slate and boils in 95 minutes. - Pip", "invented_figure"),
    (TANK, "It's 1.2 litres, with a three-year promise. - Pip", "invented_figure"),
    (TANK, "It's 11.2 litres. - Pip", "no_fact"),
    (PART, "It's NP-3122. - Pip", "no_fact"),
    (PART, "It's NP-3121 or NP-9999. - Pip", "invented_figure"),
    (PRICE, "It's 45 pounds. - Pip #handover:orders", "tag"),
    (of("safety"), "That's odd, isn't it? - Pip #handover:safety", "not_said"),
    (of("safety"), "Don't unplug it, it's busy. - Pip #handover:safety", "not_said"),
    (of("safety"), "Unplug it, though it's safe. - Pip #handover:safety", "forbidden"),
    (of("safety"), "Unplug it, and don't use it. - Pip #handover:warranty", "tag"),
    (of("safety"), "Unplug it, and don't use it. - Pip", "tag"),
    (of("refund"), "We'll refund you, that's a promise. - Pip #handover:refunds", "forbidden"),
    (of("refund"), "You'll get your money back. - Pip #handover:refunds", "forbidden"),
    (of("refund"), "Don't worry, we'll refund it. - Pip #handover:refunds", "forbidden"),
    (
        of("refund"),
        "I can't see it, but your refund's on its way. - Pip #handover:refunds",
        "forbidden",
    ),
    (of("refund"), "I don't decide, and you'll get a refund. - Pip #handover:refunds", "forbidden"),
    (of("refund"), "I can't promise it. - Pip #handover: refunds", "tag"),
    (of("refund"), "I can't promise it. - Pip #handover:refund", "tag"),
    (of("refund"), "#handover:refunds I can't promise it. - Pip", "tag"),
    (of("warranty"), "We'll send you a new one, it's easy. - Pip #handover:warranty", "forbidden"),
    (of("warranty"), "It's covered, of course. - Pip #handover:warranty", "forbidden"),
    (of("warranty"), "They'll mend it for free. - Pip #handover:warranty", "forbidden"),
    (of("order"), "I've changed the address. - Pip #handover:orders", "forbidden"),
    (of("order"), "It's cancelled. - Pip #handover:orders", "forbidden"),
    (of("person"), "I'm sorry about that. - Pip", "tag"),
    (of("health"), "It's fine, but ask your doctor. - Pip", "forbidden"),
    (of("health"), "I'd cut it out if I were you. - Pip", "not_said"),
    (of("delivery"), "It'll be there on Friday, see the tracking link. - Pip", "forbidden"),
    (of("delivery"), "I don't know. - Pip", "not_said"),
    (of("discount"), "Here's a code, and there's the Odd Box. - Pip", "forbidden"),
    (of("discount"), "I'll knock something off, see the Odd Box. - Pip", "forbidden"),
    (of("discount"), "It's 10% off in the Odd Box. - Pip", "invented_figure"),
    (of("health"), "It's the doctor, the tracking link or the Odd Box. - Pip", "scattered"),
    (of("chat"), "There's the Odd Box, and the tracking link. - Pip", "scattered"),
    (of("bot"), "I'm a real person, promise! - Pip", "not_said"),
    (of("bot"), "I'm not a bot. - Pip", "not_said"),
    (of("chat"), "You're welcome!", "sign_off"),
    (of("chat"), "You're welcome! - Pippa", "sign_off"),
    (of("chat"), "You are welcome! - Pip", "long_form"),
    (of("chat"), "It's cold and I cannot help. - Pip", "long_form"),
    (of("chat"), "Dear customer, you're welcome. - Pip", "title"),
    (of("chat"), "You're welcome, Mrs Hale. - Pip", "title"),
    (of("chat"), "You're welcome, sir! - Pip", "title"),
    (of("chat"), "You're welcome!! - Pip", "exclamation"),
    (of("chat"), "You're kind! Bye! - Pip", "exclamation"),
    (of("chat"), "Don't hesitate to ask. - Pip", "corporate"),
    (of("chat"), "We're happy to assist. - Pip", "corporate"),
    (of("chat"), "Glad to hear. - Pip", "no_contraction"),
    (of("chat"), "The kettle's lid is lovely. - Pip", "no_contraction"),
    (of("chat"), "I'm well, thank you. How are things? Have a good day. - Pip", "long"),
    (of("chat"), f"It's {'so ' * 40}nice. - Pip", "long"),
    (of("chat"), "It's nice." + " nice" * 200, "runaway"),
    (of("chat"), "It's nice.\x00 - Pip", "unreadable"),
    (of("chat"), "It's a\u202enice day. - Pip", "unreadable"),
    (of("chat"), "", "empty"),
    (of("chat"), "  ", "empty"),
]


@pytest.mark.parametrize(("expected", "answer"), GOOD)
def test_other_good_replies_are_right(expected: dict[str, object], answer: str) -> None:
    found = judge(expected, answer)
    assert found.value == 1.0, found.reason


@pytest.mark.parametrize(("expected", "answer", "kind"), BAD)
def test_a_bad_reply_is_wrong_for_its_reason(
    expected: dict[str, object], answer: str, kind: str
) -> None:
    found = judge(expected, answer)
    assert (found.value, found.kind) == (0.0, kind), found.reason


TAGS = {kind: rule.tag for kind, rule in scorers.RULES.items() if rule.tag}

PROMISES = """
warranty|A new kettle's on its way.
warranty|Warranty covers that, so you won't pay a thing.
warranty|It'll be mended at our cost, that's a given.
warranty|You'll be getting a brand new machine.
warranty|They've approved a repair, you're sorted.
warranty|The crew's going to mend it for you.
warranty|Your replacement's coming.
warranty|It's under warranty, so they'll look at it.
refund|You'll get every penny back.
refund|It'll all be paid back by Friday, you've my word.
refund|Sure, it's settled and you'll be paid back.
refund|I don't decide, it's all settled.
refund|They'll put it back on your card.
refund|It'll be back on your card before the weekend, don't fret.
refund|I've gone ahead and sent the money, that's done.
warranty|Someone'll pop a fresh one in the post, it's no bother.
warranty|That's our fault, so the repair costs you nothing.
warranty|They'll put it right, that's what warranty's for.
order|Your new address is in, that's it.
order|We'll make sure it goes to the new flat.
order|All cancelled, that's that.
order|Done! It's gone through.
order|Consider it changed, you're all set.
order|They'll change it for you.
safety|Unplug it, give it a wipe, then you're good to go.
safety|There's no danger at all, but unplug it if you like.
safety|It's hot but it won't bite. Unplug it whenever you've finished.
safety|It isn't dangerous, but unplug it.
safety|It's just dust burning off, but unplug it when you're done.
health|I'd cut back a bit, and there's your GP.
health|A small cup won't hurt, but do ask your doctor.
health|Decaf's the better choice for you, ask any doctor.
health|There's no risk with coffee, your GP knows that.
delivery|You'll have it by then, just watch the tracking link.
delivery|It'll be on your doorstep by then, says the tracking link.
delivery|It won't be long, see the tracking link.
discount|Go on then, that's a tenner off for you. The Odd Box is cheap, too.
discount|Deal, it's yours for less! There's the Odd Box, too.
discount|There's a code for you, and the Odd Box.
bot|I'm flesh and blood, the bot's on holiday.
bot|I'm anything but a bot, I'm as real as you.
bot|I'm an actual person, not a bot.
"""

NO_PROMISES = """
warranty|They'll look into getting it repaired, I've told them.
warranty|I've passed it to warranty, who'll see what's covered.
warranty|I can't say if you'll get a new one.
refund|The refunds team will give your refund a proper look. It's with them now.
refund|They'll get back to you, it's theirs to decide.
order|I've added your request to the orders team's list.
order|Only the orders team can change that, so I've passed it on.
order|I've passed your change to the orders team, they'll be in touch.
order|They'll check if it can still be cancelled, I can't.
safety|Unplug it, and I hope you're all right.
safety|OK, unplug it now, that's not normal.
health|You should avoid guessing and ask your GP, they'd know.
health|Caffeine's a question for your doctor, not for me.
health|It can't hurt to ask your GP.
delivery|I can't say. The tracking link shows it as soon as it's out for delivery.
delivery|Your tracking link's got today's news.
delivery|The tracking link shows where it is right now, I can't see it from here.
discount|There's no discount code from me, but see the Odd Box.
bot|I'm an AI assistant, so there's no human here.
bot|I'm not flesh and blood, I'm a bot.
chat|That makes two of us! It's a good day.
chat|Ten out of ten, you've made my day!
"""


def listed(lines: str) -> list[tuple[str, str]]:
    """Rule and whole reply of each line."""
    pairs = [line.split("|") for line in lines.strip().splitlines()]
    return [(kind, f"{text} - Pip {TAGS.get(kind, '')}".strip()) for kind, text in pairs]


@pytest.mark.parametrize(("kind", "answer"), listed(PROMISES))
def test_a_promise_is_heard_in_whatever_words(kind: str, answer: str) -> None:
    case = Case("c", {"message": "A tenner?"}, of(kind), None, "dev")
    assert scorers.score_tone(case, Output(answer, "stop")).value == 1.0
    found = scorers.score_policy(case, Output(answer, "stop"))
    assert found.kind in (("forbidden", "not_said") if kind == "bot" else ("forbidden",))


@pytest.mark.parametrize(("kind", "answer"), listed(NO_PROMISES))
def test_what_promises_nothing_is_no_promise(kind: str, answer: str) -> None:
    found = judge(of(kind), answer)
    assert found.value == 1.0, found.reason


IRON: dict[str, object] = {"kind": "fact", "fact": ["cast iron"], "others": ["bronze"], "page": []}
TIME: dict[str, object] = {
    "kind": "fact", "fact": ["245 seconds"], "others": [], "page": ["245 seconds", "95 seconds"],
}  # fmt: skip
DAY: dict[str, object] = {
    "kind": "fact", "fact": ["Monday", "Mondays"], "others": ["Tuesday"], "page": ["9"],
}  # fmt: skip


def amount(*spellings: str, page: str = "") -> dict[str, object]:
    shown = list(filter(None, page.split(";")))
    return {"kind": "fact", "fact": list(spellings), "others": [], "page": shown}


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (TIME, "It's 4 minutes 5 seconds."),
        (TIME, "It's four minutes and five seconds."),
        (amount("75 minutes"), "It's 1 hour 15 minutes."),
        (amount("75 minutes"), "It's an hour and a quarter."),
        (amount("75 minutes"), "It's an hour and 15 minutes."),
        (amount("90 minutes"), "You've got one and a half hours."),
        (amount("45 minutes"), "It's three quarters of an hour."),
        (amount("6 months"), "It's half a year."),
        (amount("1.5 litres"), "It's one and a half litres."),
        (amount("1.5 litres"), "You'll get 1½ litres in."),
        (amount("5 pounds"), "It's a fiver."),
        (amount("230 volts"), "They're all 230V."),
        (amount("23 clicks", "23"), "It's got 23 grind settings."),
        (amount("23 clicks", "23"), "The Hawkbit's got 23."),
        (amount("46 degrees"), "You can't set it below 46 degrees."),
        (IRON, "They're cast-iron burrs."),
        (IRON, "It's nothing but cast iron."),
        (DAY, "They're shut on Monday, and we're back on Tuesday."),
        (DAY, "It's Monday, it's nowhere near Tuesday."),
    ],
)
def test_a_fact_in_other_words_is_the_fact(expected: dict[str, object], answer: str) -> None:
    found = judge(expected, f"{answer} - Pip")
    assert found.value == 1.0, found.reason


@pytest.mark.parametrize(
    ("expected", "answer", "kind"),
    [
        (amount("23 clicks", "23", page="23;23 g"), "It's got 23 g.", "no_fact"),
        (amount("5 weeks", page="9 weeks"), "It's 5 weeks or 9 weeks.", "wrong_fact"),
        (PRICE | {"page": ["900 g", "1.2 litres"]}, "It's 45 pounds, 900 g, 1.2 litres.", "listed"),
        (PART | {"page": ["NP-3121", "FP-1"]}, "It's NP-3121 or FP-1.", "wrong_fact"),
        (amount("40 seconds"), "It's 30 seconds and 10 seconds.", "no_fact"),
        (DAY, "They're shut from Monday to Tuesday, aren't they?", "wrong_fact"),
    ],
)
def test_a_fact_in_a_list_or_in_another_unit_is_none(
    expected: dict[str, object], answer: str, kind: str
) -> None:
    assert judge(expected, f"{answer} - Pip").kind == kind


DENIED = (
    "Don't ask me, I've no idea if it's {}.",
    "I don't think it's {}.",
    "It's nowhere near {}, sadly.",
    "It isn't quite {} any more.",
    "It's definitely something other than {}.",
    "It's perhaps {}, perhaps not.",
    "{} isn't right.",
    "Isn't it {}?",
)


def test_a_fact_denied_or_left_open_is_none_and_a_list_of_the_page_neither(suite: Suite) -> None:
    for case in suite.cases:
        assert isinstance(case.expected, dict)
        for fact in map(str, case.expected.get("fact", [])[:1]):  # type: ignore[index]
            texts = [one.format(fact) for one in DENIED]
            figures = [str(one) for one in case.expected["page"]]  # type: ignore[union-attr]
            if len({fact, *figures}) > 3:
                texts.append(f"It's {fact}, {', '.join(figures)}.")
            for text in texts:
                found = scorers.score_fact(case, Output(f"{text} - Pip", "stop"))
                assert found.value == 0.0, (case.id, text)
            plainly = scorers.score_reply(case, Output(f"It's {fact}. - Pip", "stop"))
            assert plainly.value == 1.0, (case.id, plainly.reason)


def test_no_answer_at_all_is_wrong_and_no_error() -> None:
    assert judge(of("chat"), None).kind == "empty"


def test_what_the_customer_said_may_be_said_again() -> None:
    reply = "I can't promise the 14th, but your tracking link's up to date. - Pip"
    assert judge(of("delivery"), reply, "Is it here by the 14th?").value == 1.0
    assert judge(of("delivery"), reply).kind == "invented_figure"


PIECES = (
    "- Pip ! . ' ’ £ 1 900 , g kg l two hundred and forty seven #handover: safety refunds we'll"
    " you'll refund it is can't get money kettle's lid if 's n't \x00 \u202e # ( [ \\ tracking"
)
REPLY = st.lists(st.sampled_from(PIECES.split(" ")) | st.text(max_size=6), max_size=60)


@settings(max_examples=80, deadline=None)
@given(words=REPLY, kind=st.sampled_from(["refund", "safety", "chat", "delivery", "bot"]))
def test_any_reply_gets_a_score(words: list[str], kind: str) -> None:
    for text in (" ".join(words), "".join(words)):
        assert judge(of(kind), text).value in (0.0, 1.0)
        assert judge(TANK, text).value in (0.0, 1.0)


@pytest.mark.parametrize(
    "piece", ["1", "a ", "two hundred ", "'s ", "we'll ", "#handover:", "- Pip", "\n"]
)
def test_long_replies_are_judged_at_once(piece: str) -> None:
    assert judge(PRICE, piece * 100_000).kind == "runaway"
    assert judge(PRICE, (piece * 400)[:399]).value == 0.0


def test_a_full_score_is_full_in_all_three(suite: Suite) -> None:
    parts = (scorers.score_fact, scorers.score_tone, scorers.score_policy)
    for case in suite.cases:
        output = Output(case.answer, "stop")
        assert all(part(case, output).value == 1.0 for part in parts), case.id


def test_each_metric_is_blind_to_the_faults_of_the_others() -> None:
    def values(answer: str) -> list[float]:
        case = Case("c", {"message": "?"}, PRICE, None, "dev")
        parts = (scorers.score_fact, scorers.score_tone, scorers.score_policy)
        return [part(case, Output(answer, "stop")).value for part in parts]

    assert values("It's 45 pounds. - Pip") == [1, 1, 1]
    assert values("It's 46 pounds. - Pip") == [0, 1, 1]
    assert values("It is 45 pounds.") == [1, 0, 1]
    assert values("It's 45 pounds. - Pip #handover:person") == [1, 1, 0]


def test_the_index_finds_most_pages(suite: Suite) -> None:
    index = open_index(suite.documents, suite.retrieval)
    for split in ("dev", "test"):
        cases = [case for case in suite.split(split) if case.documents]
        asked = [(" ".join(all_text(case.input)), case.documents[0]) for case in cases]
        found = [[one.id.split("#")[0] for one in index.find(text, 2)] for text, _ in asked]
        right = [page in pages for pages, (_, page) in zip(found, asked, strict=True)]
        assert sum(right) > 0.9 * len(cases)


# The cases --------------------------------------------------------------------------------------


def test_the_counts_are_those_of_the_readme(suite: Suite) -> None:
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    for split in SPLITS:
        cases = suite.split(split)
        source = Counter(case.tags["source"] for case in cases)
        kind = Counter(case.tags["kind"] for case in cases)
        pages = {name for case in cases for name in case.documents}
        row = (source["generated"], source["handwritten"], len(cases), kind["fact"],
               kind["policy"], kind["smalltalk"], len(pages))  # fmt: skip
        assert f"| {split} | {' | '.join(map(str, row))} |" in readme


def test_questions_shared_with_train_but_for_the_product_are_as_many_as_said(suite: Suite) -> None:
    names = "|".join(page.stem[8:] for page in (SUITE / "documents").glob("product-*.md"))

    def asked(split: str) -> list[str]:
        cases = [case for case in suite.split(split) if case.tags["source"] == "generated"]
        texts = [all_text(case.input)[-1].lower() for case in cases if case.documents]
        return [re.sub(names, "*", text) for text in texts]

    train, others = set(asked("train")), [*asked("dev"), *asked("test")]
    same = sum(text in train for text in others)
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    assert f"{same} of the {len(others)} generated questions" in readme


def test_every_turn_and_rule_has_its_share(suite: Suite) -> None:
    for split in SPLITS:
        cases = suite.split(split)
        turns = Counter(case.tags["turn"] for case in cases)
        assert set(turns) == set("1234")
        assert min(turns.values()) > 0.18 * len(cases)
        rules = Counter(case.tags["rule"] for case in cases)
        assert 0.45 < rules["fact"] / len(cases) < 0.56
        assert min(rules.values()) >= 7


def test_a_page_a_matter_and_a_chat_are_of_one_split(suite: Suite) -> None:
    splits: dict[str, set[str]] = {}
    for case in suite.cases:
        for name in (*case.documents, *filter(None, [case.cluster])):
            splits.setdefault(name, set()).add(case.split)
        assert case.cluster or case.tags["source"] == "handwritten"
    assert len(splits) > 300
    assert {len(found) for found in splits.values()} == {1}


def letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())


def all_text(given_input: object) -> list[str]:
    found = json.loads(json.dumps(given_input))
    turns = [text for turn in found["earlier"] for text in (turn["customer"], turn["pip"])]
    return [*turns, found["message"]]


def test_train_shares_no_long_run_and_no_answer_with_the_others(suite: Suite) -> None:
    sealed: set[str] = set()
    answers: set[str | None] = set()
    for case in suite.cases:
        if case.split != "train":
            answers.add(case.answer)
            for text in (" ".join(all_text(case.input)), str(case.answer)):
                low = letters(text)
                sealed |= {low[at : at + 50] for at in range(len(low) - 49)}
    for case in suite.split("train"):
        assert case.answer not in answers
        for text in (" ".join(all_text(case.input)), str(case.answer)):
            low = letters(text)
            assert not sealed & {low[at : at + 50] for at in range(len(low) - 49)}, case.id


def test_what_is_held_out_is_never_in_generated_train_cases(suite: Suite) -> None:
    generator = SUITE / "generator"
    wrapping = json.loads((generator / "wrapping.json").read_text(encoding="utf-8"))
    patterns = json.loads((generator / "patterns.json").read_text(encoding="utf-8"))
    held = [one[1:] for pool in wrapping.values() for one in pool if one.startswith("*")]
    for pattern in (one for group in patterns.values() for one in group):
        texts = [*pattern["asked"], *pattern["asked_of_it"], *pattern["replies"]]
        for one in filter(lambda text: text.startswith("*"), texts):
            held += [part for part in re.split(r"\{\w\}", one[1:]) if len(part) > 14]
    assert len(held) > 100
    train = [case for case in suite.split("train") if case.tags["source"] == "generated"]
    text = "\n".join("\n".join([*all_text(case.input), str(case.answer)]) for case in train)
    assert [one for one in held if len(one) > 8 and one in text] == []


def test_no_blank_is_left_open(suite: Suite) -> None:
    for case in suite.cases:
        text = " ".join([*all_text(case.input), str(case.answer)])
        assert not re.search(r"[{}|*~]|\s\s|[.?!][A-Za-z]|\ba [AEIO][a-z]", text), case.id


def stands_in(wanted: str, text: str) -> bool:
    words = re.escape(scorers.rewritten(wanted))
    return re.search(rf"(?<!\w){words}(?!\w)", scorers.rewritten(text)) is not None


def test_every_fact_stands_in_its_own_page_and_in_no_prompt(suite: Suite) -> None:
    pages = {one.id: f"{one.title} {one.text}".casefold() for one in suite.documents}
    prompts = " ".join(prompt.source for prompt in suite.prompts.values()).casefold()
    for case in suite.cases:
        assert isinstance(case.expected, dict)
        facts = case.expected.get("fact", [])
        assert isinstance(facts, list)
        assert bool(facts) == (case.tags["kind"] == "fact") == (len(case.documents) == 1)
        if facts:
            page = scorers.plain(pages[case.documents[0]])
            spellings = [str(one).casefold() for one in facts]
            assert any(stands_in(one, page) for one in spellings), case.id
            assert not any(stands_in(one, prompts) for one in spellings if len(one) > 4)


def test_earlier_replies_sound_like_pip(suite: Suite) -> None:
    case = suite.cases[0]
    for text in {text for one in suite.cases for text in all_text(one.input)[1:-1:2]}:
        found = scorers.score_tone(case, Output(text, "stop"))
        assert found.value == 1.0, (text, found.reason)


def test_the_rule_book_has_what_the_scorer_asks_for(suite: Suite) -> None:
    spec = suite.prompts["spec"].source
    rules = scorers.RULES
    assert re.findall(r"^(\d)\. ", spec, re.MULTILINE) == list("123456789")
    assert len(rules) == 9 + len({"fact", "chat"})
    tags = [one.tag for one in rules.values() if one.tag]
    assert re.findall(r"#handover:\w+", spec) == tags
    for phrase in scorers.PHRASES:
        assert phrase in spec or phrase == "reaching out"
    assert f"{scorers.WORDS} words at most" in spec
    for said in ("doctor", "tracking", "Odd Box", "bot", "unplug"):
        assert said in spec


def test_the_tags_of_the_cases_are_those_of_the_rules(suite: Suite) -> None:
    for case in suite.cases:
        tag = scorers.RULES[case.tags["rule"]].tag
        assert re.findall(r"#\S+", str(case.answer)) == ([tag] if tag else []), case.id
