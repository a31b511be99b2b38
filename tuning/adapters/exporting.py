"""An adapter taken along: as a plain PEFT folder, and its training data in OpenAI's form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from evals.atomic import write_atomically
from evals.errors import ModelError, TrainingError
from evals.fingerprint import file_sha256
from evals.models.adapter_files import CONFIG, WEIGHTS, read_object
from evals.models.adapters import ADAPTER_MANIFEST, adapter_fingerprint
from evals.suite.spec import Suite
from tuning.adapters.origin import origin_of
from tuning.adapters.registry import AdapterRecord
from tuning.adapters.staging import staged
from tuning.adapters.wholeness import wholeness_of
from tuning.data.dataset import Example, data_fingerprint


def refuse_unwhole(record: AdapterRecord, folder: Path) -> None:
    """Raise ModelError for an adapter whose folder is gone or not what training left."""
    found = wholeness_of(folder, record.adapter)
    if found.state != "whole":
        raise ModelError(
            f"the adapter's folder is {found.state}: {found.reason}",
            path=folder,
            hint="train it again: the same data and settings give the same adapter",
        )


def export_peft(record: AdapterRecord, folder: Path, target: Path, card: str) -> None:
    """Copy what PEFT loads, with tunegate's manifest and the card, to a new folder.

    The base is named as it is published, and never by a path of this machine. Raises UsageError
    where `target` is there already, ModelError for an adapter that is not whole.
    """
    refuse_unwhole(record, folder)
    base = origin_of(record.model).name
    with staged(target) as scratch:
        shutil.copyfile(folder / WEIGHTS, scratch / WEIGHTS)
        for name, key in ((CONFIG, "base_model_name_or_path"), (ADAPTER_MANIFEST, "base")):
            stated = read_object(folder / name) | {key: base}
            text = json.dumps(stated, indent=1, sort_keys=True) + "\n"
            write_atomically(scratch / name, text)
        write_atomically(scratch / "README.md", card)
        same = file_sha256(scratch / WEIGHTS) == file_sha256(folder / WEIGHTS)
        if not same or adapter_fingerprint(scratch) != record.adapter:
            raise ModelError("the copy is not the adapter that was stored", path=folder)


def training_examples(record: AdapterRecord, suite: Suite) -> tuple[Example, ...]:
    """The examples that an adapter was trained on, made again from its suite.

    They are not stored: the suite is their source, and the fingerprint says whether it still
    gives the same. Raises TrainingError where it does not.
    """
    from tuning.training.base import open_base
    from tuning.training.tune import training_set

    training = record.training
    data = training_set(suite, open_base(record.model), technique=training.shown)
    found = data_fingerprint(data.examples)
    if found != training.data_fingerprint:
        raise TrainingError(
            f"the suite no longer gives the data that the adapter was trained on "
            f"({training.data_fingerprint}): it gives {len(data.examples)} examples, {found}",
            path=suite.root,
            hint="check out the suite as it was, or train again",
        )
    return data.examples
