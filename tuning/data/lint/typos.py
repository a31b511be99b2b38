"""Sealed texts that stand in others but for a few letters: copies with mistakes in spelling.

Candidates are pairs with most pieces of `_PIECE` letters in common: a changed letter spoils no
more than so many pieces. Of those the letters that differ are counted (Myers 1999, "A fast
bit-vector algorithm for approximate string matching"). A pair counts only where every word that
differs is a letter or two off and is no number, and where one of these spellings is rare in the
data: what fills in a form stands in many rows, and a mistake does not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

_PIECE = 4
_BASE = 0x9E3779B97F4A7C15 | 1
# Letters that may differ: so many, and one more for each so many of a long text.
_FEW, _EACH = 4, 25
# Of a short word one letter may differ, of a longer one two.
_SHORT = 4
_RARE = 3
_BLOCK = 512
# Of the sealed texts that a text is like, so many are compared, the likest first.
_COMPARED = 10


class Worded(NamedTuple):
    """A text as words of letters and digits, and as these alone."""

    words: str
    letters: str


class Misspelt(NamedTuple):
    """A text, by index, that holds a pattern, by index, but for so many letters."""

    text: int
    pattern: int
    changed: int


def misspelt(
    texts: Sequence[Worded],
    patterns: Sequence[Worded],
    is_form: Callable[[Sequence[int]], bool],
) -> Iterator[Misspelt]:
    """The first pattern that each text holds with a few letters changed; exact ones, too.

    `is_form` says of a pattern, by the texts that are like it, that it is no text of its own.
    """
    seen = Counter(word for each in (*texts, *patterns) for word in set(each.words.split()))
    candidates = list(_candidates(texts, patterns))
    like: dict[int, list[int]] = defaultdict(list)
    for text, likest in candidates:
        for pattern in likest:
            like[pattern].append(text)
    forms = {pattern for pattern, found in like.items() if is_form(found)}
    for text, likest in candidates:
        for pattern in [each for each in likest if each not in forms][:_COMPARED]:
            changed = _changed(patterns[pattern].letters, texts[text].letters)
            if changed <= most(patterns[pattern].letters) and _are_mistakes(
                patterns[pattern], texts[text], seen
            ):
                yield Misspelt(text, pattern, changed)
                break


def most(letters: str) -> int:
    """How many letters of a text may differ."""
    return max(_FEW, len(letters) // _EACH)


def _candidates(
    texts: Sequence[Worded], patterns: Sequence[Worded]
) -> Iterator[tuple[int, list[int]]]:
    """Texts that have enough pieces of a pattern, with these patterns, the likest first."""
    import numpy as np

    if not texts or not patterns:
        return
    sought = np.unique(np.concatenate([_pieces(each.letters) for each in patterns]))
    columns = _matrix(patterns, sought)
    sizes = np.diff(columns.indptr)
    least = sizes - np.array([_PIECE * most(each.letters) for each in patterns])
    flipped = columns.T.tocsr()
    for start in range(0, len(texts), _BLOCK):
        common = (_matrix(texts[start : start + _BLOCK], sought) @ flipped).tocsr()
        for row in range(common.shape[0]):
            place = slice(common.indptr[row], common.indptr[row + 1])
            at, count = common.indices[place], common.data[place]
            enough = (count >= least[at]) & (count > 0)
            if enough.any():
                at, missing = at[enough], (sizes[at] - count)[enough]
                yield start + row, at[np.lexsort((at, missing))].tolist()


def _matrix(texts: Sequence[Worded], sought: Any) -> Any:
    """Which of the sought pieces each text has: ones, (texts, sought)."""
    import numpy as np
    from scipy.sparse import csr_matrix

    rows = []
    for each in texts:
        found = np.unique(_pieces(each.letters))
        place = np.minimum(np.searchsorted(sought, found), len(sought) - 1)
        rows.append(place[sought[place] == found])
    ends = np.cumsum([0, *map(len, rows)])
    indices = np.concatenate(rows)
    ones = np.ones(len(indices), dtype=np.int32)
    return csr_matrix((ones, indices, ends), shape=(len(texts), len(sought)))


def _pieces(letters: str) -> Any:
    """Hashes of all pieces of a text."""
    import numpy as np

    codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = codes.astype(np.uint64)
    count = max(0, len(codes) - _PIECE + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(_PIECE):
        hashes = hashes * np.uint64(_BASE) + codes[place : place + count]
    return hashes


def _changed(pattern: str, text: str) -> int:
    """The least edits that make the pattern a part of the text."""
    masks: dict[str, int] = {}
    for place, letter in enumerate(pattern):
        masks[letter] = masks.get(letter, 0) | 1 << place
    whole = (1 << len(pattern)) - 1
    last = 1 << len(pattern) - 1
    up, down, score, least = whole, 0, len(pattern), len(pattern)
    for letter in text:
        equal = masks.get(letter, 0)
        diagonal = (((equal & up) + up) ^ up) | equal | down
        grown, shrunk = down | ~(diagonal | up), up & diagonal
        score += bool(grown & last) - bool(shrunk & last)
        grown, shrunk = grown << 1, shrunk << 1
        up, down = (shrunk | ~(diagonal | grown)) & whole, grown & diagonal & whole
        least = min(least, score)
    return least


def _are_mistakes(pattern: Worded, text: Worded, seen: Counter[str]) -> bool:
    """Whether all words that are not there are misspelt there, one of them as few texts do."""
    there, wanted = set(text.words.split()), set(pattern.words.split())
    others = there - wanted
    rare = wanted <= there
    for word in wanted - there:
        if any(letter.isdigit() for letter in word):
            return False
        divided = len(word) > _SHORT and word in text.letters
        spelt = [other for other in others if word in other or _is_near(word, other)]
        if not spelt and not divided:
            return False
        rare = rare or divided or any(seen[other] < _RARE for other in spelt)
    return rare


def _is_near(word: str, other: str) -> bool:
    allowed = 1 if len(word) <= _SHORT else 2
    return abs(len(word) - len(other)) <= allowed and _changed(word, other) <= allowed
