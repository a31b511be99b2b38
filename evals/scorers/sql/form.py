"""The one form in which SQL texts are compared: parsed, qualified, simplified, sorted.

Runs inside a scorer's worker process: a parser may take long, or deep, over hostile text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from evals.scorers.plain import printable

MAX_CHARACTERS = 50_000
MAX_DISTANCE = 128  # of a condition from its conjunctive form: beyond it is left as it is


class Dialect(NamedTuple):
    """How texts are read: sqlglot's dialect ("" is its own), tables and their columns."""

    name: str
    schema: Mapping[str, Mapping[str, str]]
    output_names: bool


class NotSqlError(ValueError):
    """Why a text has no form; the message says so."""


def canonical_sql(text: str, dialect: Dialect) -> str:
    """The form of the one statement in `text`. Raises NotSqlError.

    What it makes the same: letter case, quotes and white space, table aliases, BETWEEN,
    the order of AND, OR, =, <>, +, * and IN, the direction of < and >, double negation,
    constants, parentheses; `*` and bare columns where the schema tells what they are.
    """
    from sqlglot.errors import OptimizeError, SqlglotError

    tree = _parsed(text, dialect)
    try:
        tree = _qualified(tree, dialect)
        if not dialect.output_names:
            _forget_output_names(tree)
        return str(_sorted(_simplified(tree, dialect)).sql(dialect.name, comments=False))
    except OptimizeError as error:
        raise NotSqlError(printable(str(error).splitlines()[0])) from error
    except SqlglotError as error:
        raise NotSqlError(f"cannot be understood: {printable(str(error))}") from error
    except RecursionError:
        raise NotSqlError("it is nested too deeply") from None


def _parsed(text: str, dialect: Dialect) -> Any:
    import sqlglot
    from sqlglot.errors import ParseError, SqlglotError

    if len(text) > MAX_CHARACTERS:
        raise NotSqlError(f"it has more than {MAX_CHARACTERS} characters")
    try:
        found = [tree for tree in sqlglot.parse(text, read=dialect.name) if tree is not None]
    except ParseError as error:
        said = error.errors[0] if error.errors else {"description": "no SQL"}
        place = f" in line {said['line']}" if said.get("line") else ""
        raise NotSqlError(printable(f"{said.get('description')}{place}")) from error
    except SqlglotError as error:
        raise NotSqlError(printable(str(error).splitlines()[0])) from error
    except RecursionError:
        raise NotSqlError("it is nested too deeply") from None
    if len(found) != 1:
        raise NotSqlError(f"one statement is expected, found {len(found)}")
    (tree,) = found
    if isinstance(tree, sqlglot.exp.Command | sqlglot.exp.Alias | sqlglot.exp.Column):
        # Words that no grammar knows are kept by the parser as they are.
        raise NotSqlError("it is no statement")
    return tree


def _qualified(tree: Any, dialect: Dialect) -> Any:
    from sqlglot.optimizer.qualify import qualify

    return qualify(
        tree,
        dialect=dialect.name or None,
        schema={table: dict(columns) for table, columns in dialect.schema.items()},
        validate_qualify_columns=bool(dialect.schema),
        canonicalize_table_aliases=True,
    )


def _simplified(tree: Any, dialect: Dialect) -> Any:
    from sqlglot.optimizer.normalize import normalize
    from sqlglot.optimizer.simplify import simplify

    tree = simplify(tree, dialect=dialect.name or None)
    tree = normalize(tree, max_distance=MAX_DISTANCE)
    return simplify(tree, dialect=dialect.name or None)


def _forget_output_names(tree: Any) -> None:
    """Take the names off the outermost columns; ORDER BY then says what it sorts by."""
    from sqlglot import exp

    if not isinstance(tree, exp.Select):
        return
    named = {one.alias: one.this for one in tree.expressions if isinstance(one, exp.Alias)}
    order = tree.args.get("order")
    for column in list(order.find_all(exp.Column)) if order is not None else ():
        if not column.table and column.name in named:
            column.replace(named[column.name].copy())
    bare = [one.this if isinstance(one, exp.Alias) else one for one in tree.expressions]
    tree.set("expressions", [one.copy() for one in bare])


def _sorted(tree: Any) -> Any:
    """Operands in one order, from the leaves up, so that equal parts look equal above."""
    from sqlglot import exp

    flipped = {exp.GT: exp.LT, exp.GTE: exp.LTE}
    commutative = exp.And | exp.Or | exp.EQ | exp.NEQ | exp.Add | exp.Mul
    for node in reversed(list(tree.walk(bfs=True))):
        if type(node) in flipped:
            turned = flipped[type(node)](this=node.expression.copy(), expression=node.this.copy())
            tree = _put(tree, node, turned)
        elif isinstance(node, exp.And | exp.Or):
            if not isinstance(node.parent, type(node)):
                parts = sorted({part.unnest().sql(): part for part in node.flatten()}.items())
                joined = parts[0][1].copy()
                for _, part in parts[1:]:
                    joined = type(node)(this=joined, expression=part.copy())
                tree = _put(tree, node, joined)
        elif isinstance(node, commutative) and node.expression.sql() < node.this.sql():
            turned = type(node)(this=node.expression.copy(), expression=node.this.copy())
            tree = _put(tree, node, turned)
        elif isinstance(node, exp.Join):
            _forget_needless_words(node)
        elif isinstance(node, exp.In) and node.expressions:
            each = {one.sql(): one for one in node.expressions}
            node.set("expressions", [each[key].copy() for key in sorted(each)])
    return tree


def _forget_needless_words(join: Any) -> None:
    """INNER is what a join is; OUTER follows from its side; CROSS from having no condition."""
    conditional = join.args.get("on") or join.args.get("using")
    needless = (
        {"INNER"} | ({"OUTER"} if join.side else set()) | (set() if conditional else {"CROSS"})
    )
    if join.kind in needless:
        join.set("kind", None)


def _put(tree: Any, old: Any, new: Any) -> Any:
    if old is tree:
        return new
    old.replace(new)
    return tree
