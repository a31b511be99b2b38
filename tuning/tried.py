"""What was tried: the stored dev runs that a suite's verdict may rest on.

A run counts when it is of this suite as it stands (same cases, same scoring, a prompt and
demonstrations that still read the same) and of this model as it is, without an adapter.
Runs of a declared round come in the order the suite declares them; any other (a prompt
tried by hand) counts as tried before the rounds, where it can only make the anchor
stronger.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evals.demonstrations import method_fingerprint
from evals.fingerprint import fingerprint
from evals.ledger import Ledger
from evals.prompting import DEMONSTRATION_METHODS
from evals.records import Candidate, Run
from evals.suite.spec import RoundSpec, Suite
from tuning.evidence import Evidence, Policy, Soundness, clusters_of, trial_of

BY_HAND = "by_hand"


@dataclass(frozen=True)
class Tried:
    """A run with its place in the search. `round_index` 0 is before the first round."""

    run: Run
    round_index: int
    family: str


def tried_runs(
    suite: Suite, ledger: Ledger, model: str, model_fingerprint: str | None = None
) -> list[Tried]:
    """The runs that count, in the order tried; a repeated candidate only once, the newest.

    `model_fingerprint` is what the model is now. Where nobody has opened it (None), the
    newest run tells: runs of other weights or precision never count beside it.
    """
    expected = {case.id: case.fingerprint for case in suite.split("dev")}
    headers = [h for h in ledger.runs(suite.name, "dev") if _is_current(h, suite, model)]
    complete = [run for run in (ledger.run(h.id) for h in headers) if _covers(run, expected)]
    if model_fingerprint is None and complete:
        model_fingerprint = complete[-1].candidate.model_fingerprint
    newest = {
        _spot(run.candidate): run
        for run in complete
        if run.candidate.model_fingerprint == model_fingerprint
    }
    placed = [_place(run, suite.rounds) for run in newest.values()]
    return sorted(placed, key=lambda tried: (tried.round_index, _position(tried, suite.rounds)))


def _covers(run: Run, expected: Mapping[str, str]) -> bool:
    """Whether the run is of exactly these cases, by id and fingerprint."""
    return {r.case_id: r.case_fingerprint for r in run.results} == expected


def _is_current(run: Run, suite: Suite, model: str) -> bool:
    candidate = run.candidate
    prompt = suite.prompts.get(candidate.prompt)
    return (
        candidate.model == model
        and not candidate.adapter
        and run.scoring_fingerprint == suite.scoring_fingerprint
        and candidate.decoding == suite.decoding
        and prompt is not None
        and candidate.prompt_fingerprint
        == fingerprint(prompt.fingerprint, suite.variables, suite.labels)
        and candidate.demonstrations_fingerprint
        == method_fingerprint(
            candidate.demonstrations, candidate.k, candidate.seed, suite.split("train")
        )
    )


def _spot(candidate: Candidate) -> str:
    return fingerprint(candidate.prompt, candidate.demonstrations, candidate.k, candidate.seed)


def _place(run: Run, rounds: Iterable[RoundSpec]) -> Tried:
    for index, spec in enumerate(rounds, 1):
        if _belongs(run.candidate, spec):
            return Tried(run, index, spec.family)
    return Tried(run, 0, BY_HAND)


def _belongs(candidate: Candidate, spec: RoundSpec) -> bool:
    method = DEMONSTRATION_METHODS[spec.family]
    if candidate.prompt not in spec.prompts:
        return False
    if candidate.k == 0:
        return method == "none" or 0 in spec.k
    return candidate.demonstrations == method and candidate.k in spec.k


def _position(tried: Tried, rounds: tuple[RoundSpec, ...]) -> tuple[int, int, str]:
    candidate = tried.run.candidate
    if tried.round_index == 0:
        return (0, 0, tried.run.created)
    spec = rounds[tried.round_index - 1]
    k_position = spec.k.index(candidate.k) if candidate.k in spec.k else 0
    return (spec.prompts.index(candidate.prompt), k_position, "")


def gather_evidence(
    tried: Sequence[Tried], *, clean_examples: int, soundness: Soundness | None
) -> Evidence:
    """What the gate decides from. What nothing here gathers stays None: "not tested"."""
    return Evidence(
        trials=tuple(trial_of(item.run, item.round_index, item.family) for item in tried),
        clean_examples=clean_examples,
        clusters=clusters_of(tried[0].run) if tried else {},
        soundness=soundness,
    )


def policy_of(suite: Suite) -> Policy:
    """The policy a suite states, fixed before anything ran."""
    return Policy(
        min_gain=suite.min_gain, target=suite.target, min_examples=suite.tune.min_examples
    )
