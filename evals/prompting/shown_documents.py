"""Documents in a prompt: where its template places them, else before the user's last message.

Their text is data. It is put into a message after the template was rendered, or given to it as
values, so template syntax in it stays text, and a heading like "User:" opens no role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evals.records import Message
from evals.suite.spec import Document
from evals.suite.templates import PromptTemplate


def show_documents(
    template: PromptTemplate, documents: Sequence[Document], **values: Any
) -> tuple[Message, ...]:
    """The template's messages for `values` (as its `render` takes them), with the documents.

    A template that mentions `documents` places them itself. Raises as `render` does.
    """
    given = [{"id": each.id, "title": each.title, "text": each.text} for each in documents]
    messages = template.render(**values, documents=given)
    if "documents" in template.uses:
        return messages
    return prepend_documents(messages, documents)


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
