"""Who speaks in which order: what no chat template can ask, and what few models were taught.

Templates of several families raise where roles do not alternate or a system message is not the
first (Gemma's, Mistral's); others write such a conversation in a form the model never saw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from evals.records import Finding, Message
from evals.suite.folding import fold
from evals.text import visible
from tuning.data.dataset import Example
from tuning.data.lint.rows import about, count_of

_ROLES = ("system", "user", "assistant")


def lint_roles(examples: Sequence[Example]) -> Iterator[Finding]:
    """Conversations that cannot be asked (`roles`), and odd ones (`role_order`), by fault."""
    wrong: dict[str, list[Example]] = defaultdict(list)
    odd: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        for fault in _wrong(example.messages):
            # A suite's own prompt is asked as it is trained: it is odd, and not wrong.
            (odd if example.source == "suite" else wrong)[fault].append(example)
        for fault in _odd(example.messages):
            odd[fault].append(example)
    for code, faults in (("roles", wrong), ("role_order", odd)):
        for fault, found in faults.items():
            yield about(code, f"{count_of(len(found), 'example')} with {fault}", found)


def _wrong(messages: Sequence[Message]) -> Iterator[str]:
    unknown = {str(message.role) for message in messages} - set(_ROLES)
    if unknown:
        yield f"the unknown role {visible(min(unknown), 40)!r}"
    if not any(message.role == "user" for message in messages):
        yield "no user turn"
    elif messages[-1].role == "assistant":
        yield "two assistant turns in a row, the answer the second"


def _odd(messages: Sequence[Message]) -> Iterator[str]:
    spoken = [message.role for message in messages if message.role != "system"]
    if spoken and spoken[0] == "assistant":
        yield "the assistant speaking first"
    for role in ("user", "assistant"):
        if (role, role) in pairwise(spoken):
            yield f"two {role} turns in a row"
    if any(message.role == "system" for message in messages[1:]):
        yield "a system message that is not the first"
    if any(not fold(message.content) for message in messages):
        yield "an empty message"
