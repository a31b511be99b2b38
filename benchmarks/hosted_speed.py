"""How fast a hosted model is evaluated, against an endpoint that takes 50 ms for each request.

    python benchmarks/hosted_speed.py [--lm-eval PYTHON] [--inspect PYTHON]

Exact match on a suite of 2,000 cases, then of 20,000, with 64 requests at once. The endpoint is
a process of its own that says when the first request came and when the last reply left; no
client can be faster than the floor, cases / 64 * 50 ms. The whole command's wall time, processor
time and peak memory are what the kernel says of its process. Medians over turns.

A peer runs where its interpreter is given (an environment with `lm_eval[api]`, or with
`inspect_ai` and `openai`): the same questions, the same number of requests at once, its log of
every case written. Installs nothing. The table is written to `benchmarks/hosted_speed.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
CONCURRENCY = 64
LATENCY = 0.050
WRONG_EVERY = 10  # of so many answers one is wrong, so that a score shows what was scored
SIZES = (2_000, 20_000)


class Target(NamedTuple):
    """What tunegate must stay under; the first is a multiple of the floor."""

    floors: float | None
    seconds: float
    megabytes: float


TARGETS = {2_000: Target(1.3, 4.0, 200.0), 20_000: Target(None, 25.0, 250.0)}


class Took(NamedTuple):
    """One run: seconds from the first request to the last reply, and of the whole command."""

    asking: float
    wall: float
    cpu: float
    megabytes: float
    requests: int
    at_once: int
    score: float


def main() -> int:
    """Measure, print and write the table; 1 where a target is missed."""
    arguments = read_arguments()
    if arguments.stub is not None:
        serve(arguments.stub)
        return 0
    harnesses = chosen(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        capacity = measure_capacity()
        print(f"the endpoint alone bears {capacity:,.0f} requests a second", file=sys.stderr)
        rows = {
            (name, size): measure(name, harnesses[name], size, Path(scratch), arguments.repeats)
            for size in arguments.sizes
            for name in harnesses
            if name == "tunegate" or size <= arguments.peer_cases
        }
    text = render(rows, capacity, arguments)
    print(text)
    if arguments.output:
        Path(arguments.output).write_text(text, encoding="utf-8")
    missed = [size for (name, size), took in rows.items() if name == "tunegate" and
              not meets(size, took)]  # fmt: skip
    return 1 if missed else 0


def read_arguments() -> argparse.Namespace:
    """The command line, of the parent and of the endpoint's process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lm-eval", default="", metavar="PYTHON", help="peer: interpreter")
    parser.add_argument("--inspect", default="", metavar="PYTHON", help="peer: interpreter")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of cases")
    parser.add_argument("--peer-cases", type=int, default=2_000, help="peers: at most so many")
    parser.add_argument("--output", default=str(ROOT / "benchmarks" / "hosted_speed.md"))
    parser.add_argument("--stub", type=float, metavar="SECONDS", help=argparse.SUPPRESS)
    return parser.parse_args()


# --------------------------------------------------------------------------- the endpoint


def serve(latency: float) -> None:
    """Answer on a free port, which is printed, until the process is ended."""
    from aiohttp import web

    seen: dict[str, Any] = {}

    def reset() -> dict[str, Any]:
        before = dict(seen)
        seen.update(first=None, last=None, requests=0, open=0, at_once=0)
        return before

    async def complete(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        began = time.perf_counter()
        seen["first"] = seen["first"] or began
        seen["requests"] += 1
        seen["open"] += 1
        seen["at_once"] = max(seen["at_once"], seen["open"])
        if latency:
            await asyncio.sleep(latency - (time.perf_counter() - began))
        response = web.Response(body=reply(body), content_type="application/json")
        await response.prepare(request)
        await response.write_eof()
        seen["open"] -= 1
        seen["last"] = time.perf_counter()
        return response

    async def stats(_: web.Request) -> web.Response:
        return web.json_response(reset())

    async def run() -> None:
        application = web.Application()
        application.router.add_post("/v1/chat/completions", complete)
        application.router.add_get("/stats", stats)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    reset()
    asyncio.run(run())


def reply(body: dict[str, Any]) -> bytes:
    """What the model says: the word asked for, every so often another one."""
    question = body["messages"][-1]["content"]
    number = int(question.rsplit("number ", 1)[1].rstrip("."))
    text = "no" if number % WRONG_EVERY == 0 else answer_of(number)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}
    document = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": "stub",
        "choices": [choice | {"finish_reason": "stop"}],
        "usage": usage,
    }
    return json.dumps(document).encode()


def answer_of(number: int) -> str:
    """The right answer."""
    return f"item-{number * 7919 % 100003}"


@contextmanager
def endpoint(latency: float) -> Iterator[str]:
    """The address of an endpoint in a process of its own."""
    command = [sys.executable, __file__, "--stub", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def take_stats(root: str) -> dict[str, Any]:
    """What the endpoint saw since it was asked last."""
    with urllib.request.urlopen(f"{root}/stats") as answer:
        return dict(json.load(answer))


def measure_capacity(requests: int = 6_000) -> float:
    """Requests a second that the endpoint answers without latency, over bare connections."""
    with endpoint(0.0) as root:
        asyncio.run(_hammer(root, 500))
        began = time.perf_counter()
        asyncio.run(_hammer(root, requests))
        return requests / (time.perf_counter() - began)


async def _hammer(root: str, requests: int) -> None:
    port = int(root.rsplit(":", 1)[1])
    body = json.dumps({"messages": [{"role": "user", "content": question_of(7)}]}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
    message = f"{head}{len(body)}\r\n\r\n".encode() + body

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(requests // CONCURRENCY):
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r", 1)[0])
            await reader.readexactly(size)
        writer.close()

    await asyncio.gather(*(connection() for _ in range(CONCURRENCY)))


# --------------------------------------------------------------------------- the harnesses


class Harness(NamedTuple):
    """How a harness is told of the cases, started, and asked for its score afterwards.

    `prepare` writes into the folder; `command` is what is timed, at work in the folder.
    """

    prepare: Callable[[Path, int], None]
    command: Callable[[str, int], list[str]]
    score: Callable[[Path], float]


def chosen(arguments: argparse.Namespace) -> dict[str, Harness]:
    """tunegate, and the peers whose interpreter is given."""
    found = {"tunegate": Harness(write_suite, tunegate_command, tunegate_score)}
    if arguments.lm_eval:
        found["lm_eval"] = lm_eval(arguments.lm_eval)
    if arguments.inspect:
        found["inspect_ai"] = inspect_ai(arguments.inspect)
    return found


def question_of(number: int) -> str:
    """What is asked."""
    return f"Which item has the number {number}."


def cases(size: int) -> Iterator[dict[str, str]]:
    """Question and answer of each case."""
    for number in range(1, size + 1):
        yield {"id": f"c{number}", "input": question_of(number), "target": answer_of(number)}


def write_suite(folder: Path, size: int) -> None:
    """A suite of one split and one prompt."""
    rows = (
        {"id": case["id"], "input": {"text": case["input"]}, "expected": case["target"]}
        for case in cases(size)
    )
    (folder / "ask.j2").write_text('{% message "user" %}{{ input.text }}{% endmessage %}')
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "suite.yaml").write_text(
        "format: 1\nname: items\ntask: Say which item it is.\ncases: {dev: dev.jsonl}\n"
        "prompts: {ask: ask.j2}\nmetrics: {exact: {scorer: exact@1}}\nprimary: exact\n"
        "decoding: {max_tokens: 16}\n"
    )


def tunegate_command(_root: str, _size: int) -> list[str]:
    """As a person gives it; the address is in the environment."""
    return [sys.executable, "-m", "tunegate", "eval", ".", "--model", "openai:stub"]


def tunegate_score(folder: Path) -> float:
    """From the stored run."""
    command = [sys.executable, "-m", "tunegate", "runs", "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    (run,) = json.loads(done.stdout)
    return float(run["score"])


LM_EVAL_TASK = """\
task: items
dataset_path: json
dataset_kwargs: {data_files: {test: dev.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: input
doc_to_target: target
generation_kwargs: {until: ["\\n\\n"], max_gen_toks: 16, do_sample: false}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
"""


def write_rows(folder: Path, size: int) -> None:
    """Questions and answers as peers read them."""
    (folder / "dev.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases(size)))


def lm_eval(python: str) -> Harness:
    """lm-evaluation-harness, by its chat completions model."""

    def prepare(folder: Path, size: int) -> None:
        write_rows(folder, size)
        (folder / "items.yaml").write_text(LM_EVAL_TASK)

    def command(root: str, _size: int) -> list[str]:
        model = f"model=stub,base_url={root}/v1/chat/completions,num_concurrent={CONCURRENCY}"
        told = ["--model", "local-chat-completions", "--model_args", f"{model},max_retries=3"]
        told += ["--tasks", "items", "--include_path", ".", "--apply_chat_template"]
        return [python, "-m", "lm_eval", *told, "--output_path", "out", "--log_samples"]

    def score(folder: Path) -> float:
        (path,) = (folder / "out").rglob("results_*.json")
        return float(json.loads(path.read_text())["results"]["items"]["exact_match,none"])

    return Harness(prepare, command, score)


INSPECT_TASK = """\
from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import exact
from inspect_ai.solver import generate

@task
def items():
    data, config = json_dataset("dev.jsonl"), GenerateConfig(max_tokens=16, temperature=0)
    return Task(dataset=data, solver=generate(), scorer=exact(), config=config)
"""


def inspect_ai(python: str) -> Harness:
    """inspect_ai, by its provider for the protocol."""

    def prepare(folder: Path, size: int) -> None:
        write_rows(folder, size)
        (folder / "items.py").write_text(INSPECT_TASK)

    def command(_root: str, _size: int) -> list[str]:
        told = ["--model", "openai/stub", "-M", "responses_api=false", "--display", "none"]
        told += ["--max-connections", str(CONCURRENCY), "--max-samples", str(CONCURRENCY)]
        start = "from inspect_ai._cli.main import main; main()"
        return [python, "-c", start, "eval", "items.py", *told, "--log-dir", "logs"]

    def score(folder: Path) -> float:
        (path,) = (folder / "logs").glob("*.eval")
        code = (
            "import sys; from inspect_ai.log import read_eval_log; "
            "log = read_eval_log(sys.argv[1], header_only=True); "
            "print(log.results.scores[0].metrics['mean'].value)"
        )
        done = subprocess.run([python, "-c", code, path], capture_output=True, check=True)
        return float(done.stdout)

    return Harness(prepare, command, score)


# --------------------------------------------------------------------------- measuring


def measure(name: str, harness: Harness, size: int, scratch: Path, repeats: int) -> list[Took]:
    """Several turns, each in a new folder against a new endpoint."""
    turns = []
    for turn in range(repeats):
        folder = scratch / f"{name}-{size}-{turn}"
        folder.mkdir()
        harness.prepare(folder, size)
        with endpoint(LATENCY) as root:
            turns.append(time_command(harness, root, folder, size))
        took = turns[-1]
        told = f"{name} {size}: {took.asking:.2f} s of {took.wall:.2f} s, {took.megabytes:.0f} MB"
        print(told, file=sys.stderr, flush=True)
    return turns


def time_command(harness: Harness, root: str, folder: Path, size: int) -> Took:
    """Run it once, and see that it asked what it should have and scored it."""
    environment = os.environ | {
        "OPENAI_API_KEY": "stub",
        "OPENAI_BASE_URL": f"{root}/v1",
        "PYTHONPATH": str(ROOT) if harness.prepare is write_suite else "",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(folder / "cache"),
    }
    take_stats(root)
    with (folder / "said.txt").open("wb") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            harness.command(root, size), cwd=folder, env=environment, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)  # it was waited for above
    if process.returncode:
        sys.exit((folder / "said.txt").read_text()[-3000:])
    seen = take_stats(root)
    score = harness.score(folder)
    expected = 1 - (size // WRONG_EVERY) / size
    if abs(score - expected) > 1e-3 or seen["requests"] < size:
        sys.exit(f"scored {score} after {seen['requests']} requests, expected {expected}")
    cpu = used.ru_utime + used.ru_stime
    asking = seen["last"] - seen["first"]
    peak = used.ru_maxrss / 1024
    return Took(asking, wall, cpu, peak, seen["requests"], seen["at_once"], score)


def meets(size: int, turns: list[Took]) -> bool:
    """Whether tunegate's medians stay under the targets, where there are any."""
    target = TARGETS.get(size)
    if target is None:
        return True
    floors = median(took.asking for took in turns) / floor(size)
    return (
        (target.floors is None or floors < target.floors)
        and median(took.wall for took in turns) < target.seconds
        and median(took.megabytes for took in turns) < target.megabytes
    )


def floor(size: int) -> float:
    """The least seconds in which so many requests can be answered."""
    return size / CONCURRENCY * LATENCY


# --------------------------------------------------------------------------- the table


def render(
    rows: dict[tuple[str, int], list[Took]], capacity: float, arguments: argparse.Namespace
) -> str:
    """The results as Markdown."""
    peers = {"lm_eval": arguments.lm_eval, "inspect_ai": arguments.inspect}
    versions = [f"{name} {version_of(name, path)}" for name, path in peers.items() if path]
    lines = [
        "# Speed of hosted evaluation",
        "",
        "Written by `benchmarks/hosted_speed.py`, which says what is measured and how.",
        "",
        f"{LATENCY * 1000:.0f} ms for each request, {CONCURRENCY} at once; "
        f"{os.cpu_count()} CPU cores ({platform.machine()}) shared by the client and the endpoint, "
        f"which alone bears {capacity:,.0f} requests a second; Python "
        f"{platform.python_version()}{''.join(f', {text}' for text in versions)}. "
        f"Medians of {arguments.repeats} turns, in brackets the fastest and the slowest.",
        "",
        "| cases | harness | first request to last reply, s | times the floor | whole command, s "
        "| CPU, s | peak memory, MB | most at once |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (name, size), turns in rows.items():
        floors = median(took.asking for took in turns) / floor(size)
        lines.append(
            f"| {size:,} | {name} | {spread(turns, 'asking')} | {floors:.2f} "
            f"| {spread(turns, 'wall')} | {median(took.cpu for took in turns):.1f} "
            f"| {median(took.megabytes for took in turns):.0f} "
            f"| {max(took.at_once for took in turns)} |"
        )
    for size, target in TARGETS.items():
        first = f"{target.floors} times the floor, " if target.floors else ""
        lines += [
            "",
            f"Target for {size:,} cases: under {first}{target.seconds:.0f} s and "
            f"{target.megabytes:.0f} MB for the whole command.",
        ]
    return "\n".join(lines) + "\n"


def version_of(package: str, python: str) -> str:
    """The version that an interpreter has."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def spread(turns: list[Took], field: str) -> str:
    """Median with range."""
    values = [getattr(took, field) for took in turns]
    return f"{median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


if __name__ == "__main__":
    sys.exit(main())
