"""Adapters after a real job on a tiny model: listed, described, exported and used again."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from evals.fingerprint import file_sha256
from evals.ledger import FILE_NAME, Ledger
from evals.models.loading import load_folder, quiet_transformers
from evals.models.tokens import template_hash
from tests.tunegate.command_line import CommandLine, Told, call_in, environment
from tests.tunegate.real_scene import write_scene
from tunegate.cards import CARD
from tuning.adapters.registry import ADAPTER, find_adapter
from tuning.training.proving import merging


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Path:
    """A folder in which the whole job was done."""
    folder = tmp_path_factory.mktemp("whole")
    write_scene(folder)
    told = call_in(folder, "run", "tickets", "--model", tiny_model)
    assert told.code in (0, 1, 3), told
    return folder


@pytest.fixture
def copy(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "copy"))


def listed(folder: Path, *more: str) -> list[dict[str, Any]]:
    told = call_in(folder, "adapters", *more, "--json")
    assert told.code == 0, told
    return list(told.document)


def one(folder: Path) -> dict[str, Any]:
    (row,) = listed(folder)
    return row


def folder_of(folder: Path) -> Path:
    return folder / one(folder)["folder"]


def export(folder: Path, form: str, target: object, *more: str) -> Told:
    name = one(folder)["adapter"]
    return call_in(folder, "adapters", "export", name, "--as", form, "-o", target, *more)


def test_the_list_says_what_was_trained_from_what_and_with_which_verdict(
    done: Path, tiny_model: str
) -> None:
    row = one(done)
    assert (row["suite"], row["model"], row["method"]) == ("tickets", tiny_model, "lora")
    assert row["gate"] == "fine_tune"
    assert row["override"] == row["parent"] == ""
    assert row["verdict"] in ("ship_adapter", "reject_adapter", "inconclusive")
    assert row["examples"] + row["held_out"] == 30
    assert row["sources"] == {"suite": 30}
    assert (row["state"], row["fault"]) == ("whole", "")
    assert row["trained"] <= row["judged"]
    assert listed(done, "tickets") == [row]
    said = call_in(done, "adapters").out
    assert row["adapter"] in said
    assert row["verdict"] in said


def test_one_adapter_is_shown_by_the_beginning_of_its_id(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # no cell is wrapped
    row = one(done)
    shown = call_in(done, "adapters", "show", row["adapter"][:6])
    assert row["data_fingerprint"] in shown.out
    assert "same chat template as the evals" in shown.out
    assert "training took" in shown.out
    document = call_in(done, "adapters", "show", row["adapter"][:6], "--json").document
    assert document["verdict"] == row["verdict"]
    assert document["shipping"]["guards"][0]["suite"] == "sense"


def test_a_file_of_what_was_learnt_from_is_named_and_whether_it_is_still_that_one(
    copy: Path,
) -> None:
    """Of preference tuning: the pairs that the model drew lie beside the weights."""
    ledger = Ledger(copy / ".tunegate")
    record = find_adapter(ledger, one(copy)["adapter"])
    path = folder_of(copy) / "pairs.jsonl"
    path.write_text("{}\n{}\n")
    training = replace(record.training, beside={"pairs.jsonl": file_sha256(path)})
    ledger.store(ADAPTER, record.key, replace(record, training=training), created="")

    def shown() -> str:
        return call_in(copy, "adapters", "show", record.adapter).out

    assert "beside the weights: pairs.jsonl (2 rows)" in shown()
    path.write_text("{}\n")
    assert "pairs.jsonl (not the file that training left)" in shown()
    path.unlink()
    assert "pairs.jsonl (gone)" in shown()


def test_listing_imports_no_torch(done: Path) -> None:
    code = (
        "import sys; from tunegate.__main__ import main; code = main(['adapters']); "
        "sys.exit(code or 7 * ('torch' in sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=done,
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_an_older_ledger_shows_its_adapter_too(copy: Path) -> None:
    before = one(copy)
    with closing(sqlite3.connect(copy / ".tunegate" / FILE_NAME)) as db, db:
        db.execute("delete from documents where kind = 'adapter'")
    after = one(copy)
    unknown = ("trained", "judged", "date", "folder")
    assert {k: v for k, v in after.items() if k not in unknown} == {
        k: v for k, v in before.items() if k not in unknown
    }
    assert after["date"]


def test_an_adapter_that_no_record_names_is_found_in_its_folder(copy: Path) -> None:
    with closing(sqlite3.connect(copy / ".tunegate" / FILE_NAME)) as db, db:
        db.execute("delete from documents where kind in ('adapter', 'job')")
    row = one(copy)
    assert (row["suite"], row["verdict"], row["state"]) == ("", "", "whole")


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_a_changed_file_and_a_missing_folder_are_told(copy: Path, name: str) -> None:
    path = folder_of(copy) / name
    text = path.read_bytes()
    path.write_bytes(text[:-1] + b"\x01" if name.endswith("tensors") else text.replace(
        b'"r": 8', b'"r": 4'))  # fmt: skip
    assert one(copy)["state"] == "damaged"
    assert one(copy)["fault"]
    told = export(copy, "peft", "out")
    assert told.code == 2
    assert "is damaged" in told.err
    assert not (copy / "out").exists()
    shutil.rmtree(path.parent)
    assert one(copy)["state"] == "gone"


def test_unknown_ids_and_senseless_words_are_refused(done: Path) -> None:
    for words, said in (
        (["show", "zz"], "no stored adapter is named 'zz'"),
        (["show"], "takes one adapter's id"),
        (["tickets", "others"], "expected one suite"),
        (["nosuch"], "no adapter of nosuch is stored"),
        (["export", one(done)["adapter"]], "name what to write with -o"),
        (["tickets", "-o", "out"], "belong to `tunegate adapters export ID`"),
    ):
        told = call_in(done, "adapters", *words)
        assert told.code in (2, 5)
        assert said in told.err


def test_the_card_is_one_that_the_hub_reads(done: Path, tiny_model: str) -> None:
    row, folder = one(done), folder_of(done)
    card = ModelCard.load(folder / CARD)
    data = card.data.to_dict()
    assert data["base_model"] == "model"  # the folder's own name, not its path
    assert data["library_name"] == "peft"
    assert data["license"] == "unknown"
    (result,) = card.data.eval_results or []
    assert (result.dataset_name, result.dataset_split) == ("tickets", "test")
    assert result.metric_type == "accuracy"
    shown = call_in(done, "adapters", "show", row["adapter"], "--json").document
    assert result.metric_value == pytest.approx(shown["shipping"]["after"]["estimate"], abs=1e-4)
    assert row["data_fingerprint"] in card.text
    assert tiny_model.removeprefix("hf:") not in str(card)
    assert all(proof["name"] in card.text for proof in shown["training"]["proofs"])


def test_a_peft_folder_loads_with_peft_alone_and_names_no_path(
    done: Path, tmp_path: Path, tiny_model: str
) -> None:
    import torch
    from peft import PeftModel

    assert export(done, "peft", tmp_path / "out").code == 0
    for path in (tmp_path / "out").iterdir():
        assert str(done).encode() not in path.read_bytes()
        assert tiny_model.removeprefix("hf:").encode() not in path.read_bytes()
    ids = torch.tensor([[5, 9, 13, 7]])
    logits = []
    for folder in (folder_of(done), tmp_path / "out"):
        base = load_folder(Path(tiny_model.removeprefix("hf:")), "float32").model
        with quiet_transformers(), torch.no_grad():
            tuned = PeftModel.from_pretrained(base, str(folder)).eval()
            logits.append(tuned(input_ids=ids).logits)
    assert torch.equal(*logits)
    told = call_in(
        done, "eval", "tickets", "--model", tiny_model, "--adapter", tmp_path / "out",
        "--prompt", "terse", "--case", "dev-0001",
    )  # fmt: skip
    assert told.code == 0, told


def outputs(folder: Path, *candidate: object) -> list[str | None]:
    """What a candidate says to each dev case."""
    told = call_in(
        folder, "eval", "tickets", "--prompt", "terse", "--precision", "float32", *candidate,
        "--json",
    )  # fmt: skip
    assert told.code == 0, told
    with closing(Ledger(folder / ".tunegate", read_only=True)) as ledger:
        return [result.output.text for result in ledger.run(told.document["id"]).results]


def test_a_merged_folder_is_a_model_that_answers_as_base_and_adapter_do(
    copy: Path, tmp_path: Path, tiny_model: str
) -> None:
    target = tmp_path / "merged"
    told = export(copy, "merged", target)
    assert told.code == 0, told
    assert "greedy answers identical" in told.out
    names = {path.name for path in target.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
            "chat_template.jinja", "README.md"} <= names  # fmt: skip
    loaded = load_folder(target, "float32")
    base = load_folder(Path(tiny_model.removeprefix("hf:")), "float32")
    assert template_hash(loaded.tokenizer) == template_hash(base.tokenizer)
    for path in target.glob("*.json"):
        assert tiny_model.removeprefix("hf:") not in path.read_text()
    tuned = outputs(copy, "--model", tiny_model, "--adapter", folder_of(copy))
    assert tuned != outputs(copy, "--model", tiny_model)
    assert len(tuned) == 45
    assert outputs(copy, "--model", f"hf:{target}") == tuned
    card = ModelCard.load(target / CARD)
    assert card.data.to_dict()["base_model_relation"] == "finetune"
    assert not list(tmp_path.glob(".merged.*"))


def test_a_merge_that_changes_the_outputs_is_not_published(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "MERGE_BOUND", -1.0)
    told = export(copy, "merged", tmp_path / "merged")
    assert told.code == 2
    assert "is not the adapter over its base" in told.err
    assert list(tmp_path.glob("*merged*")) == []


def test_what_is_there_is_never_overwritten(done: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    for form in ("peft", "merged"):
        told = export(done, form, tmp_path / "kept")
        assert (told.code, "is there already" in told.err) == (2, True)
    assert list((tmp_path / "kept").iterdir()) == []


def test_training_data_are_exported_where_the_suite_still_gives_them(copy: Path) -> None:
    assert export(copy, "chat-jsonl", "data.jsonl").code == 0
    rows = [json.loads(line) for line in (copy / "data.jsonl").read_text().splitlines()]
    assert len(rows) == 30
    assert [turn["role"] for turn in rows[0]["messages"]] == ["system", "user", "assistant"]
    train = copy / "tickets" / "train.jsonl"
    train.write_text(train.read_text().replace("billing", "login", 1))
    told = export(copy, "chat-jsonl", "again.jsonl")
    assert told.code == 2
    assert "no longer gives the data" in told.err
    assert not (copy / "again.jsonl").exists()


@pytest.mark.parametrize("words", [[], ["show", "x"], ["export", "x", "-o", "y"]])
def test_where_nothing_is_stored_what_makes_adapters_is_named(
    words: list[str], tunegate: CommandLine
) -> None:
    told = tunegate("adapters", *words)
    assert told.code == 5
    assert "run `tunegate run` or `tunegate tune` first" in " ".join(told.err.split())
