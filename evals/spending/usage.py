"""Tokens as an endpoint counted them."""

from __future__ import annotations

from typing import NamedTuple


class Usage(NamedTuple):
    """Tokens of one request. `cached_tokens` are those of the prompt that it had kept."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
