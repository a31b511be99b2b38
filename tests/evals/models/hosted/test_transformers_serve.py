"""The embedded model behind a real server of the protocol, `transformers serve`, in float32.

It answers as the same model does here. It takes no notice of `logprobs` and of
`response_format`, which must be seen and said.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from evals.errors import ModelError
from evals.ledger import Ledger
from evals.models import fetch_embedded, open_model
from evals.models.execution import execute
from evals.records import Decoding, Message, Request
from tests.tunegate.command_line import ROOT, finish, start

NEEDED = ("fastapi", "openai", "torch", "transformers", "uvicorn")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
Keep = Callable[[dict[str, Any]], bool]
SERVE = """\
import os, sys, threading
threading.Thread(target=lambda: os._exit(len(sys.stdin.read())), daemon=True).start()
from transformers.cli.transformers import main
sys.exit(main())
"""
"""The server, which ends with the test run even where that is killed: then the pipe is closed."""

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(bool(MISSING), reason=f"`transformers serve` needs {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a client of the server, and under MODEL what it calls the model."""
    folder = fetch_embedded()
    home = tmp_path_factory.mktemp("home")
    (home / "hub").mkdir()  # it looks for models there, and fails where nothing is
    told = ["serve", "--device", "cpu", "--dtype", "float32", "--host", "127.0.0.1", "--port", "0"]
    log = home / "log.txt"
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, *told, folder.name],
            cwd=folder.parent,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=stream,
        ) as server,
    ):
        try:
            port = _port(server, log)
            url = f"http://127.0.0.1:{port}/v1"
            yield {"OPENAI_BASE_URL": url, "MODEL": f"openai:{folder.name}"}
        finally:
            server.terminate()


def _port(server: subprocess.Popen[bytes], log: Path) -> str:
    """The port that was free, once it listens there."""
    for _ in range(2400):
        if found := re.search(r"running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return found[1]
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def evaluate(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    told = finish(start(folder, "eval", "few", "--json", *arguments, **environment))
    assert told.code == 0, told.err
    return dict(told.document)


def few(folder: Path, name: str, keep: Keep, count: int) -> None:
    """A few cases of a shipped suite's dev split, as a suite of their own."""
    import shutil

    shipped = ROOT / "suites" / name
    shutil.copytree(shipped, folder / "few", ignore=shutil.ignore_patterns("accepted.json"))
    rows = [json.loads(line) for line in (shipped / "dev.jsonl").read_text().splitlines()]
    rows = [row for row in rows if keep(row)]
    some = rows[:: max(1, len(rows) // count)][:count]
    (folder / "few" / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))


@pytest.mark.parametrize(
    ("suite", "keep", "count"),
    [
        ("general_ability", lambda row: "choices" not in row, 10),
        ("query_assistant", lambda row: True, 6),  # these stop at the end of a line
    ],
    ids=["general_ability", "query_assistant"],
)
def test_the_same_model_gives_the_same_outputs_and_scores_here_and_behind_a_server(
    suite: str, keep: Keep, count: int, served: dict[str, str], tmp_path: Path
) -> None:
    few(tmp_path, suite, keep, count)
    here = evaluate(tmp_path, "--model", "smollm2-135m", "--precision", "float32")
    # It works on one request at a time, and on those that nobody waits for any more as well.
    patient = ("--concurrency", "1", "--timeout", "300")
    there = evaluate(tmp_path, "--model", served["MODEL"], *patient, **served)
    assert (there["cases"], there["errors"]) == (count, 0)
    assert there["score"] == here["score"]
    assert stored(tmp_path, there["id"]) == stored(tmp_path, here["id"])


def stored(folder: Path, run_id: str) -> dict[str, Any]:
    """All of each case that does not name the model, nor say how long it took."""
    with closing(Ledger(folder / ".tunegate")) as ledger:
        run = ledger.find_run(run_id)
    assert run is not None
    return {
        result.case_id: (
            result.output.text,
            result.output.finish_reason,
            result.output.prompt_tokens,
            result.scores,
        )
        for result in run.results
    }


def test_ranking_options_fails_by_name_where_log_probabilities_are_ignored(
    served: dict[str, str], tmp_path: Path
) -> None:
    few(tmp_path, "general_ability", lambda row: "choices" in row, 3)
    told = finish(start(tmp_path, "eval", "few", "--model", served["MODEL"], **served))
    assert told.code == 2
    assert "log-probabilities" in told.err
    assert "Traceback" not in told.err


def test_an_ignored_schema_is_found_out_by_name_before_any_case(
    served: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", served["OPENAI_BASE_URL"])
    model = open_model(served["MODEL"])
    decoding = Decoding(max_tokens=8, schema={"type": "object"})
    batches = model.plan([Request((Message("user", "Say hello."),))], decoding)
    with pytest.raises(ModelError, match="accepts `response_format` and ignores it"):
        list(execute(model, batches))
