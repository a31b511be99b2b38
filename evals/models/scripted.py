"""The fake model: answers by rule, instantly, without torch. A public part.

Everything around a model (runner, ledger, gate, report, a team's own suite) can be
tested with it. It is opened as `scripted:<file.json>` or built in Python:

    ScriptedModel(lambda messages: messages[-1].content.upper())
    ScriptedModel({"Charged twice": "billing"}, default="other")

The file has this form; rules are tried in order, the first that matches answers, and
every condition that a rule states must hold:

    {"rules": [{"contains": "Charged", "reply": "billing"},
               {"contains": "Reset", "adapter": "tuned", "reply": "login"},
               {"prompt_contains": "Step by step", "reply": "login"},
               {"contains": "parcel", "seed": 2, "reply": "shipping"},
               {"contains": "refund", "structured": true, "reply": "billing"},
               {"contains": "crash", "error": "the model fell over"}],
     "default": "other", "name": "toy", "context_tokens": 8192, "batch_size": 8,
     "adapters": ["tuned"]}

`contains` is looked for in the last message, `prompt_contains` in any message.
`adapter` must equal the active adapter (see `use_adapter`); `""` means the base. `seed` must
equal the seed of decoding, which tells repeats apart: so a model that wavers is scripted.
`structured` says whether the answer is held to a structure, which the script itself does not
enforce. A rule has a `reply`, an `error`, which becomes an error output, or, for requests that
offer tools, `tool_calls` like `[{"name": "find", "arguments": {"id": 7}}]`, perhaps beside a
reply.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evals.errors import ModelError
from evals.fingerprint import LATER, file_sha256, fingerprint
from evals.models.conversation import converse
from evals.models.protocol import Batch
from evals.records import Decoding, Message, Output, Request, ToolCall

Answer = Callable[[tuple[Message, ...]], str]

_RULE_KEYS = {
    "adapter",
    "contains",
    "error",
    "prompt_contains",
    "reply",
    "seed",
    "structured",
    "tool_calls",
}
_FILE_KEYS = {"rules", "default", "name", "context_tokens", "batch_size", "adapters"}
ADAPTER_FILE = "scripted_adapter.json"


@dataclass(frozen=True)
class Rule:
    """One line of a script: conditions (None is no condition), and a reply, calls or an error."""

    contains: str | None = None
    prompt_contains: str | None = None
    adapter: str | None = None
    reply: str = ""
    error: str | None = None
    tool_calls: tuple[ToolCall, ...] = field(default=(), metadata=LATER)
    seed: int | None = field(default=None, metadata=LATER)
    structured: bool | None = field(default=None, metadata=LATER)

    def matches(self, messages: tuple[Message, ...], adapter: str, decoding: Decoding) -> bool:
        """Whether every stated condition holds."""
        last = messages[-1].content if messages else ""
        return (
            (self.contains is None or self.contains in last)
            and (
                self.prompt_contains is None
                or any(self.prompt_contains in message.content for message in messages)
            )
            and (self.adapter is None or self.adapter == adapter)
            and (self.seed is None or self.seed == decoding.seed)
            and (self.structured is None or self.structured == decoding.constrained)
        )


@dataclass
class ScriptedModel:
    """A deterministic `AdaptableModel`. `calls` counts the batches that were run.

    `script` is a sequence of rules, a mapping from text (looked for in the last message)
    to reply, or a function of the messages. A function may raise, to play a broken
    model: the exception passes through. `adapters` names what `use_adapter` accepts
    besides folders with a `scripted_adapter.json`; None accepts any name.
    """

    script: Sequence[Rule] | Mapping[str, str] | Answer
    default: str | None = ""
    name: str = "scripted"
    context_tokens: int = 8192
    batch_size: int = 8
    identity: str = ""
    adapters: tuple[str, ...] | None = None
    calls: int = 0
    adapter: str = field(default="", init=False)

    @property
    def fingerprint(self) -> str:
        """Hash of name and script; a function counts by `identity`, so give it one."""
        script: Any = self.identity
        if not callable(self.script):
            script = [self.script, self.default, self.identity]
        return fingerprint("scripted@1", self.name, script, self.context_tokens, self.batch_size)

    @property
    def provenance(self) -> Mapping[str, str]:
        """The script's hash, in place of weights."""
        return {"weights": self.fingerprint}

    def plan(self, requests: Sequence[Request], decoding: Decoding) -> list[Batch]:
        """Batches of `batch_size` in the given order."""
        size = self.batch_size
        return [
            Batch(
                tuple(range(start, min(start + size, len(requests)))),
                tuple(requests[start : start + size]),
                decoding,
            )
            for start in range(0, len(requests), size)
        ]

    def run(self, batch: Batch) -> list[Output]:
        """Outputs in order; no time passes."""
        self.calls += 1
        return converse(
            lambda requests: [self._answer(request, batch.decoding) for request in requests],
            batch.requests,
        )

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    def use_adapter(self, path: str | None) -> None:
        """Activate an adapter: a declared name, or a folder with `scripted_adapter.json`.

        Such a folder's file is `{"name": "tuned"}`. Raises ModelError for anything else.
        """
        self.adapter = "" if path is None else self._adapter_name(path)

    def _adapter_name(self, path: str) -> str:
        file = Path(path) / ADAPTER_FILE
        if file.is_file():
            return str(_read_json(file)["name"])
        if self.adapters is None or path in self.adapters:
            return path
        raise ModelError(
            f"the scripted model has no adapter {path!r}",
            hint=f"declared are: {', '.join(self.adapters) or 'none'}",
        )

    def _answer(self, request: Request, decoding: Decoding) -> Output:
        prompt_tokens = sum(self.count_tokens(m.content) for m in request.messages)
        needed = prompt_tokens + (0 if request.choices else decoding.max_tokens)
        if needed > self.context_tokens:
            text = f"needs {needed} tokens, the context has {self.context_tokens}"
            return Output(None, "error", prompt_tokens, error=text)
        rule = self._rule(request, decoding)
        if rule is None or rule.error is not None:
            text = (rule and rule.error) or "no rule of the script matches"
            return Output(None, "error", prompt_tokens, error=text)
        if request.choices:
            return _choose(request.choices, rule.reply, prompt_tokens)
        output = _cut(rule.reply, decoding, prompt_tokens)
        if rule.tool_calls and request.tools:
            return replace(output, finish_reason="tools", tool_calls=rule.tool_calls)
        return output

    def _rule(self, request: Request, decoding: Decoding) -> Rule | None:
        """The rule that answers, or None where none does."""
        if callable(self.script):
            return Rule(reply=self.script(request.messages))
        rules = self.script
        if isinstance(rules, Mapping):
            rules = [Rule(contains=text, reply=reply) for text, reply in rules.items()]
        for rule in rules:
            if rule.matches(request.messages, self.adapter, decoding):
                return rule
        return None if self.default is None else Rule(reply=self.default)


def _choose(options: tuple[str, ...], reply: str, prompt_tokens: int) -> Output:
    """The option equal to the reply wins; where none is equal, the first does."""
    best = options.index(reply) if reply in options else 0
    logprobs = tuple(-0.1 if index == best else -3.0 for index in range(len(options)))
    return Output(options[best], "choice", prompt_tokens, 0, 0.0, logprobs)


def _cut(reply: str, decoding: Decoding, prompt_tokens: int) -> Output:
    """Apply stop strings, then `max_tokens` (counted in words)."""
    for stop in decoding.stop:
        reply = reply.split(stop, 1)[0] if stop else reply
    words = reply.split()
    if len(words) > decoding.max_tokens:
        text = " ".join(words[: decoding.max_tokens])
        return Output(text, "length", prompt_tokens, decoding.max_tokens)
    return Output(reply, "stop", prompt_tokens, len(words) + 1)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot be read: {error}", path=path) from error
    except json.JSONDecodeError as error:
        raise ModelError(f"is not JSON: {error.msg}", path=path, line=error.lineno) from error


def _check_keys(value: object, known: set[str], path: Path, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ModelError("expected an object", path=path, key=key)
    if unknown := sorted(set(value) - known):
        raise ModelError(
            f"unknown key {unknown[0]!r}", path=path, key=key, hint=f"known: {sorted(known)}"
        )
    return value


def _read_rule(value: object, path: Path, key: str) -> Rule:
    rule = _check_keys(value, _RULE_KEYS, path, key)
    calls = _read_calls(rule.pop("tool_calls", []), path, f"{key}.tool_calls")
    seed = rule.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ModelError("expected a whole number", path=path, key=f"{key}.seed")
    if not isinstance(rule.get("structured", True), bool):
        raise ModelError("expected true or false", path=path, key=f"{key}.structured")
    texts = {name: text for name, text in rule.items() if name not in ("seed", "structured")}
    if bad := [name for name, text in texts.items() if not isinstance(text, str)]:
        raise ModelError("expected a text", path=path, key=f"{key}.{bad[0]}")
    if ("reply" in rule or bool(calls)) == ("error" in rule):
        raise ModelError("a rule needs either 'reply' or 'error'", path=path, key=key)
    return Rule(**rule, tool_calls=calls)


def _read_calls(value: object, path: Path, key: str) -> tuple[ToolCall, ...]:
    """Calls as `[{"name": "find", "arguments": {"id": 7}}]`."""
    if not isinstance(value, list):
        raise ModelError("expected a list", path=path, key=key)
    calls = []
    for number, item in enumerate(value):
        call = _check_keys(item, {"name", "arguments"}, path, f"{key}[{number}]")
        if not isinstance(call.get("name"), str):
            raise ModelError("expected a text", path=path, key=f"{key}[{number}].name")
        calls.append(ToolCall(call["name"], json.dumps(call.get("arguments", {}))))
    return tuple(calls)


def open_scripted(path: Path, name: str | None = None) -> ScriptedModel:
    """Read a script file. Raises ModelError naming file and key of what is wrong."""
    if not path.is_file():
        raise ModelError("there is no such script file", path=path)
    data = _check_keys(_read_json(path), _FILE_KEYS, path, "")
    rules = data.get("rules", [])
    if not isinstance(rules, list):
        raise ModelError("expected a list", path=path, key="rules")
    default = data.get("default", "")
    if not (default is None or isinstance(default, str)):
        raise ModelError("expected a text or null", path=path, key="default")
    for key in ("context_tokens", "batch_size"):
        value = data.get(key, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ModelError("expected a whole number of at least 1", path=path, key=key)
    adapters = data.get("adapters")
    return ScriptedModel(
        tuple(_read_rule(rule, path, f"rules[{n}]") for n, rule in enumerate(rules)),
        default=default,
        name=name or f"scripted:{path}",
        context_tokens=data.get("context_tokens", 8192),
        batch_size=data.get("batch_size", 8),
        identity=file_sha256(path),
        adapters=None if adapters is None else tuple(str(item) for item in adapters),
    )
