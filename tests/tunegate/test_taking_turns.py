"""One model at a time: the first gives way, is named while it is away, and comes back."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tunegate.evaluating
from evals.errors import ModelError
from evals.models.scripted import ScriptedModel
from evals.records import Decoding, Message, Request
from tunegate.evaluating import Evaluator
from tunegate.taking_turns import ReturningModel

ASK = [Request((Message("user", "hello"),))]


class Quiet:
    @contextmanager
    def progress(self, _label: str) -> Any:
        yield lambda _done, _total: None

    fraction = progress


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every opening, and how many models were in memory at that time."""
    alive: list[Any] = []
    seen: list[tuple[str, int]] = []

    def opening(name: str, **_: Any) -> ScriptedModel:
        seen.append((name, sum(model() is not None for model in alive)))
        model = ScriptedModel({}, default=name, name=name, identity=identities.get(name, name))
        model.itself = model  # type: ignore[attr-defined]  # as layers do that hold each other
        alive.append(weakref.ref(model))
        return model

    identities = {}
    opening.identities = identities  # type: ignore[attr-defined]
    monkeypatch.setattr(tunegate.evaluating, "open_model", opening)
    monkeypatch.setattr(tunegate.evaluating, "check_model_name", lambda name: None)
    return seen


def said(model: Any) -> str | None:
    (batch,) = model.plan(ASK, Decoding())
    text: str | None = model.run(batch)[0].text
    return text


def test_the_first_gives_way_is_named_while_away_and_comes_back(
    opened: list[tuple[str, int]], tmp_path: Path
) -> None:
    evaluator = Evaluator(tmp_path, Quiet())
    first = ReturningModel("a", evaluator.model)
    identity = first.fingerprint
    assert said(first) == "a"
    assert said(evaluator.model("b")) == "b"
    assert (first.name, first.fingerprint) == ("a", identity)
    assert [name for name, _ in opened] == ["a", "b"]  # naming it opened nothing
    assert said(first) == "a"
    assert opened == [("a", 0), ("b", 0), ("a", 0)]


def test_other_weights_under_its_name_are_refused(
    opened: list[tuple[str, int]], tmp_path: Path
) -> None:
    evaluator = Evaluator(tmp_path, Quiet())
    first = ReturningModel("a", evaluator.model)
    evaluator.model("b")
    tunegate.evaluating.open_model.identities["a"] = "changed"  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="a has changed while the command was at work"):
        said(first)
    assert len(opened) == 3


def test_what_only_some_models_can_do_is_asked_of_the_model(
    opened: list[tuple[str, int]], tmp_path: Path
) -> None:
    first = ReturningModel("a", Evaluator(tmp_path, Quiet()).model)
    assert not hasattr(first, "stream")  # so it is run batch by batch
    assert first.default == "a"
    assert opened == [("a", 0)]
