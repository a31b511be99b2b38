"""House code: what counts as the same edit, the house rules, and the honesty of the cases."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.models.constrained import Form
from evals.models.guidance import Acceptor
from evals.records import SPLITS, Case, Output
from evals.suite.load import load_suite
from tests.suites.suite_code import load_code

SUITE = Path(__file__).parents[2] / "suites" / "house_code"
RUN = 44


scorers = load_code(SUITE / "scorers.py")
suite = load_suite(SUITE)
cases = suite.cases
answers = sorted({case.answer for case in cases})


def scores(expected: str, answer: str | None) -> tuple[float, float, float]:
    """`correct`, `parses` and `conventions` of an answer."""
    case, output = Case("c", {"request": "?"}, expected, expected, "dev"), Output(answer, "stop")
    each = (scorers.score_edit, scorers.score_form, scorers.score_conventions)
    correct, parses, conventions = (score(case, output).value for score in each)
    return correct, parses, conventions


def same(one: str, two: str) -> bool:
    return scores(one, two)[0] == scores(two, one)[0] == 1.0


# --- the cases ----------------------------------------------------------------------------------


def test_no_answer_stands_twice_in_the_suite() -> None:
    assert len(answers) == len(cases)


def runs(text: str) -> set[str]:
    letters = "".join(filter(str.isalpha, text.lower()))
    return {letters[at : at + RUN] for at in range(len(letters) - RUN + 1)}


def runs_of(case: Case) -> set[str]:
    request, code = case.input["request"], case.input["code"]
    texts = f"{request}\n{code}", f"{code}\n{request}", case.answer
    return set().union(*map(runs, texts))


def test_train_shares_no_long_run_of_letters_with_dev_or_test() -> None:
    sealed: set[str] = set()
    for case in cases:
        if case.split != "train":
            sealed |= runs_of(case)
    shared = [case.id for case in cases if case.split == "train" and sealed & runs_of(case)]
    assert shared == []


def test_a_function_is_of_one_split_by_its_cluster_and_by_its_name() -> None:
    splits: dict[str, set[str]] = {}
    for case in cases:
        name = scorers.read(case.answer).name
        for key in filter(None, (case.cluster, name)):
            splits.setdefault(key, set()).add(case.split)
    assert len(splits) > 300
    assert {key for key, found in splits.items() if len(found) > 1} == set()


def test_every_kind_of_edit_is_in_every_split_about_as_often_as_the_others() -> None:
    kinds = {case.tags["edit"] for case in cases}
    assert len(kinds) == 16
    for split in SPLITS:
        counts = Counter(case.tags["edit"] for case in cases if case.split == split)
        assert counts.pop("combined") in (3, 4)
        assert len(counts) == 15
        assert max(counts.values()) - min(counts.values()) <= 3


def test_train_has_no_pair_that_is_new_and_the_other_splits_have_many() -> None:
    counts = Counter(case.split for case in cases if case.tags["pair"] == "new")
    assert counts["train"] == 0
    assert min(counts["dev"], counts["test"]) >= 40
    assert not any("while " in case.answer for case in cases if case.split == "train")


def test_wordings_that_are_held_out_are_never_in_train() -> None:
    pools = json.loads((SUITE / "generator" / "requests.json").read_text(encoding="utf-8"))
    held = [entry[1:] for pool in pools.values() for entry in pool if entry.startswith("*")]
    assert len(held) > 70
    patterns = {entry: _found_by(entry) for entry in held}
    text = {
        split: "\n".join(
            "\n".join(case.input.values()).lower() for case in cases if case.split == split
        )
        for split in ("train", "dev")
    }
    assert [entry for entry, found in patterns.items() if found.search(text["train"])] == []
    assert sum(bool(found.search(text["dev"])) for found in patterns.values()) > 40


def _found_by(wording: str) -> re.Pattern[str]:
    """What finds a wording whatever its blanks are filled with."""
    literal = [re.escape(part) for part in re.split(r"\{+\w+\}+", wording.lower())]
    return re.compile("^(.*[^a-z])?" + r"[^\n]+".join(literal), re.MULTILINE)


def test_no_blank_is_left_open() -> None:
    left = [case.id for case in cases if re.search(r"[{}]|\*\w", case.input["request"])]
    assert left == []


def test_every_answer_keeps_the_rules_and_every_input_needs_its_edit() -> None:
    for case in cases:
        assert scorers.breaches(scorers.read(case.answer)) == [], case.id
        repeated = scorers.canonical(scorers.read(case.input["code"]))
        assert repeated != scorers.canonical(scorers.read(case.answer)), case.id


def test_an_edit_that_mends_starts_from_what_breaks_a_rule() -> None:
    mends = ("to_fault", "to_note", "to_ms", "rename", "signature", "narrow_except", "house_style")
    for case in cases:
        if case.tags["edit"] in mends:
            assert scorers.breaches(scorers.read(case.input["code"])), case.id


def guards(function: ast.FunctionDef) -> list[ast.If]:
    found = []
    for statement in function.body:
        if not (isinstance(statement, ast.If) and scorers._ends(statement)):
            break
        found.append(statement)
    return found


def blank(test: ast.expr) -> str:
    """What a test asks for being there at all; empty for other tests."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return ast.unparse(test.operand)
    missing = isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Is)
    return ast.unparse(test.left) if missing and isinstance(test, ast.Compare) else ""


def dead(function: ast.FunctionDef) -> list[str]:
    """Guards against None or nothing of what a guard above has read: they never fire."""
    read: set[str] = set()
    found = []
    for guard in guards(function):
        if blank(guard.test) in read:
            found.append(ast.unparse(guard.test))
        read |= {ast.unparse(node) for node in ast.walk(guard.test) if isinstance(node, ast.expr)}
    return found


def test_no_guard_comes_too_late() -> None:
    texts = [text for case in cases for text in (case.input["code"], case.answer)]
    assert [text for text in texts if dead(scorers.read(text))] == []
    late = "def f(a: A) -> B:\n    if a.b not in C:\n        return 0\n    if {}:\n        return 0"
    for test in ("a is None", "not a", "a.b is None", "not C"):
        assert dead(scorers.read(late.format(test))) == [test]
    for test in ("d is None", "a.c is None", "a.b < 1"):
        assert dead(scorers.read(late.format(test))) == []


def early(function: ast.FunctionDef) -> bool:
    """Whether the end is logged before the work: nothing stands above, or the return does some."""
    work = function.body[len(guards(function)) :]
    places = [n for n, one in enumerate(work) if ".done" in ast.unparse(one)]
    if not places:
        return False
    after = [node for one in work[places[0] + 1 :] for node in ast.walk(one)]
    calls = [ast.unparse(node.func) for node in after if isinstance(node, ast.Call)]
    loops = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    return (
        places[0] == 0
        or any(isinstance(node, loops) for node in after)
        or bool(set(calls) - {"len", "sum", "round", "max", "min"})
    )


def test_the_end_is_never_logged_before_the_work() -> None:
    assert [case.id for case in cases if early(scorers.read(case.answer))] == []
    head = "def f(a: A) -> B:\n    "
    note = 'trail.note("f.done", a=a)\n    '
    assert early(scorers.read(f"{head}{note}return {{b.c: b.d for b in a}}"))
    assert early(scorers.read(f"{head}c = g(a)\n    {note}return [b.d for b in c]"))
    assert early(scorers.read(f"{head}c = g(a)\n    {note}return c.work()"))
    assert not early(scorers.read(f"{head}c = g(a)\n    {note}return len(c)"))


def test_a_configurable_value_is_typed_as_what_it_is() -> None:
    asked = [case for case in cases if case.tags["edit"] == "configurable"]
    assert len(asked) > 60
    for case in asked:
        args = scorers.read(case.answer).args
        default = args.kw_defaults[-1]
        assert isinstance(default, ast.Constant), case.id
        assert ast.unparse(args.kwonlyargs[-1].annotation) == type(default.value).__name__, case.id


def test_no_request_says_blank_for_empty_or_skip_where_nothing_is_logged() -> None:
    for case in cases:
        request = case.input["request"].lower()
        assert not re.search(r"\bblank\b", request) or "blank" in case.input["code"], case.id
        if "skip" in request and case.tags["edit"].startswith("guard"):
            assert case.tags["edit"] == "guard_skip", case.id


def test_what_an_answer_tests_stands_in_the_request_or_in_the_code() -> None:
    for case in cases:
        if case.tags["edit"] == "guard_fault":
            old = {ast.unparse(one.test) for one in guards(scorers.read(case.input["code"]))}
            tests = [one.test for one in guards(scorers.read(case.answer))]
            (new,) = (one for one in tests if ast.unparse(one) not in old)
            seen = "\n".join(case.input.values())
            for node in ast.walk(new):
                if isinstance(node, ast.Attribute):
                    assert ast.unparse(node) in seen, (case.id, ast.unparse(node))
                elif isinstance(node, ast.Name):
                    words = node.id, node.id.replace("_", " ")
                    assert any(word in seen.lower() for word in map(str.lower, words)), case.id


def test_the_grammar_can_write_every_answer_and_no_chat() -> None:
    assert suite.structure is not None
    accepts = Acceptor(Form(grammar=suite.structure.grammar), key="structure").accepts
    assert [answer for answer in answers[::4] if not accepts(answer)] == []
    assert not accepts(f"Here it is:\n{answers[0]}")
    assert not accepts(f"```python\n{answers[0]}\n```")


def test_the_specification_has_every_rule_code_outcome_and_short_form() -> None:
    spec = (SUITE / "prompts" / "spec.j2").read_text(encoding="utf-8")
    readme = (SUITE / "README.md").read_text(encoding="utf-8")
    numbers = [str(number) for number in range(1, 11)]
    for text in (spec, readme):
        assert re.findall(r"^(\d+)\. ", text, re.MULTILINE) == numbers
    for rule, words in ((5, scorers.CODES), (7, scorers.OUTCOMES), (2, scorers.SHORT)):
        line = re.search(rf"^{rule}\. .*", spec, re.MULTILINE)
        assert line is not None
        assert [word for word in words if word not in line[0]] == []


# --- what is the same edit ----------------------------------------------------------------------

GUARDED = """def pay(bill: Bill, *, pence: int, note: str = "") -> Slip | None:
    if pence <= 0:
        raise fault("too_low", pence=pence)
    try:
        slip = bank.pay(bill.account, pence=pence, note=note)
        return slip
    except Fault as err:
        trail.note("pay.failed", bill=bill, err=err)
        return None
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("slip = ", "slip=  "),
        ("    try:", "\n    # the bank may be away\n    try:"),
        ('"too_low"', "'too_low'"),
        ("pence <= 0", "(pence <= 0)"),
        ("pence <= 0", "0 >= pence"),
        ("pence <= 0", "not pence > 0"),
        ("return None\n", "return\n"),
        ("pence=pence, note=note", "note=note, pence=pence"),
        ("bill=bill, err=err", "err=err, bill=bill"),
        ('pence: int, note: str = ""', 'note: str = "", pence: int'),
        ("    if pence", '    """Pay a bill."""\n    if pence'),
        ("raise fault(", "raise fault(\n            "),
        ("pence <= 0", "pence <= 0 * 100"),
    ],
)
def test_other_spellings_are_the_same_edit(old: str, new: str) -> None:
    assert old in GUARDED
    assert same(GUARDED, GUARDED.replace(old, new))


def test_local_names_are_free() -> None:
    other = GUARDED.replace("slip", "receipt").replace("as err", "as e").replace("=err", "=e")
    assert same(GUARDED, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("if a is None:\n        return 1", "if None is a:\n        return 1"),
        ("if a is not None:\n        return 1", "if not None is a:\n        return 1"),
        ("if a.b == 3:\n        return 1", "if 3 == a.b:\n        return 1"),
        ("return wait(a, wait_ms=60000)", "return wait(a, wait_ms=60 * 1000)"),
        ("return wait(a, wait_ms=60000)", "return wait(a, wait_ms=1000 * 60)"),
        ("return wait(a, wait_ms=7200000)", "return wait(a, wait_ms=2 * 60 * 60_000)"),
        (
            "if not a:\n        return 0\n    return a.b",
            "if not a:\n        return 0.0\n    return a.b",
        ),
    ],
)
def test_one_value_written_in_two_ways_is_the_same_edit(one: str, other: str) -> None:
    function = "def f(a: A) -> float:\n    {}"
    assert same(function.format(one), function.format(other))


def test_a_default_may_be_a_product_whatever_the_order_of_parameters() -> None:
    one = "def f(a: A, *, b: B, wait_ms: int = 60000) -> C:\n    return a"
    assert same(one, "def f(a: A, *, wait_ms: int = 60 * 1000, b: B) -> C:\n    return a")


@pytest.mark.parametrize(
    "wrapped",
    [
        "```python\n{}```",
        "```\n{}",
        "Sure!\n\n```py\n{}\n```\nOk?",
        "```python3\n{}```",
        "```Python\n{}```",
        "``` python \r\n{}```",
        "````python\n{}````",
        "~~~\n{}~~~",
        "Here:\n~~~python\n{}~~~\nDone.",
        "\ufeff{}",
    ],
)
def test_a_fence_is_taken_off_with_what_stands_around_it(wrapped: str) -> None:
    assert scores(GUARDED, wrapped.format(GUARDED)) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pence <= 0", "pence < 0"),
        ("pence <= 0", "pence >= 0"),
        ("too_low", "too_high"),
        ("pence=pence)\n    try", "pence=bill)\n    try"),
        ("pay.failed", "pay.done"),
        ("as err", "as e"),
        ("slip = ", "bank = "),
        ("slip = ", "bill = "),
        ("return slip", "return bank"),
        ("        slip = bank", "        slip: Slip = bank"),
        ("*, ", ""),
        ("pence: int", "pence: float"),
        ('note: str = ""', "note: str"),
        ("Slip | None", "Optional[Slip]"),
        ("Fault as", "Exception as"),
        ("return None", "raise"),
        ("return None", "return 0.0"),
        ("def pay", "async def pay"),
        ("def pay", "@traced\ndef pay"),
    ],
)
def test_another_edit_is_not_right(old: str, new: str) -> None:
    assert old in GUARDED
    correct, parses, _ = scores(GUARDED, GUARDED.replace(old, new, 1))
    assert correct == 0.0
    assert parses == float("async" not in new)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = g(a)\n    y = h(a)\n    return x - y", "x = g(a)\n    y = h(a)\n    return y - x"),
        ("x = g(a)\n    y = h(a)\n    return x - y", "x = g(a)\n    x = h(a)\n    return x - x"),
        ("return g(a) < h(a)", "return h(a) > g(a)"),
        ("return g(x=h(a), y=k(a))", "return g(y=k(a), x=h(a))"),
        ("return g(x=a, **a)", "return g(**a, x=a)"),
        ("return a < b < c", "return c > b > a"),
        ("return True", "return 1"),
        ("return 0", "return 0.0"),
        ("return g(a, 60)", "return g(a, 60.0)"),
        ("return g(a, 500)", "return g(a, 0.5 * 1000)"),
        ("return g(a, 1)", "return g(a, True * True)"),
        ("return g(a, 1000)", "return g(a, 60 * 1000)"),
        ("return g(a) is h(a)", "return h(a) is g(a)"),
        ("return a is None", "return None is not a"),
    ],
)
def test_what_may_do_something_else_is_not_the_same(one: str, other: str) -> None:
    function = "def f(a: A) -> B:\n    {}"
    assert not same(function.format(one), function.format(other))


@given(st.sampled_from(answers), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_layout_order_and_local_names_never_matter(code: str, random: Random) -> None:
    """And whatever is correct keeps the conventions."""
    function = scorers.read(code)
    names = {name: f"{name}_{random.randrange(9)}x" for name in scorers.local_names(function)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = names[node.name]
        elif isinstance(node, ast.arg):
            node.arg = names.get(node.arg, node.arg)
        elif isinstance(node, ast.Call):
            random.shuffle(node.keywords)
    lines = ast.unparse(function).splitlines()
    lines.insert(1, '    """What it does."""')
    lines = [line + random.choice(("", "  # why", "\n\n")) for line in lines]
    plain = all(
        isinstance(one.value, ast.Name | ast.Constant | ast.Attribute)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        for one in node.keywords
    )
    if plain or len(names) == 0:
        assert scores(code, "\n".join(lines)) == (1.0, 1.0, 1.0)


@given(st.sampled_from(answers), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_one_changed_word_is_another_edit(code: str, random: Random) -> None:
    function = scorers.read(code)
    local = scorers.local_names(function)
    documentation = (
        getattr(function.body[0], "value", None) if ast.get_docstring(function) else None
    )
    nodes = [
        node
        for node in ast.walk(function)
        if node is not documentation
        and (
            (isinstance(node, ast.Name) and node.id not in local)
            or isinstance(node, ast.Constant | ast.Attribute | ast.keyword)
        )
    ]
    node = random.choice(nodes)
    if isinstance(node, ast.Constant):
        node.value = f"{node.value!r}!"
    else:
        field = {"Name": "id", "Attribute": "attr", "keyword": "arg"}[type(node).__name__]
        setattr(node, field, f"{getattr(node, field)}_other")
    assert scores(code, ast.unparse(function))[:2] == (0.0, 1.0)


# --- the house rules ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "broken"),
    [
        ("def f(a: A, b: B) -> C:\n    return a", "1 not keyword-only"),
        ("def f(a: A, *rest: B) -> C:\n    return a", "1 not keyword-only"),
        ("def f(a, *, b: B) -> C:\n    return a", "1 not typed"),
        ("def f(a: A):\n    return a", "1 not typed"),
        ("def getIt(a: A) -> C:\n    return a", "2 name getIt"),
        ("def f(a: A, *, item_cnt: int) -> C:\n    return a", "2 name item_cnt"),
        ("def f(a: A, *, wait_s: int) -> C:\n    return a", "3 duration wait_s"),
        ("def f(a: A) -> C:\n    return get(a, timeout=3)", "3 duration timeout"),
        ("def f(a: A) -> C:\n    if a:\n        return b\n    else:\n        go()", "4 else"),
        ("def f(a: A) -> C:\n    go()\n    if not a:\n        return b\n    go()", "4 a guard"),
        ("def f(a: A) -> C:\n    raise ValueError(a)", "5 not raised"),
        ('def f(a: A) -> C:\n    raise fault("heavy", a=a)', "5 not raised"),
        ('def f(a: A) -> C:\n    raise fault("empty")', "5 not raised"),
        ("def f(a: A) -> C:\n    try:\n        go()\n    except:\n        raise", "6 another"),
        ("def f(a: A) -> C:\n    print(a)", "7 print"),
        ("def f(a: A) -> C:\n    logging.info(a)", "7 another log"),
        ('def f(a: A) -> C:\n    trail.note(f"f.{a}", a=a)', "7 form"),
        ('def f(a: A) -> C:\n    trail.note("g.done", a=a)', "7 form"),
        ('def f(a: A) -> C:\n    trail.note("f.done", b=a)', "7 form"),
        ('def f(a: A) -> C:\n    trail.note("f.failed", a=a)', "7 form"),
        ('def f(a: A) -> C:\n    with trail.span("f"):\n        go()', "7 form"),
    ],
)
def test_each_breach_is_seen_alone(code: str, broken: str) -> None:
    found = scorers.breaches(scorers.read(code))
    assert len(found) == 1
    assert found[0].startswith(broken)
    assert scores(code, code) == (1.0, 1.0, 0.0)


def test_a_late_test_of_what_was_computed_and_a_private_function_break_nothing() -> None:
    code = "def _f(a):\n    b = get(a)\n    if not b:\n        return None\n    return b.c"
    assert scorers.breaches(scorers.read(code)) == []


# --- hostile answers ----------------------------------------------------------------------------

HOSTILE = [
    None,
    "",
    "\x00",
    "\ud800",
    "def f(:",
    "(" * 1_500,
    "-" * 1_500 + "1",
    "not " * 390 + "1",
    "x" + ".a" * 700,
    "def f():\n    return " + "-" * 1_400 + "1",
    "def f():\n    return a" + ".b" * 700,
    "def f():\n    return " + "[" * 90 + "]" * 90,
    "def f():\n" + "".join(f"{' ' * i}if a:\n" for i in range(1, 50)) + " " * 50 + "pass",
    "```" * 500,
    "``` " * 1_000_000,
    "~~~\n" * 500_000,
    "`" * 1_000_000,
    "```python",
    "~~~",
    "def f(): pass\n" * 100_000,
    "x = 1",
    "def f(): pass\ndef g(): pass",
    "class A:\n    def f(self): pass",
    "The function is fine as it is.",
]


@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_answers_score_nothing_and_raise_nothing(answer: str | None) -> None:
    assert scores(GUARDED, answer) == (0.0, 0.0, 0.0)


def test_a_number_without_end_is_only_wrong() -> None:
    assert scores(GUARDED, "def f(a: A) -> B:\n    return " + "9" * 1_500) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize("factor", ["9" * 200, "1000000000"])
def test_a_product_without_end_is_only_wrong(factor: str) -> None:
    product = " * ".join([factor] * (1_400 // (len(factor) + 3)))[:1_450].rstrip("* ")
    correct, _, conventions = scores(GUARDED, f"def f(a: A) -> B:\n    return {product}")
    assert correct == 0.0
    assert conventions in (0.0, 1.0)


def test_an_odd_escape_warns_nobody() -> None:
    assert scores(GUARDED, 'def f(a: A) -> B:\n    return "\\d"') == (0.0, 1.0, 1.0)


@given(st.text(max_size=300) | st.text(alphabet="defr()[]:.=# \n\t'\"`\\", max_size=200))
@settings(max_examples=60, deadline=None)
def test_no_text_makes_a_scorer_raise(text: str) -> None:
    assert scores(GUARDED, text)[0] == 0.0


@given(st.sampled_from(answers), st.integers(0, 400), st.text(max_size=4))
@settings(max_examples=50, deadline=None)
def test_a_damaged_answer_is_judged_and_never_raises(code: str, at: int, noise: str) -> None:
    correct, parses, conventions = scores(code, code[:at] + noise + code[at + 1 :])
    assert parses >= max(correct, conventions)
    assert conventions >= correct


def test_an_expected_answer_that_is_no_function_is_the_cases_fault() -> None:
    with pytest.raises(scorers.NotAFunctionError):
        scores("x = 1", GUARDED)
