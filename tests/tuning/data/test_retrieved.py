"""An adapter is trained on what it will be asked with: the documents that the leader retrieves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evals.approach import PLAIN, Approach, Technique
from evals.errors import TrainingError
from evals.models.scripted import ScriptedModel
from evals.prompting import build_requests, make_candidate
from evals.suite import load_suite
from evals.suite.spec import Structure, Suite, TogetherSpec, TuneSpec
from tests.facts_suite import write_facts
from tests.tunegate.scenes import pretended_training
from tuning.data.dataset import build_examples, carried, data_fingerprint
from tuning.shipping.sealed import tuned_candidate
from tuning.together.asking import ways_to_ask
from tuning.training.base import BaseModel
from tuning.training.tune import tune_suite

BM25 = Technique(retrieval="bm25", documents=2)
TUNE = "tune: {min_examples: 10, epochs: 0.5, rank: 2, prompt: terse}\n"


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return load_suite(write_facts(tmp_path / "facts"))


def test_examples_read_as_the_adapter_will_be_asked(suite: Suite) -> None:
    candidate = make_candidate(suite, ScriptedModel({}), "terse", Approach(technique=BM25))
    asked = build_requests(suite, candidate, suite.split("train"))
    examples = build_examples(suite, "terse", BM25)
    assert [e.messages for e in examples] == [request.messages for request in asked]
    assert "Documents:\n\n[1] Orvex Kettle" in examples[0].messages[-1].content
    plain = build_examples(suite, "terse")
    assert data_fingerprint(plain) != data_fingerprint(examples)


def test_an_adapter_keeps_retrieval_and_structure_and_nothing_else() -> None:
    leader = Technique(
        reasoning=True, votes=5, temperature=0.7, structured=True, retrieval="bm25", documents=3
    )
    assert carried(leader, TuneSpec()) == Technique(structured=True, retrieval="bm25", documents=3)
    assert carried(Technique(reasoning=True, votes=3), TuneSpec()) == PLAIN


def test_it_is_judged_with_the_leaders_documents_and_structure(
    suite: Suite, tmp_path: Path
) -> None:
    held = replace(suite, structure=Structure(schema={"type": "string"}))
    leader = replace(BM25, structured=True, votes=3, temperature=0.7)
    training = pretended_training("tuned")(
        held, "scripted", tmp_path, technique=carried(leader, held.tune)
    )
    tuned = tuned_candidate(held, ScriptedModel({}), training, leader)
    assert tuned.technique == replace(BM25, structured=True)
    assert (tuned.adapter, tuned.decoding.schema) == ("tuned", {"type": "string"})


def test_it_is_trained_and_judged_with_documents_of_its_own_where_they_are_stated(
    suite: Suite, tmp_path: Path
) -> None:
    own = replace(suite, tune=replace(suite.tune, documents=2))
    for leader in (PLAIN, replace(BM25, documents=3)):
        assert carried(leader, own.tune) == BM25
        training = pretended_training("tuned")(own, "scripted", tmp_path, technique=BM25)
        assert tuned_candidate(own, ScriptedModel({}), training, leader).technique == BM25
    plain = pretended_training("tuned")(own, "scripted", tmp_path)
    with pytest.raises(TrainingError, match=r"2 retrieved documents, as tune.documents states"):
        tuned_candidate(own, ScriptedModel({}), plain, PLAIN)


def test_a_prompt_without_the_documents_it_was_trained_with_is_not_tried(
    suite: Suite, tmp_path: Path
) -> None:
    own = replace(suite, tune=replace(suite.tune, documents=2))
    model = ScriptedModel({}, name="scripted")
    training = pretended_training("tuned")(own, "scripted", tmp_path, technique=BM25)
    tried = [
        make_candidate(own, model, name, Approach(technique=how))
        for name, how in (("polite", PLAIN), ("exact", BM25), ("exact", replace(BM25, documents=1)))
    ]
    for what, expected in (("best", ["terse"]), ("all", ["terse", "exact"])):
        asked = replace(own, tune=replace(own.tune, together=TogetherSpec(what)))
        ways = ways_to_ask(asked, model, tried[0], tried, training)
        assert [way.candidate.prompt for way in ways if not way.candidate.k] == expected
        assert all(way.candidate.technique == BM25 for way in ways)


def test_an_adapter_trained_with_other_documents_is_not_judged(
    suite: Suite, tmp_path: Path
) -> None:
    training = pretended_training("tuned")(suite, "scripted", tmp_path)
    with pytest.raises(TrainingError, match=r"with no documents, .* 2 retrieved documents"):
        tuned_candidate(suite, ScriptedModel({}), training, BM25)


def test_the_training_record_says_what_was_shown(tmp_path: Path, tiny_base: BaseModel) -> None:
    root = write_facts(tmp_path / "facts")
    manifest = root / "suite.yaml"
    text = manifest.read_text()
    manifest.write_text(text[: text.index("tune:")] + TUNE)
    suite = load_suite(root)
    plain = tune_suite(suite, tiny_base.name, tmp_path / "adapters")
    shown = tune_suite(suite, tiny_base.name, tmp_path / "adapters", technique=BM25)
    assert (plain.shown, shown.shown) == (PLAIN, BM25)
    assert plain.adapter != shown.adapter
    assert "Documents:" in shown.preview
    assert tune_suite(suite, tiny_base.name, tmp_path / "adapters", technique=BM25) == shown
