"""What a stage of training is: rows to learn from, how the weights change, and a TRL trainer.

A task is trained in stages, one after another over the same adapter; most have one, supervised
fine-tuning. Here stand the two seams: `Objective`, what is learnt from, and `Adaptation`, which
weights change and how they are kept. `tuning.training` says how a method is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from evals.fingerprint import fingerprint
from tuning.records import LossPoint, Proof
from tuning.training.base import BaseModel
from tuning.training.loss_curve import Progress
from tuning.training.recomputing import Batch
from tuning.training.settings import TrainSettings

TaskType = Literal["CAUSAL_LM", "SEQ_CLS"]
Measured = Mapping[str, float | int | str | bool]


class Course(NamedTuple):
    """What an objective's trainer is made of.

    `model` is on its device, wrapped, with the weights to begin from; `settings` are the
    stage's. `scratch` is for checkpoints alone. The trainer must take `callbacks`, save every
    `save_steps`, write its log at every step, and report to nobody.
    """

    model: Any
    base: BaseModel
    settings: TrainSettings
    scratch: Path
    callbacks: Sequence[Any]


class Opened(NamedTuple):
    """A trainer that is ready, and how many rows it learns from and is looked at with.

    A trainer with an attribute `trained_tokens` counts in it; it is restored on resuming.
    `largest` is the most that is in memory at once.
    """

    trainer: Any
    train: int
    held_out: int
    largest: Batch


class Objective(Protocol):
    """What a stage learns from. Two with the same `fingerprint` learn the same."""

    @property
    def task_type(self) -> TaskType:
        """Whether the model writes answers or scores them."""
        ...

    def fingerprint(self) -> str:
        """Identity of the rows, and of all else that decides, beside the stage's settings."""
        ...

    def open(self, course: Course) -> Opened:
        """A TRL trainer over the rows. Called again, for the same stage, when resuming."""
        ...

    def learnt(self, curve: Sequence[LossPoint]) -> Proof:
        """Whether the log shows that it learnt: for most, a loss that is finite and fell."""
        ...

    def measured(self, log: Sequence[Mapping[str, Any]], /) -> Measured:
        """What else of the trainer's log belongs into the record."""
        ...


@runtime_checkable
class Proving(Protocol):
    """An objective that proves more of its training than that it learnt."""

    def proofs(self, log: Sequence[Mapping[str, Any]], /) -> tuple[Proof, ...]:
        """What the trainer's log proves."""
        ...


class Standing(NamedTuple):
    """The adapter as it stands while a helper is trained beside it.

    `weights` are its best ones, which the next stage begins with; `open` gives the model that
    carries them. `scratch` is the stage's own folder.
    """

    base: BaseModel
    scratch: Path
    weights: Path
    open: Callable[[], Any]
    progress: Progress


@runtime_checkable
class Helping(Protocol):
    """An objective that trains something else beside the adapter, which stays as it is."""

    def help(self, stage: Stage, standing: Standing, /) -> Fitted:
        """Train the helper as far as it is not trained yet; `weights` are those it was given."""
        ...


class HeldOutLook(Protocol):
    """A score of the model as it stands, from 0 to 1, more is better: how a step is chosen.

    It must depend on the weights alone, and see nothing of dev or test.
    """

    def fingerprint(self) -> str:
        """Identity of what is asked and how it is scored."""
        ...

    def __call__(self, model: Any) -> float:
        """The score of a model in training; random generators are put back afterwards."""
        ...


@runtime_checkable
class SureLook(Protocol):
    """A look that can tell what the score of its last look surely is."""

    def least(self) -> float:
        """A lower bound of the score, which is held against `Stage.enough`."""
        ...


@dataclass(frozen=True)
class Stage:
    """One stretch of training. `name` is its folder's name and its name in the record.

    With a `look` the step with the best score is kept, not that with the lowest held-out loss;
    training ends as soon as the score, or its lower bound where the look has one, is `enough`.
    With `at_start` it looks before the first step too, and the weights that the stage began with
    are kept where nothing was better.
    """

    name: str
    objective: Objective
    settings: TrainSettings
    look: HeldOutLook | None = None
    enough: float | None = None
    at_start: bool = False

    @property
    def identity(self) -> str:
        """Hash of all that determines what this stage makes of the weights it begins with."""
        look = self.look.fingerprint() if self.look else None
        objective = self.objective.fingerprint()
        start = ["at start"] if self.at_start else []
        return fingerprint(
            "stage@1", self.name, objective, self.settings, look, self.enough, *start
        )


class Adaptation(Protocol):
    """Which weights change. All of training, its checkpoints and proofs use these seven."""

    def open(self, base: BaseModel, settings: TrainSettings, task_type: TaskType) -> Any:
        """A freshly loaded base model, wrapped for training: what is to change has gradients."""
        ...

    def state(self, model: Any) -> dict[str, Any]:
        """The tensors to keep: what is needed, with the base, to have the model again."""
        ...

    def put(self, model: Any, tensors: Mapping[str, Any]) -> None:
        """Put kept tensors into an opened model."""
        ...

    def published(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Kept tensors as they are published: the same function, for evaluations to load."""
        ...

    def describe(self, model: Any, folder: Path, base: str) -> None:
        """Write `adapter_config.json` beside the weights, naming the base by name."""
        ...

    def judged(self, model: Any, base: BaseModel, settings: TrainSettings) -> Any:
        """The trained model as it will be used, to be proven: for most, the very one."""
        ...

    def off(self, model: Any) -> AbstractContextManager[Any]:
        """The opened model as the base alone, within the block."""
        ...


@dataclass(frozen=True)
class Fitted:
    """What a stage leaves for the record; its best weights lie in `weights`.

    `recomputed`: whether memory asked for what `tuning.training.recomputing` does.
    """

    name: str
    weights: Path
    log: Sequence[Mapping[str, Any]]
    best_step: int
    trained_parameters: int
    total_parameters: int
    trained_tokens: int
    seconds: float
    peak_memory_mb: float
    train: int
    held_out: int
    measured: Measured = field(default_factory=dict)
    ended: str = ""
    recomputed: bool = False
