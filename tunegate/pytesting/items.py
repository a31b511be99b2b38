"""The nodes that pytest collects from a suite: its check, its cases, and what judges them all."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tunegate.pytesting.naming import node_names
from tunegate.pytesting.records import (
    Evaluation,
    JudgedCase,
    PlannedCase,
    PlannedCheck,
    PlannedSuite,
    SuiteFaultError,
    TunegateWarning,
    left_open,
)
from tunegate.pytesting.sessions import Session
from tunegate.pytesting.starting import command_alone, command_stored, start_session

SESSION = pytest.StashKey[Session]()
SUMMARY = "tunegate"
INFRASTRUCTURE = 4
"""The exit code of `evals.errors.InfrastructureError`."""


def session_of(config: pytest.Config) -> Session:
    """The test session's evaluations, begun with the first suite."""
    if SESSION not in config.stash:
        config.stash[SESSION] = start_session(config)
    return config.stash[SESSION]


class SuiteFile(pytest.File):
    """One `suite.yaml`: a check, a collector for its split, and one for each kind of check."""

    plan: PlannedSuite
    _broken_at: str = ""
    _broken_code: int = 0

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Plan the suite; a fault in it is shown where it stands, without a traceback."""
        try:
            self.plan = session_of(self.config).plan(self.path)
        except SuiteFaultError as error:
            raise self.CollectError(f"tunegate: {error}") from None
        if not self.config.getoption("tunegate_case", None):
            yield CheckItem.from_parent(self, name="check", line=self.plan.line)
        yield Group.from_parent(self, name=self.plan.split, make=self._case_items)
        for kind in dict.fromkeys(check.kind for check in self.plan.checks):
            yield Group.from_parent(self, name=kind, make=self._judged_items)

    def _case_items(self, group: Group) -> list[CaseItem]:
        names = node_names([case.id for case in self.plan.cases])
        return [
            CaseItem.from_parent(group, name=name, case=case)
            for name, case in zip(names, self.plan.cases, strict=True)
        ]

    def _judged_items(self, group: Group) -> list[JudgedItem]:
        checks = [check for check in self.plan.checks if check.kind == group.name]
        names = node_names([check.name for check in checks])
        return [
            JudgedItem.from_parent(group, name=name, check=check)
            for name, check in zip(names, checks, strict=True)
        ]

    def evaluation(self, item: SuiteItem) -> Evaluation:
        """The whole split where anything that was selected judges it, else what was selected.

        Where that cannot be had, the first item says why and the others name the first.
        """
        if self._broken_at not in ("", item.nodeid):
            said = f"not run: see {self._broken_at}"
            raise SuiteFaultError(said, exit_code=self._broken_code)
        try:
            return self._evaluation
        except SuiteFaultError as error:
            self._broken_at, self._broken_code = item.nodeid, error.exit_code
            raise

    @cached_property
    def _evaluation(self) -> Evaluation:
        mine = [item for item in self.session.items if item.getparent(SuiteFile) is self]
        cases = [item.case.id for item in mine if isinstance(item, CaseItem)]
        judged = any(isinstance(item, JudgedItem) for item in mine)
        return session_of(self.config).evaluate(self.path, None if judged else tuple(cases))


class Group(pytest.Collector):
    """Items under a name of their own: a split's cases, a kind's checks."""

    def __init__(self, *, make: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self._make = make

    def collect(self) -> Any:
        """Make the items."""
        return self._make(self)


class SuiteItem(pytest.Item):
    """An item of a suite; a fault is told in words and never by a traceback.

    `line` of `stated_in` (counted from 1) is where it is written.
    """

    def __init__(self, *, line: int, stated_in: Path | None = None, **rest: Any) -> None:
        super().__init__(**rest)
        self._place = (stated_in or self.path, max(0, line - 1))

    def suite_file(self) -> SuiteFile:
        """The suite it belongs to."""
        found = self.getparent(SuiteFile)
        assert found is not None
        return found

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone: a traceback through tunegate helps nobody.

        Nor does one of an xfail, and pytest takes 40 ms to make it.
        """
        if isinstance(excinfo.value, pytest.xfail.Exception):
            return str(excinfo.value)
        if not isinstance(excinfo.value, SuiteFaultError | TunegateWarning):
            return super().repr_failure(excinfo, style)
        shown = excinfo.getrepr(style="value")
        if crash := shown.reprcrash:  # what stands in the short summary and in JUnit's `message`
            crash.path, crash.lineno = str(self._place[0]), self._place[1] + 1
            crash.message = getattr(excinfo.value, "short", "") or str(excinfo.value)
        return shown

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is written, and its name in reports."""
        suite = self.suite_file().plan.suite
        return (*self._place, f"{suite} {self.nodeid.split('::', 1)[-1]}")

    def warn_of(self, text: str) -> None:
        """Show a warning with the line of `suite.yaml` that it is about.

        Never as an error: whether what is not settled fails is for the suite to say.
        """
        warnings.filterwarnings("always", category=TunegateWarning)  # until this item's end
        path = os.path.relpath(self._place[0], self.config.invocation_params.dir)
        warnings.warn_explicit(TunegateWarning(text), None, path, self._place[1] + 1)

    def skip(self, why: str) -> NoReturn:
        """Skip, with the item's own place in the summary, as pytest's marks do."""
        raise pytest.skip.Exception(why, _use_item_location=True)


class CheckItem(SuiteItem):
    """Fails where `tunegate check` finds an error; warnings of the check are one warning."""

    def runtest(self) -> None:
        """Lint the suite and self-test its scorers."""
        findings = session_of(self.config).check(self.path)
        said = {
            level: [text for found, text in findings if found == level]
            for level in ("error", "warning")
        }
        if said["warning"]:
            self.warn_of("\n".join(["`tunegate check` warns:", *_listed(said["warning"])]))
        if said["error"]:
            lines = ["`tunegate check` finds it unfit:", *_listed(said["error"])]
            raise SuiteFaultError("\n".join(lines), f"unfit: {said['error'][0]}")


class RunItem(SuiteItem):
    """An item that needs the suite's evaluation."""

    def setup(self) -> None:
        """An endpoint that failed, or a spent budget, is an error and no failure of quality."""
        try:
            self.suite_file().evaluation(self)
        except SuiteFaultError as error:
            if error.exit_code == INFRASTRUCTURE:
                pytest.fail(str(error), pytrace=False)
            # any other is told, once more, by the test itself


class CaseItem(RunItem):
    """One case: passed where it is right; wrong is expected to happen, unless it must pass.

    A case that ended without an output is neither right nor wrong: it is skipped. So is every
    case, also one that must pass, where a judge decides that is not shown to agree with people.
    """

    def __init__(self, *, case: PlannedCase, **rest: Any) -> None:
        super().__init__(line=case.line, stated_in=Path(case.path), **rest)
        self.case = case

    def runtest(self) -> None:
        """Judge the output, which was generated with all the others."""
        evaluation = self.suite_file().evaluation(self)
        judged = evaluation.case(self.case.id)
        if judged.score is not None:
            self.user_properties.append(("score", judged.score))
        if why := evaluation.unshown.get(evaluation.metric):
            self.skip(left_open(why))
        if judged.right:
            return
        if judged.error is not None:
            short, said = f"no output: {judged.error}", "ended without an output"
        else:
            short, said = f"wrong: {judged.why}", "is wrong"
        if self.case.must_pass:
            raise SuiteFaultError(self._told(f"this case must pass and {said}", judged), short)
        if judged.error is not None:
            self.skip(short)
        pytest.xfail(judged.why)  # goes on under --runxfail
        raise SuiteFaultError(self._told(f"this case {said}", judged), short)

    def _told(self, headline: str, judged: JudgedCase) -> str:
        alone = f"alone:    {command_alone(self.config, self)}"
        stored = f"stored:   {command_stored(self.config, judged.run, judged.id)}"
        return "\n".join([headline, *judged.lines, alone, stored])


class JudgedItem(RunItem):
    """A threshold, target, guard, baseline or definition, judged over the whole split."""

    def __init__(self, *, check: PlannedCheck, **rest: Any) -> None:
        super().__init__(line=check.line, **rest)
        self.check = check

    def runtest(self) -> None:
        """Fail, warn, skip or pass as the check says."""
        evaluation = self.suite_file().evaluation(self)
        self.user_properties.append((SUMMARY, evaluation.summary))
        if self.check.kind == "baseline" and evaluation.notes:
            self.warn_of("\n".join(["since the baseline:", *_listed(evaluation.notes)]))
        wanted = (self.check.kind, self.check.name)
        found = next((c for c in evaluation.checks if (c.kind, c.name) == wanted), None)
        if found is None:
            raise SuiteFaultError(f"nothing was said of {self.check.kind} {self.check.name}")
        if found.result == "pass":
            return
        if found.result == "skipped" and self.check.kind == "target":
            pytest.xfail(found.sentence)  # goes on under --runxfail
        elif found.result == "skipped":
            self.skip(found.sentence)
        elif found.result == "inconclusive" and not evaluation.fails_undecided:
            self.warn_of(f"inconclusive: {found.sentence}")
            return
        raise SuiteFaultError(f"{found.result}: {found.sentence}")


def _listed(texts: Sequence[str]) -> list[str]:
    """Lines under a heading. The dash also keeps a CI log from reading a command in a line."""
    return [f"- {text}" for text in texts]


def refuse_unknown_cases(wanted: Sequence[str], items: Sequence[pytest.Item]) -> None:
    """Raise pytest.UsageError where no collected suite has one of the `wanted` cases."""
    found = {item.case.id for item in items if isinstance(item, CaseItem)}
    if missing := [name for name in wanted if name not in found]:
        raise pytest.UsageError(f"--tunegate-case: no collected suite has a case {missing[0]!r}")
