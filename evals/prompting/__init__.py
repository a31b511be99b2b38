"""From a suite's prompts to what a model is asked, and from what it wrote to its answer."""

from evals.prompting.candidates import (
    changed_since,
    decoding_of,
    find_prompt,
    make_candidate,
    prompt_fingerprint,
    round_candidates,
    search_origin,
)
from evals.prompting.requests import build_requests

__all__ = [
    "build_requests",
    "changed_since",
    "decoding_of",
    "find_prompt",
    "make_candidate",
    "prompt_fingerprint",
    "round_candidates",
    "search_origin",
]
