"""The proposer: asked through the ledger, each question its own, and what of it is usable."""

from __future__ import annotations

import pytest

from evals.errors import InfrastructureError, ModelError
from evals.ledger import Ledger
from evals.models.scripted import Rule, ScriptedModel
from evals.records import Message, Output
from tuning.search.proposer import ROOM, Proposals, Proposer, clean

ASKED = (Message("user", "Write one."),)


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "ledger")
    yield opened
    opened.close()


def wavering() -> ScriptedModel:
    return ScriptedModel([Rule(seed=0, reply="first"), Rule(seed=1, reply="second")], default="x")


def test_the_same_question_asked_again_is_another_draw_and_a_second_search_asks_nothing(ledger):
    model = wavering()
    proposer = Proposer(lambda: model, ledger, "w")
    assert [proposer.ask(ASKED), proposer.ask(ASKED)] == ["first", "second"]
    again = Proposer(lambda: model, ledger, "w")
    assert [again.ask(ASKED), again.ask(ASKED)] == ["first", "second"]
    assert model.calls == 2
    assert (again.asked, again.tokens) == (proposer.asked, proposer.tokens) == (2, 8)


def test_it_is_opened_for_every_question_so_that_it_may_be_closed_between(ledger):
    opened = []
    model = wavering()
    proposer = Proposer(lambda: opened.append(1) or model, ledger, "w")
    proposer.ask(ASKED)
    proposer.ask(ASKED)
    assert len(opened) == 2


def test_a_reply_that_ran_out_of_room_is_known(ledger):
    model = ScriptedModel([], default="word " * (ROOM + 1))
    proposer = Proposer(lambda: model, ledger, "w")
    assert proposer.ask(ASKED) in proposer.cut


def test_an_error_that_stays_is_an_empty_reply_and_one_that_may_pass_ends_the_search(ledger):
    stays = ScriptedModel([Rule(error="too long")])
    proposer = Proposer(lambda: stays, ledger, "w")
    assert proposer.ask(ASKED) == ""
    assert proposer.errors == ["too long"]

    class Away(ScriptedModel):
        def run(self, batch):
            return [Output(None, "error", error="no route", transient=True)]

    away = Proposer(lambda: Away([], name="away"), ledger, "away")
    with pytest.raises(InfrastructureError, match="proposer away gave no answer: no route"):
        away.ask(ASKED)


@pytest.mark.parametrize(
    "text",
    ["", "  \n", "Route.", " Route. ", "[[ ## proposed_instruction ## ]] x", "```x"],
)
def test_what_is_no_new_instruction_is_not_usable(text):
    proposals = Proposals("Route.")
    assert proposals.take(text) == ""
    assert proposals.usable == []
    assert proposals.offered == 1


def test_a_usable_text_is_kept_once_and_cleaned():
    proposals = Proposals("Route.")
    assert proposals.take(" Sort it.\r\nNow \ud800 ") == "Sort it.\nNow ?"
    proposals.take("Sort it.\nNow ?")
    assert proposals.usable == ["Sort it.\nNow ?"]
    assert clean("\ud83d") == "?"


def test_a_proposer_of_nothing_usable_is_told_with_what_to_do(ledger):
    proposer = Proposer(wavering, ledger, "tiny", errors=["too long"])
    proposals = Proposals("Route.")
    proposals.refuse_none(proposer)  # it was never asked
    proposals.take("")
    with pytest.raises(ModelError, match="the proposer tiny wrote nothing usable") as caught:
        proposals.refuse_none(proposer)
    assert "too long" in caught.value.message
    assert "`proposer:`" in (caught.value.hint or "")
    assert "--proposer" in (caught.value.hint or "")
