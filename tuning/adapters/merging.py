"""The base with an adapter merged into its weights: a model folder that needs no PEFT.

It is published only if, loaded again as anybody would, it says on canaries what base and
adapter say: logits within a bound, the same greedy answers, the same chat template and
tokenizer. Weights are float32: in bfloat16 small updates would be rounded away.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evals.atomic import write_atomically
from evals.errors import ModelError
from evals.fingerprint import fingerprint
from evals.models.adapters import AttachedAdapter, check_adapter
from evals.models.loading import Loaded, load_folder
from evals.models.names import model_folder, require_local_extra
from evals.models.tokens import encode_chat, stop_ids, template_hash, tokenizer_hash
from evals.records import Request
from tuning.adapters.exporting import refuse_unwhole
from tuning.adapters.registry import AdapterRecord
from tuning.adapters.staging import refuse_existing, staged
from tuning.data.dataset import EncodedExample
from tuning.data.replay import replay_requests
from tuning.records import Proof

CANARIES = 8
_PATHS = ("_name_or_path", "name_or_path")


def export_merged(
    record: AdapterRecord, folder: Path, target: Path, card: str
) -> tuple[Proof, ...]:
    """Merge the adapter in `folder` into its base and write the whole model to a new folder.

    Returns what was proven of it. Raises ModelError where the adapter does not belong to the
    base, or where a proof fails: nothing is published then. UsageError where `target` is there.
    """
    refuse_existing(target)
    refuse_unwhole(record, folder)
    require_local_extra()
    base = load_folder(model_folder(record.model), "float32")
    check_adapter(folder, base.weights_hash, template_hash(base.tokenizer))
    canaries = canaries_of(base.tokenizer)
    with staged(target) as scratch:
        proofs = _merge(base, folder, scratch, canaries)
        failed = [f"{proof.name}: {proof.evidence}" for proof in proofs if not proof.passed]
        if failed:
            raise ModelError(
                f"the merged model is not the adapter over its base: {'; '.join(failed)}",
                path=folder,
                hint="nothing was written; use the adapter itself",
            )
        write_atomically(scratch / "README.md", card)
    return proofs


def canaries_of(tokenizer: Any) -> list[EncodedExample]:
    """General requests, the same for every adapter; what is compared is the answers to them."""
    return [
        EncodedExample(fingerprint(request), tuple(_ids(tokenizer, request)), ())
        for request in replay_requests(())[:CANARIES]
    ]


def _ids(tokenizer: Any, request: Request) -> Sequence[int]:
    return encode_chat(tokenizer, request.messages)


def _merge(
    base: Loaded, folder: Path, scratch: Path, canaries: Sequence[EncodedExample]
) -> tuple[Proof, ...]:
    """Write the merged model into `scratch`, load it from there, and compare."""
    from evals.models.loading import quiet_transformers
    from tuning.training.proving.answers import ask, greedy_gaps
    from tuning.training.proving.merging import same_merged

    stops = stop_ids(base.tokenizer)
    tuned = AttachedAdapter(base.model).attach(folder, "float32")
    with quiet_transformers():
        apart = ask(tuned, canaries, stops)
        gaps = greedy_gaps(tuned, canaries, apart.greedy)
        merged = tuned.merge_and_unload(safe_merge=True)
        merged.save_pretrained(scratch)
        base.tokenizer.save_pretrained(scratch)
        _forget_paths(scratch)
        again = load_folder(scratch, "float32")
        same = same_merged(apart, ask(again.model, canaries, stops), gaps)
    return (
        Proof("the merged weights say the same", same.holds, same.said),
        _same_hash("chat template", base.tokenizer, again.tokenizer, template_hash),
        _same_hash("tokenizer", base.tokenizer, again.tokenizer, tokenizer_hash),
    )


def _same_hash(what: str, before: Any, after: Any, hashed: Any) -> Proof:
    one, other = hashed(before), hashed(after)
    said = one if one == other else f"{one} before, {other} after"
    return Proof(f"the same {what}", one == other, said)


def _forget_paths(folder: Path) -> None:
    """Take the base's path on this machine out of the configuration files."""
    for path in sorted(folder.glob("*.json")):
        if path.stat().st_size > 1 << 20:
            continue  # vocabularies and indices of weights
        stated = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(stated, dict) and any(key in stated for key in _PATHS):
            kept = {key: value for key, value in stated.items() if key not in _PATHS}
            write_atomically(path, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
