"""A reward model: what people or rules preferred, learnt as a score of any answer.

    <root>/reward-<identity>/   adapter_model.safetensors, adapter_config.json
        reward_model.json       the RewardModelRecord, written last: its presence proves the rest
        scratch/                checkpoints while training; gone afterwards

It is a helper of training and no adapter of the suite: nothing is evaluated with it. Its
accuracy is told on pairs that it was not trained on, from the very files that are loaded again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evals.atomic import write_atomically
from evals.codec import decode, encode
from evals.errors import ModelError, RecordError, TrainingError
from evals.fingerprint import file_sha256, fingerprint
from evals.locks import only_one
from evals.records import Message
from tuning.data.pairs import Pair, makers, pairs_fingerprint
from tuning.records import Interval, LossPoint, Proof
from tuning.training.adaptations import adaptation_of
from tuning.training.adapters import WEIGHTS
from tuning.training.base import BaseModel, open_base
from tuning.training.fitting import fit_stage
from tuning.training.loss_curve import Progress, loss_curve
from tuning.training.objectives.preferences import share_interval
from tuning.training.objectives.reward import RewardObjective, padding_id
from tuning.training.opening import open_weights
from tuning.training.quiet import quietly
from tuning.training.settings import TrainSettings
from tuning.training.stages import Fitted, Stage
from tuning.training.weights import publish

RECORD = "reward_model.json"
RATE = 1e-4
"""TRL's own default for reward models with an adapter."""
EPOCHS = 3.0
_BATCH = 16
# Batches are padded otherwise than in training; in bfloat16 that alone can change a score so much.
_TOLERANCE = 0.05

Asked = tuple[Sequence[Message], str]
"""A conversation and an answer to it."""
ScoreAnswers = Callable[[Sequence[Asked]], list[float]]
"""One score for each answer; only differences mean anything, and more is better."""


@dataclass(frozen=True)
class RewardModelRecord:
    """What a reward model was learnt from, and how well it tells held-out pairs apart.

    `accuracy` is the share of `held_out` pairs whose chosen answer scores higher, with Wilson's
    95 % interval over their groups (None: nothing was held out); of 0.5 nothing was learnt.
    `made_by` says who made the pairs.
    """

    identity: str
    base: str
    base_fingerprint: str
    template_hash: str
    pairs: int
    held_out: int
    made_by: str
    pairs_fingerprint: str
    accuracy: Interval | None
    margin: float | None
    learnt: Proof
    settings: TrainSettings
    curve: tuple[LossPoint, ...]
    best_step: int
    trained_tokens: int
    seconds: float
    weights_sha256: str
    folder: str = ""
    format: int = 1


def reward_settings(settings: TrainSettings, **stated: float) -> TrainSettings:
    """A task's settings with the rate and epochs of a reward model, or those that are stated."""
    micro = max(1, settings.micro_batch // 2)  # each row is two sequences
    changed = {"learning_rate": RATE, "epochs": EPOCHS, "warmup": 0.1} | stated
    return replace(settings, micro_batch=micro, method="reward", own=None, **changed)  # type: ignore[arg-type]


def train_reward_model(
    base: BaseModel,
    pairs: Sequence[Pair],
    settings: TrainSettings,
    root: Path,
    progress: Progress | None = None,
    *,
    apart: frozenset[str] = frozenset(),
) -> RewardModelRecord:
    """Train a reward model under `root`, or find it finished; `folder` of the record is where.

    Pairs of the groups in `apart` are held out whatever the settings hold out. One that was
    killed goes on where it stopped. `settings` are as of `reward_settings`. Raises TrainingError
    for no pairs or a loss that is not finite, UsageError where another process is training it.
    """
    stage = Stage("reward", RewardObjective(tuple(pairs), apart), settings)
    hashes = (base.weights_hash, base.template_hash, base.tokenizer_hash)
    identity = fingerprint("reward-model@1", *hashes, stage.identity)
    folder = root / f"reward-{identity}"
    if (found := finished_reward_model(folder)) is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    busy = f"another process is training the same reward model, {folder}"
    with only_one(root / f"reward-{identity}.lock", busy=busy, hint="wait for it"):
        return finished_reward_model(folder) or _train(
            stage, base, identity, folder, progress or _ignore
        )


def load_reward_model(folder: Path, base: BaseModel | None = None) -> ScoreAnswers:
    """The scorer that was trained in a folder, over its base (opened by name where None).

    Raises RecordError where there is no finished one, ModelError where its weights are not the
    file that was trained, or the base is another.
    """
    record = read_reward_model(folder)
    base = base or open_base(record.base)
    if (base.weights_hash, base.template_hash) != (record.base_fingerprint, record.template_hash):
        raise ModelError(
            f"the reward model was trained on another base model than this {base.name}",
            path=folder / RECORD,
            hint="open the model it was trained on, or train again",
        )
    if file_sha256(folder / WEIGHTS) != record.weights_sha256:
        raise ModelError(
            f"{WEIGHTS} is not the file that was trained",
            path=folder,
            hint="delete the folder and train again",
        )
    return _scorer(folder, base, record.settings)


def read_reward_model(folder: Path) -> RewardModelRecord:
    """The record in a folder. Raises RecordError where there is none of this format."""
    path = folder / RECORD
    try:
        record = decode(path.read_text(encoding="utf-8"), RewardModelRecord)
    except OSError as error:
        raise RecordError("there is no finished reward model here", path=folder) from error
    if record.format != 1:
        raise RecordError(f"expected format 1, got {record.format}", path=path)
    return replace(record, folder=str(folder))


def finished_reward_model(folder: Path) -> RewardModelRecord | None:
    """The record of a reward model that is trained and whole; None where there is none."""
    try:
        record = read_reward_model(folder)
    except RecordError:
        return None
    whole = (folder / WEIGHTS).is_file() and file_sha256(folder / WEIGHTS) == record.weights_sha256
    return record if whole else None


def _train(
    stage: Stage, base: BaseModel, identity: str, folder: Path, progress: Progress
) -> RewardModelRecord:
    adaptation = adaptation_of(stage.settings)
    with quietly():
        fitted, model = fit_stage(stage, base, adaptation, folder / "scratch", progress)
        if model is None:  # it was finished before this process began
            model = adaptation.open(base, stage.settings, "SEQ_CLS")
        publish(adaptation, model, fitted.weights, folder, base.name)
        del model
    record = _record(stage, base, identity, folder, fitted)
    write_atomically(folder / RECORD, encode(record))
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    return replace(record, folder=str(folder))


def _record(
    stage: Stage, base: BaseModel, identity: str, folder: Path, fitted: Fitted
) -> RewardModelRecord:
    objective, settings = stage.objective, stage.settings
    assert isinstance(objective, RewardObjective)
    kept = objective.parts(settings).held_out
    margins = _margins(_scorer(folder, base, settings), kept)
    _same_as_trained(fitted, margins, folder)
    curve = loss_curve(fitted.log)
    return RewardModelRecord(
        identity=identity,
        base=base.name,
        base_fingerprint=base.weights_hash,
        template_hash=base.template_hash,
        pairs=fitted.train,
        held_out=len(kept),
        made_by=makers(objective.pairs),
        pairs_fingerprint=pairs_fingerprint(objective.pairs),
        accuracy=_accuracy(margins, kept),
        margin=sum(margins) / len(margins) if margins else None,
        learnt=objective.learnt(curve),
        settings=settings,
        curve=curve,
        best_step=fitted.best_step,
        trained_tokens=fitted.trained_tokens,
        seconds=fitted.seconds,
        weights_sha256=file_sha256(folder / WEIGHTS),
    )


def _same_as_trained(fitted: Fitted, margins: Sequence[float], folder: Path) -> None:
    """Raise TrainingError where what is loaded again scores otherwise than what was trained."""
    seen = fitted.measured.get("reward_margin")
    if seen is None or not margins:
        return
    now = sum(margins) / len(margins)
    if abs(now - float(seen)) > _TOLERANCE * max(1.0, abs(now)):
        raise TrainingError(
            f"the reward model scores otherwise when it is loaded again: a mean margin of {now:.3f}"
            f" on held-out pairs, and {float(seen):.3f} in training",
            path=folder,
            hint="nothing was kept; this is a fault of tunegate or of a library, not of the data",
        )


def _margins(score: ScoreAnswers, pairs: Sequence[Pair]) -> list[float]:
    good = score([(pair.messages, pair.chosen) for pair in pairs])
    bad = score([(pair.messages, pair.rejected) for pair in pairs])
    return [one - other for one, other in zip(good, bad, strict=True)]


def _accuracy(margins: Sequence[float], pairs: Sequence[Pair]) -> Interval | None:
    if not pairs:
        return None
    share = sum(margin > 0 for margin in margins) / len(margins)
    found = share_interval(share, len({pair.group for pair in pairs}))
    return Interval(share, found.low, found.high)


def _scorer(folder: Path, base: BaseModel, settings: TrainSettings) -> ScoreAnswers:
    from peft import PeftModel

    with quietly():
        model = PeftModel.from_pretrained(
            open_weights(base, settings, "SEQ_CLS"),
            str(folder),
            use_safetensors=True,
            is_trainable=False,
        ).eval()
    padding = padding_id(base.tokenizer)
    model.config.pad_token_id = padding

    def score(asked: Sequence[Asked]) -> list[float]:
        rows = [_ids(base, messages, answer, settings.max_tokens) for messages, answer in asked]
        found: list[float] = []
        for start in range(0, len(rows), _BATCH):
            found += _scores(model, rows[start : start + _BATCH], padding)
        return found

    return score


def _ids(base: BaseModel, messages: Sequence[Message], answer: str, limit: int) -> list[int]:
    from evals.models.tokens import encode_completion

    found = encode_completion(base.tokenizer, messages, answer)
    ids = [*found.prompt_ids, *found.completion_ids]
    if len(ids) > limit:
        raise TrainingError(
            f"an answer has {len(ids):,} tokens with its prompt, and a reward model reads "
            f"{limit:,}; nothing is truncated"
        )
    return ids


def _scores(model: Any, rows: Sequence[list[int]], padding: int) -> list[float]:
    """Scores of rows of token ids, padded on the right to the longest."""
    import torch

    longest = max(map(len, rows))
    device = next(model.parameters()).device
    ids = torch.tensor([row + [padding] * (longest - len(row)) for row in rows], device=device)
    lengths = torch.tensor([len(row) for row in rows], device=device)
    mask = (torch.arange(longest, device=device)[None] < lengths[:, None]).long()
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    return [float(value) for value in logits[:, 0].float().cpu()]


def _ignore(step: int, total: int, loss: float | None) -> None:
    """Show nothing."""


def describe(record: RewardModelRecord) -> Mapping[str, float | int | str | bool]:
    """What the record of a training that used it says of it."""
    found: dict[str, float | int | str | bool] = {
        "reward_model": record.identity,
        "reward_pairs": record.pairs,
        "reward_pairs_by": record.made_by,
        "reward_model_seconds": record.seconds,
    }
    if record.accuracy is not None:
        found |= {
            "reward_accuracy": record.accuracy.estimate,
            "reward_accuracy_low": record.accuracy.low,
            "reward_accuracy_high": record.accuracy.high,
            "reward_held_out": record.held_out,
        }
    return found
