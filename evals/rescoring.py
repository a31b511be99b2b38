"""Stored outputs scored by a suite's scorers as they are now. No model answers anew.

An output is used again only as the answer to the very same question: the candidate still reads
the same in the suite (prompt, demonstrations, decoding), and of each case the request is the
one it answered. What is expected of a case may have been corrected since, and scorers may have
changed; that is what this is for. The run that is made is the one that `eval` would make, by
id too, so that `eval` finds it and asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from evals.errors import NothingRunError, RecordError
from evals.imports.runs import PREFIX as IMPORTED
from evals.judges.identity import scoring_identity
from evals.ledger import Ledger
from evals.prompting import build_requests, changed_since
from evals.records import Candidate, Case, Run, SplitName
from evals.runner import identify, prompt_hash, score_outputs
from evals.scorers.protocol import Scorer
from evals.suite.spec import Suite

MOST_NAMES = 5


@dataclass(frozen=True)
class Source:
    """A stored run that answered what the suite asks now: of each of `cases`, in order.

    `hashes` are of the requests. `gone` are ids of cases that it has and that are not asked for
    any more.
    """

    run: Run
    cases: tuple[Case, ...]
    hashes: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A candidate whose stored outputs cannot be scored for the suite as it is, and why."""

    label: str
    model: str
    run: str
    why: str


@dataclass(frozen=True)
class Sources:
    """What can be scored anew, repeats of one candidate together, and what cannot."""

    candidates: tuple[tuple[Source, ...], ...]
    left_out: tuple[LeftOut, ...]


def find_sources(
    suite: Suite,
    ledger: Ledger,
    split: SplitName,
    *,
    cases: Sequence[Case] | None = None,
    wanted: Callable[[Candidate], bool] = lambda _candidate: True,
) -> Sources:
    """Of every stored candidate that is `wanted`, the newest run that has all the outputs.

    Those are of `cases`, by default the whole split. Raises NothingRunError where no such
    candidate was run, and RecordError where none of them can be scored anew.
    """
    chosen = tuple(suite.split(split) if cases is None else cases)
    named: dict[tuple[object, ...], list[Run]] = {}
    for header in ledger.runs(suite.name, split):
        if wanted(header.candidate):
            named.setdefault(_name(header.candidate), []).append(header)
    if not chosen or not named:
        raise NothingRunError(
            f"there is no stored run of {suite.name} on {split} to score anew",
            path=ledger.path,
            hint="run `tunegate eval` first; `tunegate runs` lists what is stored",
        )
    found = [_source(suite, ledger, headers, chosen) for headers in named.values()]
    left_out = tuple(one for one in found if isinstance(one, LeftOut))
    candidates: dict[tuple[object, ...], list[Source]] = {}
    for one in found:
        if isinstance(one, Source):
            candidates.setdefault(_name(one.run.candidate)[:-1], []).append(one)
    if not candidates:
        raise _refusal(suite, left_out)
    in_order = (sorted(each, key=lambda one: _seed(one.run)) for each in candidates.values())
    return Sources(tuple(tuple(each) for each in in_order), left_out)


def rescore(
    suite: Suite,
    source: Source,
    scorers: Mapping[str, Scorer],
    now: Callable[[], datetime],
    *,
    judges: Mapping[str, str] | None = None,
) -> Run:
    """The run that `source`'s outputs make with these scorers. An error stays an error.

    `judges` are the identities of the models that the scorers ask, by name. How the outputs
    were generated (seconds, environment) is the stored run's. Raises ScorerError when most
    outputs cannot be scored.
    """
    run = source.run
    outputs = {result.case_id: result.output for result in run.results}
    shown = {result.case_id: result.documents for result in run.results}
    results = score_outputs(
        scorers,
        source.cases,
        source.hashes,
        [outputs[case.id] for case in source.cases],
    )
    return replace(
        run,
        id=identify(suite, run.candidate, run.split, source.cases, source.hashes, judges=judges),
        suite_fingerprint=suite.fingerprint,
        scoring_fingerprint=scoring_identity(suite, judges or {}),
        judges=dict(judges or {}),
        primary=suite.primary,
        results=tuple(replace(each, documents=shown[each.case_id]) for each in results),
        created=now().isoformat(timespec="seconds"),
    )


def _name(candidate: Candidate) -> tuple[object, ...]:
    """What a person calls a candidate, whatever its texts and weights were; the seed last."""
    seed = candidate.decoding.seed
    return (candidate.model, candidate.prompt, candidate.approach, candidate.adapter, seed)


def _seed(run: Run) -> int:
    return run.candidate.decoding.seed


def _source(
    suite: Suite, ledger: Ledger, headers: Sequence[Run], cases: tuple[Case, ...]
) -> Source | LeftOut:
    """The newest of a candidate's runs that answers all `cases`; else what the newest lacks."""
    ids, why = [case.id for case in cases], ""
    for header in reversed(headers):
        if said := _asked_otherwise(suite, header.candidate):
            why = why or said
            continue
        run = ledger.run(header.id)
        hashes = tuple(map(prompt_hash, build_requests(suite, header.candidate, cases)))
        asked = dict(zip(ids, hashes, strict=True))
        if not (said := _misfit(run, asked)):
            gone = tuple(r.case_id for r in run.results if r.case_id not in asked)
            return Source(run, cases, hashes, gone)
        why = why or said
    newest = headers[-1]
    return LeftOut(newest.candidate.label, newest.candidate.model, newest.id, why)


def _asked_otherwise(suite: Suite, candidate: Candidate) -> str:
    if candidate.model.startswith(IMPORTED):
        return "it was imported: `tunegate import --rescore` scores such outputs"
    if candidate.prompt not in suite.prompts:
        return f"the suite has no prompt {candidate.prompt!r} any more"
    if changed := changed_since(suite, candidate):
        return f"{' and '.join(changed)} changed since: its outputs answer another question"
    return ""


def _misfit(run: Run, asked: Mapping[str, str]) -> str:
    """What `run` does not answer of `asked` (hashes of requests by case), in words, or ""."""
    answered = {result.case_id: result.prompt_hash for result in run.results}
    new = [name for name in asked if name not in answered]
    changed = [name for name in asked if name in answered and answered[name] != asked[name]]
    parts = [
        f"{len(names)} {what} ({_shown(names)})"
        for names, what in ((changed, "are asked otherwise now"), (new, "it never answered"))
        if names
    ]
    return f"of {len(asked)} cases {' and '.join(parts)}" if parts else ""


def _shown(names: Sequence[str]) -> str:
    more = ", ..." if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"


def _refusal(suite: Suite, left_out: Sequence[LeftOut]) -> RecordError:
    first = left_out[0]
    others = f"; nor can {len(left_out) - 1} other candidates" if len(left_out) > 1 else ""
    return RecordError(
        f"run {first.run} ({first.label} on {first.model}) cannot be scored anew: "
        f"{first.why}{others}",
        hint=f"run `tunegate eval {suite.name}` without --rescore, or narrow it down with --case",
    )
