"""The functions of `bodies.txt`, and how code is read, written and taken apart here."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
EMPTY = {"list": "[]", "dict": "{}", "set": "set()", "str": '""', "int": "0", "float": "0"}
EMPTY |= {"bool": "False"}


class Body(NamedTuple):
    """A function that keeps the house rules, and the tests that a guard of it may make."""

    split: str
    code: str
    tests: tuple[str, ...]

    @property
    def function(self) -> ast.FunctionDef:
        """A tree of its own, free to be changed."""
        return parse(self.code)


def read_bodies(path: Path = HERE / "bodies.txt") -> list[Body]:
    """All functions in file order."""
    bodies, split = [], ""
    for block in re.split(r"\n{2,}", path.read_text(encoding="utf-8").strip()):
        if block.startswith("="):
            split = block[1:].strip()
        elif not block.startswith("#"):
            code, _, tests = block.partition("\n#:")
            bodies.append(Body(split, code, tuple(filter(None, map(str.strip, tests.split(";"))))))
    return bodies


def parse(code: str) -> ast.FunctionDef:
    """The function that a text is."""
    function = ast.parse(code).body[0]
    assert isinstance(function, ast.FunctionDef)
    return function


def write(function: ast.FunctionDef) -> str:
    """A function as the house lays it out: double quotes, and a generator in one parenthesis."""
    code = ast.unparse(ast.fix_missing_locations(function)).replace("'", '"')
    code = re.sub(r"\(\((.+ for .+)\)\)$", r"(\1)", code, flags=re.MULTILINE)
    return re.sub(r"(: (?:int|float|bool|str))=", r"\1 = ", code)


def statements(code: str) -> list[ast.stmt]:
    """The statements that a text is, `return` outside of a function among them."""
    return parse("def f():\n" + "\n".join(f"    {line}" for line in code.splitlines())).body


def expression(code: str) -> ast.expr:
    """The expression that a text is."""
    return ast.parse(code, mode="eval").body


def parameters(function: ast.FunctionDef) -> list[ast.arg]:
    """First the first, then those behind the star."""
    return [*function.args.args, *function.args.kwonlyargs]


def first(function: ast.FunctionDef) -> str:
    """The name of the first parameter."""
    return parameters(function)[0].arg


def guard_count(function: ast.FunctionDef) -> int:
    """How many guards stand at the top."""
    count = 0
    for statement in function.body:
        if not (isinstance(statement, ast.If) and ends(statement)):
            break
        count += 1
    return count


def ends(statement: ast.If) -> bool:
    """Whether the function ends where this test holds."""
    return isinstance(statement.body[-1], ast.Return | ast.Raise)


def can_be_empty(function: ast.FunctionDef) -> bool:
    """Whether the first parameter is a collection or a text."""
    kind = parameters(function)[0].annotation
    assert kind is not None
    return ast.unparse(kind).split("[")[0] in ("list", "dict", "set", "str")


def empty_result(function: ast.FunctionDef) -> str | None:
    """What an early return gives; nothing where the result type has no empty value."""
    assert function.returns is not None
    kind = ast.unparse(function.returns)
    if kind.endswith("None"):
        return "" if kind == "None" else "None"
    return EMPTY.get(kind.split("[")[0])


def shape(function: ast.FunctionDef) -> str:
    """What the body of a function is built on, told by its most telling statement."""
    kinds = {type(node) for node in ast.walk(function)}
    for name, found in (
        ("while", {ast.While}),
        ("with", {ast.With}),
        ("try", {ast.Try}),
        ("loop", {ast.For}),
        ("comprehension", {ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.Lambda}),
    ):
        if kinds & found:
            return name
    return "plain"
