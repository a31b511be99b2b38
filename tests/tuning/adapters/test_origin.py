from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuning.adapters.origin import origin_of


def test_the_embedded_model_is_known() -> None:
    origin = origin_of("smollm2-135m")
    assert (origin.name, origin.licence) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "apache-2.0")
    assert origin.embedded
    assert not origin.is_path


def test_a_repository_is_its_own_name_and_its_licence_is_not_guessed() -> None:
    assert origin_of("hf:org/name")[:2] == ("org/name", "unknown")
    assert not origin_of("hf:org/name").is_path


@pytest.mark.parametrize(
    ("readme", "config", "licence"),
    [
        ("---\nlicense: Apache-2.0\n---\n# x\n", {}, "apache-2.0"),
        ("\ufeff---\r\nlicense: mit\r\n---\r\n", {}, "mit"),
        ("# no front matter\nlicense: mit\n", {"license": "llama3.2"}, "llama3.2"),
        ("", {"license": "gemma"}, "gemma"),
        ("", {}, "unknown"),
        ("---\nlicense: [mit, other]\n---\n", {}, "unknown"),
        ("---\nlicense: 'mit\\n# x'\n---\n", {}, "unknown"),
        ("---\nlicense: !!python/object/apply:os.system [id]\n---\n", {}, "unknown"),
        ("---\n- license\n---\n", {"license": 5}, "unknown"),
        ("---\n{{{\n---\n", {"license": "a b"}, "unknown"),
    ],
)
def test_a_folders_licence_is_what_its_card_or_configuration_states(
    tmp_path: Path, readme: str, config: dict[str, object], licence: str
) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "README.md").write_text(readme, newline="")
    (folder / "config.json").write_text(json.dumps(config))
    origin = origin_of(f"hf:{folder}")
    assert (origin.name, origin.licence, origin.is_path) == ("base", licence, True)


def test_a_folder_that_is_gone_keeps_its_own_name_only() -> None:
    assert origin_of("hf:/home/me/models/base") == ("base", "unknown", "", True)
