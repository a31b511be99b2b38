"""The model that writes instructions, asked through the ledger, and what of it can be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from evals.errors import InfrastructureError, ModelError
from evals.fingerprint import fingerprint
from evals.generating import Generator
from evals.ledger import Ledger
from evals.models.protocol import AdaptableModel
from evals.records import Decoding, Message, Output, Request

ROOM = 1024
"""The most tokens of one reply."""

HEAT = 1.0
"""Temperature: greedy, it would write the same again when it is asked the same again."""

_FORM = ("[[ ##", "```")
"""What only the form of a question holds: an instruction with it is an echo."""


@dataclass
class Proposer:
    """Asks the model that `open_model` gives, for each question anew, so that it may be closed.

    Every reply is kept in the ledger. The same question is another one each time that it is
    asked: its seed counts up, so a search that is begun again asks the same. `cut` are replies
    that ended where the room did.
    """

    open_model: Callable[[], AdaptableModel]
    ledger: Ledger
    name: str
    asked: int = 0
    tokens: int = 0
    cut: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    _times: Counter[str] = field(default_factory=Counter)

    def ask(self, messages: Sequence[Message]) -> str:
        """The reply; empty where the model gave none that another try would not give.

        Raises InfrastructureError where a hosted model is out of reach, and as it does.
        """
        request = Request(tuple(messages))
        seed = self._times[fingerprint(request)]
        self._times[fingerprint(request)] += 1
        decoding = Decoding(max_tokens=ROOM, temperature=HEAT, seed=seed)
        output = Generator(self.open_model(), self.ledger).generate([request], decoding).outputs[0]
        self.asked += 1
        self.tokens += output.prompt_tokens + output.completion_tokens
        return self._text(output)

    def _text(self, output: Output) -> str:
        if output.error is not None and output.transient:
            raise InfrastructureError(
                f"the proposer {self.name} gave no answer: {output.error}",
                hint="nothing that was generated is lost; repeat the command",
            )
        if output.error is not None:
            self.errors.append(output.error)
        text = output.text or ""
        if output.finish_reason == "length":
            self.cut.add(text)
        return text


@dataclass
class Proposals:
    """What a proposer offered: which of it are instructions that can be tried.

    One is no instruction that is empty, an echo of the form it was asked in, or the one that
    stands already (`seed`).
    """

    seed: str
    offered: int = 0
    usable: list[str] = field(default_factory=list)

    def take(self, text: str) -> str:
        """The instruction in what was offered; empty where there is none."""
        self.offered += 1
        cleaned = clean(text)
        if not self.is_usable(cleaned):
            return ""
        if cleaned not in self.usable:
            self.usable.append(cleaned)
        return cleaned

    def is_usable(self, text: str) -> bool:
        """Whether a cleaned text can be tried in the place of the seed."""
        return bool(text) and text != self.seed and not any(mark in text for mark in _FORM)

    def refuse_none(self, proposer: Proposer) -> None:
        """Raise ModelError where the proposer was asked and nothing of it can be used."""
        if self.usable or not self.offered:
            return
        first = f" (the first error: {proposer.errors[0]})" if proposer.errors else ""
        raise ModelError(
            f"the proposer {proposer.name} wrote nothing usable in {self.offered} tries{first}",
            hint="name a larger one with `proposer:` in the round, or --proposer",
        )


def clean(text: str) -> str:
    """A text that can be stored and said: no lone surrogates, nothing blank around it."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").strip()
