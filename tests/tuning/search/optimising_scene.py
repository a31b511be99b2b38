"""A suite on which one word in the instruction makes the model right, and proposers to find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.approach import Approach, Found, Optimiser, Technique
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.models.scripted import ScriptedModel
from evals.records import Candidate, Case, Message, Run, SplitName
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import Suite, load_suite
from tests.sample_suite import TOPICS, write_suite

RIGHT = "Name the TEAM that a ticket belongs to."
WRONG = "You are a helpful clerk."


def route(messages: tuple[Message, ...]) -> str:
    """Right on every case whose prompt says TEAM, and on billing under any other."""
    asked = messages[-1].content
    team = next(label for label, words in TOPICS.items() if words in asked)
    return team if "TEAM" in messages[0].content or team == "billing" else "hm"


def clerk() -> ScriptedModel:
    return ScriptedModel(route, name="clerk", identity="clerk")


def writer(answer: Callable[[str], str]) -> ScriptedModel:
    """A proposer that goes by all that it is asked."""

    def reply(messages: tuple[Message, ...]) -> str:
        return answer("\n".join(message.content for message in messages))

    return ScriptedModel(reply, name="writer", identity="writer")


def human(asked: str) -> str:
    """Observes; proposes what helps only where it is to be concise, or sees a login go wrong."""
    if "proposed_instruction" in asked:
        said = RIGHT if "clear and concise" in asked else WRONG
        return f"[[ ## proposed_instruction ## ]]\n{said}\n\n[[ ## completed ## ]]"
    if "new instruction for the assistant" in asked:
        said = RIGHT if "A right answer: login" in asked else WRONG
        return f"Let me think.\n```\n{said}\n```"
    return "Tickets and the teams they go to."


@dataclass
class Scene:
    """One suite, its model and proposer, and a ledger; `asked` are the cases of every run."""

    suite: Suite
    folder: Path
    model: ScriptedModel = field(default_factory=clerk)
    proposer: ScriptedModel = field(default_factory=lambda: writer(human))
    asked: list[tuple[SplitName, tuple[str, ...]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fail_at: int = -1
    error: Exception = field(default_factory=lambda: RuntimeError("stopped"))

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        ledger = Ledger(self.folder)
        try:
            yield ledger
        finally:
            ledger.close()

    def optimise(self, optimiser: Optimiser, *, prompt: str = "terse", **keys: Any) -> Found:
        from tuning.search.optimising import optimise_prompt

        technique = Technique(optimiser=optimiser, **{"proposer": "writer", **keys})
        with self.ledger() as ledger, build_scorers(self.suite, None) as scorers:
            runner = Runner(self.model, scorers, ledger)

            def evaluate(
                suite: Suite,
                candidate: Candidate,
                split: SplitName,
                _label: str,
                *,
                cases: Sequence[Case] | None = None,
                keep: bool = True,
            ) -> Run:
                if len(self.asked) == self.fail_at:
                    raise self.error
                assert cases is not None
                self.asked.append((split, tuple(case.id for case in cases)))
                return runner.run(suite, candidate, split, cases=cases, keep=keep)

            return optimise_prompt(
                self.suite,
                self.model,
                prompt,
                Approach(technique=technique),
                ledger=ledger,
                evaluate=evaluate,
                open_proposer=self._open,
                note=self.notes.append,
            )

    def _open(self, name: str) -> AdaptableModel:
        assert name == "writer"
        return self.proposer


def scene(folder: Path, **keys: Any) -> Scene:
    suite = load_suite(write_suite(folder / "tickets", sizes={"train": 40, "dev": 12, "test": 12}))
    return Scene(suite, folder / "ledger", **keys)
