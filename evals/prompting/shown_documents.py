"""Documents in a prompt that does not place them itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evals.records import Message
from evals.suite.spec import Document


def prepend_documents(
    messages: tuple[Message, ...], documents: Sequence[Document]
) -> tuple[Message, ...]:
    """The conversation with the documents before the user's last message; as it is without any."""
    if not documents:
        return messages
    *before, last = messages
    shown = "\n\n".join(
        f"[{number}] {each.title}\n{each.text}" if each.title else f"[{number}] {each.text}"
        for number, each in enumerate(documents, 1)
    )
    content = f"Documents:\n\n{shown}\n\n{last.content}"
    return (*before, replace(last, content=content))
