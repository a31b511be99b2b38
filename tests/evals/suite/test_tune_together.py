"""`tune.together`: what it may say, and that saying nothing changes no identity."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import SuiteError
from evals.fingerprint import canonical_json, fingerprint
from evals.suite import load_suite
from evals.suite.spec import TogetherSpec, TuneSpec
from tests.sample_suite import ROUNDS, write_suite


def loaded(folder: Path, together: str) -> TuneSpec:
    return load_suite(write_suite(folder / "tickets", extra=f"{ROUNDS}tune: {{{together}}}\n")).tune


@pytest.mark.parametrize(
    ("stated", "read"),
    [
        ("", None),
        ("together: best", TogetherSpec("best")),
        ("together: all", TogetherSpec("all")),
        ("together: none", TogetherSpec("none")),
        ("together: [spec, polite]", TogetherSpec("best", ("spec", "polite"))),
    ],
)
def test_it_is_read_as_stated(tmp_path: Path, stated: str, read: TogetherSpec | None) -> None:
    assert loaded(tmp_path, stated).together == read


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("together: some", "expected one of best, all, none, or a list of prompts"),
        ("together: [spce]", r"suite.yaml:\d+: tune.together\[0\].*no prompt 'spce'.*'spec'"),
        ("together: []", "a list of at least 1 texts"),
        ("together: [spec, spec]", "together"),
        ("together: {spec: 1}", "expected one of best"),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path: Path, stated: str, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        loaded(tmp_path, stated)


def test_a_suite_that_says_nothing_keeps_the_identity_it_had() -> None:
    assert "together" not in canonical_json(TuneSpec())
    assert fingerprint(TuneSpec()) != fingerprint(TuneSpec(together=TogetherSpec()))
