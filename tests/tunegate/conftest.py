from __future__ import annotations

from pathlib import Path

import pytest

from tests.tunegate.command_line import CommandLine


@pytest.fixture
def tunegate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> CommandLine:
    """The command, at work in the test's own folder, in a pipe 100 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return CommandLine(capsys)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a real tiny random model."""
    import torch

    from tests.tiny_model import make_tiny_model

    torch.set_num_threads(1)  # as in the subprocesses: sums are rounded by how they are split
    return f"hf:{make_tiny_model(tmp_path_factory.mktemp('tiny') / 'model')}"
