"""Judges an answer as code, without running it: `ast` reads it, and trees are compared.

Answers are hostile: their length and depth are bounded, and what Python's parser refuses, in
whichever way, is an answer that does not parse. `canonical` says what counts as the same edit.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from evals.records import Case, Output, Score

MAX_CHARS = 1_600
MAX_DEPTH = 40
CODES = ("missing", "empty", "too_low", "too_high", "unknown")
OUTCOMES = ("skipped", "failed", "done")
SHORT = ("qty", "cnt", "amt", "msg", "cfg", "idx")
NOT_MS = ("s", "sec", "secs", "seconds", "minutes", "hours", "timeout", "delay", "wait", "pause")

_FENCE = re.compile(r"`{3,}|^~{3,}", re.MULTILINE)
_PYTHON = ("", "python", "python3", "py", "py3")
_LARGEST_FACTOR = 10**9

_SNAKE = re.compile(r"_?[a-z][a-z0-9_]*")
_ORDER: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.Lt, ast.GtE: ast.LtE}
_EITHER_WAY = (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
}


class NotAFunctionError(ValueError):
    """The answer is not one Python function."""


def score_edit(case: Case, output: Output) -> Score:
    """1 when the answer is the expected edit, up to what `canonical` takes for the same.

    Raises NotAFunctionError when the expected code is none: the case is at fault.
    """
    expected = canonical(read(str(case.expected)))
    try:
        answer = canonical(read(unwrap(output.text or "")))
    except NotAFunctionError as error:
        return Score(0.0, str(error), "syntax")
    return Score(1.0) if answer == expected else Score(0.0, "another edit", "other_edit")


def score_form(case: Case, output: Output) -> Score:  # noqa: ARG001 - a scorer's signature
    """1 when the answer is one Python function, right or wrong."""
    try:
        read(unwrap(output.text or ""))
    except NotAFunctionError as error:
        return Score(0.0, str(error), "syntax")
    return Score(1.0)


def score_conventions(case: Case, output: Output) -> Score:  # noqa: ARG001 - a scorer's signature
    """1 when the answer is a function that keeps the house rules, whatever was asked for."""
    try:
        broken = breaches(read(unwrap(output.text or "")))
    except NotAFunctionError as error:
        return Score(0.0, str(error), "syntax")
    return Score(0.0, "; ".join(broken), "house_rules") if broken else Score(1.0)


# --- reading ----------------------------------------------------------------------------------


def unwrap(text: str) -> str:
    """The first fenced block where there is one (closed or not), else all of the text."""
    text = text.removeprefix("\ufeff")
    bounded = text[: 2 * MAX_CHARS]
    fence = _FENCE.search(bounded)
    if fence is None:
        return text
    rest = bounded[fence.end() :]
    first, _, block = rest.partition("\n")
    inside = block if first.strip().lower() in _PYTHON else rest
    return inside.partition(fence[0])[0]


def read(text: str) -> ast.FunctionDef:
    """The one function that a text consists of; raises NotAFunctionError otherwise."""
    if len(text) > MAX_CHARS:
        raise NotAFunctionError(f"longer than {MAX_CHARS} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" warns, and is no fault of form
            tree = ast.parse(text.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotAFunctionError(f"not Python: {type(error).__name__}") from None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        raise NotAFunctionError("not one function")
    if _depth(tree) > MAX_DEPTH:
        raise NotAFunctionError(f"nested deeper than {MAX_DEPTH}")
    return tree.body[0]


def _depth(tree: ast.AST) -> int:
    """How deep a tree is, counted level by level."""
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


# --- what is the same -------------------------------------------------------------------------


def canonical(function: ast.FunctionDef) -> str:
    """A text that two functions share when they are the same edit. It changes the tree.

    The same are: any layout, quotes, comments, parentheses and docstring; keyword arguments and
    keyword-only parameters in any order, where their values are plain; a comparison turned round
    (`a > b`, `b < a`, `None is a`); `not` before a comparison and its opposite; a product of two
    whole numbers and what it comes to; `return` and `return None`; 0.0 and 0 returned as a float;
    and local names, as long as each stands for one throughout. Parameters are no local names.
    """
    same = _Same().visit(function)
    places: dict[str, str] = {}
    names = local_names(function)
    for node in ast.walk(same):
        for field in ("id", "arg", "name"):
            name = getattr(node, field, None)
            if name in names and not isinstance(node, ast.keyword | ast.FunctionDef):
                setattr(node, field, places.setdefault(name, f"#{len(places)}"))
    return ast.dump(same)


def local_names(function: ast.FunctionDef) -> set[str]:
    """Names that the body binds and the signature does not."""
    own = {one.arg for one in parameters(function)}
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found - own


def parameters(function: ast.FunctionDef) -> list[ast.arg]:
    """All parameters, stars included, in their order."""
    args = function.args
    stars = [one for one in (args.vararg, args.kwarg) if one]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *stars]


class _Same(ast.NodeTransformer):
    """Brings spellings that mean the same into one."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        if len(node.body) > 1 and _is_text(node.body[0]):
            del node.body[0]
        if _is_name(node.returns, "float"):
            _return_whole_zeros(node)
        args = node.args
        if all(default is None or _plain(default) for default in args.kw_defaults):
            pairs = sorted(
                zip(args.kwonlyargs, args.kw_defaults, strict=True), key=lambda pair: pair[0].arg
            )
            args.kwonlyargs = [one for one, _ in pairs]
            args.kw_defaults = [default for _, default in pairs]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if all(one.arg and _plain(one.value) for one in node.keywords):
            node.keywords.sort(key=lambda one: str(one.arg))
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if len(node.ops) > 1 or not (_plain(node.left) and _plain(node.comparators[0])):
            return node
        left, operator, right = node.left, node.ops[0], node.comparators[0]
        if type(operator) in _ORDER:
            return ast.Compare(right, [_ORDER[type(operator)]()], [left])
        constant_first = isinstance(left, ast.Constant) and not isinstance(right, ast.Constant)
        if constant_first and isinstance(operator, _EITHER_WAY):
            return ast.Compare(right, [operator], [left])
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        left, right = _whole(node.left), _whole(node.right)
        if isinstance(node.op, ast.Mult) and left is not None and right is not None:
            return ast.Constant(left * right)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        inner = node.operand
        if isinstance(node.op, ast.Not) and isinstance(inner, ast.Compare) and len(inner.ops) == 1:
            inner.ops = [_OPPOSITE[type(inner.ops[0])]()]
            return self.visit(inner)  # type: ignore[no-any-return]
        return self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Constant) and node.value.value is None:
            node.value = None
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        node.kind = None
        return node


def _plain(node: ast.expr) -> bool:
    """A name, a constant or an attribute of a name: nothing that has an effect."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


def _whole(node: ast.expr) -> int | None:
    """A whole number that may be multiplied: one without end would take its time."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if type(value) is int and value <= _LARGEST_FACTOR else None


def _return_whole_zeros(function: ast.FunctionDef) -> None:
    """`return 0` for `return 0.0`, where a float is promised anyway."""
    for node in ast.walk(function):
        value = node.value if isinstance(node, ast.Return) else None
        if isinstance(value, ast.Constant) and type(value.value) is float and value.value == 0:
            value.value = 0


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


# --- the house rules --------------------------------------------------------------------------


def breaches(function: ast.FunctionDef) -> list[str]:
    """The house rules that a function breaks, by their numbers in the rule book."""
    found = [
        *_signature(function),
        *_names(function),
        *_guards(function),
        *_errors(function),
        *_log(function),
    ]
    return sorted(set(found))


def _signature(function: ast.FunctionDef) -> Iterator[str]:
    args = function.args
    if len(args.posonlyargs) + len(args.args) > 1 or args.vararg or args.kwarg:
        yield "1 not keyword-only"
    typed = [function.returns, *(one.annotation for one in parameters(function))]
    if not function.name.startswith("_") and not all(typed):
        yield "1 not typed"


def _names(function: ast.FunctionDef) -> Iterator[str]:
    names = [one.arg for one in parameters(function)]
    for name in (function.name, *names):
        if not _SNAKE.fullmatch(name) or set(name.split("_")) & set(SHORT):
            yield f"2 name {name[:40]}"
    given = [node.arg for node in ast.walk(function) if isinstance(node, ast.keyword) and node.arg]
    for name in (*names, *given):
        if name.split("_")[-1] in NOT_MS:
            yield f"3 duration {name[:40]}"


def _guards(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.If) and node.orelse and _ends(node):
            yield "4 else after a guard"
    names = local_names(function)
    begun = False
    for statement in function.body:
        if isinstance(statement, ast.If) and _ends(statement):
            used = {one.id for one in ast.walk(statement.test) if isinstance(one, ast.Name)}
            if begun and not used & names:
                yield "4 a guard below other statements"
        elif not _is_text(statement):
            begun = True


def _ends(node: ast.If) -> bool:
    return isinstance(node.body[-1], ast.Return | ast.Raise)


def _errors(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc is not None and not _is_fault(node.exc):
            yield "5 not raised through fault"
        if isinstance(node, ast.ExceptHandler) and not _is_name(node.type, "Fault"):
            yield "6 another except than Fault"


def _is_fault(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and _is_name(node.func, "fault")
        and len(node.args) == 1
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value in CODES
        and bool(node.keywords)
    )


def _log(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        target = node.func
        if _is_name(target, "print"):
            yield "7 print"
        if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
            continue
        if target.value.id in ("logging", "logger", "log"):
            yield "7 another log than trail"
        if target.value.id == "trail" and not _is_entry(node, target.attr, function):
            yield "7 form of a trail entry"


def _is_entry(call: ast.Call, kind: str, function: ast.FunctionDef) -> bool:
    """Whether a call of `trail` is as the rules have it: event, first parameter, the error."""
    wanted = [one.arg for one in parameters(function)[:1]]
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant):
        return False
    event = call.args[0].value
    if kind == "span":
        return event == function.name and [one.arg for one in call.keywords] == wanted
    if kind != "note" or event not in [f"{function.name}.{outcome}" for outcome in OUTCOMES]:
        return False
    failed = ["err"] if event == f"{function.name}.failed" else []
    return sorted(str(one.arg) for one in call.keywords) == sorted([*wanted, *failed])


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
