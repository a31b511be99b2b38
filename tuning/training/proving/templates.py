"""Whether training, evaluation and export ask in one and the same chat template."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

from evals.models.tokens import encode_chat, template_hash
from tuning.records import Proof
from tuning.training.proving.answers import Canary


def template_proof(canaries: Sequence[Canary], tokenizer: Any, trained: str) -> Proof:
    """Whether an evaluation asks in the very tokens that training taught an answer to.

    `tokenizer` is freshly loaded, as an evaluation's; the same messages go through the encoding
    of the evals. `trained` is the hash of the template that training used; that of an export is
    of the tokenizer written out and read again.
    """
    asked = [tuple(encode_chat(tokenizer, canary.messages)) for canary in canaries]
    taught = [canary.encoded.prompt_ids for canary in canaries]
    same = sum(one == other for one, other in zip(asked, taught, strict=True))
    hashes = {
        "training": trained,
        "evaluation": template_hash(tokenizer),
        "export": exported_hash(tokenizer),
    }
    one = len(set(hashes.values())) == 1
    said = (
        f"template {hashes['training']} in training, evaluation and export"
        if one
        else "templates differ: " + ", ".join(f"{where} {what}" for where, what in hashes.items())
    )
    return Proof(
        "same chat template as the evals",
        one and same == len(canaries) > 0,
        f"{same} of {len(canaries)} prompts have the same token ids in training and evaluation; "
        f"{said}",
    )


def exported_hash(tokenizer: Any) -> str:
    """The template's hash once the tokenizer was written to a folder and read from there."""
    from transformers import AutoTokenizer

    with tempfile.TemporaryDirectory(prefix="tunegate-template-") as folder:
        tokenizer.save_pretrained(folder)
        again = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    return template_hash(again) if getattr(again, "chat_template", None) else "none"
