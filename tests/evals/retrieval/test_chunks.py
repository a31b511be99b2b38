"""Documents in pieces: bounded, in order, whole sentences where possible, nothing lost."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from evals.retrieval.chunks import cut
from evals.suite.spec import Document, RetrievalSpec

SENTENCES = [f"Sentence {n} says that item {n} costs {7 * n} crowns." for n in range(40)]


def pieces(text: str, words: int, overlap: int) -> list[str]:
    return [piece.text for piece in cut(Document("d", text, "T"), RetrievalSpec(words, overlap))]


def test_a_document_that_is_no_longer_than_a_piece_stays_as_it_is() -> None:
    document = Document("d", "one  two\n\nthree", "T")
    assert cut(document, RetrievalSpec(3, 1)) == (document,)


def test_every_piece_names_its_document_and_carries_the_title() -> None:
    found = cut(Document("d", " ".join(SENTENCES), "T"), RetrievalSpec(30, 10))
    assert {(piece.id, piece.title) for piece in found} == {("d", "T")}
    assert len(found) > 5


def test_pieces_end_and_begin_with_sentences_where_they_can() -> None:
    for piece in pieces(" ".join(SENTENCES), 30, 10):
        assert piece.startswith("Sentence ")
        assert piece.endswith("crowns.")


def test_a_paragraph_end_is_preferred_to_a_later_sentence_end() -> None:
    text = " ".join(SENTENCES[:2]) + "\n\n" + " ".join(SENTENCES[2:])
    assert pieces(text, 30, 0)[0] == " ".join(SENTENCES[:2])


def test_pieces_that_follow_each_other_share_words() -> None:
    found = pieces(" ".join(f"w{n}" for n in range(100)), 20, 5)
    for before, after in pairwise(found):
        assert before.split()[-5:] == after.split()[:5]


def test_text_without_spaces_is_cut_by_its_characters() -> None:
    found = pieces("東京の天気は晴れです。" * 20, 40, 10)
    assert all(len(piece) <= 40 for piece in found)
    assert all(piece.endswith("。") for piece in found)
    assert all(len(piece) <= 1000 for piece in pieces("x" * 50_000, 10, 2))


@given(
    words=st.lists(
        st.tuples(st.text("abc.", min_size=1, max_size=6), st.sampled_from([" ", "\n", "\n\n"])),
        max_size=200,
    ),
    size=st.integers(10, 40),
    overlap=st.integers(0, 5),
)
def test_no_word_is_lost_and_no_piece_is_too_long(
    words: list[tuple[str, str]], size: int, overlap: int
) -> None:
    numbered = [f"{number}:{word}" for number, (word, _) in enumerate(words)]
    text = "".join(word + gap for word, (_, gap) in zip(numbered, words, strict=True))
    found = [piece.split() for piece in pieces(text, size, overlap)]
    assert all(len(piece) <= size for piece in found)
    seen = [int(word.split(":")[0]) for piece in found for word in piece]
    assert set(seen) == set(range(len(words)))
    starts = [int(piece[0].split(":")[0]) for piece in found if piece]
    assert starts == sorted(set(starts))
