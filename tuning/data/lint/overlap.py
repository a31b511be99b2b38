"""Stretches of sealed texts that stand in others, found by hashes of every stretch of a text.

The hash of characters i to j is a difference of sums of c_k B^k modulo 2^64, brought to the same
power by B's inverse (the fingerprint of Karp and Rabin 1987), so that it costs the same for any
length, and a pass over all texts is a few operations of numpy a character. What a hash finds is
then compared as text. Time is linear in the texts; memory is bounded by `_CHUNK`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

_CHUNK = 1 << 19  # characters at a time
_BITS = 22  # of a table that most positions are ruled out by
_BASE = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = 0xBF58476D1CE4E5B9


class Shared(NamedTuple):
    """A text, by index, that holds a stretch, and whose stretch it is."""

    text: int
    owner: int


class Stretches:
    """Stretches of texts, each with an owner; of equal ones the first owner's is kept."""

    def __init__(self, stretches: Sequence[tuple[str, int]]) -> None:
        import numpy as np

        owners: dict[str, int] = {}
        for text, owner in stretches:
            owners.setdefault(text, owner)
        by_length: dict[int, list[str]] = defaultdict(list)
        for text in owners:
            by_length[len(text)].append(text)
        self._owners = owners
        self._least = min(by_length, default=0)
        self._most = max(by_length, default=0)
        self._powers = _powers(np, _BASE, _CHUNK + self._most + 1)
        self._inverses = _powers(np, _INVERSE, _CHUNK + self._most + 1)
        self._tables: dict[int, tuple[Any, list[str]]] = {}
        starts = []
        for length, texts in by_length.items():
            hashes = self._hashes("".join(texts), length)[::length]
            order = np.argsort(hashes, kind="stable")
            self._tables[length] = (hashes[order], [texts[place] for place in order.tolist()])
            starts.append(self._hashes("".join(t[: self._least] for t in texts), self._least))
        firsts = [each[:: self._least] for each in starts]
        self._starts = np.unique(np.concatenate(firsts)) if firsts else np.empty(0, np.uint64)
        self._possible = np.zeros(1 << _BITS, dtype=bool)
        self._possible[self._slot(self._starts)] = True

    def among(self, texts: Sequence[str]) -> Iterator[Shared]:
        """Each text with each owner of a stretch in it, once."""
        seen: set[Shared] = set()
        for pieces in _chunks(texts, self._most):
            for found in self._in_chunk(pieces):
                if found not in seen:
                    seen.add(found)
                    yield found

    def _in_chunk(self, pieces: Sequence[tuple[int, str]]) -> Iterator[Shared]:
        import numpy as np

        if not self._tables:
            return
        whole = "\n".join(text for _, text in pieces)
        if len(whole) < self._least:
            return
        sums = self._sums(whole)
        hashes = self._of(sums, np.arange(len(whole) - self._least + 1), self._least)
        places = np.flatnonzero(self._possible[self._slot(hashes)])
        places = places[_is_in(np, hashes[places], self._starts)]
        ends = np.cumsum([len(text) + 1 for _, text in pieces])
        for length, (table, stretches) in self._tables.items():
            at = places[places <= len(whole) - length]
            found = self._of(sums, at, length)
            hit = _is_in(np, found, table)
            at, row = at[hit], np.searchsorted(table, found[hit])
            piece = np.searchsorted(ends, at, side="right")
            # One place of each stretch in each text is enough.
            _, first = np.unique(piece * len(stretches) + row, return_index=True)
            for place, of, which in zip(
                at[first].tolist(), piece[first].tolist(), row[first].tolist(), strict=True
            ):
                stretch = stretches[which]
                if whole.startswith(stretch, place):
                    yield Shared(pieces[of][0], self._owners[stretch])

    def _hashes(self, text: str, length: int) -> Any:
        """Of every stretch of that length, in pieces that the powers reach."""
        import numpy as np

        parts = []
        for start in range(0, max(1, len(text) - length + 1), _CHUNK):
            piece = text[start : start + _CHUNK + length - 1]
            parts.append(self._of(self._sums(piece), np.arange(len(piece) - length + 1), length))
        return np.concatenate(parts)

    def _sums(self, text: str) -> Any:
        import numpy as np

        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        mixed = (codes.astype(np.uint64) + np.uint64(1)) * np.uint64(_MIX)
        mixed ^= mixed >> np.uint64(31)
        sums = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(mixed * self._powers[: len(codes)], out=sums[1:])
        return sums

    def _of(self, sums: Any, places: Any, length: int) -> Any:
        return (sums[places + length] - sums[places]) * self._inverses[places]

    def _slot(self, hashes: Any) -> Any:
        return hashes >> (64 - _BITS)


def _powers(np: Any, base: int, count: int) -> Any:
    powers = np.full(count, base, dtype=np.uint64)
    powers[0] = 1
    return np.cumprod(powers, dtype=np.uint64)


def _is_in(np: Any, values: Any, ordered: Any) -> Any:
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    place = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    return ordered[place] == values


def _chunks(texts: Sequence[str], overlap: int) -> Iterator[list[tuple[int, str]]]:
    """Texts by index, together about `_CHUNK` characters; longer ones in overlapping pieces."""
    chunk: list[tuple[int, str]] = []
    size = 0
    for index, text in enumerate(texts):
        for start in range(0, len(text), _CHUNK):
            piece = text[start : start + _CHUNK + overlap - 1] if overlap else text
            if chunk and size + len(piece) + 1 > _CHUNK:
                yield chunk
                chunk, size = [], 0
            chunk.append((index, piece))
            size += len(piece) + 1
    if chunk:
        yield chunk
