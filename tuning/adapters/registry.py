"""The registry: every adapter that was trained, with what it came from and what became of it.

One record for each adapter of a suite and model, kept when it is trained and again when it is
judged, so that training anew forgets none. Ledgers of older versions have no such records:
their last adapter is found in the job's record, others in their folders. No model is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from evals.codec import decode
from evals.errors import RecordError
from evals.ledger import Ledger
from tuning.records import Decision, JobRecord, Seeds, ShipDecision, TrainingRecord
from tuning.stored import JOB

ADAPTER = "adapter"
_RECORD = "training.json"
FORMAT = 1


@dataclass(frozen=True)
class AdapterRecord:
    """One trained adapter: for which suite, by which verdict of the gate, judged how.

    `training` is without its curve, preview and findings, which the adapter's folder keeps.
    `gate` is the gate's verdict when it was last trained or judged for, `override` the reason
    for which it was trained although that was not `fine_tune`, `leader` the best prompt then.
    `parent` is the adapter that training began from. `asked` is the prompt that it was judged with,
    by its label, and `options` how `eval` is told; empty where it is that of training. Dates are
    ISO 8601; `trained` is empty for records of older versions. `suite` is empty where only the
    folder was found. `seeds` are the trainings that it was judged beside, by the newest verdict on
    it or on one of them. `set_aside` says why another adapter was judged in its place.
    """

    adapter: str
    suite: str
    task: str
    model: str
    primary: str
    training: TrainingRecord
    gate: str = ""
    gate_sentence: str = ""
    override: str = ""
    leader: str = ""
    parent: str = ""
    shipping: ShipDecision | None = None
    run: str = ""
    trained: str = ""
    judged: str = ""
    min_gain: float = 0.0
    format: int = FORMAT
    asked: str = ""
    options: tuple[str, ...] = ()
    set_aside: str = ""
    seeds: Seeds | None = None

    @property
    def use(self) -> tuple[str, ...]:
        """The options by which `eval` asks it as it was judged; else as it was trained."""
        return self.options or (() if self.asked else ("--prompt", self.training.prompt))

    @property
    def verdict(self) -> str:
        """The verdict after training; empty before it."""
        return self.shipping.verdict if self.shipping else ""

    @property
    def is_sibling(self) -> bool:
        """Whether the verdict on several trainings chose another one than this."""
        return self.seeds is not None and self.seeds.chosen.adapter != self.adapter

    @property
    def key(self) -> str:
        """Under which it is stored."""
        return f"{self.suite}|{self.model}|{self.adapter}"

    @property
    def date(self) -> str:
        """When it was trained, else when it was judged; empty where neither is known."""
        return self.trained or self.judged


def keep_adapter(ledger: Ledger, job: JobRecord, *, when: str) -> AdapterRecord | None:
    """Store what a job knows of its adapter; None where it has none.

    What was said earlier of the same adapter stays where the job does not say it: when it was
    trained, and the last verdict on it.
    """
    found = of_job(job)
    return None if found is None else _store(ledger, found, judged=bool(job.shipping), when=when)


def keep_siblings(ledger: Ledger, job: JobRecord, *, when: str) -> list[AdapterRecord]:
    """Store what a job knows of its further trainings: no verdict is about them."""
    kept = []
    for training in job.siblings:
        found = of_job(replace(job, training=training, shipping=None, adapter_test=None))
        assert found is not None  # it has a training
        seeds = job.shipping.seeds if job.shipping else None
        line = seeds.line_of(training.adapter) if seeds else None
        found = replace(found, seeds=seeds, run=line.run if line else "")
        kept.append(_store(ledger, found, judged=seeds is not None, when=when))
    return kept


def _store(ledger: Ledger, found: AdapterRecord, *, judged: bool, when: str) -> AdapterRecord:
    """Keep a record; where `judged`, by what it says, and else by what was said before."""
    earlier = ledger.load(ADAPTER, found.key, AdapterRecord)
    record = replace(
        found,
        trained=earlier.trained if earlier else when,
        judged=when if judged else (earlier.judged if earlier else ""),
        shipping=found.shipping or (earlier.shipping if earlier else None),
        run=found.run or (earlier.run if earlier else ""),
        seeds=found.seeds if judged or earlier is None else earlier.seeds,
        set_aside=earlier.set_aside if earlier and not judged else "",
    )
    if earlier and not judged and not found.asked:
        record = replace(record, asked=earlier.asked, options=earlier.options)
    ledger.store(ADAPTER, record.key, record, created=record.trained)
    return record


def set_aside(ledger: Ledger, job: JobRecord) -> None:
    """Say of the adapters that a trade-off did not choose that another one was judged."""
    found = job.tradeoff
    if found is None or job.training is None:
        return
    for line in found.tried:
        key = f"{job.suite}|{job.model}|{line.adapter}"
        record = ledger.load(ADAPTER, key, AdapterRecord) if line.adapter else None
        if record is None:
            continue
        why = "" if line.adapter == job.training.adapter else found.sentence
        ledger.store(ADAPTER, key, replace(record, set_aside=why), created=record.trained)


def of_job(job: JobRecord) -> AdapterRecord | None:
    """What a job's record says of its adapter; None where it has none."""
    if job.training is None:
        return None
    decision = job.decision
    return AdapterRecord(
        adapter=job.training.adapter,
        suite=job.suite,
        task=job.task,
        model=job.model,
        primary=job.primary,
        training=_shortened(job.training),
        gate=decision.verdict if decision else "",
        gate_sentence=decision.sentence if decision else "",
        override=job.override or "" if decision is None or not decision.open else "",
        leader=_leader(decision) if decision else "",
        parent=job.training.parent,
        shipping=job.shipping,
        run=job.adapter_test or "",
        min_gain=job.min_gain,
        asked=job.together.line.label if job.together else "",
        options=job.together.options if job.together else (),
        seeds=job.shipping.seeds if job.shipping else None,
    )


def stored_adapters(ledger: Ledger, suite: str | None = None) -> list[AdapterRecord]:
    """Every adapter that the ledger knows of, or one suite's; oldest first.

    Those of folders that nothing names come last, and only where no suite is asked for.
    """
    known = {record.key: record for record in _kept(ledger)}
    for record in _of_jobs(ledger):
        known.setdefault(record.key, record)
    found = sorted(known.values(), key=lambda record: (record.date, record.key))
    if suite is not None:
        return [record for record in found if record.suite == suite]
    named = {record.adapter for record in found}
    return [*found, *(one for one in _in_folders(ledger.folder) if one.adapter not in named)]


def find_adapter(ledger: Ledger, name: str) -> AdapterRecord:
    """The adapter whose id is `name` or begins with it; of several suites' the newest.

    Raises RecordError where there is none, or more than one.
    """
    fitting = [record for record in stored_adapters(ledger) if record.adapter.startswith(name)]
    if not fitting or not name:
        raise RecordError(f"no stored adapter is named {name!r}", hint="see `tunegate adapters`")
    ids = sorted({record.adapter for record in fitting})
    if len(ids) > 1:
        raise RecordError(
            f"{name!r} fits {len(ids)} adapters: {', '.join(ids[:5])}", hint="give more of the id"
        )
    return fitting[-1]


def folder_of(record: AdapterRecord, ledger_folder: Path) -> Path:
    """Where the adapter lies: in this ledger's folder if it is there, else where it was written.

    A ledger that was copied or moved is read where it stands.
    """
    written = Path(record.training.adapter_path)
    beside = ledger_folder / "adapters" / written.name
    return beside if written.name and beside.is_dir() else written


def parent_folder(ledger: Ledger, named: str) -> Path:
    """The folder of an adapter by its id, or by the folder itself.

    Raises RecordError where there is none.
    """
    folder = Path(named)
    if folder.is_dir():
        return folder
    return folder_of(find_adapter(ledger, named), ledger.folder)


def _kept(ledger: Ledger) -> Iterator[AdapterRecord]:
    for key in ledger.documents(ADAPTER):
        record = ledger.load(ADAPTER, key, AdapterRecord)
        if record is None:
            continue
        if record.format != FORMAT:
            raise RecordError(
                f"adapter {record.adapter} has format {record.format}, this version reads "
                f"format {FORMAT}",
                path=ledger.path,
                key=key,
                hint="use the tunegate version that wrote it",
            )
        yield record


def _of_jobs(ledger: Ledger) -> Iterator[AdapterRecord]:
    for key in ledger.documents(JOB):
        job = ledger.load(JOB, key, JobRecord)
        record = of_job(job) if job else None
        if record is not None:
            run = ledger.find_run(record.run) if record.run else None
            yield replace(record, judged=run.created if run else "")


def _in_folders(ledger_folder: Path) -> Iterator[AdapterRecord]:
    """Finished trainings that no record names: of a learning curve, or of an older version."""
    for path in sorted(ledger_folder.glob(f"adapters/*/{_RECORD}")):
        with suppress(OSError, RecordError):  # half-written, or no adapter of ours
            training = decode(path.read_text(encoding="utf-8"), TrainingRecord)
            yield AdapterRecord(
                adapter=training.adapter,
                suite="",
                task="",
                model=training.base,
                primary="",
                training=_shortened(replace(training, adapter_path=str(path.parent))),
                parent=training.parent,
            )


def _shortened(training: TrainingRecord) -> TrainingRecord:
    return replace(training, curve=(), preview="", findings=())


def _leader(decision: Decision) -> str:
    return next((t.label for t in decision.trials if t.run_id == decision.leader), "")
