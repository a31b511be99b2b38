"""A Jinja2 environment for templates nobody has to trust: small, strict and bounded.

On top of Jinja's own immutable sandbox, a template here can reach data only: no methods,
no attributes but a mapping's keys, no macros, includes or imports. What it may spend is
bounded by counting, never by the clock, so that a template renders everywhere or nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, nodes, pass_context
from jinja2.filters import FILTERS as DEFAULT_FILTERS
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as DEFAULT_TESTS

from evals.suite.budget import Budget, BudgetError, budget_of, refuse_wide
from evals.suite.source import describe

MAX_RANGE = 10_000

LOOP_ATTRIBUTES = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
)

# Filters that keep or shrink what they are given, or whose result `charged` bounds.
FILTERS = (
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "select",
    "selectattr",
    "sort",
    "string",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
)
TESTS = (
    "boolean",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "string",
    "true",
    "undefined",
    "upper",
)


class NamedUndefined(StrictUndefined):
    """Says which names there are instead of the one that is not."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if isinstance(self._undefined_obj, Mapping):
            keys = ", ".join(sorted(map(str, self._undefined_obj))[:20])
            return f"{self._undefined_name!r} is undefined; available here: {keys or 'nothing'}"
        return f"{self._undefined_name!r} is undefined"


class DataEnvironment(ImmutableSandboxedEnvironment):
    """Reaches mapping keys, list items and a loop's counters; nothing else."""

    intercepted_binops = frozenset({"+", "*", "%", "**", "//", "/", "-"})

    def __init__(self) -> None:
        super().__init__(
            undefined=NamedUndefined,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,
            finalize=_printable,
        )
        self.globals = {"range": _bounded_range}
        self.filters = {name: charged(DEFAULT_FILTERS[name]) for name in FILTERS}
        self.filters["tojson"] = _to_json
        self.filters["replace"] = _replace
        self.filters["join"] = _join
        self.filters[TICKED] = _ticked
        self.filters[MEASURED] = _measured
        self.filters[CONCATENATED] = _concatenated
        self.tests = {name: DEFAULT_TESTS[name] for name in TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A mapping's key or a loop's counter."""
        if isinstance(obj, Undefined):
            return str(obj)  # raises: undefined
        if isinstance(obj, LoopContext) and attribute in LOOP_ATTRIBUTES:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A mapping's key, a list's item, or a slice of a list or text."""
        if isinstance(obj, Mapping):
            if isinstance(argument, str) and argument in obj:
                return obj[argument]
            return self.undefined(obj=obj, name=str(argument))
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                return self.undefined(f"there is no item {argument} in {len(obj)} items")
        if isinstance(obj, Undefined):
            return str(obj)  # raises: undefined
        return self.undefined(f"{argument!r} is not available on {_kind(obj)}")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers, joining of texts and lists; nothing that formats."""
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        joining = operator == "+" and isinstance(left, str | list | tuple)
        if operator == "**" or not (numbers or joining):
            for value in (left, right):
                if isinstance(value, Undefined):
                    str(value)  # raises: undefined
            raise TemplateRuntimeError(f"{_kind(left)} {operator} {_kind(right)} is not allowed")
        if joining:
            budget_of(context).measure([left, right])
        return refuse_wide(super().call_binop(context, operator, left, right))


def _kind(value: Any) -> str:
    plain = value is None or isinstance(value, str | int | float | list | tuple | Mapping)
    return describe(value) if plain else "this"


TICKED, MEASURED, CONCATENATED = "_ticked", "_measured", "_concatenated"


@pass_context
def _ticked(context: Context, items: Iterable[Any], characters: int) -> Iterator[Any]:
    """What a `for` runs over, paid for item by item with the text of its body."""
    if not isinstance(items, list | tuple | Mapping | range | Undefined):
        raise TemplateRuntimeError(f"a loop needs a list, found {_kind(items)}")
    return _tick_each(items, budget_of(context), characters)


def _tick_each(items: Iterable[Any], budget: Budget, characters: int) -> Iterator[Any]:
    for item in items:
        budget.iterate(characters)
        yield item


@pass_context
def _measured(context: Context, value: Any) -> Any:
    """What a `set` keeps: without this, doubling a value 40 times would cost nothing."""
    if not isinstance(value, Undefined):
        budget_of(context).measure(value)
    return value


@pass_context
def _concatenated(context: Context, parts: list[Any]) -> str:
    """`a ~ b`, paid for before it is built."""
    return "".join([_printable(context, part) for part in parts])


@pass_context
def _printable(context: Context, value: Any) -> str:
    """Text, numbers and booleans as text; anything else was probably not meant."""
    if isinstance(value, Undefined | str):
        text = str(value)  # raises where undefined
    elif isinstance(value, bool | int | float):
        text = str(refuse_wide(value))
    elif value is None:
        raise TemplateRuntimeError("the value is null; use `default(..., true)` or an `if`")
    else:
        raise TemplateRuntimeError(
            "a list or object has no text form; use `| tojson`, `| join(...)` or a `for`"
        )
    budget_of(context).charge(len(text))
    return text


@pass_context
def _to_json(context: Context, value: Any, indent: int | None = None) -> str:
    """JSON as models write it: no HTML escapes, letters as they are."""
    import json

    if indent is not None and not 0 <= indent <= 8:
        raise TemplateRuntimeError("tojson: indent must be from 0 to 8")
    if isinstance(value, Undefined):
        str(value)  # raises: undefined
    budget_of(context).measure(value)
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    budget_of(context).charge(len(text))
    return text


@pass_context
def _replace(context: Context, value: Any, old: str, new: str) -> str:
    text = _printable(context, value)
    budget_of(context).charge(text.count(old) * len(new))
    return text.replace(old, new)


@pass_context
def _join(
    context: Context, value: Iterable[Any], separator: str = "", attribute: str | None = None
) -> str:
    parts: list[str] = []
    for item in value:
        part = item if attribute is None else context.environment.getitem(item, attribute)
        budget_of(context).charge(len(separator))
        parts.append(_printable(context, part))
    return separator.join(parts)


def _bounded_range(*arguments: int) -> range:
    result = range(*arguments)
    if max(result.stop - result.start, result.start - result.stop) > MAX_RANGE:
        raise BudgetError(f"range is longer than {MAX_RANGE}")
    return result


def charged(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, a filter of Jinja's, with what it takes and gives paid for.

    Lazy results become lists.
    """
    passed = getattr(function, "jinja_pass_arg", None)
    wants = passed.name if passed else ""

    @pass_context
    def paying(context: Context, value: Any, *arguments: Any, **options: Any) -> Any:
        budget = budget_of(context)
        if isinstance(value, str | list | tuple | Mapping):
            budget.measure(value)
        leading = {
            "context": (context,),
            "eval_context": (context.eval_ctx,),
            "environment": (context.environment,),
        }.get(wants, ())
        result = function(*leading, value, *arguments, **options)
        if isinstance(result, Iterator):
            result = list(result)
        if not isinstance(result, Undefined):
            budget.measure(result)
        return result

    return paying


def bounded(tree: nodes.Template) -> nodes.Template:
    """Make everything in a parsed template pay whose cost its length does not bound.

    Loops pay for each pass; `set`, comparisons, tests and slices for the values they
    handle; `~` for the text it builds.
    """
    _rewrite_below(tree)
    return tree


def _rewrite_below(node: nodes.Node) -> None:
    for name, value in list(node.iter_fields()):
        if isinstance(value, list):
            setattr(node, name, [_rewritten(item) for item in value])
        elif isinstance(value, nodes.Node):
            setattr(node, name, _rewritten(value))


def _rewritten(node: Any) -> Any:
    if not isinstance(node, nodes.Node):
        return node
    _rewrite_below(node)
    match node:
        case nodes.For():
            text = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
            node.iter = _filtered(node.iter, TICKED, nodes.Const(text))
        case nodes.Assign():
            node.node = _filtered(node.node, MEASURED)
        case nodes.Compare():
            node.expr = _filtered(node.expr, MEASURED)
        case nodes.Operand():
            node.expr = _filtered(node.expr, MEASURED)
        case nodes.Test():
            node.node = _filtered(node.node, MEASURED)
            node.args = [_filtered(argument, MEASURED) for argument in node.args]
        case nodes.Getitem(arg=nodes.Slice()):
            node.node = _filtered(node.node, MEASURED)
        case nodes.Concat():
            parts = nodes.List(node.nodes, lineno=node.lineno)
            return _filtered(parts, CONCATENATED)
    return node


def _filtered(node: Any, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)
