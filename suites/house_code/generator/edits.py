"""The edits: what a function was, what it becomes, and what was asked for.

A kind of edit takes a body and gives an `Edit`, or nothing where it does not apply. Some add to
a function that keeps the rules (`note_failure`), some break one first, so that the answer is the
function as it was (`rename`). `requests.json` words them; what begins with `*` there is held out:
dev and test may use it, train never does.
"""

from __future__ import annotations

import ast
import json
import random
import re
from collections.abc import Callable
from typing import NamedTuple

from generator.functions import (
    HERE,
    Body,
    can_be_empty,
    empty_result,
    expression,
    first,
    guard_count,
    parameters,
    shape,
    statements,
    write,
)

REQUESTS: dict[str, list[str]] = json.loads((HERE / "requests.json").read_text(encoding="utf-8"))
HELD_PAIRS = {
    ("note_failure", "loop"),
    ("note_done", "loop"),
    ("trace", "comprehension"),
    ("guard_return", "comprehension"),
    ("guard_fault", "loop"),
    ("guard_skip", "loop"),
    ("configurable", "with"),
    ("to_fault", "comprehension"),
    ("to_note", "loop"),
    ("rename", "try"),
    ("signature", "comprehension"),
    ("flatten", "loop"),
    ("house_style", "loop"),
}
"""Kinds of edit with shapes of body that train has apart, and never together."""

_CODES = {ast.Is: "missing", ast.Lt: "too_low", ast.LtE: "too_low", ast.NotIn: "unknown"}
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot,
    ast.NotIn: ast.In,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}
_SHORT = {"quantity": "qty", "count": "cnt", "amount": "amt", "message": "msg", "config": "cfg"}
_SHORT |= {"index": "idx"}
_TIMES = ("timeout", "delay", "wait", "pause", "notice", "duration", "grace", "gap", "max_age")
_UNITS = "kg g m m3 cm mm ml l km kmh c v kn n ms hz bar pct pence litres pt db nm ncm"
_HARMLESS = ("len", "sum", "round", "max", "min")
_LOOPS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Edit(NamedTuple):
    """Code before and after, and what fills the blanks of a request; `asked` names its wordings."""

    before: str
    after: str
    asked: str
    blanks: dict[str, str]


class Maker:
    """Makes edits; `held` says whether held-out wordings and pairs may be used."""

    def __init__(self, rng: random.Random, *, held: bool) -> None:
        self.rng = rng
        self.held = held

    def make(self, kind: str, body: Body) -> Edit | None:
        """An edit of this kind, or nothing where the body is not made for it."""
        pair = kind, shape(body.function)
        if not self.held and pair in HELD_PAIRS:
            return None
        edit = KINDS[kind](self, body)
        return edit if edit and edit.before != edit.after else None

    def word(self, edit: Edit) -> str:
        """The request for an edit, now and then jotted down."""
        text = self.draw(REQUESTS[edit.asked])
        named = text.startswith(("{what}", "{first}"))
        for _ in range(2):  # a blank may be filled with a wording that has blanks
            text = re.sub(r"\{(\w+)\}", lambda blank: self._fill(blank[1], edit), text)
        if not named:
            text = text[0].upper() + text[1:]
        if text[-1] not in ".?!:":
            text += "."
        if self.rng.random() < 0.2 and not text.startswith(("I ", "I'")):
            text = text[0].lower() + text[1:].removesuffix(".")
        return text

    def _fill(self, blank: str, edit: Edit) -> str:
        return edit.blanks.get(blank) or self.draw(REQUESTS[blank])

    def draw(self, entries: list[str]) -> str:
        """One entry, held-out ones with a double chance where they are allowed."""
        free = [entry for entry in entries if not entry.startswith("*")]
        held = [entry[1:] for entry in entries if entry.startswith("*")] if self.held else []
        return self.rng.choice(free + held * 2)

    # --- parts ----------------------------------------------------------------------------------

    def start(self, body: Body) -> ast.FunctionDef:
        """The body, in a third of cases with a guard that is there already."""
        function = body.function
        if body.tests and self.rng.random() < 0.33:
            function.body.insert(0, guard(self.rng.choice(body.tests)))
        return function

    def test_of(self, body: Body, function: ast.FunctionDef) -> str | None:
        """A test that the function does not make yet."""
        free = [test for test in body.tests if not is_idle(test, function)]
        return self.rng.choice(free) if free else None


def guard(test: str) -> ast.stmt:
    """A guard that raises what the rules have for its test."""
    code, value = fault_of(expression(test))
    name = value.split(".")[-1]
    return statements(f'if {test}:\n    raise fault("{code}", {name}={value})')[0]


def fault_of(test: ast.expr) -> tuple[str, str]:
    """The code of a test, and what is tested."""
    if isinstance(test, ast.UnaryOp):
        return "empty", ast.unparse(test.operand)
    assert isinstance(test, ast.Compare)
    return _CODES.get(type(test.ops[0]), "too_high"), ast.unparse(test.left)


def is_idle(test: str, function: ast.FunctionDef) -> bool:
    """Whether a guard of this test could never raise after those there.

    It is there already; or it asks whether something is missing or empty that they have read.
    """
    guards = function.body[: guard_count(function)]
    read = {
        ast.unparse(node)
        for one in guards
        if isinstance(one, ast.If)
        for node in ast.walk(one.test)
        if isinstance(node, ast.expr)
    }
    code, value = fault_of(expression(test))
    return test in read or (code in ("missing", "empty") and value in read)


def insert(function: ast.FunctionDef, statement: ast.stmt) -> None:
    """Put a guard after those there."""
    function.body.insert(guard_count(function), statement)


def early_return(function: ast.FunctionDef, *, log: bool = False) -> ast.stmt | None:
    """The guard against an empty first parameter, where no guard is about it already."""
    value, name = empty_result(function), first(function)
    guards = function.body[: guard_count(function)]
    tested = {node.id for one in guards for node in ast.walk(one) if isinstance(node, ast.Name)}
    if value is None or name in tested or not can_be_empty(function):
        return None
    note = f'    trail.note("{function.name}.skipped", {name}={name})\n' if log else ""
    return statements(f"if not {name}:\n{note}    return {value}")[0]


def wrap(function: ast.FunctionDef, frame: str) -> None:
    """Put all that follows the guards where `...` stands in a frame."""
    count = guard_count(function)
    outer = statements(frame)[0]
    assert isinstance(outer, ast.Try | ast.With)
    outer.body = function.body[count:]
    function.body[count:] = [outer]


def note_failure_in(function: ast.FunctionDef) -> None:
    """The rule for logging a failure."""
    name = first(function)
    note = f'trail.note("{function.name}.failed", {name}={name}, err=err)'
    wrap(function, f"try:\n    ...\nexcept Fault as err:\n    {note}\n    raise")


def note_done_in(function: ast.FunctionDef) -> bool:
    """The rule for logging the end; false where the last return still does some work."""
    last = function.body[-1]
    place = len(function.body)
    if isinstance(last, ast.Return):
        alone = place == guard_count(function) + 1
        calls = [node for node in ast.walk(last) if isinstance(node, ast.Call)]
        if (
            alone
            or has(last, *_LOOPS)
            or any(ast.unparse(call.func) not in _HARMLESS for call in calls)
        ):
            return False
        place -= 1
    elif isinstance(last, ast.Try | ast.With):
        return False
    name = first(function)
    note = statements(f'trail.note("{function.name}.done", {name}={name})')
    function.body[place:place] = note
    return True


def has(code: ast.AST, *kinds: type[ast.AST]) -> bool:
    """Whether a function, or a part of one, has such a node."""
    return any(isinstance(node, kinds) for node in ast.walk(code))


# --- edits that add ---------------------------------------------------------------------------


def note_failure(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    before = write(function)
    if has(function, ast.Try):
        return None
    note_failure_in(function)
    return Edit(before, write(function), "note_failure", {})


def note_done(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    before = write(function)
    if not note_done_in(function):
        return None
    return Edit(before, write(function), "note_done", {})


def trace(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    before = write(function)
    name = first(function)
    wrap(function, f'with trail.span("{function.name}", {name}={name}):\n    ...')
    return Edit(before, write(function), "trace", {"name": function.name})


def guard_return(maker: Maker, body: Body) -> Edit | None:
    return _early(maker, body, "guard_return")


def guard_skip(maker: Maker, body: Body) -> Edit | None:
    return _early(maker, body, "guard_skip")


def _early(maker: Maker, body: Body, kind: str) -> Edit | None:
    function = maker.start(body)
    before = write(function)
    statement = early_return(function, log=kind == "guard_skip")
    if statement is None:
        return None
    insert(function, statement)
    return Edit(before, write(function), kind, {"first": first(function)})


def guard_fault(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    before = write(function)
    test = maker.test_of(body, function)
    if test is None:
        return None
    insert(function, guard(test))
    asked, blanks = refusal(test)
    return Edit(before, write(function), f"refuse {asked}", blanks)


def refusal(test: str) -> tuple[str, dict[str, str]]:
    """How a guard is asked for, and what fills the blanks."""
    if test.startswith("not "):
        return "empty", {"what": test.removeprefix("not ")}
    left, operator, bound = test.split(" ", 2)
    if operator == "not":
        return "unknown", {"what": left, "bound": bound.removeprefix("in ")}
    words = {"<": "below", "<=": "or_less", ">": "above", ">=": "or_more", "is": "missing"}
    return words[operator], {"what": left, "bound": "zero" if bound == "0" else bound}


def configurable(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    before = write(function)
    name = make_parameter(maker, function)
    if name is None:
        return None
    flag = ast.unparse(function.args.kw_defaults[-1] or ast.Constant(0)) in ("True", "False")
    asked, what = ("configurable flag", name) if flag else ("configurable", in_words(name))
    return Edit(before, write(function), asked, {"what": what})


def make_parameter(maker: Maker, function: ast.FunctionDef, *, unit: int = 0) -> str | None:
    """Turn a value that fills an argument into a parameter; gives its name. `unit` divides it."""
    taken = {one.arg for one in parameters(function)}
    free = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.keyword)
        and node.arg
        and node.arg not in taken
        and isinstance(node.value, ast.Constant)
        and (not unit or (node.arg.endswith("_ms") and node.value.value % unit == 0))
    ]
    if not free:
        return None
    chosen = maker.rng.choice(free)
    assert isinstance(chosen.value, ast.Constant)
    assert chosen.arg is not None
    kind = type(chosen.value.value).__name__
    function.args.kwonlyargs.append(ast.arg(chosen.arg, expression(kind)))
    function.args.kw_defaults.append(chosen.value)
    chosen.value = ast.Name(chosen.arg, ast.Load())
    return chosen.arg


def in_words(name: str) -> str:
    """An argument's name as people say it."""
    stem = name.removesuffix("_ms")
    words = without_unit(stem)
    return words if stem == name or stem in _TIMES else f"{words} time"


# --- edits that mend --------------------------------------------------------------------------


def to_fault(maker: Maker, body: Body) -> Edit | None:
    function = body.function
    if not body.tests:
        return None
    function.body.insert(0, guard(maker.rng.choice(body.tests)))
    after = write(function)
    break_error(maker, function)
    return Edit(write(function), after, "to_fault", {})


def to_note(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    if not add_note(maker, function):
        return None
    after = write(function)
    break_note(maker, function)
    return Edit(write(function), after, "to_note", {})


def to_ms(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    if make_parameter(maker, function, unit=500) is None:
        return None
    after = write(function)
    word = break_duration(maker, function)
    return Edit(write(function), after, "to_ms", {"what": word})


def rename(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    after = write(function)
    break_names(maker, function)
    return Edit(write(function), after, "rename", {})


def signature(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    after = write(function)
    several = len(parameters(function)) > 1
    types = [f"{one.arg} {ast.unparse(one.annotation)}" for one in parameters(function)]  # type: ignore[arg-type]
    blanks = {"first": first(function), "types": ", ".join(types)}
    blanks["result"] = ast.unparse(function.returns)  # type: ignore[arg-type]
    how = maker.rng.choice(("star", "types", "both")) if several else "types"
    if how != "types":
        break_star(maker, function)
    if how != "star":
        function.returns = None
        for one in parameters(function):
            one.annotation = None
    return Edit(write(function), after, f"signature {how}", blanks)


def narrow_except(maker: Maker, body: Body) -> Edit | None:
    function = maker.start(body)
    if not has(function, ast.Try):
        note_failure_in(function)
    after = write(function)
    break_except(maker, function)
    return Edit(write(function), after, "narrow_except", {})


def flatten(maker: Maker, body: Body) -> Edit | None:
    function = body.function
    early = early_return(function)
    if early is None and not body.tests:
        return None
    if early is None or (body.tests and maker.rng.random() < 0.4):
        early = guard(maker.rng.choice(body.tests))
    function.body.insert(0, early)
    after = write(function)
    break_guard(maker, function)
    return Edit(write(function), after, "flatten", {})


def house_style(maker: Maker, body: Body) -> Edit | None:
    """Two rules are broken, and nothing says which."""
    function = body.function
    add = maker.rng.randrange(4)
    if add != 0 and body.tests:
        function.body.insert(0, guard(maker.rng.choice(body.tests)))
    if add in (0, 1):
        add_note(maker, function)
    elif add == 2:
        make_parameter(maker, function, unit=1000)
    after = write(function)
    breakers = [one for one in BREAKERS if one[0](function)]
    if len(breakers) < 2:
        return None
    # Names are broken last, since what others look for goes by them.
    for place in sorted(maker.rng.sample(range(len(breakers)), 2)):
        breakers[place][1](maker, function)
    return Edit(write(function), after, "house_style", {})


def add_note(maker: Maker, function: ast.FunctionDef) -> bool:
    """One entry of the log, in one of the three places where it can stand."""
    ways = ["skipped", "done"] if has(function, ast.Try) else ["skipped", "failed", "done"]
    for way in maker.rng.sample(ways, len(ways)):
        if way == "skipped" and (early := early_return(function, log=True)):
            insert(function, early)
            return True
        if way == "failed" and not has(function, ast.With, ast.While):
            note_failure_in(function)
            return True
        if way == "done" and note_done_in(function):
            return True
    return False


# --- how rules are broken ---------------------------------------------------------------------


def break_error(maker: Maker, function: ast.FunctionDef) -> None:
    """A fault becomes one of Python's own errors."""
    for node in ast.walk(function):
        if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise):
            code, value = fault_of(node.test)
            name = without_unit(value.split(".")[-1])
            text = maker.draw(REQUESTS[f"error {code}"]).format(name=name, value=value)
            node.body = statements(f"raise {text}")


def without_unit(name: str) -> str:
    """A name as a message has it: `weight_kg` is the weight."""
    words = name.split("_")
    return " ".join(words[:-1] if len(words) > 1 and words[-1] in _UNITS.split() else words)


def break_note(maker: Maker, function: ast.FunctionDef) -> None:
    """An entry of the log is printed, or goes to another log."""
    for node in ast.walk(function):
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "trail.note":
            outcome = ast.literal_eval(call.args[0]).split(".")[1]
            text = maker.draw(REQUESTS[f"print {outcome}"])
            names = {"first": first(function), "name": function.name.replace("_", " ")}
            node.value = expression(
                text.format(**names, err="{err}", value=f"{{{first(function)}}}")
            )


def break_duration(maker: Maker, function: ast.FunctionDef) -> str:
    """The last parameter is in seconds or minutes; gives what it is called."""
    given, default = function.args.kwonlyargs[-1], function.args.kw_defaults[-1]
    assert isinstance(default, ast.Constant)
    stem = given.arg.removesuffix("_ms")
    in_minutes = default.value % 60000 == 0
    factor = 60000 if in_minutes else 1000
    unit = "minutes" if in_minutes else maker.rng.choice(("s", "seconds", "sec"))
    whole = default.value % factor == 0
    called = f"{stem}_{unit}"
    replace_name(function, given.arg, f"{called} * {factor}")
    given.arg = called
    given.annotation = expression("int" if whole else "float")
    value = default.value // factor if whole else default.value / factor
    function.args.kw_defaults[-1] = ast.Constant(value)
    return called


def replace_name(function: ast.FunctionDef, name: str, code: str) -> None:
    """Put an expression where the body reads a name."""

    class Replace(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return expression(code) if node.id == name else node

    function.body = [Replace().visit(statement) for statement in function.body]


def break_names(maker: Maker, function: ast.FunctionDef) -> None:
    """Function and parameters in camel case, or with their words cut short."""
    names = [function.name, *(one.arg for one in parameters(function))]
    shortened = {name: worse(name, camel=False) for name in names}
    camel = {name: worse(name, camel=True) for name in names}
    can_shorten = any(old != new for old, new in shortened.items())
    renamed = shortened if can_shorten and maker.rng.random() < 0.4 else camel
    own = function.name
    function.name = renamed[own]
    for one in parameters(function):
        old, one.arg = one.arg, renamed[one.arg]
        replace_name(function, old, one.arg)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("fault", "trail.note"):
            event = node.args[0]
            assert isinstance(event, ast.Constant)
            event.value = event.value.replace(f"{own}.", f"{function.name}.")
            for given in node.keywords:
                given.arg = renamed.get(str(given.arg), given.arg)


def worse(name: str, *, camel: bool) -> str:
    """A name against the rules, where there is a way."""
    words = [_SHORT.get(word, word) for word in name.split("_")]
    if not camel:
        return "_".join(words)
    return words[0] + "".join(word.capitalize() for word in words[1:])


def break_star(_: Maker, function: ast.FunctionDef) -> None:
    """Parameters that can be given by place."""
    args = function.args
    args.args += args.kwonlyargs
    args.defaults = [default for default in args.kw_defaults if default]
    args.kwonlyargs, args.kw_defaults = [], []


def break_except(maker: Maker, function: ast.FunctionDef) -> None:
    """All errors are caught."""
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler):
            wide = ["Exception", "BaseException"] if node.name else ["Exception", "", ""]
            chosen = maker.rng.choice([*wide, "(Fault, OSError)", "(Fault, ValueError)"])
            node.type = expression(chosen) if chosen else None


def break_guard(_: Maker, function: ast.FunctionDef) -> None:
    """The body stands inside of the test, and the guard in its `else`."""
    outer = function.body[0]
    assert isinstance(outer, ast.If)
    test = outer.test
    if isinstance(test, ast.UnaryOp):
        outer.test = test.operand
    else:
        assert isinstance(test, ast.Compare)
        outer.test = ast.Compare(test.left, [_OPPOSITE[type(test.ops[0])]()], test.comparators)
    ending = outer.body
    outer.body = function.body[1:]
    bare = len(ending) == 1 and isinstance(ending[0], ast.Return) and ending[0].value is None
    outer.orelse = [] if bare else ending
    function.body = [outer]


def one_guard(function: ast.FunctionDef) -> bool:
    """Whether there is one guard, whose test has an opposite."""
    return guard_count(function) == 1 and len(function.body) > 1


def in_seconds(function: ast.FunctionDef) -> bool:
    """Whether the last parameter is a duration with a default."""
    return bool(function.args.kw_defaults and function.args.kw_defaults[-1])


BREAKERS: list[
    tuple[Callable[[ast.FunctionDef], bool], Callable[[Maker, ast.FunctionDef], object]]
] = [
    (lambda function: "raise fault" in ast.unparse(function), break_error),
    (lambda function: "trail.note" in ast.unparse(function), break_note),
    (lambda function: has(function, ast.ExceptHandler), break_except),
    (in_seconds, break_duration),
    (one_guard, break_guard),
    (lambda function: len(parameters(function)) > 1, break_star),
    (lambda function: worse(function.name, camel=True) != function.name, break_names),
]

KINDS: dict[str, Callable[[Maker, Body], Edit | None]] = {
    "note_failure": note_failure,
    "note_done": note_done,
    "trace": trace,
    "guard_return": guard_return,
    "guard_skip": guard_skip,
    "guard_fault": guard_fault,
    "configurable": configurable,
    "to_fault": to_fault,
    "to_note": to_note,
    "to_ms": to_ms,
    "rename": rename,
    "signature": signature,
    "narrow_except": narrow_except,
    "flatten": flatten,
    "house_style": house_style,
}
