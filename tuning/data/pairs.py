"""Preference pairs: of two answers to one prompt, which is to be preferred, and who says so.

Nothing of dev or test ever becomes a `Pair` that is learnt from: see `tuning.data.pair_lint`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from evals.fingerprint import fingerprint
from evals.records import Message
from tuning.data.dataset import Example, encode_examples, hold_out

RULE, AUTHOR, NOT_STATED = "rule", "author", "not stated"
"""Who made a pair where no person did by name: a scorer, whoever wrote the suite, nobody says."""


@dataclass(frozen=True)
class Pair:
    """One prompt with a `chosen` and a `rejected` answer.

    `case_id` is a train case's id, or `file.jsonl:LINE`; `group` keeps pairs together when a
    part is held out; `where` is "path:line". `source` says where the answers come from (a file,
    the draws of a model), `by` who chose: "rule" (the suite's scorer), "author" (whoever wrote
    the suite), a person's name, or "not stated". `scores` are what the suite's primary metric
    gave the chosen and the rejected answer (None: not known), `case_fingerprint` is that of the
    case as it was then. None of these is part of the data's identity.
    """

    case_id: str
    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    group: str
    where: str = ""
    source: str = "suite"
    by: str = NOT_STATED
    scores: tuple[float | None, float | None] = (None, None)
    case_fingerprint: str = ""


class EncodedPair(NamedTuple):
    """Token ids of a prompt and of both answers, each with the token that ends its turn."""

    prompt_ids: tuple[int, ...]
    chosen_ids: tuple[int, ...]
    rejected_ids: tuple[int, ...]

    @property
    def longest(self) -> int:
        """Tokens of the prompt with its longer answer."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


class PairParts(NamedTuple):
    """Pairs to learn from, and those kept back to look at the model with."""

    train: tuple[Pair, ...]
    held_out: tuple[Pair, ...]


def pairs_fingerprint(pairs: Sequence[Pair]) -> str:
    """Identity of preference data: prompts and answers with their groups, in order."""
    rows = [[p.case_id, p.messages, p.chosen, p.rejected, p.group] for p in pairs]
    return fingerprint("preference-pairs@1", rows)


def hold_out_pairs(pairs: Sequence[Pair], *, share: float, limit: int) -> PairParts:
    """Keep back about `share` of the pairs, at most `limit`; a group is never split.

    Groups go by the hash that holds back examples (`tuning.data.dataset.hold_out`).
    """
    kept = hold_out(as_examples(pairs), share=share, limit=limit).held_out
    groups = {example.group for example in kept}
    return PairParts(
        tuple(pair for pair in pairs if pair.group not in groups),
        tuple(pair for pair in pairs if pair.group in groups),
    )


def as_examples(pairs: Iterable[Pair], *, rejected: bool = False) -> tuple[Example, ...]:
    """Each pair's chosen (or rejected) answer as an example of its prompt."""
    return tuple(
        Example(
            pair.case_id,
            pair.messages,
            pair.rejected if rejected else pair.chosen,
            pair.group,
            pair.where,
            source=pair.source,
        )
        for pair in pairs
    )


def encode_pairs(tokenizer: Any, pairs: Sequence[Pair]) -> tuple[EncodedPair, ...]:
    """Token ids through the encoding of the evals, nothing truncated.

    Raises TrainingError for an answer that does not end in a stop token.
    """
    chosen = encode_examples(tokenizer, as_examples(pairs))
    rejected = encode_examples(tokenizer, as_examples(pairs, rejected=True))
    return tuple(
        EncodedPair(one.prompt_ids, one.completion_ids, other.completion_ids)
        for one, other in zip(chosen, rejected, strict=True)
    )


def makers(pairs: Iterable[Pair]) -> str:
    """Who made how many, as `40 by rule, 3 by Ana`."""
    counts: dict[str, int] = {}
    for pair in pairs:
        counts[pair.by] = counts.get(pair.by, 0) + 1
    return ", ".join(f"{count} by {by}" for by, count in counts.items())
