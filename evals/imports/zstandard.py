"""Zstandard frames to bytes (RFC 8878), in plain Python: Inspect's `.eval` logs use them.

No library of Python 3.11 reads them, and reading somebody's results is no reason to install
one. What is decoded is hostile: every read is bounded by the input, and the output by a limit.
Dictionaries are refused; the frame's checksum is left to the archive's own (CRC-32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evals.imports.zstandard_codes import (
    Backward,
    Huffman,
    Table,
    ZstandardError,
    build,
    read_counts,
    read_huffman,
    read_streams,
    take,
)

__all__ = ["ZstandardError", "decompress"]

MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_MOST_BLOCK = 128 << 10


class _Kind(NamedTuple):
    """One of the three parts of a sequence: its limits, and the table used without a stated one."""

    most_log: int
    most_symbol: int
    default_log: int
    default: tuple[int, ...]


_LENGTHS = _Kind(9, 35, 6, (4, 3, *[2] * 11, 1, 1, 1, *[2] * 9, 3, 2, *[1] * 5, *[-1] * 4))
_OFFSETS = _Kind(8, 31, 5, (*[1] * 6, 2, 2, 2, *[1] * 15, *[-1] * 5))
_MATCHES = _Kind(9, 52, 6, (1, 4, 3, *[2] * 6, *[1] * 37, *[-1] * 7))

_LENGTH_BITS = (*[0] * 16, 1, 1, 1, 1, 2, 2, 3, 3, 4, *range(6, 17))
_MATCH_BITS = (*[0] * 32, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, *range(7, 17))


def _bases(first: int, bits: Sequence[int]) -> tuple[int, ...]:
    """The smallest value of each code: codes follow each other without a gap."""
    found = [first]
    for width in bits[:-1]:
        found.append(found[-1] + (1 << width))
    return tuple(found)


_LENGTH_BASES = _bases(0, _LENGTH_BITS)
_MATCH_BASES = _bases(3, _MATCH_BITS)


def decompress(data: bytes, limit: int) -> bytes:
    """All frames of `data`, at most `limit` bytes of output. Raises ZstandardError."""
    out = bytearray()
    at = 0
    try:
        while at < len(data):
            magic = int.from_bytes(take(data, at, 4), "little")
            if magic in _SKIPPABLE:
                at += 8 + int.from_bytes(take(data, at + 4, 4), "little")
                continue
            if data[at : at + 4] != MAGIC:
                raise ZstandardError("no Zstandard frame")
            frame = _Frame(data, out, len(out), limit)
            at = frame.read(at + 4)
    except IndexError:
        raise ZstandardError("damaged Zstandard data") from None
    return bytes(out)


@dataclass
class _Frame:
    """One frame being decoded onto the end of `out`; tables live as long as the frame."""

    data: bytes
    out: bytearray
    start: int
    limit: int
    huffman: Huffman | None = None
    tables: dict[str, Table] = field(default_factory=dict)
    recent: list[int] = field(default_factory=lambda: [1, 4, 8])

    def read(self, at: int) -> int:
        """Decode from behind the magic number; returns where the frame ends."""
        descriptor = self.data[at]
        single, checked = descriptor & 0x20, descriptor & 0x04
        at += 1 if single else 2
        dictionary = (0, 1, 2, 4)[descriptor & 3]
        if int.from_bytes(take(self.data, at, dictionary), "little"):
            raise ZstandardError("the data needs a dictionary")
        size = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
        at += dictionary + size
        last = False
        while not last:
            header = int.from_bytes(take(self.data, at, 3), "little")
            last = bool(header & 1)
            at = self._block((header >> 1) & 3, header >> 3, at + 3)
            if len(self.out) > self.limit:
                raise ZstandardError(f"more than {self.limit} bytes when unpacked")
        return at + (4 if checked else 0)

    def _block(self, kind: int, size: int, at: int) -> int:
        if size > _MOST_BLOCK or kind == 3:
            raise ZstandardError("damaged Zstandard data")
        if kind == 1:
            self.out += take(self.data, at, 1) * size
            return at + 1
        block = take(self.data, at, size)
        if kind == 0:
            self.out += block
        else:
            literals, used = self._literals(block)
            self._sequences(block[used:], literals)
        return at + size

    def _literals(self, block: bytes) -> tuple[bytes, int]:
        kind, form = block[0] & 3, (block[0] >> 2) & 3
        if kind < 2:
            width, shift = {1: (2, 4), 3: (3, 4)}.get(form, (1, 3))
            size = int.from_bytes(take(block, 0, width), "little") >> shift
            if kind == 1:
                return take(block, width, 1) * min(size, _MOST_BLOCK), width + 1
            return take(block, width, size), width + size
        width, bits = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
        header = int.from_bytes(take(block, 0, width), "little") >> 4
        size, packed = header & ((1 << bits) - 1), header >> bits
        body = take(block, width, packed)
        if kind == 2:
            self.huffman, used = read_huffman(body)
            body = body[used:]
        if self.huffman is None or size > _MOST_BLOCK:
            raise ZstandardError("damaged Zstandard data")
        return read_streams(self.huffman, body, size, 1 if form == 0 else 4), width + packed

    def _sequences(self, block: bytes, literals: bytes) -> None:
        count, at = _count(block)
        if count == 0:
            self.out += literals
            return
        modes = block[at]
        at += 1
        for name, kind, shift in (
            ("length", _LENGTHS, 6),
            ("offset", _OFFSETS, 4),
            ("match", _MATCHES, 2),
        ):
            at = self._table(name, kind, (modes >> shift) & 3, block, at)
        self._execute(Backward(block[at:]), count, literals)

    def _table(self, name: str, kind: _Kind, mode: int, block: bytes, at: int) -> int:
        if mode == 0:
            self.tables[name] = build(kind.default, kind.default_log)
        elif mode == 1:
            if block[at] > kind.most_symbol:
                raise ZstandardError("damaged Zstandard data")
            self.tables[name] = Table(0, (block[at],), (0,), (0,))
            return at + 1
        elif mode == 2:
            counts, log, used = read_counts(block[at:], kind.most_log, kind.most_symbol)
            self.tables[name] = build(counts, log)
            return at + used
        elif name not in self.tables:
            raise ZstandardError("damaged Zstandard data")
        return at

    def _execute(self, bits: Backward, count: int, literals: bytes) -> None:
        """Copy literals and earlier output, sequence by sequence."""
        length, offset, match = (self.tables[name] for name in ("length", "offset", "match"))
        length_state, offset_state = bits.read(length.log), bits.read(offset.log)
        match_state = bits.read(match.log)
        used = 0
        for left in range(count, 0, -1):
            code = offset.symbols[offset_state]
            value = (1 << code) + bits.read(code)
            code = match.symbols[match_state]
            copied = _MATCH_BASES[code] + bits.read(_MATCH_BITS[code])
            code = length.symbols[length_state]
            taken = _LENGTH_BASES[code] + bits.read(_LENGTH_BITS[code])
            if left > 1:
                length_state = length.bases[length_state] + bits.read(length.bits[length_state])
                match_state = match.bases[match_state] + bits.read(match.bits[match_state])
                offset_state = offset.bases[offset_state] + bits.read(offset.bits[offset_state])
            self.out += take(literals, used, taken)
            used += taken
            self._copy(self._distance(value, taken), copied)
        if bits.left != 0:
            raise ZstandardError("damaged Zstandard data")
        self.out += literals[used:]

    def _distance(self, value: int, taken: int) -> int:
        """How far back to copy from: stated, or one of the last three, which it moves."""
        first, second, third = self.recent
        index = 4 if value > 3 else value - (1 if taken else 0)
        if index == 0:
            return first
        if index == 1:
            self.recent = [second, first, third]
        else:
            newest = {2: third, 3: first - 1, 4: value - 3}[index]
            self.recent = [newest, first, second]
        return self.recent[0]

    def _copy(self, distance: int, size: int) -> None:
        out = self.out
        begin = len(out) - distance
        if distance < 1 or begin < self.start or len(out) + size > self.limit + _MOST_BLOCK:
            raise ZstandardError("damaged Zstandard data, or more than the limit")
        piece = bytes(out[begin : begin + size])
        out += (piece * (size // len(piece) + 1))[:size]


def _count(block: bytes) -> tuple[int, int]:
    """How many sequences follow, and the length of that statement."""
    first = block[0]
    if first < 128:
        return first, 1
    if first < 255:
        return ((first - 128) << 8) + block[1], 2
    return block[1] + (block[2] << 8) + 0x7F00, 3
