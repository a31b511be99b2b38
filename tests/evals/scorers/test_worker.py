"""Suite code that misbehaves in every way, and what comes of it."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.errors import ScorerError
from evals.records import Case, Output, Part, Score
from evals.scorers import build_scorer, score_many
from evals.scorers.wire import parts_from_wire
from evals.scorers.worker import Worker
from evals.suite.spec import MetricSpec

SCORERS = """
import os, sys, time
from evals.records import Case, Output, Part, Score
import neighbour

print("at import")

def judge(case: Case, output: Output):
    text = output.text
    print("noise", flush=True)
    print("noise", file=sys.stderr, flush=True)
    if text == "loop":
        while True:
            pass
    if text == "exit":
        os._exit(3)
    if text == "sys.exit":
        sys.exit(4)
    if text == "abort":
        os.abort()
    if text == "raise":
        raise KeyError("missing")
    if text == "unprintable":
        class Odd(Exception):
            def __str__(self):
                raise ValueError
        raise Odd
    if text == "memory":
        hog = bytearray(8 << 30)
        return 1
    if text == "env":
        return Score(0.5, repr(sorted(os.environ)))
    if text == "cwd":
        return Score(0.5, repr(sys.path))
    if text == "types":
        assert isinstance(case.choices, tuple) and isinstance(output.logprobs, tuple)
        return Score(0.25, case.id + case.input["q"], "kind")
    if text == "garbage":
        for fd in range(3, 64):
            try:
                os.write(fd, b"x" * 64)
            except OSError:
                pass
        return 1
    if text == "stdout":
        sys.stdout.close()
        return True
    if text == "recursion":
        def again(): again()
        again()
    returned = {"nan": float("nan"), "none": None, "two": 2.0, "minus": -0.1, "text": "1",
                "true": True, "half": 0.5, "inf": float("inf"), "huge": 10**400,
                "parts": Score(0.5, parts=(Part("field", "a", True, "x" * 999, None),)),
                "many": Score(0.5, parts=[Part("turn", str(n), 1.0, "\U0001f600" * 300,
                                               "\U0001f600" * 300) for n in range(1000)]),
                "toomany": Score(0.5, parts=(Part("turn", "1", 1.0),) * 1001),
                "partkind": Score(0.5, parts=(Part("fruit", "1", 1.0),)),
                "partvalue": Score(0.5, parts=(Part("turn", "1", float("nan")),)),
                "parthuge": Score(0.5, parts=(Part("turn", "1", 10**400),)),
                "partname": Score(0.5, parts=(Part("turn", "1" * 201, 1.0),)),
                "parttext": Score(0.5, parts=(Part("turn", "1", 1.0, 5),)),
                "partdict": Score(0.5, parts=({"kind": "turn"},)),
                "partless": Score(0.5, parts=None),
                "badreason": Score(1.0, 5), "long": Score(0.0, "r" * 10_000_000)}
    return returned.get(text, neighbour.same(case, output))

not_callable = 5
"""


@pytest.fixture
def suite_root(tmp_path: Path) -> Path:
    (tmp_path / "scorers.py").write_text(SCORERS)
    (tmp_path / "neighbour.py").write_text(
        "def same(case, output):\n    return output.text == case.expected\n"
    )
    return tmp_path


@pytest.fixture
def judge(suite_root: Path) -> Iterator[Worker]:
    options = {"function": "scorers.py:judge", "seconds": 1.0, "memory_mb": 512}
    scorer = build_scorer(MetricSpec("own", "python@1", options, 5), suite_root)
    assert isinstance(scorer, Worker)
    yield scorer
    scorer.close()


CASE = Case("c1", {"q": "x\ud800"}, "yes", "yes", "dev")


def said(text: str) -> tuple[Case, Output]:
    return CASE, Output(text, "stop")


@pytest.mark.parametrize(
    ("text", "value"), [("yes", 1.0), ("no", 0.0), ("true", 1.0), ("half", 0.5)]
)
def test_a_suite_function_may_return_a_score_a_number_or_a_bool(
    judge: Worker, text: str, value: float
) -> None:
    assert judge(*said(text)) == Score(value)


def test_a_suite_function_may_return_parts(judge: Worker) -> None:
    assert judge(*said("parts")).parts == (Part("field", "a", 1.0, "x" * 200, None),)
    many = judge(*said("many")).parts
    assert (len(many), many[999].name, many[0].got) == (1000, "999", "\U0001f600" * 200)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("toomany", "at most 1,000 Part, not 1001 of them"),
        ("partless", "not a NoneType"),
        ("partdict", "must hold Part, not a dict"),
        ("partkind", "a kind .field, label, turn, scorer."),
        ("partvalue", "a value from 0 to 1"),
        ("parthuge", "cannot be used"),
        ("partname", "a name of at most 200 characters"),
        ("parttext", "text or None"),
    ],
)
def test_parts_that_are_none_are_an_error_of_the_case(
    judge: Worker, text: str, message: str
) -> None:
    with pytest.raises(ScorerError, match=message):
        judge(*said(text))
    assert judge(*said("yes")) == Score(1.0)


@pytest.mark.parametrize(
    "parts",
    [[["turn", "1", 2.0, None, None]], [["turn", "1", 1.0, None]], [["x", "1", 1.0, None, None]],
     [5], [["turn", "1", 1.0, "x" * 201, None]], [["turn", "1", 1.0, None, None]] * 1001],
)  # fmt: skip
def test_parts_that_a_worker_forges_are_refused(parts: list[object]) -> None:
    assert parts_from_wire(parts) is None


def test_records_arrive_as_they_were_sent(judge: Worker) -> None:
    assert judge(*said("types")) == Score(0.25, "c1x\ud800", "kind")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loop", r"TimeoutError: no answer within 1 s"),
        ("exit", "exited with code 3"),
        ("abort", "SIGABRT"),
        ("sys.exit", "SystemExit: 4"),
        ("raise", "KeyError: 'missing'"),
        ("unprintable", "Odd"),
        ("memory", "MemoryError"),
        ("recursion", "RecursionError"),
        ("garbage", "reply that"),
        ("nan", "returned nan; expected"),
        ("inf", "returned inf; expected"),
        ("none", "returned None; expected"),
        ("two", r"returned 2\.0; expected"),
        ("minus", r"returned -0\.1; expected"),
        ("text", "returned '1'; expected"),
        ("huge", "expected a Score"),
        ("badreason", "expected a Score"),
    ],
)
def test_what_gives_no_score_is_an_error_and_the_next_answer_is_judged(
    judge: Worker, text: str, message: str
) -> None:
    with pytest.raises(ScorerError, match=message) as caught:
        judge(*said(text))
    assert 'case "c1"' in caught.value.message
    assert caught.value.key == "metrics.own"
    assert judge(*said("yes")) == Score(1.0)


def test_an_exception_names_the_suite_file_and_line(judge: Worker, suite_root: Path) -> None:
    with pytest.raises(ScorerError) as caught:
        judge(*said("raise"))
    line = 1 + SCORERS.splitlines().index('        raise KeyError("missing")')
    assert (caught.value.path, caught.value.line) == (str(suite_root / "scorers.py"), line)


def test_one_bad_answer_in_a_batch_costs_no_other_its_score(judge: Worker) -> None:
    texts = ["yes", "exit", "no", "raise", "loop", "yes", "memory", "garbage", "yes"] * 2
    results = score_many(judge, [said(text) for text in texts])
    values = [one.value if isinstance(one, Score) else None for one in results]
    assert values == [1.0, None, 0.0, None, None, 1.0, None, None, 1.0] * 2


def test_a_long_reason_is_cut_and_closing_stdout_does_no_harm(judge: Worker) -> None:
    assert len(judge(*said("long")).reason) == 2000
    assert judge(*said("stdout")) == Score(1.0)


def test_a_case_that_json_cannot_hold_is_an_error_of_that_case_only(judge: Worker) -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    bad = Case("deep", {"q": nested}, "yes", "yes", "dev")
    odd = Case("odd", {"q": object()}, "yes", "yes", "dev")
    pairs = [said("yes"), (bad, Output("yes", "stop")), (odd, Output("yes", "stop")), said("yes")]
    first, deep, strange, last = score_many(judge, pairs)
    assert first == last == Score(1.0)
    assert "cannot be sent" in str(deep)
    assert "object has no JSON form" in str(strange)


def test_secrets_of_the_environment_do_not_reach_suite_code(
    judge: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    names = judge(*said("env")).reason
    assert "PATH" in names
    for name in ("OPENAI_API_KEY", "'PYTHONPATH'", "HOME"):
        assert name not in names


def test_the_working_directory_is_not_on_the_import_path(
    judge: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    path = judge(*said("cwd")).reason
    assert str(elsewhere) not in path
    assert "''" not in path


@pytest.mark.parametrize("name", ["scorers", "neighbour"])
def test_compiled_files_beside_the_sources_are_not_believed(suite_root: Path, name: str) -> None:
    forged = suite_root / "forged.py"
    forged.write_text("def judge(case, output):\n    return 1.0\n\n\nsame = judge\n")
    cache = importlib.util.cache_from_source(str(suite_root / f"{name}.py"))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(forged), cache, doraise=True, invalidation_mode=unchecked)
    forged.unlink()
    options = {"function": "scorers.py:judge", "seconds": 5.0}
    scorer = build_scorer(MetricSpec("own", "python@1", options, 5), suite_root)
    try:
        assert scorer(*said("no")).value == 0.0
    finally:
        scorer.close()


def test_nothing_is_written_into_the_suite(judge: Worker, suite_root: Path) -> None:
    judge(*said("yes"))
    assert sorted(p.name for p in suite_root.iterdir()) == ["neighbour.py", "scorers.py"]


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("def f(:\n", "SyntaxError", 1),
        ("\nimport no_such_module\n", "ModuleNotFoundError", 2),
        ("raise SystemExit(2)\n", "SystemExit: 2", 1),
        ("import os\nos._exit(9)\n", "while it was loaded.*code 9", None),
        ("def g(case, output):\n    return 1\n", r"no function 'f'; there is: g", None),
        ("f = 5\n", "no function 'f'", None),
    ],
)
def test_suite_code_that_cannot_be_loaded_is_an_error_for_every_answer(
    tmp_path: Path, source: str, message: str, line: int | None
) -> None:
    (tmp_path / "own.py").write_text(source)
    scorer = build_scorer(MetricSpec("m", "python@1", {"function": "own.py:f"}, 5), tmp_path)
    for _ in range(2):
        with pytest.raises(ScorerError, match=message) as caught:
            scorer(*said("yes"))
        assert caught.value.path == str(tmp_path / "own.py")
        assert caught.value.line == line
    scorer.close()


def test_building_a_scorer_runs_none_of_the_suites_code(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    (tmp_path / "own.py").write_text(f"open({str(mark)!r}, 'w')\ndef f(c, o): return 1\n")
    build_scorer(MetricSpec("m", "python@1", {"function": "own.py:f"}), tmp_path).close()
    assert not mark.exists()


def test_set_order_is_the_same_on_every_start(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from evals.records import Score\n"
        "def f(c, o): return Score(1.0, str({'a', 'b', 'c', 'd', 'e'}))\n"
    )
    reasons = set()
    for _ in range(3):
        scorer = build_scorer(MetricSpec("m", "python@1", {"function": "own.py:f"}), tmp_path)
        reasons.add(scorer(*said("yes")).reason)
        scorer.close()
    assert len(reasons) == 1


def test_closing_ends_the_process_and_its_children_and_may_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import os, subprocess\nfrom evals.records import Score\n"
        "def f(c, o): return Score(1.0, str(subprocess.Popen(['sleep', '60']).pid))\n"
    )
    scorer = build_scorer(MetricSpec("m", "python@1", {"function": "own.py:f"}), tmp_path)
    child = int(scorer(*said("yes")).reason)
    os.kill(child, 0)
    scorer.close()
    scorer.close()
    deadline = time.monotonic() + 5
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
