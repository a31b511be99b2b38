"""A suite whose right answers a local endpoint knows, and commands that ask that endpoint."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from evals.ledger import Ledger
from evals.records import Run
from tests.hosted_server import HostedServer, Messages
from tests.sample_suite import ASK, TOPICS, ticket, write_suite
from tests.tunegate.command_line import Told, finish, start

MODEL = ("--model", "openai:stub")
KEY = "sk-proof-7Zq2+Xw/9fLk4Tn8"
"""With characters that base64 and URLs write otherwise."""


def text_of(number: int) -> str:
    """What only one case's question says."""
    return str(ticket("dev", number)["input"]["text"])


def topic(messages: Messages) -> str:
    """A model that knows billing and login; of shipping it says what it likes."""
    asked = messages[-1]["content"]
    found = [label for label, words in TOPICS.items() if words in asked]
    return "login" if found == ["shipping"] else found[0]


def write_tickets(folder: Path, dev: int = 12, extra: str = "") -> Path:
    """The suite with one prompt and no other split."""
    prompts = {"ask": f'{{% message "system" %}}Route.{{% endmessage %}}{ASK}'}
    return write_suite(folder / "tickets", sizes={"dev": dev}, extra=extra, prompts=prompts)


def client(server: HostedServer | str, **more: str) -> dict[str, str]:
    """What is in the environment of whoever asks the server. Proxies are left out."""
    url = server if isinstance(server, str) else server.url
    return {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1", **more}


def evaluate(folder: Path, server: HostedServer | str, *arguments: object) -> Told:
    """`tunegate eval` as its users run it."""
    return finish(begin(folder, server, *arguments))


def begin(folder: Path, server: HostedServer | str, *arguments: object) -> subprocess.Popen[bytes]:
    """The same, still at work."""
    return start(folder, "eval", "tickets", *MODEL, "--json", *arguments, **client(server))


def stored_run(folder: Path, told: Told) -> Run:
    """The run that a command made."""
    with closing(Ledger(folder / ".tunegate")) as ledger:
        run = ledger.find_run(told.document["id"])
    assert run is not None
    return run


def reasons(run: Run) -> dict[str, str]:
    """The error of each case that has one."""
    return {result.case_id: str(result.failed) for result in run.errors}


def answers(run: Run) -> dict[str, Any]:
    """Text, reason of the end and score of each answered case."""
    return {
        result.case_id: (result.output.text, result.output.finish_reason, result.scores)
        for result in run.results
        if not result.failed
    }
