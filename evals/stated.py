"""How a prompt is used, as people state it: in `candidate:`, in rounds, on the command line.

One set of names for all three, so that what a report calls the leader can be stated anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from evals.approach import Approach, DemonstrationMethod, Technique

SHOWN: Mapping[str, DemonstrationMethod] = MappingProxyType(
    {"few_shot": "static", "diverse": "diverse", "nearest": "nearest", "similar": "similar"}
)
"""The ways to choose k demonstrations, by the names that people give them."""

REASONING_TOKENS = 256
"""Room for thinking and the answer, where nobody says how much."""
VOTING_TEMPERATURE = 0.7
"""Where answers that are voted on are drawn, and nobody says at what temperature."""
MAX_DEMONSTRATIONS = 64
MAX_VOTES = 64
MAX_DOCUMENTS = 64
MAX_TOKENS = 32_768


@dataclass(frozen=True)
class Stated:
    """What a person states; None and False say nothing. `shown` is k by the names of `SHOWN`.

    `demonstrations` are ids of train cases, in the order shown.
    """

    shown: Mapping[str, int]
    demonstrations: Sequence[str] = ()
    reasoning: bool = False
    votes: int | None = None
    temperature: float | None = None
    structured: bool = False
    documents: int | None = None
    max_tokens: int | None = None

    @property
    def approach(self) -> Approach | None:
        """The approach it makes; None where it says nothing. Call `conflict` first."""
        technique = Technique(
            reasoning=self.reasoning,
            votes=self.votes or 1,
            temperature=self._heat,
            structured=self.structured,
            retrieval="bm25" if self.documents else "",
            documents=self.documents or 0,
            max_tokens=(self.max_tokens or REASONING_TOKENS) if self.reasoning else 0,
        )
        made = Approach(technique=technique)
        if self.demonstrations:
            listed = tuple(self.demonstrations)
            made = Approach("listed", len(listed), listed=listed, technique=technique)
        for name, k in self.shown.items():
            made = Approach(SHOWN[name], k, technique=technique)
        return None if made == Approach() else made

    @property
    def _heat(self) -> float:
        if not self.votes or self.votes == 1:
            return 0.0
        return VOTING_TEMPERATURE if self.temperature is None else self.temperature

    def conflict(self, spell: Callable[[str], str] = str) -> tuple[str, str] | None:
        """What cannot be stated together: the key at fault, and why; None where all can.

        `spell` writes a key as the person wrote it.
        """
        ways = [*self.shown, *(["demonstrations"] if self.demonstrations else [])]
        if len(ways) > 1:
            named = " and ".join(map(spell, ways))
            return ways[-1], f"{named} are ways to choose demonstrations: state one"
        if self.temperature is not None and not (self.votes and self.votes > 1):
            return "temperature", "temperature is that of votes, which are not asked for"
        if self.max_tokens is not None and not self.reasoning:
            return "max_tokens", "max_tokens is the room for reasoning, which is not asked for"
        if self.reasoning and self.structured:
            return "structured", "what is constrained from its first token on cannot reason first"
        return None


def options_of(approach: Approach) -> list[str]:
    """The same as options of a command: `--nearest 4 --structured`."""
    return words_of(names_of(approach))


def words_of(named: Mapping[str, object]) -> list[str]:
    """Options of a command from what `names_of` gives, and other keys beside it."""
    words: list[str] = []
    for name, value in named.items():
        words.append(f"--{name.replace('_', '-')}")
        if isinstance(value, list):
            words += [str(one) for one in value]
        elif value is not True:
            words.append(str(value))
    return words


def names_of(approach: Approach) -> dict[str, object]:
    """The keys by which a person states an approach, with their values, in a fixed order."""
    technique = approach.technique
    named: dict[str, object] = {
        name: approach.k for name, method in SHOWN.items() if method == approach.method
    }
    if approach.listed:
        named["demonstrations"] = list(approach.listed)
    if technique.reasoning:
        named |= {"reasoning": True, "max_tokens": technique.max_tokens}
    if technique.votes > 1:
        named |= {"votes": technique.votes, "temperature": technique.temperature}
    if technique.structured:
        named["structured"] = True
    if technique.retrieval:
        named["documents"] = technique.documents
    return named
