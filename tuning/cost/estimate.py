"""Before anything is trained: what the tuned model's calls and the training would cost.

Everything here is an estimate from stored runs and says so. No model is opened: where text
has to become tokens, the suite's own runs give the tokens for each character.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

from evals.approach import PLAIN, Technique
from evals.prompting import find_prompt
from evals.records import Candidate, Run
from evals.spending.records import Machine, Price, Rate
from evals.spending.usage import Usage
from evals.suite.spec import Suite
from tuning.cost.calls import HOUR, answered, seconds_of_call
from tuning.cost.payback import Figure
from tuning.data.counting import count_clean
from tuning.data.dataset import carried, render
from tuning.data.replay import replay_count
from tuning.records import TrainingRecord
from tuning.training.settings import epochs_for

TIME_SLACK = 1.25
"""How much slower a tuned call may be than the same prompt was measured without an adapter.

Seen with `query_assistant` and `general_ability` on one machine: 0.9 and 1.05 times.
"""
TOKEN_SLACK = 1.15
"""How much longer prompts may be that were only rendered: characters are not tokens."""
TRAINING_FACTOR, TRAINING_FACTOR_WORST = 2.0, 4.0
"""Time to train on a token, in times of answering with it as the dev runs measured that.

Forward and backward are about three passes; but those runs also generate, which is slower
for each token. Seen with `query_assistant` on one machine: 1.3 times.
"""


class Lengths(NamedTuple):
    """Tokens of a call. `completion_worst` is at least `completion`."""

    prompt: Figure
    completion: Figure


def tuning_run(runs: Sequence[Run], prompt: str, technique: Technique = PLAIN) -> Run | None:
    """The newest run of the tuning prompt as the adapter will be asked, where there is one.

    That is alone, but for the documents and structure of `technique`.
    """
    found = [
        run
        for run in runs
        if run.candidate.prompt == prompt and _is_asked_so(run.candidate, technique)
    ]
    return found[-1] if found else None


def _is_asked_so(candidate: Candidate, technique: Technique) -> bool:
    """Whether nothing is shown, done around a prompt, or found for it but what is given."""
    plain = not candidate.k and candidate.technique == technique
    return plain and candidate.found is None


def lengths_of(suite: Suite, prompt: str, runs: Sequence[Run], leader: Run) -> Lengths | None:
    """Tokens of a tuned call; None where no run has counted any."""
    completion = _completion(suite, runs, leader)
    technique = carried(leader.candidate.technique, suite.tune)
    own = tuning_run(runs, prompt, technique)
    tokens = _mean([output.prompt_tokens for output in answered(own)]) if own else 0.0
    if tokens:
        said = f"{tokens:.0f} prompt tokens as '{prompt}' was measured without demonstrations"
        return Lengths(Figure(tokens, tokens, said), completion)
    likely = _rendered(suite, prompt, runs, technique)
    if likely is None:
        return None
    said = f"about {likely:.0f} prompt tokens, '{prompt}' rendered and never run"
    return Lengths(Figure(likely, TOKEN_SLACK * likely, said), completion)


def _completion(suite: Suite, runs: Sequence[Run], leader: Run) -> Figure:
    """Tokens of the expected answers; at worst as many as the leader takes."""
    leading = _mean([output.completion_tokens for output in answered(leader)])
    whole = [output for run in runs for output in answered(run) if output.said]
    # Of votes and reasoning the tokens are those of far more text than the answer.
    outputs = [output for output in whole if not (output.full or output.ballots)]
    characters = sum(len(output.said or "") for output in outputs)
    cases = [case for case in suite.split("dev") if case.is_plain]
    if not characters or not cases:
        return Figure(leading, leading, f"{leading:.0f} completion tokens as the leader takes")
    share = sum(output.completion_tokens for output in outputs) / characters
    likely = share * _mean([len(case.answer) for case in cases])
    worst = max(likely, leading)
    said = f"about {likely:.0f} completion tokens, the expected answers (at most {worst:.0f})"
    return Figure(likely, worst, said)


def _rendered(suite: Suite, prompt: str, runs: Sequence[Run], technique: Technique) -> float | None:
    """Tokens of the rendered prompt, by tokens for each character of a prompt that was run."""
    find_prompt(suite, prompt)
    cases = suite.split("dev")
    known = [run for run in runs if run.candidate.prompt in suite.prompts]
    plain = [run for run in known if _is_asked_so(run.candidate, PLAIN)]
    for run in reversed(plain):
        counted = _mean([output.prompt_tokens for output in answered(run)])
        characters = _characters(suite, run.candidate.prompt)
        if counted and characters and cases:
            return counted / characters * _characters(suite, prompt, technique)
    return None


def _characters(suite: Suite, prompt: str, technique: Technique = PLAIN) -> float:
    """Mean characters of a prompt over the dev cases, without demonstrations."""
    messages = render(suite, prompt, suite.split("dev"), technique).values()
    return _mean([sum(len(message.content) for message in one) for one in messages])


def tuned_call(lengths: Lengths, rate: Rate, own: Run | None) -> Figure | None:
    """Money for a call of the tuned model. None where its time was never measured (`own`)."""
    prompt, completion = lengths
    if isinstance(rate, Price):
        likely, worst = (
            float(rate.cost(Usage(round(tokens), round(answer))))
            for tokens, answer in zip(prompt[:2], completion[:2], strict=True)
        )
        return Figure(likely, worst, f"a tuned call: {prompt.basis} and {completion.basis}")
    seconds = seconds_of_call(own) if own else None
    if own is None or seconds is None:
        return None
    took = _mean([output.completion_tokens for output in answered(own)]) or 1.0
    likely = seconds * max(1.0, completion.likely / took)
    worst = TIME_SLACK * seconds * max(1.0, completion.worst / took)
    basis = (
        f"a tuned call: {likely:.3g} s as '{own.candidate.prompt}' was measured without an adapter "
        f"(at most {worst:.3g} s are reckoned with), a share of its batch's time on this machine"
    )
    return Figure(_money(likely, rate), _money(worst, rate), basis)


def _money(seconds: float, rate: Machine) -> float:
    return seconds * rate.hour / HOUR


def training_seconds(
    suite: Suite,
    prompt: str,
    lengths: Lengths,
    runs: Sequence[Run],
    earlier: TrainingRecord | None,
) -> Figure | None:
    """Seconds that training takes: as an earlier one took, else by how fast the dev runs were.

    Rows of the suite's files are as long as their characters say. None where no run measured
    any time.
    """
    if earlier is not None and earlier.seconds > 0:
        took = f"{earlier.seconds / HOUR:.2g} h, as an earlier training of this suite took"
        return Figure(earlier.seconds, earlier.seconds, took)
    speeds = [speed for run in runs if (speed := _tokens_a_second(run))]
    if not speeds:
        return None
    clean = count_clean(suite, lambda _: prompt)
    replayed = replay_count(suite.tune, clean.total)
    epochs = suite.tune.epochs or epochs_for(clean.total + replayed)
    one_pass = (clean.cases + replayed) * (lengths.prompt.likely + lengths.completion.likely)
    if clean.characters:
        one_pass += clean.characters * lengths.prompt.likely / _characters(suite, prompt)
    tokens = epochs * one_pass
    slowest = tokens / min(speeds)
    likely, worst = TRAINING_FACTOR * slowest, TRAINING_FACTOR_WORST * slowest
    said = (
        f"about {likely / HOUR:.2g} h on this machine (at most {worst / HOUR:.2g} h are reckoned "
        f"with; {tokens:,.0f} tokens, passes over the data: {epochs:g}), by how fast the dev runs "
        "were"
    )
    return Figure(likely, worst, said)


def _tokens_a_second(run: Run) -> float | None:
    tokens = sum(o.prompt_tokens + o.completion_tokens for o in answered(run))
    return tokens / run.seconds if tokens and run.seconds > 0 else None


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values) if values else 0.0
