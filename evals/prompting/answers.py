"""From what a model wrote to the answer that is scored: samples drawn, extracted, voted on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from evals.prompting.reasoning import extract
from evals.records import Candidate, Decoding, Output


def drawn_decodings(candidate: Candidate) -> tuple[Decoding, ...]:
    """The decoding of every sample that the candidate draws: one, or one for each vote."""
    votes, decoding = candidate.technique.votes, candidate.decoding
    if votes <= 1:
        return (decoding,)
    first = decoding.seed * votes  # so that repeats, which differ by 1, share no sample
    return tuple(replace(decoding, seed=first + number) for number in range(votes))


def settle(candidate: Candidate, samples: Sequence[Output], stop: Sequence[str] = ()) -> Output:
    """One case's answer from its samples, in the order drawn; `stop` are the suite's."""
    if candidate.technique.reasoning:
        samples = [_extracted(sample, stop) for sample in samples]
    return samples[0] if len(samples) == 1 else _elected(samples)


def _extracted(output: Output, stop: Sequence[str]) -> Output:
    if output.text is None:
        return output
    return replace(output, text=extract(output.text, stop), full=output.text)


def _elected(samples: Sequence[Output]) -> Output:
    """The commonest answer, of equals the one drawn first; an error only where all are."""
    texts = [sample.text for sample in samples]
    counts = Counter(text.strip() for text in texts if text is not None)
    if counts:
        most = max(counts.values())
        place = next(
            n for n, text in enumerate(texts) if text is not None and counts[text.strip()] == most
        )
    else:
        place = 0
    return replace(
        samples[place],
        prompt_tokens=sum(sample.prompt_tokens for sample in samples),
        completion_tokens=sum(sample.completion_tokens for sample in samples),
        seconds=sum(sample.seconds for sample in samples),
        ballots=tuple(texts),
    )
