from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tuning.data.lint import overlap
from tuning.data.lint.overlap import Shared, Stretches

TEXT = st.text(alphabet="abß漢\U0001f600 ", max_size=60)


@given(
    texts=st.lists(TEXT, max_size=8),
    stretches=st.lists(st.tuples(TEXT.filter(lambda t: len(t) > 1), st.integers(0, 3)), max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_what_is_found_is_what_a_plain_search_finds(
    texts: list[str], stretches: list[tuple[str, int]]
) -> None:
    owners: dict[str, int] = {}
    for text, owner in stretches:
        owners.setdefault(text, owner)
    expected = {
        Shared(place, owner)
        for place, text in enumerate(texts)
        for stretch, owner in owners.items()
        if stretch in text
    }
    found = list(Stretches(stretches).among(texts))
    assert set(found) == expected
    assert len(found) == len(expected)


def test_long_texts_are_searched_in_pieces_that_overlap() -> None:
    size = overlap._CHUNK
    needle = "the quick brown fox"
    for place in (0, size - 19, size - 10, size - 1, size, 2 * size - 5):
        text = "x" * place + needle + "y" * 50
        assert list(Stretches([(needle, 7)]).among(["nothing", text])) == [Shared(1, 7)]
