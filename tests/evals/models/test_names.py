from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evals.errors import MissingExtraError, ModelError
from evals.models import available_models, check_model_name, names, open_model


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smollm-135m", "did you mean 'smollm2-135m'"),
        ("gpt", "unknown model 'gpt' .*hf:<path or repo>"),
        ("openai:", "unknown model 'openai:'"),
        ("openai:gpt-5", "OPENAI_API_KEY is not set"),
        ("hf:", "unknown model 'hf:'"),
        ("hf:./nowhere", "no model folder './nowhere'"),
        ("hf:/nowhere/at/all", "no model folder"),
        ("scripted:nowhere.json", "no script file 'nowhere.json'"),
        ("", "unknown model ''"),
    ],
)
def test_a_wrong_name_is_one_clear_error(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ModelError, match=message):
        open_model(name)


def test_a_wrong_name_is_refused_before_torch_is_imported() -> None:
    code = (
        "import sys\nfrom evals.models import open_model\nfrom evals.errors import ModelError\n"
        "try: open_model('hf:/nowhere/model')\n"
        "except ModelError: sys.exit('torch' if 'torch' in sys.modules else 0)\n"
        "sys.exit('no error')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_path_without_its_scheme_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"did you mean 'hf:{tmp_path}'"):
        open_model(str(tmp_path))


def test_a_folder_without_safetensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match=r"no \.safetensors file"):
        open_model(f"hf:{tmp_path}")


def test_a_model_that_needs_remote_code_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    for file in tiny_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoConfig": "evil.Config"}}')
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(ModelError, match="needs its own code"):
        open_model(f"hf:{tmp_path}")


def test_a_model_without_a_chat_template_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    for file in tiny_folder.iterdir():
        if file.name != "chat_template.jinja":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="no chat template"):
        open_model(f"hf:{tmp_path}")


def test_damaged_weights_are_a_model_error(tiny_folder: Path, tmp_path: Path) -> None:
    for file in tiny_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(f"hf:{tmp_path}")


def test_a_missing_extra_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "missing_modules", lambda: ["torch"])
    with pytest.raises(MissingExtraError, match=r"pip install 'tunegate\[local\]'"):
        open_model("smollm2-135m")
    assert "tunegate[local]" in available_models()[0].state


def test_a_repository_name_passes_the_check_without_a_network() -> None:
    check_model_name("hf:owner/name")
    check_model_name("smollm2-135m")


def test_a_hosted_model_is_opened_without_torch_and_without_asking_anything() -> None:
    code = (
        "import sys\nfrom evals.models import open_model\nmodel = open_model('openai:some/name')\n"
        "sys.exit('torch' if {'torch', 'aiohttp', 'numpy'} & set(sys.modules) else model.name)"
    )
    environ = {**os.environ, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environ
    )
    assert done.stderr == "openai:some/name\n"


@pytest.mark.parametrize(
    ("environ", "state"),
    [
        ({}, "needs OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "sk-s3cret-0123456789"}, "ready: api.openai.com"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:8000/v1"}, "ready: 127.0.0.1:8000"),
        ({"OPENAI_BASE_URL": "s3cret"}, "OPENAI_BASE_URL is no http:// or https:// address"),
    ],
)
def test_the_list_of_models_tells_where_hosted_ones_are_asked_for(
    environ: dict[str, str], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    states = {model.name: model.state for model in available_models()}
    assert states["openai:<model>"] == state
