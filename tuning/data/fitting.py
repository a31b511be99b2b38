"""Which examples fit the model whole, and what becomes of those that do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from evals.errors import ModelError
from evals.records import Finding
from evals.suite.spec import TooLong
from tuning.data.dataset import EncodedExample, Example, encode_examples
from tuning.data.lint.rows import about, count_of
from tuning.data.truncating import truncate


class Fitted(NamedTuple):
    """Examples as they would be trained on, with their token ids in the same order.

    `refused` are those that the model's chat template does not take; they are in neither.
    `findings` say so, and which prompts were cut.
    """

    examples: tuple[Example, ...]
    encoded: tuple[EncodedExample, ...]
    refused: tuple[Example, ...]
    findings: tuple[Finding, ...]
    truncated: tuple[str, ...] = ()


def fit(tokenizer: Any, examples: Iterable[Example], limit: int, too_long: TooLong) -> Fitted:
    """Encode examples; with `truncate`, prompts longer than `limit` tokens are cut and named.

    What is longer still is left in: the lint refuses it, or it is left out (`LEAVE_OUT`).
    """
    asked = tuple(examples)
    encoded, refused = _encoded(tokenizer, asked)
    cut: dict[int, Example] = {}
    if too_long == "truncate":
        for index, item in encoded.items():
            if item.tokens > limit:
                count = partial(_tokens, tokenizer)
                if (shorter := truncate(asked[index], limit, count)) is not None:
                    cut[index] = shorter
    encoded |= {i: _encode(tokenizer, shorter) for i, shorter in cut.items()}
    return Fitted(
        tuple(cut.get(index, asked[index]) for index in encoded),
        tuple(encoded.values()),
        tuple(asked[index] for index in refused),
        (
            *_refused([asked[index] for index in refused], list(refused.values())),
            *_truncated(list(cut.values()), limit),
        ),
        tuple(example.case_id for example in cut.values()),
    )


def _encoded(
    tokenizer: Any, examples: Sequence[Example]
) -> tuple[dict[int, EncodedExample], dict[int, str]]:
    """Token ids by position, and why the template refuses the others."""
    try:
        return dict(enumerate(encode_examples(tokenizer, examples))), {}
    except ModelError:
        pass  # some row is refused: one by one, to know which
    encoded: dict[int, EncodedExample] = {}
    refused: dict[int, str] = {}
    for index, example in enumerate(examples):
        try:
            encoded[index] = _encode(tokenizer, example)
        except ModelError as error:
            refused[index] = error.message
    return encoded, refused


def _encode(tokenizer: Any, example: Example) -> EncodedExample:
    (item,) = encode_examples(tokenizer, [example])
    return item


def _tokens(tokenizer: Any, example: Example) -> int:
    return _encode(tokenizer, example).tokens


def _refused(rows: Sequence[Example], why: Sequence[str]) -> Iterable[Finding]:
    if rows:
        text = f"{count_of(len(rows), 'example')} that the model's chat template does not take"
        yield about("refused_by_template", f"{text} (of the first: {why[0]})", rows)


def _truncated(cut: Sequence[Example], limit: int) -> Iterable[Finding]:
    if cut:
        text = f"{count_of(len(cut), 'prompt')} cut to fit {limit:,} tokens (tune.too_long)"
        yield about("truncated", text, cut)
