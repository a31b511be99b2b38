"""Reading a judge's reply: exactly one choice, where it must stand, or nothing.

A reply is as untrusted as the answer it judges, which may have told the judge what to say. So
a verdict is never looked for in running text: it is the whole reply, its last line, or one key
of one JSON object. Anything else is unreadable, which is an error of the case and no zero.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from evals.errors import UnjudgedError
from evals.records import Output
from evals.scorers.normal import normalise
from evals.scorers.plain import shown
from evals.suite.source import parse_json

MAX_REPLY = 100_000
"""Characters of a reply that is read at all."""
MAX_LINE = 200
"""Characters of a line that may be a verdict."""
MAX_REASON = 300
UNREADABLE = "judge_unreadable"

_NAMED = re.compile(r"[\s*_`#>-]{0,10}(?:final )?verdict[\s*_`]{0,10}:", re.IGNORECASE)
_FENCE = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL | re.IGNORECASE)


class Verdict(NamedTuple):
    """The choice that a judge named, and what it gave as its reason."""

    choice: str
    reason: str = ""


def unreadable(why: str) -> UnjudgedError:
    """The error of a case whose judge gave no verdict that can be read."""
    return UnjudgedError(f"{UNREADABLE}: {why}")


def read_reply(output: Output, choices: Sequence[str], *, reasoned: bool) -> Verdict:
    """The verdict of a generated reply; `reasoned` lets a reason stand before it.

    Raises UnjudgedError where the model gave none, was cut off, or names not exactly one of
    `choices`.
    """
    text = said(output)
    if output.finish_reason == "length":
        raise unreadable(f"the judge's reply was cut off at its token limit: {shown(text)}")
    if len(text) > MAX_REPLY:
        raise unreadable(f"the judge's reply has {len(text)} characters; read are {MAX_REPLY}")
    body = text.strip()
    fenced = _FENCE.fullmatch(body)
    document = fenced[1].strip() if fenced else body
    by_form = {normalise(choice): choice for choice in choices}
    if document.startswith("{"):
        return _from_json(document, by_form)
    return _from_lines(body, by_form, reasoned=reasoned)


def read_choice(output: Output, choices: Sequence[str]) -> Verdict:
    """The choice that was ranked first. Raises UnjudgedError where the model gave none."""
    text = said(output)
    if text not in choices:
        raise unreadable(f"the judge's model answered {shown(text)} instead of ranking the choices")
    return Verdict(text)


def said(output: Output) -> str:
    """What the judge said. Raises UnjudgedError where it said nothing."""
    if output.text is None or output.error is not None:
        why = output.error or "no text"
        raise UnjudgedError(f"the judge gave no reply: {why}", transient=output.transient)
    return output.text


def _from_json(document: str, by_form: Mapping[str, str]) -> Verdict:
    try:
        value = parse_json(document)
    except ValueError as error:
        raise unreadable(f"the judge's JSON is not one object: {error}") from None
    verdict, reason = value.get("verdict"), value.get("reason", "")
    if not isinstance(verdict, str) or len(verdict) > MAX_LINE:
        raise unreadable(f'the judge\'s JSON has no text "verdict": {shown(document)}')
    choice = by_form.get(normalise(verdict))
    if choice is None:
        raise unreadable(f"the judge's verdict {shown(verdict)} is none of the choices")
    return Verdict(choice, reason[:MAX_REASON] if isinstance(reason, str) else "")


def _from_lines(body: str, by_form: Mapping[str, str], *, reasoned: bool) -> Verdict:
    lines = [line for line in body.splitlines() if line.strip()]
    if not lines:
        raise unreadable("the judge's reply is empty")
    if len(lines) > 1 and not reasoned:
        raise unreadable(f"the judge's reply is more than a verdict: {shown(body)}")
    choice = _choice(lines[-1], by_form)
    if choice is None:
        raise unreadable(f"the judge's last line {shown(lines[-1])} is none of the choices")
    if any(_NAMED.match(line) and _choice(line, by_form) != choice for line in lines[:-1]):
        raise unreadable(f"the judge's reply has several verdicts: {shown(body)}")
    return Verdict(choice, "\n".join(lines[:-1])[:MAX_REASON])


def _choice(line: str, by_form: Mapping[str, str]) -> str | None:
    """The choice that a line names and nothing else, with or without "Verdict:" before it."""
    if len(line) > MAX_LINE:
        return None
    named = _NAMED.match(line)
    return by_form.get(normalise(line[named.end() :] if named else line))
