"""From what a model wrote to the answer that is scored: samples drawn, extracted, voted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evals.approach import Technique
from evals.fingerprint import fingerprint
from evals.prompting import ballots, reasoning
from evals.records import Candidate, Decoding, Output, Score

NO_ANSWER = "no_answer"
"""The kind of failure of a reply that has thoughts and no answer."""

_SEEDS = 2**31
"""Seeds stay below: the most that every endpoint takes."""


def steps_fingerprint(technique: Technique, stop: Sequence[str]) -> str:
    """Identity of what is done with the texts around the model; empty where nothing is.

    How reasoning is asked for, the answer found and cut at the suite's `stop`, votes counted.
    """
    steps: list[object] = []
    if technique.reasoning:
        steps += [reasoning.VERSION, *([list(stop)] if stop else [])]
    if technique.votes > 1:
        steps.append(ballots.VERSION)
    return fingerprint(*steps) if steps else ""


def drawn_decodings(candidate: Candidate) -> tuple[Decoding, ...]:
    """The decoding of every sample that the candidate draws: one, or one for each vote.

    Repeats of a candidate, whose seeds are 1 apart, share no sample. Candidates with the first
    seed and other numbers of votes share what both draw.
    """
    votes, decoding = candidate.technique.votes, candidate.decoding
    if votes <= 1:
        return (decoding,)
    first = decoding.seed * votes
    return tuple(replace(decoding, seed=(first + n) % _SEEDS) for n in range(votes))


def answered(
    candidate: Candidate, output: Output, earlier: Sequence[Output], stop: Sequence[str]
) -> Output:
    """One sample with its answer extracted, to be settled with those drawn `earlier`.

    The thoughts behind an answer that was already given, spelled the same, are let go: they
    would not be shown, and those of all votes of all cases need not fit into memory.
    """
    if not candidate.technique.reasoning or output.text is None:
        return output
    text = reasoning.extract(output.text, output.finish_reason, stop)
    known = any(each.text == text for each in earlier)
    return replace(output, text=text, full="" if known else output.text)


def settle(candidate: Candidate, samples: Sequence[Output]) -> Output:
    """One case's answer from its samples (see `answered`), in the order drawn.

    Of several the commonest, with all that they took together; an error only where all are.
    `transient` where a sample is missing that another try may bring.
    """
    if len(samples) == 1:
        return samples[0]
    texts = tuple(sample.text for sample in samples)
    place = ballots.elect(texts, blank_abstains=candidate.technique.reasoning)
    return replace(
        samples[place or 0],
        prompt_tokens=_summed([(s.prompt_tokens, s.error is None) for s in samples]),
        completion_tokens=_summed([(s.completion_tokens, bool(s.text or s.full)) for s in samples]),
        seconds=sum(sample.seconds for sample in samples),
        cached_tokens=sum(sample.cached_tokens for sample in samples),
        attempts=sum(sample.attempts or 1 for sample in samples),
        transient=any(sample.error is not None and sample.transient for sample in samples),
        ballots=texts,
    )


def _summed(parts: Sequence[tuple[int, bool]]) -> int:
    """Tokens of all samples; 0 (not counted) where one that must have some was not counted.

    Each part is a count, and whether it cannot be 0. A sum that lacks one would pass for whole.
    """
    if any(must and not tokens for tokens, must in parts):
        return 0
    return sum(tokens for tokens, _ in parts)


def explained(output: Output, score: Score) -> Score:
    """A score that is not full, with what became of the reasoning said before the scorer's words.

    A reply without an answer is a failure of its own kind, whatever a scorer makes of nothing.
    """
    if not output.full or score.value >= 1:
        return score
    state = reasoning.find_answer(output.full, output.finish_reason).state
    if state == "cut":
        why = "no answer: all tokens went into the reasoning"
    elif not (output.text or "").strip():
        why = f'no answer: nothing stood after "{reasoning.MARK}"'
    elif state == "whole":
        why = f'no "{reasoning.MARK}" was written, so all of the text was scored'
        return replace(score, reason=_joined(why, score.reason))
    else:
        return score
    return replace(score, reason=_joined(why, score.reason), kind=NO_ANSWER)


def _joined(first: str, then: str) -> str:
    return f"{first}; {then}" if then else first
