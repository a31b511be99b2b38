"""What holding answers to a form costs, by library: per step, to compile, and when it is hostile.

    python -m benchmarks.constrained_decoding            # the libraries alone, no model
    python -m benchmarks.constrained_decoding --model    # and decoding steps of the 135M model

Measures those of llguidance and xgrammar that are installed. Every hostile schema is compiled
and walked in a process of its own, with a limit of 150 seconds, start included.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

VOCABULARY = 49_152
LIMIT = 150
STEPS = 40
SMALL = {
    "type": "object",
    "properties": {
        "team": {"enum": ["billing", "login", "shipping"]},
        "urgent": {"type": "boolean"},
        "note": {"type": "string", "maxLength": 200},
    },
    "required": ["team", "urgent", "note"],
    "additionalProperties": False,
}


def large(fields: int = 60) -> dict[str, Any]:
    """Sixty fields, half of them optional."""
    text = {"type": ["string", "null"], "maxLength": 40}
    return {
        "type": "object",
        "properties": {
            f"field{n}": text if n % 3 else {"type": "integer", "minimum": 0, "maximum": 1000 + n}
            for n in range(fields)
        },
        "required": [f"field{n}" for n in range(0, fields, 2)],
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    """Objects in objects."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"k": schema}, "required": ["k"]}
    return schema


def schemas() -> dict[str, dict[str, Any]]:
    """By name; the first two are no attack."""
    return {
        "small": SMALL,
        "60 fields": large(),
        "enum of 10,000": {"enum": [f"value {n * 7919 % 100003}" for n in range(10_000)]},
        "enum of 100,000": {"enum": [f"value {n}" for n in range(100_000)]},
        "nested 60 deep": nested(60),
        "recursive": {"type": "array", "items": {"$ref": "#"}},
        "reference to itself": {"$ref": "#"},
        "pattern (a|b|ab)*c(a|b){300}": {"type": "string", "pattern": "^(a|b|ab)*c(a|b){300}$"},
        "pattern ((a{1,100}){1,100}){1,100}": {
            "type": "string",
            "pattern": "^((a{1,100}){1,100}){1,100}$",
        },
        "pattern (.*a.{60})(.*b.{60})": {"type": "string", "pattern": "^(.*a.{60})(.*b.{60})$"},
        "anyOf of 3,000 objects": {
            "anyOf": [
                {"type": "object", "properties": {f"a{n}": {}}, "required": [f"a{n}"]}
                for n in range(3000)
            ]
        },
        "maxLength 1,000,000": {"type": "string", "maxLength": 1_000_000},
    }


def _tokenizer() -> Any:
    from transformers import AutoTokenizer

    from evals.models import fetch_embedded

    return AutoTokenizer.from_pretrained(fetch_embedded())


class Llguidance:
    """The library that is used, as the project uses it."""

    def __init__(self) -> None:
        from evals.models.guidance import tokens_of

        self._tokens = tokens_of(_tokenizer(), frozenset({2}), VOCABULARY)

    def compile(self, schema: Any) -> Any:
        """A constraint."""
        from evals.models.constrained import Form
        from evals.models.guidance import Guidance

        return Guidance(Form(schema), self._tokens, key="structure")

    def start(self, compiled: Any, rows: int) -> list[Any]:
        """A matcher for each row."""
        return [compiled.matcher() for _ in range(rows)]

    def masks(self, compiled: Any, matchers: list[Any]) -> Any:
        """Allowed tokens [R, vocabulary]."""
        return compiled.allowed(matchers, VOCABULARY)

    def take(self, matcher: Any, token: int) -> None:
        """One token further."""
        matcher.take(token)

    def over(self, matcher: Any) -> str | None:
        """Why a row ends here, or None."""
        return matcher.fault or ("complete" if matcher.ended else None)


class Xgrammar:
    """The rival, with the same written form of JSON."""

    def __init__(self) -> None:
        import xgrammar

        self._library = xgrammar
        info = xgrammar.TokenizerInfo.from_huggingface(
            _tokenizer(), vocab_size=VOCABULARY, stop_token_ids=[2]
        )
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=2)

    def compile(self, schema: Any) -> Any:
        """A compiled grammar."""
        return self._compiler.compile_json_schema(json.dumps(schema), any_whitespace=False)

    def start(self, compiled: Any, rows: int) -> list[Any]:
        """A matcher for each row."""
        return [self._library.GrammarMatcher(compiled) for _ in range(rows)]

    def masks(self, _compiled: Any, matchers: list[Any]) -> Any:
        """Allowed tokens [R, vocabulary]."""
        import numpy as np

        bits = self._library.allocate_token_bitmask(len(matchers), VOCABULARY)
        for row, matcher in enumerate(matchers):
            matcher.fill_next_token_bitmask(bits, row)
        flags = bits.numpy().view(np.uint8)
        return np.unpackbits(flags, axis=1, count=VOCABULARY, bitorder="little").view(np.bool_)

    def take(self, matcher: Any, token: int) -> None:
        """One token further."""
        matcher.accept_token(token)

    def over(self, matcher: Any) -> str | None:
        """Why a row ends here, or None."""
        return "complete" if matcher.is_terminated() else None


LIBRARIES: dict[str, Callable[[], Any]] = {"llguidance": Llguidance, "xgrammar": Xgrammar}


def walk(library: Any, compiled: Any, rows: int, steps: int) -> tuple[list[float], str]:
    """Seconds of each step (masks, and applying them to logits), rows going random ways."""
    import numpy as np
    import torch

    rng = random.Random(0)
    matchers = library.start(compiled, rows)
    logits = torch.randn(rows, VOCABULARY)
    seconds, ended = [], ""
    for _ in range(steps):
        began = time.perf_counter()
        allowed = library.masks(compiled, matchers)
        logits.masked_fill(~torch.from_numpy(allowed), -torch.inf)
        seconds.append(time.perf_counter() - began)
        for n, matcher in enumerate(matchers):
            ids = np.flatnonzero(allowed[n])
            ended = library.over(matcher) or ("nothing is allowed" if not len(ids) else "")
            if ended:
                return seconds, ended
            library.take(matcher, int(ids[rng.randrange(len(ids))]))
            if ended := library.over(matcher) or "":
                matchers[n] = library.start(compiled, 1)[0]
    return seconds, ended


def try_one(name: str, schema_name: str) -> None:
    """Compile and walk one schema, and print what came of it as JSON."""
    library = LIBRARIES[name]()
    began = time.perf_counter()
    try:
        compiled = library.compile(schemas()[schema_name])
    except Exception as error:  # noqa: BLE001 - whatever a library says to a hostile schema
        found = {"compile": time.perf_counter() - began, "ended": str(error).splitlines()[0][:90]}
    else:
        compiling = time.perf_counter() - began
        seconds, ended = walk(library, compiled, 1, STEPS)
        found = {"compile": compiling, "worst": max(seconds), "ended": ended}
    print(json.dumps(found))


def hostile(names: list[str]) -> list[str]:
    """A row for each schema: compile time, the slowest step of one row, or what stopped it."""
    rows = [
        "| schema | " + " | ".join(f"{name}: compile | slowest step" for name in names) + " |",
        "| --- |" + " --- | --- |" * len(names),
    ]
    for schema in schemas():
        cells = []
        for name in names:
            command = [sys.executable, "-m", "benchmarks.constrained_decoding", "--try", name]
            try:
                done = subprocess.run(
                    [*command, schema], capture_output=True, text=True, timeout=LIMIT, check=True
                )
                found = json.loads(done.stdout.splitlines()[-1])
            except subprocess.TimeoutExpired:
                cells += [f"over {LIMIT} s", "-"]
                continue
            except subprocess.CalledProcessError as error:
                cells += [f"crashed ({error.returncode})", "-"]
                continue
            worst = f"{1e3 * found['worst']:.0f} ms" if "worst" in found else f"{found['ended']}"
            cells += [f"{1e3 * found['compile']:.0f} ms", worst]
        rows.append(f"| {schema} | " + " | ".join(cells) + " |")
        print(rows[-1], flush=True)
    return rows


def steps(names: list[str]) -> list[str]:
    """Milliseconds that a step takes besides the model: the fastest and the median."""
    import torch

    torch.set_num_threads(1)
    rows = [
        "| batch | schema | " + " | ".join(names) + " |",
        "| --- | --- |" + " --- |" * len(names),
    ]
    built = {name: LIBRARIES[name]() for name in names}
    for batch in (16, 64):
        for title in ("small", "60 fields"):
            cells = []
            for library in built.values():
                compiled = library.compile(schemas()[title])
                seconds, _ = walk(library, compiled, batch, STEPS)
                low, middle = min(seconds), statistics.median(seconds)
                cells.append(f"{1e3 * low:.1f} to {1e3 * middle:.1f} ms")
            rows.append(f"| {batch} | {title} | " + " | ".join(cells) + " |")
            print(rows[-1], flush=True)
    return rows


def model_steps() -> list[str]:
    """Seconds of a batch on the 135M model, free and held to the small schema."""
    from evals.models import open_model
    from evals.records import Decoding, Message, Request

    model = open_model("smollm2-135m", precision="float32")
    rows = ["| batch | free, a token | held, a token | more |", "| --- | --- | --- | --- |"]
    for batch in (16, 64):
        requests = [
            Request((Message("user", f"Route ticket {n} as JSON: team, urgent, note."),))
            for n in range(batch)
        ]
        taken = {}
        for name, decoding in (
            ("free", Decoding(max_tokens=32, stop=("\0",))),
            ("held", Decoding(max_tokens=32, schema=SMALL)),
        ):
            (first,) = model.plan(requests, decoding)
            times = []
            for _ in range(4):
                began = time.perf_counter()
                outputs = model.run(first)
                steps = max(output.completion_tokens for output in outputs)
                times.append((time.perf_counter() - began) / steps)
            taken[name] = min(times[1:])
        more = taken["held"] - taken["free"]
        rows.append(
            f"| {batch} | {1e3 * taken['free']:.1f} ms | {1e3 * taken['held']:.1f} ms | "
            f"{1e3 * more:+.1f} ms |"
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="store_true")
    parser.add_argument("--try", dest="one", nargs=2, default=None)
    options = parser.parse_args()
    if options.one:
        try_one(*options.one)
        return
    names = [name for name in LIBRARIES if importlib.util.find_spec(name)]
    steps(names)
    hostile(names)
    if options.model:
        model_steps()


if __name__ == "__main__":
    main()
