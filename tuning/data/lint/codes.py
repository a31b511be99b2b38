"""The codes of the data lint: stable names, for a suite's settings and for documents."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Code(NamedTuple):
    """A kind of finding, its level, and what it means. An `error` refuses training."""

    name: str
    level: Literal["error", "warning", "note"]
    meaning: str


CODES = (
    Code("leak", "error", "a row is a case of dev or test"),
    Code("overlap_leak", "error", "a row holds a case of dev or test, or a long part of one"),
    Code("near_leak", "error", "a row is a near-duplicate of a case of dev or test"),
    Code("answer_leak", "error", "a row holds a long part of what a sealed case expects"),
    Code("alike", "warning", "rows and sealed cases are one form, filled in again and again"),
    Code("contradiction", "error", "the same prompt has different answers"),
    Code("near_contradiction", "warning", "nearly the same prompt has different answers"),
    Code("several_answers", "note", "one case has several answers"),
    Code("duplicate", "warning", "a row repeats an earlier one"),
    Code("near_duplicate", "note", "two rows are nearly the same"),
    Code("rejected_answer", "error", "the suite's own scorer rejects an answer"),
    Code("not_judged", "note", "a row belongs to no case, so no scorer judges it"),
    Code("empty_answer", "error", "an answer shows nothing"),
    Code("hidden_characters", "error", "an answer has characters that cannot be seen"),
    Code("empty_prompt", "error", "a prompt shows nothing"),
    Code("roles", "error", "a conversation that nobody can be asked"),
    Code("role_order", "warning", "an unusual order of roles, or an empty message"),
    Code("refused_by_template", "error", "the model's chat template does not take the row"),
    Code("too_long", "error", "longer than the model or the training takes"),
    Code("left_out", "warning", "the same, where such rows are left out"),
    Code("truncated", "warning", "the same, where such rows are cut"),
    Code("huge", "warning", "far longer than the other rows"),
    Code("too_few", "error", "fewer different examples than the suite wants"),
    Code("imbalance", "warning", "most answers are the same"),
    Code("missing_labels", "warning", "labels of the suite that no row has"),
    Code("secrets", "warning", "keys, tokens or passwords"),
    Code("personal_data", "warning", "addresses, telephone, card and account numbers"),
    Code("mixed_scripts", "note", "a few rows are written in another script"),
    Code("mixed_languages", "note", "a few rows are written in another language"),
    Code("not_looked_for", "note", "a library is missing, or a bound was met"),
    Code("lengths", "note", "how long the rows are"),
)
"""Every code that `lint_examples` gives, in the order of the documentation."""
