"""A key in the environment is nowhere else: not in what is stored, written, printed or logged.

Every command is run with warnings, asyncio's debug mode and logging turned up, against an
endpoint that fails in every way, and hands the key back wherever it can.
"""

from __future__ import annotations

import base64
import html
import os
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests.evals.models.hosted.scene import KEY, client, text_of, topic, write_tickets
from tests.hosted_misbehaviours import (
    BROKEN,
    BUSY,
    ECHOES,
    LARGE,
    ODD_TEXT,
    REDIRECTS,
    REFUSED,
    SLOW,
    UNREADABLE,
    USABLE,
)
from tests.hosted_server import Call, HostedServer, Plan, always, for_texts, refused_port
from tests.sample_suite import ROUNDS, write_suite
from tests.tunegate.command_line import Told, environment, finish, hear_interrupts

MODEL = ("--model", "openai:stub")
NOISY = """\
import logging, sys
logging.basicConfig(level=logging.DEBUG)
import evals.models.hosted.attempts as attempts
patient = attempts.backoff
attempts.backoff = lambda *how: patient(*how) / 100
"""
COMMAND = f"{NOISY}from tunegate.__main__ import main\nsys.exit(main())"
PYTEST = f"{NOISY}import pytest\nsys.exit(pytest.main())"


def forms(key: str) -> list[bytes]:
    """The key as it may be written down: as it is, escaped, in base64 wherever that begins."""
    raw = key.encode()
    shifted = [base64.b64encode(b"x" * shift + raw)[4:-4] for shift in range(3)]
    texts = [key, quote(key), quote(key, safe=""), quote_plus(key), html.escape(key)]
    texts += [key.replace("/", "\\/"), raw.hex(), key[:16], key[-16:]]
    return [*(text.encode() for text in texts), *shifted]


def leaks(data: bytes) -> bool:
    return any(form in data for form in forms(KEY))


def broke(told: Told) -> bool:
    """Whether a command says where in the program it broke.

    asyncio's debug mode logs a traceback of its own where its wake-up pipe is full, on a busy
    machine: that is no fault, since a full pipe wakes it all the same.
    """
    return "Traceback" in told.err.replace("self-pipe socket\nTraceback", "")


def leaking(folder: Path, *told: Told) -> list[str]:
    """Files and streams in which the key is."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = [str(path.relative_to(folder)) for path in files if leaks(path.read_bytes())]
    streams = [stream for one in told for stream in (one.out, one.err)]
    return found + [stream[:2000] for stream in streams if leaks(stream.encode())]


def run(folder: Path, code: str, *arguments: object, **variables: str) -> Told:
    """Python at work in the folder, saying all that it can."""
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "always", "-c", code, *map(str, arguments)],
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        return finish(process)


@pytest.fixture
def server() -> Iterator[HostedServer]:
    with HostedServer(answer=topic) as server:
        yield server


def test_the_key_would_be_found_wherever_it_were(tmp_path: Path) -> None:
    header = f"Bearer {KEY}".encode()
    for number, data in enumerate([header, base64.b64encode(header), quote(KEY).encode()]):
        (tmp_path / "file").write_bytes(b"noise " * number + data)
        assert leaking(tmp_path) == ["file"]
    (tmp_path / "file").write_bytes(zlib.compress(b"noise"))
    assert leaking(tmp_path) == []
    assert leaking(tmp_path, Told(0, "", f"key={KEY}")) == [f"key={KEY}"]


PASSING = (
    *(name for name in BUSY if name != "429 with date"),  # whole seconds, many times over
    *BROKEN,
    *UNREADABLE,
    *ODD_TEXT,
    *USABLE,
    "400 context",
    *(name for name in ECHOES if name not in ("echo in 400", "echo in 401")),
)
"""Failures after which the other cases are still asked."""


def some_fail(attempts: int) -> Plan:
    """Every third case fails in its own way, so many times."""
    ways: dict[str, str] = {}

    def plan(call: Call) -> str | None:
        if zlib.crc32(call.text.encode()) % 3 or call.attempt > attempts:
            return None
        return ways.setdefault(call.text, PASSING[len(ways) % len(PASSING)])

    return plan


def test_no_command_keeps_or_says_the_key(server: HostedServer, tmp_path: Path) -> None:
    write_suite(
        tmp_path / "tickets",
        sizes={"train": 30, "dev": 150, "test": 30},
        extra=f"{ROUNDS}ci: {{thresholds: {{accuracy: 0.5}}}}\n"
        "candidate: {model: 'openai:stub', prompt: spec}\n",
    )
    there = client(server)
    server.retry_after = 0.05
    told: dict[str, Told] = {}

    def do(name: str, *arguments: object) -> Told:
        told[name] = run(tmp_path, COMMAND, *arguments, **there)
        assert told[name].code in range(5), told[name]
        assert not broke(told[name])
        return told[name]

    server.plan = some_fail(1)  # the gate judges nothing where more than 5% have no score
    do("run", "run", "tickets", *MODEL, "--no-tune", "-o", "run.html")
    do("report", "report", "tickets", *MODEL, "-o", "report.html")
    do("report in Markdown", "report", "tickets", *MODEL, "--format", "markdown", "-o", "r.md")
    server.forget()
    server.plan = some_fail(1000)
    # Ledgers of their own: who asks again only for what failed may see the endpoint given up.
    own = ("--ledger", "own")
    run_id = do("eval", "eval", "tickets", *MODEL, *own, "--json").document["id"]
    do("eval again", "eval", "tickets", *MODEL, *own)
    do("show", "show", run_id, *own, "--json")
    do("show in words", "show", run_id, *own)
    accept = ("accept", "tickets", run_id, *own, "--why", "it is a test", "--by", "a test")
    assert do("accept", *accept).code == 2  # it has errors
    files = ("--junit", "ci.xml", "--markdown", "ci.md")
    do("ci", "ci", "tickets", *MODEL, "--ledger", "ci", *files, "--annotations")
    do("runs", "runs")
    do("models", "models")
    items = run(
        tmp_path,
        PYTEST,
        *("-p", "tunegate.pytest_plugin", "tickets", "-vv", "--showlocals", "-rA"),
        *("--junitxml=junit.xml", "-o", "junit_logging=all", "--log-level=DEBUG"),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        **there,
    )
    assert items.code in (0, 1), items
    assert {call.behaviour for call in server.calls} > set(ECHOES) - {"echo in 400", "echo in 401"}
    assert server.saw(KEY)
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert written >= {"ci.xml", "ci.md", "run.html", "report.html", "r.md", "junit.xml"}
    assert leaking(tmp_path, *told.values(), items) == []


ENDING = [*REFUSED, *REDIRECTS, *SLOW, *ECHOES, "closed", "html", "503"]


@pytest.mark.parametrize("name", ENDING)
def test_no_failure_that_ends_the_work_says_the_key(
    name: str, server: HostedServer, tmp_path: Path
) -> None:
    write_tickets(tmp_path)
    with HostedServer() as other:
        server.elsewhere, server.plan = other.root, always(name)
        told = run(
            tmp_path, COMMAND, "eval", "tickets", *MODEL, "--timeout", "0.5", "--json",
            **client(server),
        )  # fmt: skip
        assert told.code in (2, 4), told
        assert not broke(told)
        assert server.saw(KEY)
        assert leaking(tmp_path, told) == []
        assert (other.calls, other.strays) == ([], [])


@pytest.mark.parametrize("name", LARGE)
def test_no_answer_without_end_does(name: str, server: HostedServer, tmp_path: Path) -> None:
    write_tickets(tmp_path)
    server.plan = for_texts(name, [text_of(4)])
    told = run(tmp_path, COMMAND, "eval", "tickets", *MODEL, **client(server))
    assert told.code == 0, told
    assert leaking(tmp_path, told) == []


def test_nobody_at_the_port_does(tmp_path: Path) -> None:
    write_tickets(tmp_path)
    with refused_port() as url:
        told = run(tmp_path, COMMAND, "eval", "tickets", *MODEL, **client(url))
    assert told.code == 4
    assert leaking(tmp_path, told) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_API_KEY", f"{KEY}\n"),
        ("OPENAI_API_KEY", f"Bearer {KEY}"),
        ("OPENAI_BASE_URL", KEY),
        ("OPENAI_BASE_URL", f"http://user:{KEY}@127.0.0.1:1/v1".replace("/w", "w")),
        ("OPENAI_BASE_URL", f"http://127.0.0.1:1/v1?key={KEY}"),
        ("OPENAI_ORG_ID", f"{KEY} {KEY}"),
    ],
)
def test_a_key_in_the_wrong_place_is_refused_unseen(
    variable: str, value: str, tmp_path: Path
) -> None:
    write_tickets(tmp_path)
    with refused_port() as url:
        variables = client(url) | {variable: value}
        told = [
            run(tmp_path, COMMAND, *command, **variables)
            for command in (["eval", "tickets", *MODEL], ["models"])
        ]
    assert told[0].code == 2
    assert variable in told[0].err
    assert leaking(tmp_path, *told) == []


def test_an_interrupted_command_does_not_say_the_key(server: HostedServer, tmp_path: Path) -> None:
    write_tickets(tmp_path, 300)
    server.latency = 0.2
    with subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", COMMAND, "eval", "tickets", *MODEL],
        cwd=tmp_path,
        env=environment(**client(server)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - it takes no lock
    ) as process:
        while not server.answered:
            assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        told = finish(process)
    assert told.code == 130, told
    assert leaking(tmp_path, told) == []
