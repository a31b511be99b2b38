"""What is to be trained, and the identity that the same training is found again by."""

from __future__ import annotations

from dataclasses import dataclass, replace

from evals.approach import PLAIN, Technique
from evals.fingerprint import fingerprint
from evals.records import Finding
from tuning.data.dataset import Example, data_fingerprint
from tuning.training.base import BaseModel
from tuning.training.parents import Parent
from tuning.training.settings import TrainSettings
from tuning.training.stages import Stage

SFT = "sft"
"""The name of a stage of supervised fine-tuning."""


@dataclass(frozen=True)
class Task:
    """What is to be trained: data, settings and base, under the suite's and prompt's names.

    `replayed` are general examples (`tuning.data.replay`) trained on beside the suite's own.
    `shown` says how the documents in the examples were retrieved; the examples hold them.
    `chain` are the stages, in order; none: the examples are learnt by supervised fine-tuning,
    and nothing follows. Whatever the chain, the proofs ask about `examples`. `parent` is the
    adapter whose weights the first stage begins with; None: fresh ones.
    """

    suite: str
    prompt: str
    base: BaseModel
    examples: tuple[Example, ...]
    settings: TrainSettings
    findings: tuple[Finding, ...] = ()
    replayed: tuple[Example, ...] = ()
    shown: Technique = PLAIN
    chain: tuple[Stage, ...] = ()
    parent: Parent | None = None

    @property
    def data_fingerprint(self) -> str:
        """Identity of the examples."""
        return data_fingerprint(self.examples)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages to train, one at least."""
        return self.chain or (self.fine_tuning(),)

    def fine_tuning(self, **changes: object) -> Stage:
        """Supervised fine-tuning on the examples, with some settings changed for this stage."""
        from tuning.training.objectives.sft import CompletionObjective

        settings = replace(self.settings, **changes)  # type: ignore[arg-type]
        return Stage(SFT, CompletionObjective(self.examples, self.replayed), settings)

    @property
    def identity(self) -> str:
        """Hash of everything that determines the trained weights."""
        return fingerprint(
            "lora@2",  # of every method: which it is stands in the settings
            self.base.weights_hash,
            self.base.template_hash,
            self.base.tokenizer_hash,
            self.data_fingerprint,
            data_fingerprint(self.replayed),
            self.settings,
            *([self.shown] if self.shown != PLAIN else []),
            *([{"chain": [stage.identity for stage in self.chain]}] if self.chain else []),
            *([{"parent": self.parent.adapter}] if self.parent else []),
        )
