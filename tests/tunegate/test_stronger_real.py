"""A second local model among real weights: it takes the first one's place, and gives it back."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import pytest

import evals.models.local
from tests.tiny_model import make_tiny_model
from tests.tunegate.command_line import call_in
from tests.tunegate.real_scene import outcome, stored, write_scene


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every opening of local weights, and how many others were in memory at that time."""
    plain = evals.models.local.open_local
    alive: list[Any] = []
    seen: list[tuple[str, int]] = []

    def counting(name: str, *more: Any) -> Any:
        seen.append((name, sum(weights() is not None for weights in alive)))
        model = plain(name, *more)
        alive.append(weakref.ref(model.loaded.model))
        return model

    monkeypatch.setattr(evals.models.local, "open_local", counting)
    return seen


def test_a_second_local_model_is_in_memory_alone_and_the_first_comes_back_to_be_tuned(
    tiny_model: str, tmp_path: Path, opened: list[tuple[str, int]]
) -> None:
    larger = f"hf:{make_tiny_model(tmp_path / 'larger', seed=1)}"
    folders = [tmp_path / "alone", tmp_path / "compared"]
    for folder in folders:
        write_scene(folder)
    with (folders[1] / "tickets" / "suite.yaml").open("a") as manifest:
        manifest.write(f'target: 0.9\ncompare_models: ["{larger}"]\n')
    codes = []
    for folder in folders:
        opened.clear()
        codes.append(call_in(folder, "run", "tickets", "--model", tiny_model).code)
    assert opened[:3] == [(tiny_model, 0), (larger, 0), (tiny_model, 0)]
    assert codes[0] == codes[1]

    alone, compared = (outcome(stored(folder, tiny_model)) for folder in folders)
    (line,) = compared["decision"].stronger
    assert (line.model, line.cases, line.errors) == (larger, 45, 0)
    assert compared["decision"].verdict == "fine_tune"
    # What followed is what it would have been: the same weights, adapter and sealed answers.
    assert compared["adapter"] == alone["adapter"]
    assert compared["curve"] == alone["curve"]
    assert compared["runs"].keys() == {*alone["runs"], line.run_id}
    assert {name: compared["runs"][name] for name in alone["runs"]} == alone["runs"]

    opened.clear()
    again = call_in(folders[1], "run", "tickets", "--model", tiny_model)
    assert again.code == codes[1]
    assert outcome(stored(folders[1], tiny_model))["decision"] == compared["decision"]
