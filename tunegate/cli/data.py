"""`data`: the training set that would be used, with its lint; runs no model and trains nothing."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.approach import PLAIN, Technique
from evals.errors import MissingExtraError, UsageError
from evals.judges.uses import judges_of
from evals.ledger import FILE_NAME, Ledger
from evals.ledger_file import check_folder
from evals.models.names import check_model_name, is_hosted
from evals.scorers import build_scorers
from evals.suite.section import suggestion
from evals.suite.spec import DataFile, Suite
from evals.suite.tune_data import COLUMNS
from tunegate.cli.console import Terminal
from tunegate.cli.data_shown import show_data
from tunegate.cli.output import check_output
from tunegate.cli.sampled import sample_command
from tunegate.cli.sampling_options import refuse_stray
from tunegate.opening import model_name, open_suite
from tuning.data.accepting import accepted_by
from tuning.data.dataset import Parts
from tuning.data.formats import FormatName, write_examples
from tuning.data.looking import lengths_of, sources_of, spread
from tuning.data.preview import Preview, preview
from tuning.data.replay import replay_count
from tuning.data.sampled.asking import adapter_technique
from tuning.data.training_set import Gathered, TokenLimit, TrainingSet, assemble, gather_examples
from tuning.training.base import check_trainable, open_tokenizer
from tuning.training.quiet import quietly
from tuning.training.tune import parts_of, token_limit, tuning_prompt

REFUSED = 1


@dataclass(frozen=True)
class Looked:
    """A suite's training set as it would be used, and what could not be said of it.

    `notes` are one line each. Without `limit` lengths are unknown and nothing is decoded.
    """

    suite: Suite
    model: str
    prompt: str
    technique: Technique
    data: TrainingSet
    parts: Parts
    limit: TokenLimit | None
    previews: tuple[Preview, ...]
    notes: tuple[str, ...]


def data_command(options: Namespace, terminal: Terminal) -> int:
    """Show what would be trained on, and write it where asked; exit 1 where the lint refuses.

    With `--sample` examples are drawn from a model's answers instead (`tunegate.cli.sampled`).
    """
    refuse_stray(options)
    if options.sample is not None:
        return sample_command(options, terminal)
    if options.provenance and not (options.output and _form(options) == "chat"):
        raise UsageError("--provenance is of -o FILE --format chat", hint="add them")
    if options.format and not options.output:
        hint = "add it; how the files of --data are read says --data-format"
        raise UsageError("--format is of -o FILE", hint=hint)
    if options.output:
        check_new(options.output, _form(options))
    suite = open_suite(options.suite).suite
    looked = look(options, suite, terminal)
    written = _write(options, looked, terminal)
    show_data(looked, terminal)
    _show_written(options, looked, terminal, written=written)
    terminal.result({**document_of(looked), "written": str(options.output) if written else None})
    return REFUSED if looked.data.refused else 0


def look(options: Namespace, suite: Suite, terminal: Terminal) -> Looked:
    """Gather, fit and lint what would be trained on. Raises what reading the files raises."""
    model, prompt = model_name(suite, options.model), tuning_prompt(suite)
    technique = stored_technique(suite, options.ledger, model)
    limit, said = reading_of(model)
    gathered = gather_examples(suite, prompt, technique, files_of(options))
    notes = [said] if said else []
    data, judged = lint_with_scorer(
        suite, prompt, gathered, limit, technique=technique, terminal=terminal
    )
    notes += [judged] if judged else []
    with quietly():
        shown = preview(limit.tokenizer, spread(data, options.show)) if limit else ()
    return Looked(
        suite, model, prompt, technique, data, parts_of(data.examples), limit, shown, tuple(notes)
    )


def files_of(options: Namespace) -> list[DataFile]:
    """The files of `--data`, with how they are to be read."""
    columns = dict(options.column)
    if unknown := columns.keys() - set(COLUMNS):
        name = min(unknown)
        raise UsageError(
            f"a table has no column for {name!r}", key="--column", hint=suggestion(name, COLUMNS)
        )
    if not options.data and (options.data_format or columns or options.data_split):
        said = "--data-format, --data-split and --column say how --data is read"
        raise UsageError(said, hint="add --data FILE")
    return [
        DataFile(str(path), options.data_format, columns, options.data_split)
        for path in options.data
    ]


def stored_technique(suite: Suite, folder: Path, model: str) -> Technique:
    """What an adapter would keep of the leader of the stored verdict; nothing where none is."""
    check_folder(folder)
    if not (folder / FILE_NAME).exists():
        return PLAIN
    ledger = Ledger(folder, read_only=True)
    try:
        return adapter_technique(suite, ledger, model)
    finally:
        ledger.close()


def reading_of(model: str) -> tuple[TokenLimit | None, str]:
    """How the model reads and how much; where that cannot be known here, why, in one line.

    Raises ModelError for a script that is not there.
    """
    unknown = "lengths are not checked and nothing is decoded"
    if model.startswith("scripted:"):
        check_model_name(model)
    if is_hosted(model) or model.startswith("scripted:"):
        return None, f"{unknown}: {model} has no tokenizer here (name a local one with --model)"
    check_trainable(model)
    try:
        return token_limit(open_tokenizer(model)), ""
    except MissingExtraError as error:
        return None, f"{unknown}: {error.message}"


def lint_with_scorer(
    suite: Suite,
    prompt: str,
    gathered: Gathered,
    limit: TokenLimit | None,
    *,
    technique: Technique,
    terminal: Terminal,
) -> tuple[TrainingSet, str]:
    """The linted set, and what the suite's scorer could not be asked, in one line if anything."""
    with quietly(), terminal.progress(f"looking through {len(gathered.examples):,} examples"):
        if judges_of(suite, suite.primary):
            data = assemble(suite, prompt, gathered, limit, technique=technique)
            return (
                data,
                f"{suite.primary} is judged by a model: answers are asked about in training",
            )
        with build_scorers(suite) as scorers:
            accepts = accepted_by(scorers[suite.primary], suite.split("train"))
            data = assemble(suite, prompt, gathered, limit, accepts=accepts, technique=technique)
    return data, ""


def _form(options: Namespace) -> FormatName:
    form: FormatName = options.format or "chat"
    return form


def check_new(path: Path, form: str) -> None:
    """Raise UsageError where the examples cannot be written to `path`."""
    if form == "datasets":
        if path.exists():
            raise UsageError("is there already", path=path, hint="name a new folder")
        path = path / "dataset_info.json"
    check_output(path)


def _write(options: Namespace, looked: Looked, terminal: Terminal) -> bool:
    """Write the examples where asked and nothing refuses them."""
    if not options.output or looked.data.refused:
        return False
    with quietly(), terminal.progress(f"writing {options.output}"):
        options.output.parent.mkdir(parents=True, exist_ok=True)
        write_examples(
            looked.data.examples, options.output, _form(options), provenance=options.provenance
        )
    return True


def _show_written(options: Namespace, looked: Looked, terminal: Terminal, *, written: bool) -> None:
    if written:
        count = len(looked.data.examples)
        terminal.line(f"wrote {count:,} examples to {options.output} ({_form(options)})")
    elif options.output:
        terminal.note(f"{options.output} was not written: the lint refuses the data")


def document_of(looked: Looked) -> dict[str, Any]:
    """The command's JSON document: all findings with all their rows."""
    data = looked.data
    return {
        "suite": looked.suite.name,
        "model": looked.model,
        "prompt": looked.prompt,
        "technique": looked.technique,
        "refused": data.refused,
        "examples": len(data.examples),
        "replayed": replay_count(looked.suite.tune, len(data.examples)),
        "sources": [line._asdict() for line in sources_of(looked.parts)],
        "held_out": [example.case_id for example in looked.parts.held_out],
        "left_out": data.left_out,
        "truncated": data.truncated,
        "lengths": lengths_of(data.encoded, looked.limit.tokens) if looked.limit else None,
        "findings": data.findings,
        "preview": looked.previews,
        "notes": looked.notes,
    }
