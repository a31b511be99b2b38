"""The command line: every command with its arguments, and nothing heavy imported."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from evals.errors import UsageError
from tunegate import __version__
from tunegate.cli import option_types as types
from tunegate.cli.approaches import add_approach
from tunegate.cli.sampling_options import add_sampling

DEFAULT_MODEL = "smollm2-135m"
DATA_FORMATS = ("chat", "sharegpt", "alpaca", "completion", "csv", "datasets")

DESCRIPTION = """\
Run eval suites against prompts, let the gate decide whether prompting has run
out, and only then fine-tune. Start with `tunegate init NAME`, then `tunegate
run NAME`.
"""
EXIT_CODES = """\
exit codes: 0 pass or a decided verdict, 1 quality failed or the gate is shut,
2 usage or an invalid suite, 3 inconclusive, 4 a model or endpoint failed or a
budget is spent, 5 nothing was run
"""


class Parser(argparse.ArgumentParser):
    """Bad arguments become a UsageError, so that they are told like every other error.

    So do empty values: a command must not run as if its option was not there.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.register("type", None, types.text)
        self.register("type", Path, types.path)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage and ending the process."""
        raise UsageError(message, hint=f"see `{self.prog} --help`")


def build_parser() -> Parser:
    """The whole command line. `command` in the parsed namespace names what to run."""
    parser = Parser(
        prog="tunegate",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"tunegate {__version__}", help="print the version"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.type = str  # it is given every argument, and the command checks its own
    for add in (_suites, _runs, _data, _gate, _tuning, _reporting, _regression, _records, _imports):
        add(_adder(commands))
    return parser


def _adder(commands: argparse._SubParsersAction[Parser]) -> Callable[[str, str], Parser]:
    def add(name: str, text: str) -> Parser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--json", action="store_true", help="print one JSON document on standard output"
        )
        command.add_argument(
            "--ledger",
            type=Path,
            default=Path(".tunegate"),
            metavar="DIR",
            help="folder of stored runs (default: .tunegate)",
        )
        return command

    return add


def _suites(add: Callable[[str, str], Parser]) -> None:
    init = add("init", "write a new suite, ready to edit, that passes `check`")
    init.add_argument("name", metavar="NAME", help="the new suite's name, and its folder")
    init.add_argument("--into", type=Path, default=Path(), metavar="DIR", help="parent folder")
    init.add_argument("--from", dest="csv", type=Path, metavar="CSV", help="cases from a CSV file")
    for column, default in (
        ("input", "input"),
        ("expected", "expected"),
        ("id", None),
        ("cluster", None),
    ):
        init.add_argument(
            f"--{column}-column",
            default=default,
            metavar="COLUMN",
            help=f"the CSV's column with the {column}",
        )
    init.add_argument(
        "--tag-column", action="append", default=[], metavar="COLUMN", help="keep as a tag"
    )

    check = add("check", "validate and lint suites, self-test their scorers; runs no model")
    check.add_argument(
        "suites", nargs="+", metavar="SUITE", help="a suite, or a folder of several suites"
    )

    audit = add("audit", "mark sampled scores as right or wrong; wrong ones count against it")
    _suite(audit)
    audit.add_argument("--run", metavar="RUN", help="which run (default: the newest on dev)")
    audit.add_argument(
        "--sample", type=types.count, default=40, metavar="N", help="how many to look at"
    )
    audit.add_argument("--by", metavar="NAME", help="who marks (default: the login name)")
    audit.add_argument(
        "--pairs",
        action="store_true",
        help="choose between two outputs of train cases instead, shown blind: pairs to learn from",
    )


def _runs(add: Callable[[str, str], Parser]) -> None:
    one = add("eval", "run one candidate on one split")
    _suite(one)
    _candidate(one)
    add_endpoints(one)
    one.add_argument("--split", choices=("train", "dev", "test"), default="dev")
    one.add_argument("--case", action="append", default=[], metavar="ID", help="only these cases")
    one.add_argument(
        "--rescore",
        action="store_true",
        help="score stored outputs anew with the suite's scorers; runs no model. The options "
        "above narrow down which candidates (default: all that are stored)",
    )

    compare = add("compare", "two runs, paired case by case: B minus A")
    compare.add_argument(
        "a",
        metavar="A",
        help="a run id (of repeats, several joined by commas), or a JSONL file of id and score",
    )
    compare.add_argument("b", metavar="B", help="the same; what is judged")
    compare.add_argument(
        "--margin", type=types.share, metavar="M", help="tolerated loss: judge B by it"
    )
    compare.add_argument(
        "--min-gain", type=types.share, metavar="D", help="smallest gain that matters"
    )
    compare.add_argument(
        "--markdown", type=Path, metavar="FILE", help="also write it as Markdown to FILE"
    )


def _data(add: Callable[[str, str], Parser]) -> None:
    data = add("data", "the training set that would be used: what is in it, and what is wrong")
    _suite(data)
    _model(data)
    data.add_argument(
        "--data",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="look at the examples of this file, too, as if the suite named it (repeatable)",
    )
    data.add_argument(
        "--data-format",
        choices=DATA_FORMATS,
        metavar="FORMAT",
        help=f"the form of the files of --data: {', '.join(DATA_FORMATS)} "
        "(default: told from their content)",
    )
    data.add_argument(
        "--column",
        action="append",
        default=[],
        type=types.column,
        metavar="NAME=COLUMN",
        help="which column of the tables of --data holds what: input, expected, id, cluster or "
        "system, like input=question",
    )
    data.add_argument(
        "--data-split", metavar="NAME", help="which part of the data sets on disk of --data"
    )
    data.add_argument(
        "--show", type=types.amount, default=2, metavar="N", help="examples to decode (default: 2)"
    )
    data.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the examples to FILE"
    )
    data.add_argument("--format", choices=DATA_FORMATS, help="of --output (default: chat)")
    data.add_argument(
        "--provenance",
        action="store_true",
        help="keep in --output, of format chat, where each example is from",
    )
    add_sampling(data)
    add_endpoints(data)


def _gate(add: Callable[[str, str], Parser]) -> None:
    run = add("run", "the whole job: rounds, gate, tuning if it opens, sealed split, report")
    _suite(run)
    _model(run)
    add_endpoints(run)
    run.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="the report (default: SUITE-report.html)"
    )
    _override(run)
    run.add_argument("--no-tune", action="store_true", help="stop after the gate's verdict")
    _seeds(run)
    _proposer(run)

    gate = add("gate", "the verdict and its evidence, from stored runs; runs no model")
    _suite(gate)
    _model(gate)
    _proposer(gate)
    _prices(gate)


def _tuning(add: Callable[[str, str], Parser]) -> None:
    tune = add("tune", "train an adapter; refuses while the gate is shut")
    _suite(tune)
    _model(tune)
    _proposer(tune)
    add_endpoints(tune)
    _override(tune)
    _training(tune)
    _seeds(tune)
    tune.add_argument(
        "--from",
        dest="begin_from",
        metavar="ADAPTER",
        help="begin from this one (an id of `tunegate adapters`, or its folder)",
    )

    curve = add("curve", "the learning curve: what would more training examples buy?")
    _suite(curve)
    _model(curve)
    add_endpoints(curve)
    curve.add_argument(
        "--seeds",
        type=types.trainings,
        default=1,
        metavar="N",
        help="trainings per share (default: 1)",
    )
    curve.add_argument(
        "--shares",
        default="1/8,1/4,1/2,1",
        metavar="LIST",
        help="of the examples, to train on (default: 1/8,1/4,1/2,1)",
    )

    tradeoff = add("tradeoff", "what an adapter gains and loses with a part of its effect")
    _suite(tradeoff)
    _model(tradeoff)
    add_endpoints(tradeoff)
    tradeoff.add_argument(
        "--adapter", metavar="ID", help="which adapter (default: that of the stored job)"
    )
    tradeoff.add_argument(
        "--scales",
        default="0.25,0.5,0.75,1",
        metavar="LIST",
        help="factors of the adapter's effect (default: 0.25,0.5,0.75,1)",
    )


def _reporting(add: Callable[[str, str], Parser]) -> None:
    report = add("report", "HTML, Markdown or JSON from stored records; runs no model")
    report.add_argument(
        "suite",
        nargs="?",
        metavar="SUITE",
        help="a suite with a stored job; or a run's id (default: an index of all that is stored)",
    )
    report.add_argument(
        "against", nargs="?", metavar="RUN", help="a second run: the page compares the two"
    )
    _model(report)
    report.add_argument(
        "--margin", type=types.share, metavar="M", help="of two runs: tolerated loss"
    )
    report.add_argument(
        "--min-gain", type=types.share, metavar="D", help="of two runs: smallest gain that matters"
    )
    report.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it")
    report.add_argument("--format", choices=("html", "markdown", "json"), default="html")
    told = report.add_mutually_exclusive_group()
    told.add_argument(
        "--redact", action="store_true", help="leave out all texts of cases and outputs"
    )
    told.add_argument(
        "--show-sealed",
        action="store_true",
        help="show the texts of sealed cases, too; that is written down as a look at them",
    )


def _regression(add: Callable[[str, str], Parser]) -> None:
    accept = add("accept", "make a run the committed baseline of its suite")
    _suite(accept)
    accept.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="a run, or its repeats (default: the newest that may be accepted)",
    )
    accept.add_argument(
        "--why", type=types.reason, required=True, metavar="WHY", help="is recorded"
    )
    accept.add_argument("--by", metavar="NAME", help="who accepts (default: git's user name)")

    ci = add("ci", "judge suites against their baselines: what became worse?")
    ci.add_argument(
        "suites", nargs="+", metavar="SUITE", help="a suite, or a folder of several suites"
    )
    _candidate(ci)
    add_endpoints(ci)
    ci.add_argument(
        "--base", metavar="REV", help="git revision whose gate definition is compared with"
    )
    ci.add_argument(
        "--reviewed", action="store_true", help="a person has reviewed the changed definition"
    )
    ci.add_argument("--markdown", type=Path, metavar="FILE", help="write a summary for a comment")
    ci.add_argument("--junit", type=Path, metavar="FILE", help="write the checks as JUnit XML")
    ci.add_argument(
        "--annotations", action="store_true", help="print GitHub annotations outside it too"
    )

    aa = add("aa", "one candidate against itself: how often would the gate cry wolf?")
    _suite(aa)
    _candidate(aa)
    add_endpoints(aa)
    aa.add_argument("--runs", type=types.runs, default=3, metavar="N", help="how often it is run")
    aa.add_argument(
        "--comparisons", type=types.count, default=400, metavar="N", help="how many are simulated"
    )
    aa.add_argument("--seed", type=int, default=0, metavar="N", help="of batches and simulation")


def _records(add: Callable[[str, str], Parser]) -> None:
    runs = add("runs", "what is stored")
    runs.add_argument("suite", nargs="?", metavar="SUITE", help="only this suite's")

    show = add("show", "one stored run, or one case of it")
    show.add_argument("run", metavar="RUN", help="a run id or its beginning")
    show.add_argument("case", nargs="?", metavar="CASE", help="one case's id")
    show.add_argument(
        "--prompt",
        action="store_true",
        help="what the model was asked about CASE; without CASE, the prompt's template",
    )
    show.add_argument(
        "--failures", action="store_true", help="what goes wrong: by kind, slice and topic"
    )
    show.add_argument(
        "--suite",
        metavar="SUITE",
        help="the run's suite, for --prompt and --failures (default: where its cases came from)",
    )

    adapters = add("adapters", "what was trained, from what, with which verdict; export it")
    adapters.add_argument(
        "words",
        nargs="*",
        metavar="SUITE",
        help="only this suite's; or `show ID`; or `export ID -o PATH`",
    )
    adapters.add_argument("-o", "--output", type=Path, metavar="PATH", help="what to export to")
    adapters.add_argument(
        "--as",
        dest="form",
        choices=("peft", "merged", "chat-jsonl"),
        help="a folder for PEFT (default), the base with the adapter merged in, or the training "
        "data in OpenAI's form",
    )
    adapters.add_argument(
        "--suite",
        metavar="S",
        help="where the suite lies, for --as chat-jsonl (default: one of that name)",
    )

    models = add("models", "which models there are; fetch an embedded one")
    models.add_argument("action", nargs="?", choices=("pull",), help="fetch and convert")
    models.add_argument("name", nargs="?", metavar="NAME", help="which model to fetch")


def _imports(add: Callable[[str, str], Parser]) -> None:
    command = add("import", "results of another harness become a stored run")
    command.add_argument("file", metavar="FILE", help="what the other harness wrote")
    command.add_argument(
        "--suite",
        required=True,
        metavar="S",
        help="the suite whose cases these are, or a name for one that is not here",
    )
    command.add_argument(
        "--format",
        choices=("jsonl", "csv", "lm_eval", "inspect", "promptfoo"),
        help="default: told from the content",
    )
    command.add_argument(
        "--select", metavar="NAME", help="which candidate, where there are several"
    )
    command.add_argument("--metric", metavar="M", help="the primary metric")
    command.add_argument("--name", metavar="NAME", help="what to call the candidate")
    command.add_argument("--split", choices=("train", "dev", "test"), default="dev")
    command.add_argument(
        "--rescore", action="store_true", help="score the outputs with the suite's own scorers"
    )
    command.add_argument(
        "--score-column",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a score in JSONL or CSV; several make several metrics (default: score)",
    )
    for column in ("id", "output", "input", "expected", "cluster", "error"):
        command.add_argument(
            f"--{column}-column",
            default=column,
            metavar="COLUMN",
            help=f"the key or column with the {column} (default: {column})",
        )


def _suite(command: Parser) -> None:
    command.add_argument("suite", metavar="SUITE", help="a suite's folder or a shipped name")


def _model(command: Parser) -> None:
    command.add_argument(
        "--model",
        metavar="M",
        help=f"{DEFAULT_MODEL} (embedded), hf:<path or repo>, openai:<model>, or scripted:<file> "
        "(default: the suite's candidate's, else the embedded one)",
    )
    command.add_argument(
        "--precision", choices=("float32", "bfloat16"), help="default: what is fast here"
    )


def _training(command: Parser) -> None:
    """Add the settings of `tune:` that can be stated in the suite's place."""
    command.add_argument("--method", metavar="NAME", help="how to train (default: the suite's)")
    command.add_argument("--weights", metavar="NAME", help="which weights the method changes")
    command.add_argument("--variant", metavar="NAME", help="of the adapter, by name")
    command.add_argument("--rank", type=types.rank, metavar="N", help="of the adapter: 1 to 1024")
    command.add_argument("--learning-rate", type=types.rate, metavar="R", help="between 0 and 1")
    command.add_argument(
        "--epochs", type=types.epochs, metavar="E", help="passes over the examples"
    )
    command.add_argument(
        "--remedies",
        type=str,  # whose own error names them all, also of an empty list
        nargs="?",
        const="all",
        metavar="LIST",
        help="what to try in order where a guard fails: scale,epochs,rate,replay (default: all)",
    )
    command.add_argument(
        "--until",
        type=types.score,
        metavar="SCORE",
        help="end training once the suite's own score on held-out train cases is surely that",
    )
    command.add_argument(
        "--keep", choices=("score", "loss"), help="what chooses the step that is kept"
    )
    search = command.add_mutually_exclusive_group()
    search.add_argument(
        "--sweep",
        action="store_true",
        default=None,
        help="search for learning rate, rank and epochs first, on parts of train",
    )
    search.add_argument(
        "--no-sweep", dest="sweep", action="store_false", help="leave the suite's search out"
    )
    command.add_argument(
        "--sweep-budget",
        type=types.examples,
        metavar="N",
        help="examples that all trainings of the search together may see",
    )


def _seeds(command: Parser) -> None:
    command.add_argument(
        "--seeds",
        type=types.trainings,
        metavar="K",
        help="adapters that differ by seed alone; the verdict counts how far they differ "
        "(default: the suite's, 1)",
    )


def _override(command: Parser) -> None:
    command.add_argument(
        "--override",
        type=types.reason,
        metavar="WHY",
        help="train although the gate is shut; recorded",
    )


def _proposer(command: Parser) -> None:
    command.add_argument(
        "--proposer",
        metavar="NAME",
        help="the model that writes prompts for an optimiser, in place of what the rounds say",
    )


def add_endpoints(command: Parser) -> None:
    """Add the options of how hosted models are asked, and what may be spent on them."""
    group = command.add_argument_group("endpoints", "for hosted models (openai:...)")
    group.add_argument(
        "--concurrency",
        type=types.count,
        metavar="N",
        help="requests at once at most (default: 64)",
    )
    group.add_argument(
        "--timeout", type=types.seconds, metavar="SECONDS", help="for one request (default: 120)"
    )
    group.add_argument(
        "--max-requests",
        type=types.amount,
        metavar="N",
        help="end cleanly before one more than these",
    )
    group.add_argument(
        "--max-cost",
        type=types.money,
        metavar="X",
        help="end cleanly before more money than this is spent, by the list of prices",
    )
    _prices(group)


def _prices(command: argparse._ActionsContainer) -> None:
    command.add_argument(
        "--prices",
        type=Path,
        metavar="FILE",
        help="the list of prices (default: TUNEGATE_PRICES, else tunegate-prices.yaml)",
    )


def _candidate(command: Parser) -> None:
    _model(command)
    command.add_argument("--prompt", metavar="P", help="which prompt (default: the candidate's)")
    command.add_argument("--adapter", metavar="A", help="a trained adapter: its folder")
    command.add_argument(
        "--repeats",
        type=types.count,
        metavar="N",
        help="run each case N times, with other seeds (default: the suite's repeats, else once)",
    )
    add_approach(command)
