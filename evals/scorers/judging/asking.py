"""How judges of both kinds ask: by generating or by ranking, once or by several votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from evals.errors import ScorerError, UnjudgedError
from evals.records import Decoding, Json, Message, Output, Request
from evals.scorers.judging.reply import Verdict, read_choice, read_reply, unreadable
from evals.scorers.options import Options

if TYPE_CHECKING:
    from evals.asking import Asker

CHUNK = 512
"""Answers that are put to a judge together; no more of them are in memory at once."""
VERDICT_TOKENS, REASON_TOKENS = 24, 512
MAX_REPEATS = 25

T = TypeVar("T")


@dataclass(frozen=True)
class Ballot:
    """What is asked of which model, and how often. `asker` None: no model runs here."""

    metric: str
    model: str
    choices: tuple[str, ...]
    by_likelihood: bool
    reasoned: bool
    repeats: int
    decoding: Decoding
    asker: Asker | None

    def verdicts(
        self, asked: Sequence[tuple[Message, ...] | ScorerError]
    ) -> list[Verdict | ScorerError]:
        """A verdict for each conversation, or the error that stands instead.

        Raises ScorerError where there is nobody to ask, and what asking the model raises.
        """
        if self.asker is None:
            raise ScorerError(
                f'metric "{self.metric}" is judged by the model {self.model}, and no model runs '
                "here",
                hint="`tunegate eval` and `tunegate run` run it",
            )
        ranked = self.choices if self.by_likelihood else ()
        messages = [one for one in asked if not isinstance(one, ScorerError)]
        requests = [Request(one, ranked) for one in messages]
        votes = [
            self.asker.ask(self.model, requests, replace(self.decoding, seed=seed))
            for seed in range(self.decoding.seed, self.decoding.seed + self.repeats)
        ]
        settled = iter([self._settled(outputs) for outputs in zip(*votes, strict=True)])
        return [one if isinstance(one, ScorerError) else next(settled) for one in asked]

    def _settled(self, outputs: Sequence[Output]) -> Verdict | ScorerError:
        """The verdict of more than half of the votes; of one vote, what it says."""
        found: list[Verdict] = []
        failed: list[UnjudgedError] = []
        for output in outputs:
            try:
                found.append(self._read(output))
            except UnjudgedError as error:
                failed.append(error)
        if passing := next((error for error in failed if error.transient), None):
            return passing
        if len(outputs) == 1:
            return found[0] if found else failed[0]
        counts = Counter(verdict.choice for verdict in found)
        for choice, count in counts.most_common(1):
            if 2 * count > len(outputs):
                reason = next(one.reason for one in found if one.choice == choice)
                return Verdict(choice, f"{count} of {len(outputs)} votes. {reason}".strip())
        said = ", ".join(f"{choice} {count}" for choice, count in sorted(counts.items()))
        return unreadable(f"no verdict has most of {len(outputs)} votes: {said or 'none readable'}")

    def _read(self, output: Output) -> Verdict:
        if self.by_likelihood:
            return read_choice(output, self.choices)
        return read_reply(output, self.choices, reasoned=self.reasoned)


def read_ballot(options: Options, choices: tuple[str, ...]) -> Ballot:
    """The options of a judge that say how it is asked."""
    by_likelihood = options.one_of("by", ("generate", "likelihood"), default="generate")
    ranked = by_likelihood == "likelihood"
    reasoned = options.flag("reason", default=False)
    schema = options.flag("schema", default=False)
    repeats = _whole(options, "repeats", 1, MAX_REPEATS)
    temperature = options.number("temperature", default=0.0)
    tokens = _whole(options, "max_tokens", REASON_TOKENS if reasoned else VERDICT_TOKENS, 32_768)
    seed = _whole(options, "seed", 0, 2**31 - 1 - MAX_REPEATS, low=0)
    for name, given in (("reason", reasoned), ("schema", schema), ("repeats", repeats > 1)):
        if ranked and given:
            raise options.error(f"by: likelihood ranks the choices and knows no {name}", key=name)
    if repeats % 2 == 0:
        raise options.error(f"{repeats} votes may tie: expected an odd number", key="repeats")
    if repeats > 1 and temperature == 0:
        raise options.error(
            "votes at temperature 0 are all the same", key="repeats", hint="set a temperature"
        )
    return Ballot(
        metric=options.spec.name,
        model=options.text("model"),
        choices=choices,
        by_likelihood=ranked,
        reasoned=reasoned,
        repeats=repeats,
        decoding=Decoding(
            max_tokens=tokens,
            temperature=temperature,
            seed=seed,
            schema=verdict_schema(choices, reasoned=reasoned) if schema else None,
        ),
        asker=options.asker,
    )


def verdict_schema(choices: Sequence[str], *, reasoned: bool) -> Json:
    """The JSON schema of a reply: a reason where it is asked for, then one of the choices."""
    verdict = {"type": "string", "enum": list(choices)}
    properties = {"reason": {"type": "string"}, "verdict": verdict}
    if not reasoned:
        del properties["reason"]
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _whole(options: Options, name: str, default: int, high: int, *, low: int = 1) -> int:
    value = options.number(name, default=default)
    if value != int(value) or not low <= value <= high:
        raise options.error(
            f"expected a whole number from {low} to {high}, not {value:g}", key=name
        )
    return int(value)


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of `size`, the last perhaps shorter."""
    waiting = iter(items)
    while chunk := list(islice(waiting, size)):
        yield chunk
