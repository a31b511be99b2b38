"""`adapters export`: an adapter as a PEFT folder, merged into its base, or its training data."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from evals.errors import UsageError
from tunegate.cards import card_text
from tunegate.cli.console import Terminal
from tunegate.cli.output import check_output
from tunegate.opening import open_suite
from tuning.adapters.exporting import export_peft, training_examples
from tuning.adapters.registry import AdapterRecord
from tuning.data.formats import write_examples
from tuning.records import Proof


def export_adapter(
    options: Namespace, record: AdapterRecord, folder: Path, terminal: Terminal
) -> int:
    """Write an adapter, in the form that was asked for, to a path that is not there yet."""
    target: Path | None = options.output
    if target is None:
        raise UsageError("where to? name what to write with -o PATH")
    form = options.form or "peft"
    if options.suite and form != "chat-jsonl":
        raise UsageError("--suite belongs to --as chat-jsonl: only that reads the suite")
    proofs: tuple[Proof, ...] = ()
    if form == "peft":
        export_peft(record, folder, target, card_text(record))
    elif form == "merged":
        from tuning.adapters.merging import export_merged

        with terminal.progress(f"merging {record.adapter}"):
            proofs = export_merged(record, folder, target, card_text(record, merged=True))
    else:
        _export_data(record, options.suite, target)
    for proof in proofs:
        terminal.line(f"{proof.name}: {proof.evidence}")
    terminal.line(f"wrote {target}")
    terminal.result(
        {"adapter": record.adapter, "form": form, "path": str(target), "proofs": proofs}
    )
    return 0


def _export_data(record: AdapterRecord, suite: str | None, target: Path) -> None:
    name = suite or record.suite
    if not name:
        raise UsageError(
            "which suite it was trained for is not stored", hint="name it with --suite"
        )
    check_output(target)
    if target.exists():
        raise UsageError("is there already", path=target, hint="name a file that is not")
    opened = open_suite(name)
    write_examples(training_examples(record, opened.suite), target, "chat")
