"""The codes inside Zstandard blocks: FSE and Huffman tables, and the bits they read (RFC 8878).

Every read is bounded by the input; what does not fit is a ZstandardError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_PIECE = 2_000  # bits


class ZstandardError(ValueError):
    """The bytes are no Zstandard frame, are damaged, or hold more than the limit."""


class Table(NamedTuple):
    """An FSE decoding table: by state its symbol, bits to read next, and base of the next."""

    log: int
    symbols: Sequence[int]
    bits: Sequence[int]
    bases: Sequence[int]


class Huffman(NamedTuple):
    """A Huffman decoding table over the next `log` bits: symbol and code length by prefix."""

    log: int
    symbols: bytes
    lengths: bytes


class Backward:
    """A bit stream read from its end; behind its beginning it holds zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        if not data or not data[-1]:
            raise ZstandardError("damaged Zstandard data")
        self.left = self._value.bit_length() - 1  # the highest bit only marks the end
        # A shift costs what the number is long: short pieces of it are read, from `_base` on.
        self._piece, self._base = 0, self.left

    def read(self, bits: int) -> int:
        """The next `bits` bits."""
        self.left -= bits
        if self.left < 0:
            return (self._value << -self.left) & ((1 << bits) - 1) if -self.left <= bits else 0
        if self.left < self._base:
            self._base = max(0, self.left - _PIECE)
            self._piece = (self._value >> self._base) & ((1 << (self.left + bits - self._base)) - 1)
        return (self._piece >> (self.left - self._base)) & ((1 << bits) - 1)


def take(data: bytes, at: int, size: int) -> bytes:
    """`size` bytes from `at` on; ZstandardError where they are not all there."""
    piece = data[at : at + size]
    if len(piece) < size:
        raise ZstandardError("the Zstandard data is cut short")
    return piece


def read_counts(data: bytes, most_log: int, most_symbol: int) -> tuple[list[int], int, int]:
    """The normalised counts of an FSE table, its log, and the bytes read (RFC 8878, 4.1.1)."""
    value, at = int.from_bytes(data[:512], "little"), 4
    log = (value & 15) + 5
    if log > most_log:
        raise ZstandardError("damaged Zstandard data")
    left = 1 << log
    counts: list[int] = []
    while left > 0 and len(counts) <= most_symbol:
        width = (left + 1).bit_length()
        low = (1 << (width - 1)) - 1
        threshold = (1 << width) - 2 - left
        code = (value >> at) & ((1 << width) - 1)
        if code & low < threshold:
            code, width = code & low, width - 1
        elif code > low:
            code -= threshold
        at += width
        counts.append(code - 1)
        left -= abs(code - 1)
        zeros = 3 if code == 1 else 0
        while zeros == 3:
            zeros = (value >> at) & 3
            at += 2
            counts += [0] * zeros
    used = (at + 7) // 8
    if left or len(counts) > most_symbol + 1 or used > len(data):
        raise ZstandardError("damaged Zstandard data")
    return counts, log, used


def build(counts: Sequence[int], log: int) -> Table:
    """The decoding table of normalised counts; -1 is a symbol less likely than one state."""
    size = 1 << log
    symbols, high = [0] * size, size
    for symbol, count in enumerate(counts):
        if count == -1:
            high -= 1
            symbols[high] = symbol
    at, step = 0, (size >> 1) + (size >> 3) + 3
    for symbol, count in enumerate(counts):
        for _ in range(count):
            symbols[at] = symbol
            at = (at + step) % size
            while at >= high:
                at = (at + step) % size
    following = [abs(count) for count in counts]
    bits, bases = [], []
    for symbol in symbols:
        state = following[symbol]
        following[symbol] += 1
        width = log - (state.bit_length() - 1)
        bits.append(width)
        bases.append((state << width) - size)
    return Table(log, symbols, bits, bases)


def read_huffman(data: bytes) -> tuple[Huffman, int]:
    """A Huffman table from its description, and the bytes that took (RFC 8878, 4.2.1)."""
    size = data[0]
    if size >= 128:
        packed = take(data, 1, (size - 126) // 2)
        weights = [nibble for byte in packed for nibble in (byte >> 4, byte & 15)][: size - 127]
        return _huffman(weights), 1 + len(packed)
    return _huffman(_packed_weights(take(data, 1, size))), 1 + size


def _packed_weights(data: bytes) -> list[int]:
    """Weights from two FSE states that take turns, until the bits have run out."""
    counts, log, used = read_counts(data, 6, 255)
    table, bits = build(counts, log), Backward(data[used:])
    states = [bits.read(log), bits.read(log)]
    weights: list[int] = []
    turn = 0
    while bits.left >= 0:
        if len(weights) > 255:
            raise ZstandardError("damaged Zstandard data")
        state = states[turn]
        weights.append(table.symbols[state])
        states[turn] = table.bases[state] + bits.read(table.bits[state])
        turn = 1 - turn
    return [*weights, table.symbols[states[turn]]]


def _huffman(weights: list[int]) -> Huffman:
    total = sum((1 << weight) >> 1 for weight in weights)
    log = total.bit_length()
    rest = (1 << log) - total
    if not 0 < log <= 11 or rest & (rest - 1):
        raise ZstandardError("damaged Zstandard data")
    weights = [*weights, rest.bit_length()]  # the last weight is what completes the code
    symbols, lengths = bytearray(), bytearray()
    for weight in range(1, log + 1):
        for symbol in (s for s, w in enumerate(weights) if w == weight):
            symbols += bytes([symbol]) * (1 << (weight - 1))
            lengths += bytes([log + 1 - weight]) * (1 << (weight - 1))
    if len(symbols) != 1 << log:
        raise ZstandardError("damaged Zstandard data")
    return Huffman(log, bytes(symbols), bytes(lengths))


def read_streams(table: Huffman, body: bytes, size: int, streams: int) -> bytes:
    """`size` literals from one stream, or from four that stand behind a table of their sizes."""
    if streams == 1:
        return _decode(table, body, size)
    sizes = [int.from_bytes(take(body, 2 * i, 2), "little") for i in range(3)]
    each, at, out = (size + 3) // 4, 6, b""
    for packed in sizes:
        out += _decode(table, take(body, at, packed), each)
        at += packed
    if size < len(out):
        raise ZstandardError("damaged Zstandard data")
    return out + _decode(table, body[at:], size - len(out))


def _decode(table: Huffman, data: bytes, size: int) -> bytes:
    """`size` literals of one stream, which must then be used up."""
    if not data or not data[-1]:
        raise ZstandardError("damaged Zstandard data")
    log, symbols, lengths = table
    # Zeros behind the beginning, so that the last codes can be looked up like the others.
    value = int.from_bytes(data, "little")
    at = value.bit_length() - 1
    value <<= log
    mask, out = (1 << log) - 1, bytearray()
    while len(out) < size:
        # As in `Backward`: short pieces of a long number.
        base = max(0, at - _PIECE)
        piece, at = (value >> base) & ((1 << (at - base + log)) - 1), at - base
        for _ in range(size - len(out)):
            prefix = (piece >> at) & mask
            out.append(symbols[prefix])
            at -= lengths[prefix]
            if at < 0:
                break
        at += base
        if at < 0:
            raise ZstandardError("damaged Zstandard data")
    if at:
        raise ZstandardError("damaged Zstandard data")
    return bytes(out)
