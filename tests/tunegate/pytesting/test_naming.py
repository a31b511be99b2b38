from __future__ import annotations

import random

import pytest

from tunegate.pytesting.naming import LONGEST_NAME, node_names

HOSTILE = [
    "q 1",
    "a::b",
    "a:.:b",
    "a",
    "a[1]",
    "b[1]",
    "[",
    "q\"uo'te",
    "ünïcode 日本",
    "line\nbreak",
    "line\\u000abreak",
    "\ud800",
    "\u202egnp",
    "x" * 199,
    "x" * 200,
    "-x",
    "$(id)",
]


def test_a_readable_id_is_its_own_name():
    ids = ["q-017", "q 1", "b[1]", "ünïcode 日本", "a/b.c"]
    assert node_names(ids) == ids


def test_names_are_unique_short_and_printable_and_divide_no_node_id():
    names = node_names(HOSTILE)
    assert len(set(names)) == len(HOSTILE)
    for name in names:
        assert name.isprintable()
        assert "::" not in name
        assert len(name) <= LONGEST_NAME


def test_no_name_is_selected_by_another_ones():
    names = node_names(HOSTILE)  # pytest takes what stands before a bracket as a name too
    assert not [n for n in names if "[" in n and n.split("[", maxsplit=1)[0] in names]


@pytest.mark.parametrize("seed", range(3))
def test_a_name_does_not_depend_on_order_nor_on_cases_that_do_not_clash(seed: int):
    expected = dict(zip(HOSTILE, node_names(HOSTILE), strict=True))
    shuffled = [*HOSTILE, "another", "and another"]
    random.Random(seed).shuffle(shuffled)
    found = dict(zip(shuffled, node_names(shuffled), strict=True))
    assert {name: found[name] for name in HOSTILE} == expected
