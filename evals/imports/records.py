"""What every format is read into: cases with scores as another harness gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evals.records import Finding, Json


@dataclass(frozen=True)
class ImportedCase:
    """One attempt at one case. The same `id` again is a repeat (an epoch) of the case.

    `scores` are the numbers of the file, by metric, not yet proved to lie in [0, 1]; NaN is a
    score that is there and no number. `error` is why there is no score at all. `output` is None
    where the file has none. `choices` are the options that were ranked, where it was a choice.
    `aliases` are other names by which a suite may know the case.
    """

    id: str
    scores: Mapping[str, float] = field(default_factory=dict)
    output: str | None = None
    input: Mapping[str, Json] = field(default_factory=dict)
    expected: Json = None
    cluster: str | None = None
    error: str | None = None
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    prompt_hash: str = ""
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    line: int | None = None


@dataclass(frozen=True)
class ImportedResults:
    """The results of one candidate. `format` names the family of scores that compare.

    `candidate` is what `--select` calls it, `model` the model as the file names it.
    `settings` is whatever the file says of how it was run: hashed, never stored. `primary` is
    the harness's own main metric; `created` an ISO time, empty where the file has none.
    """

    format: str
    candidate: str
    model: str
    cases: tuple[ImportedCase, ...]
    settings: Json = None
    primary: str | None = None
    created: str = ""
    findings: tuple[Finding, ...] = ()
