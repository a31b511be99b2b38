"""The house's own rules: one-way imports, a light core, an instant front door."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = ("evals", "tuning", "reports", "tunegate")
HEAVY = {"torch", "transformers", "sklearn", "scipy", "numpy", "peft", "trl", "pandas"}


def imported_names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


@pytest.mark.parametrize("package", ORDER)
def test_imports_go_one_way(package):
    allowed = set(ORDER[: ORDER.index(package) + 1])
    foreign = {name for name in ORDER if name not in allowed} | {"suites", "tests", "benchmarks"}
    files = list((ROOT / package).rglob("*.py"))
    assert files
    wrong = {path: imported_names(path) & foreign for path in files}
    assert {path: names for path, names in wrong.items() if names} == {}


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import evals, evals.suite, evals.scorers, evals.models, evals.runner, evals.ledger",
        "import tunegate, tunegate.pytest_plugin",
        "import tunegate.__main__ as m; m.main(['--version'])",
        "import tunegate.cli.parser as p; p.build_parser()",
    ],
)
def test_nothing_heavy_loads_until_it_is_needed(code):
    assert loaded_after(code) & HEAVY == set()


def modules_after(code: str) -> set[str]:
    """Full names of the modules of the house that are loaded after `code`."""
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name for name in done.stdout.split() if name.split(".")[0] in ORDER}


def test_the_pytest_plugin_loads_nothing_of_the_house():
    assert modules_after("import tunegate.pytest_plugin") == {"tunegate", "tunegate.pytest_plugin"}


def test_pytests_own_process_loads_nothing_that_a_project_may_call_the_same():
    loaded = modules_after("import tunegate.pytesting.items, tunegate.pytesting.fixture")
    assert "tunegate.pytesting.items" in loaded
    assert {name.split(".")[0] for name in loaded} == {"tunegate"}
    worker_side = {"serve", "work", "judging"}
    assert not loaded & {f"tunegate.pytesting.{name}" for name in worker_side}


@pytest.mark.parametrize(
    "package", ["tunegate", "evals.imports", "evals.scorers", "evals.suite", "evals.models"]
)
def test_the_stated_public_names_are_importable(package):
    import importlib

    module = importlib.import_module(package)
    assert len(set(module.__all__)) == len(module.__all__)  # ruff keeps the order (RUF022)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_a_foreign_package_of_the_same_name_is_named(tmp_path):
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "tunegate", "runs"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert str(tmp_path / "evals") in done.stderr
