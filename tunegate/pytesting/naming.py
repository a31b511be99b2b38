"""Names of nodes: readable, unique in their suite, and safe to type, print and select."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

LONGEST_NAME = 120


def node_names(texts: Sequence[str]) -> list[str]:
    """A name for each of some different texts, in their order.

    A text that must be changed until it is no longer its own name gets eight digits of its
    hash, which depend on nothing else: adding a case renames no other.
    """
    plain = [_escaped(text) for text in texts]
    often = Counter(plain)
    return [
        _cut(name, text)
        if len(name) > LONGEST_NAME or often[name] > 1 or _hides_in(name, often)
        else name
        for name, text in zip(plain, texts, strict=True)
    ]


def _escaped(text: str) -> str:
    """`::` would divide a node id, control and invisible characters would hide in it.

    Two hashes side by side could begin a command of a CI log, in which names are printed.
    """
    seen = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
    return re.sub("#(?=#)", "#.", seen).replace("::", ":.:")


def _hides_in(name: str, others: Counter[str]) -> bool:
    """Whether selecting another name would select `name` too: pytest takes `a[1]` for one of `a`.

    https://docs.pytest.org/en/stable/how-to/usage.html (parametrized tests).
    """
    return "[" in name and name.split("[", maxsplit=1)[0] in others


def _cut(name: str, text: str) -> str:
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 20].replace('[', '(').replace(']', ')')}~{digest}"
