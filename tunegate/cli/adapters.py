"""`adapters`: what was trained, from what, with which verdict; and ways to take it along."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any

from evals.errors import NothingRunError, UsageError
from evals.fingerprint import canonical, file_sha256
from evals.ledger import Ledger
from evals.rounding import points_span
from tunegate.cli.console import Terminal, percent
from tunegate.cli.records import open_stored
from tunegate.cli.seeds import show_seeds
from tunegate.opening import open_suite
from tuning.adapters.registry import AdapterRecord, find_adapter, folder_of, stored_adapters
from tuning.adapters.wholeness import Wholeness, wholeness_of
from tuning.records import Interval, SeedLine

_ACTIONS = ("show", "export")
_MADE_BY = "`tunegate run` or `tunegate tune`"


def adapters_command(options: Namespace, terminal: Terminal) -> int:
    """List the adapters, show one, or export one, by the words after the command."""
    action = options.words[0] if options.words and options.words[0] in _ACTIONS else "list"
    if action != "export" and (options.output or options.form or options.suite):
        raise UsageError("-o, --as and --suite belong to `tunegate adapters export ID`")
    if action == "list":
        if len(options.words) > 1:
            raise UsageError(
                f"expected one suite, got {' '.join(options.words)}",
                hint="tunegate adapters [SUITE], adapters show ID, adapters export ID -o PATH",
            )
        return _list(options, terminal)
    if len(options.words) != 2:
        raise UsageError(
            f"`adapters {action}` takes one adapter's id", hint="see `tunegate adapters`"
        )
    ledger = open_stored(options.ledger, made_by=_MADE_BY)
    record = find_adapter(ledger, options.words[1])
    if action == "show":
        return _show(record, ledger, terminal)
    from tunegate.cli.exporting import export_adapter

    return export_adapter(options, record, folder_of(record, ledger.folder), terminal)


def _list(options: Namespace, terminal: Terminal) -> int:
    ledger = open_stored(options.ledger, made_by=_MADE_BY)
    suite = _suite_name(options.words[0]) if options.words else None
    records = stored_adapters(ledger, suite)
    if not records:
        of = f" of {suite}" if suite else ""
        raise NothingRunError(
            f"no adapter{of} is stored in {options.ledger}",
            hint="`tunegate run` trains one where the gate opens",
        )
    rows = [adapter_summary(record, ledger) for record in records]
    terminal.table(
        "",
        ["!adapter", "suite", "base", "method", ">examples", "gate", "!verdict", ">gain",
         "!date", "folder"],
        [
            [
                row["adapter"],
                row["suite"] or "–",
                row["model"],
                row["method"],
                row["examples"],
                _gate_cell(record),
                row["verdict"] or _unjudged(record),
                "–" if row["gain"] is None else f"{100 * row['gain']:+.1f}",
                row["date"][:10] or "–",
                row["state"],
            ]
            for row, record in zip(rows, records, strict=True)
        ],
    )  # fmt: skip
    if any(not record.suite for record in records):
        terminal.line(
            "–: found in its folder only, for a learning curve or by a job that did not end"
        )
    terminal.result(rows)
    return 0


def _unjudged(record: AdapterRecord) -> str:
    """What stands for the verdict of an adapter that has none."""
    if record.is_sibling:
        return "not chosen"
    return "set aside" if record.set_aside else "–"


def adapter_summary(record: AdapterRecord, ledger: Ledger) -> dict[str, Any]:
    """One row of the list: also the JSON of it."""
    folder = folder_of(record, ledger.folder)
    found = wholeness_of(folder, record.adapter)
    training = record.training
    return {
        "adapter": record.adapter,
        "suite": record.suite,
        "model": record.model,
        "method": training.method,
        "prompt": training.prompt,
        "asked": record.asked,
        "options": list(record.use),
        "data_fingerprint": training.data_fingerprint,
        "examples": training.examples,
        "held_out": training.held_out,
        "replayed": training.replayed,
        "sources": training.sources,
        "gate": record.gate,
        "override": record.override,
        "parent": record.parent,
        "verdict": record.verdict,
        "gain": _gain(record),
        "seed": training.settings.get("seed"),
        "siblings": [line.adapter for line in _others(record)],
        "chosen": record.seeds.chosen.adapter if record.seeds else None,
        "set_aside": record.set_aside,
        "trained": record.trained,
        "judged": record.judged,
        "date": record.date,
        "folder": str(folder),
        "state": found.state,
        "fault": found.reason,
    }


def _gain(record: AdapterRecord) -> float | None:
    """What it gains on the sealed split: by its verdict, else as one of several trainings."""
    if record.shipping:
        return record.shipping.sealed.gain.estimate if record.shipping.compared else None
    line = record.seeds.line_of(record.adapter) if record.seeds else None
    return line.gain.estimate if line else None


def _others(record: AdapterRecord) -> list[SeedLine]:
    """The trainings it was judged beside."""
    lines = record.seeds.lines if record.seeds else ()
    return [line for line in lines if line.adapter != record.adapter]


def _siblings_said(record: AdapterRecord) -> str:
    if record.seeds is None:
        return ""
    others = ", ".join(f"{line.adapter} (seed {line.seed})" for line in _others(record))
    chosen = record.seeds.chosen
    which = "this one" if chosen.adapter == record.adapter else chosen.adapter
    return f"{others}; the verdict is about {which}, the best on what was held out of training"


def _show(record: AdapterRecord, ledger: Ledger, terminal: Terminal) -> int:
    folder = folder_of(record, ledger.folder)
    found = wholeness_of(folder, record.adapter)
    terminal.line(f"adapter {record.adapter}", "bold")
    for name, value in _facts(record, folder, found):
        if value:
            terminal.line(f"  {name}: {value}")
    _show_verdict(record, terminal)
    terminal.table(
        "proofs",
        ["proof", "!holds", "evidence"],
        [
            [proof.name, "yes" if proof.passed else "NO", proof.evidence]
            for proof in record.training.proofs
        ],
    )
    document = canonical(record) | {
        "folder": str(folder),
        "state": found.state,
        "fault": found.reason,
        "verdict": record.verdict,
    }
    terminal.result(document)
    return 0


def _facts(record: AdapterRecord, folder: Path, found: Wholeness) -> list[tuple[str, str]]:
    from reports.effort import training_effort

    training = record.training
    suite = record.suite or "SUITE"
    sources = ", ".join(f"{count:,} of {name}" for name, count in training.sources.items())
    return [
        ("suite", record.suite),
        ("base", f"{record.model} (weights {training.base_fingerprint})"),
        ("chat template", training.template_hash),
        ("method", training.method),
        ("prompt", training.prompt),
        ("judged with the prompt", record.asked),
        (
            "to ask it so",
            shlex.join(["tunegate", "eval", suite, "--adapter", str(folder), *record.use]),
        ),
        (
            "data",
            f"{training.data_fingerprint}: {training.examples:,} examples, {training.held_out:,} "
            f"held out, {training.replayed:,} general requests replayed"
            + (f" ({sources})" if sources else ""),
        ),
        ("settings", ", ".join(f"{key} {value}" for key, value in training.settings.items())),
        ("gate", f"{record.gate}. {record.gate_sentence}" if record.gate else ""),
        ("trained although the gate was shut", record.override),
        ("trained beside", _siblings_said(record)),
        ("scaled from" if "scale" in training.settings else "began from", record.parent),
        ("trained", record.trained),
        ("training took", training_effort(training)),
        ("judged", record.judged),
        ("set aside", record.set_aside),
        ("run on the sealed split", record.run),
        *(
            ("beside the weights", _beside(folder, name, sha))
            for name, sha in training.beside.items()
        ),
        ("folder", f"{folder} ({found.state}{': ' + found.reason if found.reason else ''})"),
    ]


def _beside(folder: Path, name: str, sha256: str) -> str:
    """A file that says what the adapter was trained on, and whether it is still that one."""
    path = folder / name
    if not path.is_file():
        return f"{name} (gone)"
    if file_sha256(path) != sha256:
        return f"{name} (not the file that training left)"
    with path.open("rb") as lines:
        return f"{name} ({sum(1 for _ in lines):,} rows)"


def _show_verdict(record: AdapterRecord, terminal: Terminal) -> None:
    shipping = record.shipping
    show_seeds(record.seeds, terminal)
    if shipping is None:
        terminal.line("no verdict is about it" if record.is_sibling else "not judged yet")
        return
    rows = []
    if shipping.compared:
        before, after, gain = shipping.compared
        rows = [
            ["best prompt", percent(before.estimate), ""],
            ["adapter", percent(after.estimate), ""],
            _change("gain, points", gain),
        ]
    rows += [
        _change(f"guard {guard.suite}: {guard.result}", guard.difference)
        for guard in shipping.guards
    ]
    if rows:
        terminal.table(f"{record.primary}, sealed split", ["", ">", ">interval"], rows)
    terminal.line(f"verdict: {shipping.verdict}", "bold")
    terminal.line(shipping.sentence)


def _change(name: str, change: Interval) -> list[str]:
    span = points_span(change.low, change.high)
    return [name, f"{100 * change.estimate:+.1f}", span]


def _gate_cell(record: AdapterRecord) -> str:
    return f"override: {record.override}" if record.override else record.gate or "–"


def _suite_name(given: str) -> str:
    """A suite's name, also where its folder is given."""
    return open_suite(given).suite.name if Path(given).exists() else given
