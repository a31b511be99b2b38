r"""What the model is trained on, as it reads: decoded tokens with the trained ones marked.

The text is decoded from the very ids that are trained on. A control token that stands there as
`<|im_end|>` is a real one: where data only spell it, its first character is an escape,
`\x3c|im_end|>`. Everything unprintable is escaped, and secrets are masked; a page or terminal
still has to escape its own markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evals.text import visible
from tuning.data.dataset import EncodedExample
from tuning.data.lint.secrets import masked

OPEN, CLOSE = "⟦", "⟧"
_LIMIT = 4000


@dataclass(frozen=True)
class Preview:
    """One example: what the model reads, and after it what it is trained to write."""

    case_id: str
    prompt: str
    trained: str
    prompt_tokens: int
    trained_tokens: int


def preview(tokenizer: Any, examples: Iterable[EncodedExample]) -> tuple[Preview, ...]:
    """Decode examples, special tokens included; unprintable characters become escapes."""
    return tuple(
        Preview(
            _unforged(visible(example.case_id)),
            _decoded(tokenizer, example.prompt_ids),
            _decoded(tokenizer, example.completion_ids),
            len(example.prompt_ids),
            len(example.completion_ids),
        )
        for example in examples
    )


def preview_text(tokenizer: Any, examples: Iterable[EncodedExample]) -> str:
    """The same as plain text: trained tokens stand between ⟦ and ⟧, which no data can forge."""
    blocks = [
        f"{item.case_id}: {item.prompt_tokens} tokens read, {item.trained_tokens} trained\n"
        f"{item.prompt}{OPEN}{item.trained}{CLOSE}"
        for item in preview(tokenizer, examples)
    ]
    return "\n\n".join(blocks)


def _decoded(tokenizer: Any, ids: Sequence[int]) -> str:
    from evals.models.tokens import decode_parts, rewrite_control

    parts = decode_parts(tokenizer, ids)
    text = "".join(
        said.text if said.control else rewrite_control(tokenizer, masked(said.text), _spelled)
        for said in parts
    )
    return _unforged(visible(text, _LIMIT, layout=True))


def _spelled(control: str) -> str:
    """A control token's spelling with its first character as an escape."""
    code = ord(control[0])
    return (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}") + control[1:]


def _unforged(text: str) -> str:
    return text.replace(OPEN, r"\u27e6").replace(CLOSE, r"\u27e7")
