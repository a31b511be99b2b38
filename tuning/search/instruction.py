"""The instruction in a prompt's template: where it stands, and another put in its place.

The instruction is what a prompt says before it comes to the case: the whole system message
where that says the same for every case, else the text that the system message, or the last
one of the user, begins with. What takes its place was written by a model. It becomes one
constant string of the template, in which no character has a meaning: whatever it holds is said
to the model as it stands, and can neither read a name, run an expression nor open a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from jinja2 import Environment, meta

from evals.errors import SuiteError
from evals.prompting import find_prompt
from evals.suite.spec import PromptSpec, Suite
from evals.suite.templates import compile_prompt

_CONSTANT = frozenset({"labels", "variables", "range"})
"""Names that stand for the same in every case."""

_WORDS = frozenset({"name", "string"})
_DEEPER, _HIGHER = frozenset({"for", "if"}), frozenset({"endfor", "endif"})
_PLAIN = frozenset(map(chr, range(0x20, 0x7F))) - frozenset("\"'\\{}%#")


class _Token(NamedTuple):
    """A piece of a template's source; all in a row are the source."""

    kind: str
    text: str


class _Span(NamedTuple):
    """Which tokens are the content of a message, and whose it is."""

    role: str
    start: int
    end: int


@dataclass(frozen=True)
class Instruction:
    """A prompt's instruction as it stands, and the template's source before and after it.

    `text` is empty where there is none yet; `gap` then keeps another apart from what follows.
    """

    prompt: PromptSpec
    text: str
    before: str
    after: str
    gap: str = ""

    def template(self, text: str) -> str:
        """The prompt's source with another instruction, which is data and never evaluated."""
        return f"{self.before}{{{{ {quoted(text + self.gap)} }}}}{self.after}"


def quoted(text: str) -> str:
    """A string literal of Jinja2 that means `text`, and holds nothing that a lexer could take."""
    return '"' + "".join(c if c in _PLAIN else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def instruction_of(suite: Suite, name: str) -> Instruction:
    """Find the instruction of a suite's prompt.

    Raises SuiteError for a broken template, and for one whose messages all stand in loops and
    conditions, where no text is said for every case.
    """
    spec = find_prompt(suite, name)
    compile_prompt(spec)  # says what is wrong better than a lexer does
    tokens = [_Token(kind, text) for _, kind, text in Environment().lex(spec.source)]  # noqa: S701
    span = _span_of(tokens, spec)
    head, body, tail = tokens[: span.start], tokens[span.start : span.end], tokens[span.end :]
    if span.role == "system" and _is_constant(body):
        return Instruction(spec, _rendered(suite, spec, body), _joined(head), _joined(tail))
    leading = body[0].text if body and body[0].kind == "data" else ""
    text = leading.strip()
    if not text:
        return Instruction(spec, "", _joined(head), _joined([*body, *tail]), "\n\n")
    before, after = leading.split(text, 1)
    rest = _joined([*body[1:], *tail])
    return Instruction(spec, text, _joined(head) + before, after + rest)


def _span_of(tokens: Sequence[_Token], spec: PromptSpec) -> _Span:
    """The system message's span, else that of the user's last message."""
    spans = list(_spans(tokens))
    system = [span for span in spans if span.role == "system"]
    asked = [span for span in spans if span.role == "user"]
    if not (system or asked):
        raise SuiteError(
            f"prompt {spec.name!r} has no message that stands for every case, so no instruction "
            "that an optimiser could write anew",
            path=spec.path,
            hint="put the instruction into a message outside of loops and conditions",
        )
    return system[0] if system else asked[-1]


def _spans(tokens: Sequence[_Token]) -> Iterator[_Span]:
    """The messages that stand outside of loops and conditions, in order."""
    depth, role, start = 0, "", 0
    for place, token in enumerate(tokens):
        if token.kind != "block_begin":
            continue
        said = (tokens[n].text for n in range(place, len(tokens)) if tokens[n].kind in _WORDS)
        tag, *words = islice(said, 2)
        depth += (tag in _DEEPER) - (tag in _HIGHER)
        if tag == "message" and not depth:
            role, start = words[0].strip("\"'"), _block_end(tokens, place)
        elif tag == "endmessage" and not depth:
            yield _Span(role, start, place)


def _block_end(tokens: Sequence[_Token], place: int) -> int:
    """Where what follows the block tag at `place` begins."""
    return next(n for n in range(place, len(tokens)) if tokens[n].kind == "block_end") + 1


def _is_constant(body: Sequence[_Token]) -> bool:
    """Whether a message's content is the same for every case."""
    tree = Environment().parse(_joined(body))  # noqa: S701 - read for its names, never rendered
    return meta.find_undeclared_variables(tree) <= _CONSTANT


def _rendered(suite: Suite, spec: PromptSpec, body: Sequence[_Token]) -> str:
    source = f'{{% message "user" %}}{_joined(body)}{{% endmessage %}}'
    alone = compile_prompt(PromptSpec(spec.name, spec.path, source))
    return alone.render(input={}, labels=suite.labels, variables=suite.variables)[0].content.strip()


def _joined(tokens: Sequence[_Token]) -> str:
    return "".join(token.text for token in tokens)
