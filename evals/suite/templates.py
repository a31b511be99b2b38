"""Prompt templates: Jinja2 text in, chat messages out.

A message is what stands between `{% message "role" %}` and `{% endmessage %}`; it is
recorded as an object while the template runs and never parsed out of rendered text, so
no data can open a role. Layout costs nothing: the newline after a block tag and the
indentation before one are dropped, and newlines at both ends of a message's content are
stripped, whether the template or the data put them there.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import CodeType
from typing import Any, NoReturn, Protocol

from jinja2 import Template, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context

from evals.errors import SuiteError
from evals.records import Json, Message
from evals.suite.budget import BUDGET, Budget
from evals.suite.sandbox import DataEnvironment, bounded
from evals.suite.section import suggestion
from evals.suite.spec import PromptSpec

NAMES = ("demos", "documents", "input", "labels", "tools", "variables")
ROLES = ("system", "user", "assistant")
MAX_MESSAGES = 1000

_MESSAGES = "_messages"
# What running hostile text in a sandbox can end in besides Jinja's own errors.
_RUN_ERRORS = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    RecursionError,
    AssertionError,  # how Jinja's own filters refuse arguments
)


class Demonstration(Protocol):
    """What a template may see of a demonstration; a `Case` is one."""

    @property
    def input(self) -> Mapping[str, Json]:
        """The case's input."""

    @property
    def expected(self) -> Json:
        """What is expected of it."""

    @property
    def answer(self) -> str:
        """A full-mark output."""


@dataclass(frozen=True)
class PromptTemplate:
    """A compiled template. `uses` holds which of the names it may use it mentions."""

    spec: PromptSpec
    uses: frozenset[str]
    code: CodeType

    def render(
        self,
        *,
        input: Mapping[str, Json],  # noqa: A002 - the name templates and cases use
        demos: Sequence[Demonstration] = (),
        labels: Sequence[str] = (),
        variables: Mapping[str, Json] | None = None,
        documents: Sequence[Json] = (),
        tools: Sequence[Json] = (),
    ) -> tuple[Message, ...]:
        """The messages for one case; raises as `fill` does."""
        return self.fill(
            {
                "input": input,
                "demos": [
                    {"input": d.input, "expected": d.expected, "answer": d.answer} for d in demos
                ],
                "labels": list(labels),
                "variables": dict(variables or {}),
                "documents": list(documents),
                "tools": list(tools),
            }
        )

    def fill(self, values: Mapping[str, Json]) -> tuple[Message, ...]:
        """The messages that `values` make, by name; they are data and never evaluated.

        Raises SuiteError with the template's path and line for an undefined name, an
        expression that fails, too much work, or messages in an impossible order: a system
        message only first, an assistant's never first, a user's last.
        """
        messages: list[tuple[Message, int]] = []
        environment = _environment()
        template = Template.from_code(environment, self.code, dict(environment.globals))
        try:
            template.render({**values, BUDGET: Budget(), _MESSAGES: messages})
        except _RUN_ERRORS as cause:
            raise self._failure(cause) from None
        _check_order(messages, self.spec)
        return tuple(message for message, _ in messages)

    def _failure(self, cause: Exception) -> SuiteError:
        own = [
            frame.lineno
            for frame in traceback.extract_tb(cause.__traceback__)
            if frame.filename == str(self.spec.path)
        ]
        message = "nested too deeply" if isinstance(cause, RecursionError) else str(cause)
        return SuiteError(message, path=self.spec.path, line=own[-1] if own else None)


def compile_prompt(spec: PromptSpec, names: Sequence[str] = NAMES) -> PromptTemplate:
    """Compile a prompt's template, in which `names` may be used.

    Raises SuiteError with path and line for a syntax error, a construct that is not
    allowed, an unknown name, role or filter, and text outside of messages.
    """
    environment = _environment()
    try:
        tree = environment.parse(spec.source, spec.name, str(spec.path))
        uses = meta.find_undeclared_variables(tree)
        _check_names(tree, uses, spec, names)
        _check_nodes(tree, spec)
        _check_outside(tree.body, spec)
        code = environment.compile(bounded(tree), spec.name, str(spec.path))
    except TemplateSyntaxError as cause:
        raise SuiteError(
            cause.message or "syntax error", path=spec.path, line=cause.lineno
        ) from None
    except SuiteError:
        raise
    except (*_RUN_ERRORS, SyntaxError, MemoryError) as cause:
        said = cause.msg if isinstance(cause, SyntaxError) else cause
        raise SuiteError(f"template cannot be compiled: {said}", path=spec.path) from None
    return PromptTemplate(spec, frozenset(uses), code)


@cache
def _environment() -> DataEnvironment:
    environment = DataEnvironment()
    environment.add_extension(_MessageBlock)
    return environment


class _MessageBlock(Extension):
    """`{% message "role" %}...{% endmessage %}`."""

    tags = {"message"}  # noqa: RUF012 - the attribute Jinja2 asks for

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        role = parser.parse_expression()
        if not isinstance(role, nodes.Const) or role.value not in ROLES:
            parser.fail(f"a message's role is one of {', '.join(ROLES)}, in quotes", line)
        body = parser.parse_statements(("name:endmessage",), drop_needle=True)
        arguments: list[nodes.Expr] = [nodes.ContextReference(), role, nodes.Const(line)]
        call = self.call_method("_record", arguments, lineno=line)
        return nodes.CallBlock(call, [], [], body, lineno=line)

    def _record(self, context: Context, role: Any, line: int, caller: Any) -> str:
        messages: list[tuple[Message, int]] = context.parent[_MESSAGES]
        if len(messages) == MAX_MESSAGES:
            raise TemplateError(f"more than {MAX_MESSAGES} messages")
        messages.append((Message(role, str(caller()).strip("\r\n")), line))
        return ""


_ALLOWED_STATEMENTS = (nodes.Output, nodes.For, nodes.If, nodes.Assign, nodes.CallBlock)
_REFUSED = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.Macro: "macro",
    nodes.AssignBlock: "set ... endset",
    nodes.FilterBlock: "filter",
}


def _check_names(
    tree: nodes.Template, used: set[str], spec: PromptSpec, names: Sequence[str]
) -> None:
    for name in tree.find_all(nodes.Name):
        if name.name in used and name.name not in (*names, "range"):
            close = suggestion(name.name, names)
            hint = f"available: {', '.join(names)}"
            raise SuiteError(
                f"{name.name!r} is undefined",
                path=spec.path,
                line=name.lineno,
                hint=f"{close} {hint}" if close.startswith("did") else hint,
            )


def _check_nodes(tree: nodes.Template, spec: PromptSpec) -> None:
    """Only what reads data: no calls but `range`, no recursion, nothing from elsewhere."""
    for node in tree.find_all(nodes.Node):
        if isinstance(node, nodes.Stmt) and not isinstance(node, _ALLOWED_STATEMENTS):
            name = _REFUSED.get(type(node), type(node).__name__.lower())
            _refuse(f"'{name}' is not allowed in a prompt", spec, node)
        if isinstance(node, nodes.For) and node.recursive:
            _refuse("a recursive loop is not allowed in a prompt", spec, node)
        if isinstance(node, nodes.CallBlock):
            if not _is_message(node):
                _refuse("'call' is not allowed in a prompt", spec, node)
            if any(_is_message(inner) for inner in _below(node)):
                _refuse("a message inside a message", spec, node)
        if isinstance(node, nodes.Call) and not _is_range(node) and not _is_recorder(node):
            _refuse("only range(...) can be called in a prompt; use filters", spec, node)
        if isinstance(node, nodes.Pow):
            _refuse("'**' is not allowed in a prompt", spec, node)


def _below(node: nodes.CallBlock) -> Iterator[nodes.CallBlock]:
    for child in node.body:
        if isinstance(child, nodes.CallBlock):
            yield child
        yield from child.find_all(nodes.CallBlock)


def _is_message(node: nodes.CallBlock) -> bool:
    return _is_recorder(node.call)


def _is_recorder(node: nodes.Call) -> bool:
    return isinstance(node.node, nodes.ExtensionAttribute)


def _is_range(node: nodes.Call) -> bool:
    plain = node.dyn_args is None and node.dyn_kwargs is None and not node.kwargs
    return isinstance(node.node, nodes.Name) and node.node.name == "range" and plain


def _check_outside(body: Sequence[nodes.Node], spec: PromptSpec) -> None:
    """Between messages there may be loops, conditions and white space, but no text."""
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                _check_blank(part, spec)
        elif isinstance(node, nodes.If):
            for inner in (node.body, *(e.body for e in node.elif_), node.else_):
                _check_outside(inner, spec)
        elif isinstance(node, nodes.For):
            _check_outside([*node.body, *node.else_], spec)


def _check_blank(part: nodes.Node, spec: PromptSpec) -> None:
    hint = 'put it between {% message "user" %} and {% endmessage %}'
    if not isinstance(part, nodes.TemplateData):
        _refuse("an expression outside of messages", spec, part, hint=hint)
    text = str(part.data)
    if text.strip():
        blank = text[: len(text) - len(text.lstrip())]
        found = text.strip().splitlines()[0][:40]
        raise SuiteError(
            f"text outside of messages: {found!r}",
            path=spec.path,
            line=part.lineno + blank.count("\n"),
            hint=hint,
        )


def _refuse(message: str, spec: PromptSpec, node: nodes.Node, hint: str | None = None) -> NoReturn:
    raise SuiteError(message, path=spec.path, line=node.lineno, hint=hint)


def _check_order(messages: Sequence[tuple[Message, int]], spec: PromptSpec) -> None:
    if not messages:
        raise SuiteError("the template made no message", path=spec.path)
    before = ""
    for message, line in messages:
        if message.role == "system" and before:
            raise SuiteError("a system message must come first", path=spec.path, line=line)
        if message.role == "assistant" and before != "user":
            raise SuiteError(
                "an assistant's message must follow a user's", path=spec.path, line=line
            )
        before = message.role
    if before != "user":
        raise SuiteError(
            f"the last message must be the user's, not the {before}'s",
            path=spec.path,
            line=messages[-1][1],
        )
