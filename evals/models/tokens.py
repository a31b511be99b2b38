"""From messages to token ids, so that data can never open a new role.

The chat template's own control tokens are real; the same text inside a message is
encoded as plain text. For messages without such text the ids are exactly those of
`tokenizer.apply_chat_template`. Evaluation and training both encode through here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evals.errors import ModelError
from evals.records import Json, Message

_SURROGATE = re.compile("[\ud800-\udfff]")
# Private-use brackets: no template treats them specially, and they are not whitespace,
# so a template that trims contents trims as it would around the real text.
_OPEN, _CLOSE = "\ue0f0", "\ue0f1"


class Completion(NamedTuple):
    """Token ids of a prompt and of the answer with the token that ends its turn."""

    prompt_ids: list[int]
    completion_ids: list[int]


def encode_chat(
    tokenizer: Any,
    messages: Sequence[Message],
    *,
    add_generation_prompt: bool = True,
    tools: Sequence[Json] = (),
) -> list[int]:
    """Token ids of a conversation in the model's own template, which shows it the `tools`.

    Raises ModelError where the template refuses the conversation (roles it does not
    know, or in an order it does not allow), and where it has no place for tools.
    """
    if tools and not takes_tools(tokenizer):
        raise ModelError(
            "the model's chat template has no place for tools",
            hint="show them in the prompt: {{ tools | tojson }}",
        )
    text, hidden = _render(tokenizer, messages, add_generation_prompt, tools)
    return _encode_rendered(tokenizer, text, hidden)


def encode_completion(tokenizer: Any, messages: Sequence[Message], answer: str) -> Completion:
    """Prompt ids, and the ids that the model should produce after them for `answer`.

    The prompt is what `encode_chat` gives for evaluation. The completion is tokenised on
    its own, as a model generates it, and ends with the template's end-of-turn token (the
    tokenizer's end-of-sequence token where the template has none). For answers that do
    not begin with whitespace, both together equal the encoding of the conversation.
    """
    prompt_ids = encode_chat(tokenizer, messages)
    turn = [*messages, Message("assistant", answer)]
    prompt, _ = _render(tokenizer, messages, True)
    whole, hidden = _render(tokenizer, turn, False)
    if not hidden and whole.startswith(prompt):
        completion = _encode_rendered(tokenizer, whole[len(prompt) :], hidden)
    else:
        # The template writes an answered turn unlike the opening of a new one, or there is
        # control text to hide: the answer is then encoded bare.
        completion = encode_plain(tokenizer, clean_text(answer))
    return Completion(prompt_ids, _until_stop(completion, stop_ids(tokenizer), tokenizer))


def encode_plain(tokenizer: Any, text: str) -> list[int]:
    """Token ids of text alone, with no control token whatever it says."""
    text = clean_text(text)
    ids: list[int] = []
    for piece, control in _split_control(tokenizer, text):
        ids += _encode_control_as_text(tokenizer, piece) if control else _encode(tokenizer, piece)
    return ids


class Said(NamedTuple):
    """A part of what token ids say: one real control token, or text without any."""

    text: str
    control: bool


def decode_parts(tokenizer: Any, ids: Sequence[int]) -> Iterator[Said]:
    """What token ids say, so that a control token can be told from text that only spells one."""
    control = set(_control_ids(tokenizer))
    before: list[int] = []
    plain: list[int] = []
    for token in [*ids, None]:
        if token is not None and token not in control:
            plain.append(token)
            continue
        if plain:
            yield Said(_decode_after(tokenizer, before, plain), False)
        if token is not None:
            before, plain = [token], []
            yield Said(_decode(tokenizer, before), True)


def rewrite_control(tokenizer: Any, text: str, write: Callable[[str], str]) -> str:
    """Text in which every spelling of a control token that can be seen is written otherwise."""
    pieces = _split_control(tokenizer, text)
    return "".join(write(t) if control and t.strip() else t for t, control in pieces)


def clean_text(text: str) -> str:
    """Replace lone surrogates, which have no UTF-8 form, by U+FFFD."""
    return _SURROGATE.sub("\ufffd", text)


def template_hash(tokenizer: Any) -> str:
    """First 16 hex digits of the SHA-256 of the chat template."""
    template = tokenizer.chat_template
    text = template if isinstance(template, str) else repr(sorted(template.items()))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def tokenizer_hash(tokenizer: Any) -> str:
    """First 16 hex digits of the SHA-256 of vocabulary, merges and added tokens."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    text = backend.to_str() if backend is not None else repr(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def stop_ids(tokenizer: Any) -> frozenset[int]:
    """Ids that end an assistant turn: end of sequence, and the template's end of turn."""
    stops = {tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set()
    turn = encode_chat(tokenizer, _PROBE, add_generation_prompt=False)
    prompt = encode_chat(tokenizer, _PROBE[:1], add_generation_prompt=True)
    control = set(_control_ids(tokenizer))
    for token in turn[len(prompt) :]:
        if token in control:
            stops.add(token)
            break
    return frozenset(stops)


_PROBE = (Message("user", "a"), Message("assistant", "b"))


def _until_stop(ids: list[int], stops: frozenset[int], tokenizer: Any) -> list[int]:
    for position, token in enumerate(ids):
        if token in stops:
            return ids[: position + 1]
    if tokenizer.eos_token_id is None and not stops:
        raise ModelError("the model has no token that ends a turn")
    template_stops = stops - {tokenizer.eos_token_id}
    return [*ids, min(template_stops) if template_stops else tokenizer.eos_token_id]


def takes_tools(tokenizer: Any) -> bool:
    """Whether the chat template does anything with tools."""
    return "tools" in str(tokenizer.chat_template)


def _render(
    tokenizer: Any,
    messages: Sequence[Message],
    add_generation_prompt: bool,
    tools: Sequence[Json] = (),
) -> tuple[str, dict[str, str]]:
    """The template's text with control text in contents and tools hidden behind sentinels.

    Returns the text and what each sentinel stands for.
    """
    contents = [clean_text(message.content) for message in messages]
    pattern = _control_pattern(tokenizer)
    hidden: dict[str, str] = {}
    said = [*contents, *_texts(list(tools))]
    if pattern is not None and any(pattern.search(text) for text in said):
        base = _unused_base(said)

        def hide(match: re.Match[str]) -> str:
            sentinel = f"{base}{len(hidden)}{_CLOSE}"
            hidden[sentinel] = match.group()
            return sentinel

        replacing = pattern
        contents = [replacing.sub(hide, content) for content in contents]
        tools = _replaced(list(tools), lambda text: replacing.sub(hide, text))
    turns = [
        {"role": message.role, "content": content}
        for message, content in zip(messages, contents, strict=True)
    ]
    return _apply_template(tokenizer, turns, add_generation_prompt, tools), hidden


def _texts(value: Json) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _replaced(value: Json, change: Callable[[str], str]) -> Json:
    """A JSON value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(key): _replaced(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, change) for item in value]
    return value


def _apply_template(
    tokenizer: Any,
    turns: list[dict[str, str]],
    add_generation_prompt: bool,
    tools: Sequence[Json] = (),
) -> str:
    from jinja2.exceptions import TemplateError

    try:
        text = tokenizer.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            tools=[{"type": "function", "function": tool} for tool in tools] or None,
        )
    except TemplateError as error:
        roles = ", ".join(turn["role"] for turn in turns)
        raise ModelError(
            f"the model's chat template refuses the roles {roles}: {error}",
            hint="change the messages of the prompt template",
        ) from error
    return str(text)


def _unused_base(contents: Sequence[str]) -> str:
    """The beginning of a sentinel that occurs in no content."""
    number = 0
    while any(f"{_OPEN}{number}." in content for content in contents):
        number += 1
    return f"{_OPEN}{number}."


def _encode_rendered(tokenizer: Any, text: str, hidden: dict[str, str]) -> list[int]:
    if not hidden:
        return _encode(tokenizer, text)
    ids: list[int] = []
    for piece in re.split("(" + "|".join(map(re.escape, hidden)) + ")", text):
        if piece in hidden:
            ids += _encode_control_as_text(tokenizer, hidden[piece])
        elif piece:
            ids += _encode(tokenizer, piece)
    return ids


def _encode(tokenizer: Any, text: str) -> list[int]:
    """Ids with control tokens active, and nothing added at either end."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _encode_control_as_text(tokenizer: Any, text: str) -> list[int]:
    """Ids of a control token's spelling, none of which is a control token."""
    control = set(_control_ids(tokenizer))
    ids = list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])
    if control.isdisjoint(ids):
        return ids
    # Added tokens that are not "special" are still matched: spell them out.
    ids = [token for character in text for token in _encode(tokenizer, character)]
    if control.isdisjoint(ids):
        return ids
    raise ModelError(f"the tokenizer cannot encode {text!r} as plain text")


def _split_control(tokenizer: Any, text: str) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it spells a control token."""
    pattern = _control_pattern(tokenizer)
    if pattern is None:
        return [(text, False)] if text else []
    pieces: list[tuple[str, bool]] = []
    end = 0
    for match in pattern.finditer(text):
        if match.start() > end:
            pieces.append((text[end : match.start()], False))
        pieces.append((match.group(), True))
        end = match.end()
    return [*pieces, (text[end:], False)] if end < len(text) else pieces


def _decode_after(tokenizer: Any, before: list[int], ids: list[int]) -> str:
    """The text of ids as it reads after others: some tokenizers drop a first blank otherwise."""
    lead, text = _decode(tokenizer, before), _decode(tokenizer, [*before, *ids])
    return text[len(lead) :] if text.startswith(lead) else _decode(tokenizer, ids)


def _decode(tokenizer: Any, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=False))


def _control_ids(tokenizer: Any) -> list[int]:
    return sorted({*tokenizer.added_tokens_decoder, *tokenizer.all_special_ids})


def _control_pattern(tokenizer: Any) -> re.Pattern[str] | None:
    """Matches the spelling of any added or special token, longest first."""
    cached: re.Pattern[str] | None = getattr(tokenizer, "_tunegate_control_pattern", None)
    if cached is not None:
        return cached
    spellings = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    spellings |= set(tokenizer.all_special_tokens)
    ordered = sorted((text for text in spellings if text), key=lambda text: (-len(text), text))
    if not ordered:
        return None
    pattern = re.compile("|".join(map(re.escape, ordered)))
    tokenizer._tunegate_control_pattern = pattern
    return pattern
