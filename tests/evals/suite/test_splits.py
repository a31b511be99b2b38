"""Splits depend on a case's own name alone."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.records import SPLITS, SplitName
from evals.suite.splits import draw_split, hash_fraction

names = st.text(min_size=1)
shares = st.lists(st.integers(0, 10), min_size=3, max_size=3).filter(any)


def ratios_of(parts: list[int]) -> dict[SplitName, float]:
    return {split: part / sum(parts) for split, part in zip(SPLITS, parts, strict=True)}


@settings(deadline=None)
@given(names)
def test_a_fraction_is_at_least_0_and_below_1(name: str) -> None:
    assert 0.0 <= hash_fraction(name) < 1.0


def test_the_hash_never_changes_between_versions() -> None:
    for name in ("t1", "acme", "ü"):
        digest = hashlib.sha256(b"tunegate.split@1\0" + name.encode()).hexdigest()
        assert hash_fraction(name) == int(digest[:12], 16) / 2**48
    ratios: dict[SplitName, float] = {"train": 0.5, "dev": 0.25, "test": 0.25}
    drawn = {name: draw_split(name, None, ratios) for name in "abcdef"}
    assert drawn == {"a": "dev", "b": "test", "c": "test", "d": "train", "e": "test", "f": "dev"}


@settings(deadline=None)
@given(names, names, names, shares)
def test_a_cluster_is_never_split(a: str, b: str, cluster: str, parts: list[int]) -> None:
    ratios = ratios_of(parts)
    assert draw_split(a, cluster, ratios) == draw_split(b, cluster, ratios)


@settings(deadline=None)
@given(names, shares)
def test_no_case_falls_into_a_split_without_a_share(name: str, parts: list[int]) -> None:
    ratios = ratios_of(parts)
    assert ratios[draw_split(name, None, ratios)] > 0


@settings(deadline=None)
@given(names, st.integers(0, 100), st.integers(0, 100))
def test_a_larger_train_share_takes_cases_and_gives_none_up(name: str, a: int, b: int) -> None:
    small, large = sorted((a / 100, b / 100))
    before = draw_split(name, None, {"train": small, "test": 1 - small})
    after = draw_split(name, None, {"train": large, "test": 1 - large})
    assert before == after or (before, after) == ("test", "train")


def test_shares_are_met_on_many_cases() -> None:
    ratios: dict[SplitName, float] = {"train": 0.6, "dev": 0.3, "test": 0.1}
    drawn = [draw_split(f"case-{n}", None, ratios) for n in range(20_000)]
    for split, share in ratios.items():
        # Five standard errors of a share over 20,000 draws are at most 0.018.
        assert drawn.count(split) / len(drawn) == pytest.approx(share, abs=0.018)


def test_no_share_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no split has a share"):
        draw_split("a", None, {})
