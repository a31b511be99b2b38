"""The words of a report that are not everybody's, each with what it means here."""

from __future__ import annotations

GLOSSARY = (
    ("dev cases", "cases that prompts are chosen by; prompts may fit them better than new ones"),
    (
        "sealed cases",
        "cases held back to the end (the split `test`): nothing was chosen or trained by them",
    ),
    (
        "interval",
        "the values that fit what was seen; at 95 %, such a range misses the true value 1 time "
        "in 20",
    ),
    (
        "+ 4 static, + 4 nearest",
        "with 4 solved examples in the prompt: always the same ones, or those most like the case",
    ),
    (
        "+ structured",
        "the answer is held to a form while it is written: a schema, labels or a grammar",
    ),
    ("leader, best prompt", "the tried prompt that scores highest on dev"),
    (
        "smallest gain worth it (\u03b4)",
        "how much better something must be to be worth the work, as the suite states it",
    ),
    ("target", "the score that the suite calls good enough"),
    (
        "anchor",
        "the best prompt of all but the last two rounds: what later ones have to beat",
    ),
    ("flat", "surely less than \u03b4 better than the anchor"),
    ("plateau", "enough prompts were tried, and all but the anchor are flat"),
    ("look", "one use of the sealed cases; each further one is judged more strictly"),
    ("\u03b1", "the largest chance of calling something better that is not"),
    ("guard", "a suite of what must not be lost: it passes where the loss is surely small enough"),
    (
        "fixed, broken",
        "cases that score higher, or lower, with the adapter than with the best prompt",
    ),
    ("slice", "the cases that share the value of a tag"),
    ("cluster", "cases that are alike, so that they count as less than as many independent ones"),
    ("override", "training although the gate was shut, by a person who gave a reason"),
)
"""Words and meanings, in the order in which a reader meets them."""
