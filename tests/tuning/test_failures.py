"""What the gate is told of the leader's failures, from stored runs of a real suite."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import Technique
from evals.errors import RecordError
from evals.ledger import Ledger
from evals.models.scripted import open_scripted
from evals.records import Case, Decoding, Run
from evals.suite import Suite, load_suite
from evals.suite.spec import Document, RoundSpec, Structure
from tests.sample_suite import HELD_ROUNDS, write_suite
from tests.tunegate.scenes import TUNE, write_model
from tuning.failures import summarise_failures
from tuning.finishing import told_what_was_not_shown
from tuning.gate.evidence import arm_of
from tuning.gate.failing import document_steps, failing_text
from tuning.job import Job
from tuning.records import Decision, FailureSummary
from tuning.shipping.judging import judge_adapter
from tuning.stored import decide_stored

LABELS = Structure(grammar='root ::= "billing"', source="the labels of accuracy")


class Quiet:
    def progress(self, label: str):
        return nullcontext(lambda _done, _total: None)

    def note(self, text: str) -> None:
        pass


def searched(tmp_path: Path, default: str) -> tuple[Suite, Ledger, str]:
    """A stored search: two of three topics are known, of the third the model says `default`."""
    folder = write_suite(
        tmp_path / "tickets", sizes={"train": 30, "dev": 240, "test": 60}, extra=HELD_ROUNDS + TUNE
    )
    suite, model = load_suite(folder), write_model(tmp_path / "model.json", default=default)
    ledger = Ledger(tmp_path / "ledger")
    Job(
        suite=replace(suite, structure=None),
        guards={},
        model=open_scripted(Path(model.removeprefix("scripted:"))),
        ledger=ledger,
        looks_path=tmp_path / "looks.jsonl",
        narrator=Quiet(),
    ).run(tune=False)
    return suite, ledger, model


@pytest.fixture(scope="module")
def formless(tmp_path_factory: pytest.TempPathFactory) -> tuple[Suite, Ledger, str]:
    """A model that says what is no label where it does not know one."""
    return searched(tmp_path_factory.mktemp("formless"), "hm")


def decided(scene: tuple[Suite, Ledger, str], structure: Structure | None) -> Decision:
    suite, ledger, model = scene
    return decide_stored(replace(suite, structure=structure), ledger, model)


def summary(decision: Decision) -> FailureSummary:
    assert decision.failures is not None
    return decision.failures


def test_where_only_the_form_is_wrong_and_it_is_known_the_verdict_is_not_fine_tune(formless):
    found = decided(formless, LABELS)
    assert summary(found).counts == {"invalid_format": 80}
    assert (found.verdict, found.plateau) == ("prompt_more", False)
    assert "33% of the cases fail by form alone" in found.sentence


def test_without_a_structure_it_is_fine_tune_with_the_way_to_state_one(formless):
    found = decided(formless, None)
    assert found.verdict == "fine_tune"
    assert "Of 80 failures of the leader 80 are form and 0 wrong content." in found.sentence
    assert any("`structure`" in step for step in found.next_steps)
    assert summary(found).structured == "no_structure"


def test_where_the_content_is_wrong_a_structure_changes_nothing(tmp_path):
    found = decided(searched(tmp_path, "billing"), LABELS)
    assert found.verdict == "fine_tune"
    assert summary(found).counts == {"wrong_content": 80}
    assert summary(found).form_from == "the kinds of label@1"


def about_documents(suite: Suite, foreign: set[str]) -> Suite:
    """The suite with cases about two documents, of which train has seen one."""

    def about(case: Case) -> Case:
        named = "foreign" if case.id in foreign else "taught"
        return replace(case, documents=(named,)) if case.split != "test" else case

    documents = tuple(Document(name, "title", "text") for name in ("taught", "foreign"))
    return replace(suite, documents=documents, cases=tuple(map(about, suite.cases)))


def failing_of(leader: Run, count: int) -> set[str]:
    """The first failing cases."""
    failing = {r.case_id for r in leader.results if not r.scores["accuracy"].value}
    return set(sorted(failing)[:count])


def test_what_only_unshown_documents_say_cannot_be_learnt_and_is_said_to(tmp_path):
    scene = searched(tmp_path, "billing")
    suite, leader = scene[0], leader_of(scene)
    some = failing_of(leader, 30)
    telling = about_documents(suite, some)
    found = summarise_failures(telling, leader, [leader])
    assert found.unshown == 30
    assert "30 failures are in cases about documents that no train case is about" in failing_text(
        found
    )
    assert found.unshown_gain == pytest.approx(30 / found.cases)
    reach = 1 - 30 / found.cases
    assert f"and at most {reach:.2f} is left to reach on these cases." in (failing_text(found))
    [step] = document_steps("fine_tune", found)
    assert "`tune: {documents: 1}`" in step
    assert document_steps("prompt_more", found) == ()

    gate = replace(decided(scene, None), failures=found)
    judged = judge_adapter(arm_of(leader), arm_of(leader), (), min_gain=0.1, look=1)
    told = told_what_was_not_shown(judged, gate)
    assert judged.verdict == "reject_adapter"
    assert told.next_steps == (step, *judged.next_steps)
    ships = replace(judged, verdict="ship_adapter")
    assert told_what_was_not_shown(ships, gate) == ships

    shown = held(leader, technique=Technique(retrieval="bm25", documents=1))
    stated = replace(telling, tune=replace(telling.tune, documents=1))
    for one, run in ((telling, shown), (stated, leader), (suite, leader)):
        assert summarise_failures(one, run, [run]).unshown == 0
    assert document_steps("fine_tune", replace(found, unshown=0)) == ()

    broken = [
        replace(r, scores={}, error="timed out") if r.case_id in set(sorted(some)[:10]) else r
        for r in leader.results
    ]
    fewer = summarise_failures(telling, replace(leader, results=tuple(broken)), [leader])
    assert fewer.unshown == 20
    assert fewer.unshown_gain == pytest.approx(20 / (found.cases - 10))


def test_a_wrong_form_does_not_say_that_knowledge_is_missing(formless):
    leader = leader_of(formless)
    telling = about_documents(formless[0], failing_of(leader, 30))
    assert summarise_failures(telling, leader, [leader]).unshown == 0


def leader_of(scene: tuple[Suite, Ledger, str]) -> Run:
    _, ledger, _ = scene
    return ledger.run(decided(scene, None).leader)


def held(run: Run, **changes: object) -> Run:
    return replace(run, candidate=replace(run.candidate, **changes))


def test_any_tried_candidate_that_was_held_to_a_form_is_a_constraint_tried(formless):
    leader, suite = leader_of(formless), replace(formless[0], structure=LABELS)
    others = {
        "tried": [
            held(leader, technique=Technique(structured=True)),
            held(leader, decoding=Decoding(schema={"type": "string"})),
            held(leader, decoding=Decoding(grammar="root ::= 1")),
        ],
        "untried": [held(leader, technique=Technique(reasoning=True))],
    }
    for wanted, runs in others.items():
        for run in runs:
            assert summarise_failures(suite, leader, [leader, run]).structured == wanted


def test_a_round_that_is_declared_is_not_asked_for_again(formless):
    leader, suite = leader_of(formless), formless[0]
    from evals.approach import Approach

    spec = RoundSpec("structured", ("terse",), (Approach(technique=Technique(structured=True)),))
    declared = replace(suite, structure=LABELS, rounds=(*suite.rounds, spec))
    assert summarise_failures(declared, leader, [leader]).structured == "declared"
    suite_now, ledger, model = formless
    found = decide_stored(replace(declared, root=suite_now.root), ledger, model)
    assert found.verdict == "prompt_more"
    assert not any("Add a round of family structured" in step for step in found.next_steps)
    assert any("not tried" in step for step in found.next_steps)


def test_the_verdict_from_the_store_is_the_same_twice_and_reads_no_scorer(formless, monkeypatch):
    import evals.scorers

    def refuse(*_: object, **__: object) -> None:
        raise RecordError("a verdict builds no scorer")

    monkeypatch.setattr(evals.scorers, "build_scorers", refuse)
    assert decided(formless, LABELS) == decided(formless, LABELS)


@pytest.mark.parametrize(("documents", "advised"), [(None, True), (1, False)])
def test_a_curve_is_not_advised_where_an_adapter_is_shown_documents(
    formless, documents: int | None, advised: bool
) -> None:
    """A curve is made of adapters that are shown none: `tunegate curve` would refuse."""
    suite, ledger, model = formless
    tune = replace(suite.tune, documents=documents, min_examples=10**6)
    found = decide_stored(replace(suite, tune=tune, structure=None), ledger, model)
    assert found.verdict == "collect_examples"
    assert any("tunegate curve" in step for step in found.next_steps) is advised
