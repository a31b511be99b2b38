"""Wrong adapters, as a user meets them: each is refused with one error that says why."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.sample_suite import write_suite
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tunegate.command_line import Told, call_in

CONFIG, WEIGHTS, MANIFEST = "adapter_config.json", "adapter_model.safetensors", "adapter.json"
Break = Callable[[Path], object]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Path:
    """A folder with a suite and a sound adapter of the tiny model."""
    folder = tmp_path_factory.mktemp("scene")
    write_suite(folder / "tickets", extra="structure: none\ndecoding: {max_tokens: 2}\n")
    make_tiny_adapter(Path(tiny_model.removeprefix("hf:")), folder / "sound")
    return folder


def ask(folder: Path, model: str, adapter: Path) -> Told:
    return call_in(
        folder, "eval", "tickets", "--model", model, "--prompt", "terse", "--adapter", adapter,
        "--case", "dev-0001", "--precision", "float32",
    )  # fmt: skip


def test_a_sound_adapter_is_taken(scene: Path, tiny_model: str) -> None:
    assert ask(scene, tiny_model, scene / "sound").code == 0


def weights(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Break:
    def apply(folder: Path) -> None:
        changed = change(load_file(folder / WEIGHTS))
        save_file({name: tensor.contiguous() for name, tensor in changed.items()}, folder / WEIGHTS)

    return apply


def values(value: float) -> Break:
    return weights(
        lambda all_: {k: torch.full_like(w, value) if "lora_B" in k else w for k, w in all_.items()}
    )


def config(**changes: object) -> Break:
    def apply(folder: Path) -> None:
        settings = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(settings | changes))

    return apply


def manifest(**stated: object) -> Break:
    return lambda folder: (folder / MANIFEST).write_text(json.dumps(stated))


def cut(folder: Path) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: len(whole) // 2])


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(pickle.dumps({"lora_A": 1}))


def misnamed_pickle(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps({"lora_A": [1] * 1000}))


def huge_header(folder: Path) -> None:
    length = 20 << 20
    (folder / WEIGHTS).write_bytes(length.to_bytes(8, "little") + b"{" + b" " * length)


def deep_header(folder: Path) -> None:
    text = b'{"a":' * 60_000 + b"1" + b"}" * 60_000
    (folder / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text)


def link_out(name: str) -> Break:
    def apply(folder: Path) -> None:
        outside = folder.parent / f"outside-{name}"
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)

    return apply


def remove(name: str) -> Break:
    return lambda folder: (folder / name).unlink()


def write(name: str, text: str) -> Break:
    return lambda folder: (folder / name).write_text(text)


def renamed(all_: dict[str, Any]) -> dict[str, Any]:
    return {k.replace("q_proj", "o_proj"): w for k, w in all_.items()}


def without_one(all_: dict[str, Any]) -> dict[str, Any]:
    return {k: w for k, w in all_.items() if "layers.1.self_attn.v_proj.lora_B" not in k}


def into_the_base(all_: dict[str, Any]) -> dict[str, Any]:
    head = "base_model.model.lm_head.weight"
    return all_ | {head: torch.zeros(320, 32)}


WRONG: dict[str, tuple[Break, str]] = {
    "for another base": (manifest(base_weights_hash="0" * 16), "trained on another base model"),
    "for another template": (manifest(template_hash="0" * 16), "trained on another chat template"),
    "of another manifest": (manifest(fingerprint="0" * 16), "not those that its manifest"),
    "with a manifest that is no JSON": (write(MANIFEST, "{"), "cannot be read as JSON"),
    "with a manifest that never ends": (
        lambda folder: os.mkfifo(folder / MANIFEST),
        "is no plain file",
    ),
    "cut off": (cut, "file not fully covered"),
    "empty": (write(WEIGHTS, ""), "cut off, or no safetensors"),
    "no safetensors at all": (write(WEIGHTS, "hello " * 99), "cut off, or no safetensors"),
    "with a header that is no JSON": (
        lambda f: (f / WEIGHTS).write_bytes(b"\x08" + bytes(7) + b"not json"),
        "cannot be read",
    ),
    "with a huge header": (huge_header, "larger than 16,777,216 bytes"),
    "with a deep header": (deep_header, "cannot be read"),
    "pickled": (pickled, "a pickle can run code"),
    "a pickle under another name": (misnamed_pickle, "cut off, or no safetensors"),
    "all zero": (values(0.0), "changes nothing"),
    "not a number": (values(float("nan")), "not finite"),
    "infinite": (values(float("inf")), "not finite"),
    "without any tensor": (weights(lambda _: {}), "changes nothing"),
    "of empty tensors": (
        weights(lambda all_: {k: w[:0] for k, w in all_.items()}),
        "changes nothing",
    ),
    "of another shape": (
        weights(lambda all_: {k: w[:, :-1] for k, w in all_.items()}),
        "does not fit the model: its shape is",
    ),
    "of another rank than stated": (config(r=7), "its shape is [4, 32], expected [7, 32]"),
    "of a rank beyond all memory": (config(r=10**12), "does not fit the model"),
    "of a rank that is no number": (config(r="four"), "does not fit the model"),
    "for modules that do not exist": (config(target_modules=["qkv"]), "does not fit the model"),
    "for modules that are no names": (config(target_modules=5), "does not fit the model"),
    "for more modules than it has": (
        config(target_modules=["q_proj", "v_proj", "k_proj"]),
        "lacks 4: base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight",
    ),
    "with a tensor missing": (
        weights(without_one),
        "lacks 1: base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight",
    ),
    "with tensors of other names": (weights(renamed), "that belong to no part of it"),
    "with weights of the base": (
        weights(into_the_base),
        "has 1 that belong to no part of it: base_model.model.lm_head.weight",
    ),
    "without a configuration": (remove(CONFIG), "has no adapter_config.json"),
    "with a configuration that is no JSON": (write(CONFIG, "r: 4"), "cannot be read as JSON"),
    "with a configuration that is a list": (write(CONFIG, "[]"), "expected an object"),
    "with a deep configuration": (write(CONFIG, "[" * 200_000), "cannot be read as JSON"),
    "with a huge configuration": (write(CONFIG, " " * (2 << 20)), "larger than 1,048,576 bytes"),
    "of another kind": (config(peft_type="PREFIX_TUNING"), "PREFIX_TUNING"),
    "of no known kind": (config(peft_type="MAGIC"), "MAGIC"),
    "of no kind": (config(peft_type=None), "None"),
    "with code to import": (
        config(megatron_config={"a": 1}, megatron_core="evil"),
        "names code to load",
    ),
    "with a class of another library": (
        config(auto_mapping={"base_model_class": "Run", "parent_library": "evil.run"}),
        "names code to load, 'evil.run'",
    ),
    "with an auto_map": (config(auto_map={"AutoModel": "evil.Run"}), "names code to load"),
    "with biases of the base": (config(bias="all"), "replaces biases of the base model"),
    "with layers repeated": (config(layer_replication=[[0, 2], [1, 2]]), "rebuilds the base"),
    "for a rewritten base": (config(init_lora_weights="pissa_niter_4"), "has rewritten"),
    "with weights linked from outside": (link_out(WEIGHTS), "leads out of the adapter's folder"),
    "with a linked configuration": (link_out(CONFIG), "leads out of the adapter's folder"),
    "gone": (shutil.rmtree, "no such adapter folder"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_adapter_is_refused_with_one_error(
    scene: Path, tiny_model: str, tmp_path: Path, name: str
) -> None:
    spoil, message = WRONG[name]
    folder = Path(shutil.copytree(scene / "sound", tmp_path / "adapter"))
    spoil(folder)
    told = ask(scene, tiny_model, folder)
    assert told.code == 2, told
    assert told.err.count("error: ") == 1
    assert message in told.err.replace("\n", " ")
    assert str(tmp_path) in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_the_adapter_of_a_larger_base_is_refused_by_its_shapes(
    scene: Path, tiny_model: str, tmp_path: Path
) -> None:
    """A plain PEFT folder says nothing of its base: its shapes do."""
    from transformers import LlamaConfig, LlamaForCausalLM

    other = make_tiny_model(tmp_path / "other")
    settings = LlamaConfig.from_pretrained(other)
    settings.num_hidden_layers = 3
    LlamaForCausalLM(settings).save_pretrained(other)
    told = ask(scene, tiny_model, make_tiny_adapter(other, tmp_path / "adapter"))
    assert told.code == 2
    assert "has 4 that belong to no part of it" in told.err


def test_a_folder_of_the_hubs_cache_is_taken_with_its_links(
    scene: Path, tiny_model: str, tmp_path: Path
) -> None:
    snapshot = tmp_path / "models--org--name" / "snapshots" / "abc"
    blobs = tmp_path / "models--org--name" / "blobs"
    snapshot.parent.mkdir(parents=True)
    shutil.copytree(scene / "sound", snapshot)
    blobs.mkdir()
    for number, name in enumerate((CONFIG, WEIGHTS)):
        (snapshot / name).rename(blobs / str(number))
        (snapshot / name).symlink_to(f"../../blobs/{number}")
    assert ask(scene, tiny_model, snapshot).code == 0
