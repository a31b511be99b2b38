"""The nodes that pytest collects from a suite: its check, its cases, and what judges them all."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunegate.pytesting.records import (
    Evaluation,
    JudgedCase,
    PlannedCase,
    SuiteFaultError,
    TunegateWarning,
)
from tunegate.pytesting.sessions import Session

SESSION = pytest.StashKey[Session]()
SUMMARY = "tunegate"


def session_of(config: pytest.Config) -> Session:
    """The test session's evaluations, begun with the first suite."""
    if SESSION not in config.stash:
        from tunegate.pytesting.starting import start_session

        config.stash[SESSION] = start_session(config)
    return config.stash[SESSION]


class SuiteFile(pytest.File):
    """One `suite.yaml`: a check, a collector for its split, and one for each kind of check."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Plan the suite; a fault in it is shown where it stands, without a traceback."""
        session = session_of(self.config)
        try:
            plan = session.plan(self.path)
        except SuiteFaultError as error:
            raise self.CollectError(str(error)) from None
        self.suite_name = plan.suite
        yield CheckItem.from_parent(self, name="check")
        yield Group.from_parent(
            self,
            name=plan.split,
            make=lambda group: [
                CaseItem.from_parent(group, name=node_name(case.id), case=case)
                for case in plan.cases
            ],
        )
        for kind in dict.fromkeys(kind for kind, _ in plan.checks):
            names = [name for of, name in plan.checks if of == kind]
            yield Group.from_parent(
                self,
                name=kind,
                make=lambda group, kind=kind, names=names: [
                    JudgedItem.from_parent(group, name=node_name(name), kind=kind, check=name)
                    for name in names
                ],
            )

    def evaluation(self) -> Evaluation:
        """The whole split where anything that was selected judges it, else what was selected."""
        return session_of(self.config).evaluate(self.path, self._selected())

    def _selected(self) -> tuple[str, ...] | None:
        mine = [item for item in self.session.items if item.getparent(SuiteFile) is self]
        cases = [item.case.id for item in mine if isinstance(item, CaseItem)]
        judged = any(isinstance(item, JudgedItem) for item in mine)
        return None if judged else tuple(cases)


class Group(pytest.Collector):
    """Items under a name of their own: a split's cases, a kind's checks."""

    def __init__(self, *, make: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self._make = make

    def collect(self) -> Any:
        """Make the items."""
        return self._make(self)


class SuiteItem(pytest.Item):
    """An item of a suite; a fault is told in words and never by a traceback."""

    def suite_file(self) -> SuiteFile:
        """The suite it belongs to."""
        found = self.getparent(SuiteFile)
        assert found is not None
        return found

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone: a traceback through tunegate helps nobody."""
        # An expected failure too: pytest would parse the source of each frame, 0.1 s a case.
        if isinstance(excinfo.value, SuiteFaultError | pytest.xfail.Exception):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands, and its name in reports."""
        return self.path, 0, self.nodeid.split("::", 1)[-1]

    def warn_of(self, text: str) -> None:
        """Show a warning at this item."""
        self.warn(TunegateWarning(text))


class CheckItem(SuiteItem):
    """Fails where `tunegate check` finds an error; warnings of the check are warnings."""

    def runtest(self) -> None:
        """Lint the suite and self-test its scorers."""
        findings = session_of(self.config).check(self.path)
        for level, text in findings:
            if level == "warning":
                self.warn_of(text)
        if errors := [text for level, text in findings if level == "error"]:
            raise SuiteFaultError("\n".join(errors))


class CaseItem(SuiteItem):
    """One case: passed where it is right; wrong is expected to happen, unless it must pass."""

    def __init__(self, *, case: PlannedCase, **rest: Any) -> None:
        super().__init__(**rest)
        self.case = case

    def runtest(self) -> None:
        """Judge the output, which was generated with all the others."""
        evaluation = self.suite_file().evaluation()
        judged = evaluation.case(self.case.id)
        if judged.score is not None:
            self.user_properties.append(("score", judged.score))
        if judged.right:
            return
        if not self.case.must_pass:
            pytest.xfail(judged.why)
        raise SuiteFaultError(self._told(judged, evaluation))

    def _told(self, judged: JudgedCase, evaluation: Evaluation) -> str:
        alone = f"pytest {shlex.quote(self.nodeid)}"
        stored = shlex.join(["tunegate", "show", evaluation.runs[0], judged.id])
        ends = [f"alone:    {alone}", f"stored:   {stored}"]
        return "\n".join(["this case must pass and is wrong", *judged.lines, *ends])

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The line of the case's own file."""
        return Path(self.case.path), max(0, self.case.line - 1), super().reportinfo()[2]


class JudgedItem(SuiteItem):
    """A threshold, target, guard, baseline or definition, judged over the whole split."""

    def __init__(self, *, kind: str, check: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.kind = kind
        self.check = check

    def runtest(self) -> None:
        """Fail, warn, skip or pass as the check says."""
        evaluation = self.suite_file().evaluation()
        self.user_properties.append((SUMMARY, evaluation.summary))
        if self.kind == "baseline":
            for note in evaluation.notes:
                self.warn_of(note)
        wanted = (self.kind, self.check)
        found = next((c for c in evaluation.checks if (c.kind, c.name) == wanted), None)
        if found is None:
            raise SuiteFaultError(f"nothing was said of {self.kind} {self.check}")
        if found.result == "skipped":
            if self.kind == "target":
                pytest.xfail(found.sentence)
            pytest.skip(found.sentence)
        if found.result == "inconclusive" and not evaluation.fails_undecided:
            self.warn_of(f"inconclusive: {found.sentence}")
        elif found.result != "pass":
            raise SuiteFaultError(found.sentence)


def node_name(text: str) -> str:
    """A name for node ids: `::` in it would divide it, control characters would hide in it."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text).replace("::", ":.:")
