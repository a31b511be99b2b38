"""Neutral text: the corpus, the loss on it with an adapter on and off, and what is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evals.errors import ModelError
from evals.ledger import Ledger
from evals.models import open_model
from evals.models.local import LocalModel
from evals.models.plain import PlainModel
from evals.models.reading import TextLoss, read_rows
from evals.models.scripted import ScriptedModel
from evals.models.tokens import encode_plain
from evals.suite import load_suite
from tests.tiny_model import make_tiny_adapter
from tuning.data.replay import replay_requests
from tuning.forgetting.neutral import (
    Adapter,
    judge_rise,
    measure_text,
    neutral_passages,
    rise_of,
    text_change,
)
from tuning.forgetting.records import PassageLoss, TextChange, TextReading
from tuning.forgetting.wording import rise_meaning
from tuning.training.base import BaseModel

WHEN = "2026-01-01"


@pytest.fixture(scope="module")
def model(tiny_base: BaseModel) -> LocalModel:
    opened = open_model(tiny_base.name, precision="float32")
    assert isinstance(opened, LocalModel)
    return opened


@pytest.fixture(scope="module")
def adapter(
    tiny_base: BaseModel, model: LocalModel, tmp_path_factory: pytest.TempPathFactory
) -> Adapter:
    folder = make_tiny_adapter(tiny_base.folder, tmp_path_factory.mktemp("adapter") / "a")
    model.use_adapter(str(folder))
    found = Adapter(model.adapter, str(folder))
    model.use_adapter(None)
    return found


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger")
    yield opened
    opened.close()


def test_the_corpus_is_varied_and_every_passage_has_a_name_of_its_own() -> None:
    passages = neutral_passages()
    assert 60 <= len(passages) <= 100
    assert len({passage.name for passage in passages}) == len(passages)
    assert len({passage.text for passage in passages}) == len(passages)
    kinds = {passage.name.split()[0] for passage in passages}
    assert kinds == {
        "encyclopaedic", "narrative", "dialogue", "how-to", "letter", "news", "opinion", "code",
    }  # fmt: skip
    assert all(20 <= len(passage.text.split()) <= 80 for passage in passages)


def test_no_passage_is_a_case_of_a_shipped_suite_or_a_replayed_request() -> None:
    root = Path(__file__).parents[3] / "suites"
    asked = {str(case.input).lower() for name in ("general_ability", "query_assistant")
             for case in load_suite(root / name).cases}  # fmt: skip
    asked |= {request.messages[-1].content.lower() for request in replay_requests(())}
    for passage in neutral_passages():
        opening = passage.text.lower()[:40]
        assert not any(opening in text for text in asked), passage.name


def test_the_loss_is_that_of_the_models_own_forward_packed_or_not(model: LocalModel) -> None:
    texts = [passage.text for passage in neutral_passages()[:9]]
    read = model.read_texts(texts)
    own = model.loaded.model
    packed = own.config._attn_implementation
    own.set_attn_implementation("eager")
    try:
        rows = [encode_plain(model.tokenizer, text) for text in texts]
        plain = read_rows(PlainModel(own), rows)
        for row, loss, other in zip(rows, read, plain, strict=True):
            ids = torch.tensor([row])
            with torch.no_grad():
                mean = float(own(input_ids=ids, labels=ids).loss)
            assert loss is not None
            assert loss.tokens == len(row) - 1
            assert loss.mean == pytest.approx(mean, rel=1e-4)
            assert other.mean == pytest.approx(mean, rel=1e-4)
    finally:
        own.set_attn_implementation(packed)


def test_what_does_not_fit_and_what_has_nothing_to_predict_has_no_loss(model: LocalModel) -> None:
    read = model.read_texts(["a", "word " * 600, "two words"])
    assert read[0] is None
    assert read[1] is None
    assert read[2] is not None


def test_adapter_and_base_are_read_once_and_found_by_a_second_job(
    model: LocalModel, adapter: Adapter, ledger: Ledger
) -> None:
    first = measure_text(model, ledger, adapter, created=WHEN)
    assert first is not None
    assert first.passages == len(neutral_passages())
    assert first.rise.low < first.rise.estimate < first.rise.high
    assert first.rise.estimate == pytest.approx(first.tuned - first.base)
    assert abs(first.rise.estimate) > 0.01
    assert model.adapter == ""

    class Deaf(ScriptedModel):
        """The same model by its fingerprint, which cannot be asked any more."""

        fingerprint = model.fingerprint  # type: ignore[assignment]

    assert measure_text(Deaf({}), ledger, adapter, created=WHEN) == first


def test_a_model_that_answers_by_rule_is_not_measured(ledger: Ledger) -> None:
    assert measure_text(ScriptedModel({}), ledger, Adapter("a", "a"), created=WHEN) is None


def test_another_adapter_than_the_one_asked_about_is_never_stored_under_its_name(
    model: LocalModel, adapter: Adapter, ledger: Ledger
) -> None:
    with pytest.raises(ModelError, match="not the one that is asked about"):
        measure_text(model, ledger, adapter._replace(fingerprint="other"), created=WHEN)
    assert model.adapter == ""


def test_a_loss_that_is_not_finite_is_one_error(ledger: Ledger) -> None:
    class Broken(ScriptedModel):
        def read_texts(self, texts: list[str]) -> list[TextLoss]:
            return [TextLoss(math.nan if self.adapter else 3.0, 5) for _ in texts]

    with pytest.raises(ModelError, match="not finite"):
        measure_text(Broken({}), ledger, Adapter("a", "a"), created=WHEN)


def reading(*means: float, adapter: str = "") -> TextReading:
    losses = [PassageLoss(f"p{n}", mean * 10, 10) for n, mean in enumerate(means)]
    return TextReading("c", "m", adapter, tuple(losses))


def test_the_rise_is_paired_by_passage_with_a_t_interval() -> None:
    from scipy.stats import t

    before, rises = [2.0 + n / 3 for n in range(12)], [0.1 + n / 100 for n in range(12)]
    after = [a + b for a, b in zip(before, rises, strict=True)]
    change = text_change(reading(*before), reading(*after, adapter="a"))
    assert change is not None
    mean = sum(rises) / 12
    spread = (sum((r - mean) ** 2 for r in rises) / 11) ** 0.5
    assert change.rise.estimate == pytest.approx(mean)
    assert change.rise.high - mean == pytest.approx(t.ppf(0.975, 11) * spread / 12**0.5)
    assert change.rise.level == pytest.approx(0.95)


def test_too_few_passages_are_told_nothing_of() -> None:
    assert text_change(reading(*[2.0] * 9), reading(*[2.1] * 9)) is None


def change_of(rise: float, half: float = 0.02) -> TextChange:
    found = text_change(reading(*[2.0] * 64), reading(*[2.0 + rise] * 64))
    assert found is not None
    bounds = replace(found.rise, low=rise - half, high=rise + half)
    return replace(found, rise=bounds)


@pytest.mark.parametrize(
    ("rise", "alpha", "result"),
    [
        (0.10, 0.05, "pass"),
        (0.182, 0.05, "pass"),  # one-sided: 0.182 + 0.0167
        (0.182, 0.005, "inconclusive"),
        (0.19, 0.05, "inconclusive"),
        (0.21, 0.05, "inconclusive"),
        (0.22, 0.05, "fail"),
        (0.22, 0.0036, "fail"),  # only a pass must be surer where remedies are declared
    ],
)
def test_a_stated_limit_is_held_at_the_level_asked_for(
    rise: float, alpha: float, result: str
) -> None:
    judged = judge_rise(change_of(rise), 0.2, alpha)
    assert (judged.result, judged.max_rise, judged.alpha) == (result, 0.2, alpha)


def test_without_a_limit_there_is_no_result() -> None:
    assert judge_rise(change_of(9.0), None, 0.05) == change_of(9.0)


def test_what_a_rise_means_is_said_in_a_sentence() -> None:
    assert "18 % less likely than to the base" in rise_meaning(change_of(0.2))
    assert "over 99 % less likely" in rise_meaning(change_of(8.2))
    assert "No change is shown" in rise_meaning(change_of(0.01))
    assert "To the base each next token" in rise_meaning(change_of(-0.2))
    assert rise_of([0.1] * 20, 0.025).low < 0.1  # constant differences keep a width
