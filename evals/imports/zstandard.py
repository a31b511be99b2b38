"""Zstandard frames to bytes (RFC 8878), in plain Python: Inspect's `.eval` logs use them.

No library of Python 3.11 reads them, and reading somebody's results is no reason to install
one. What is decoded is hostile: every read is bounded by the input, and the output by a limit.
Dictionaries are refused; the frame's checksum is left to the archive's own (CRC-32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_MOST_BLOCK = 128 << 10


class ZstandardError(ValueError):
    """The bytes are no Zstandard frame, are damaged, or hold more than the limit."""


class _Table(NamedTuple):
    """An FSE decoding table: by state its symbol, bits to read next, and base of the next."""

    log: int
    symbols: Sequence[int]
    bits: Sequence[int]
    bases: Sequence[int]


class _Huffman(NamedTuple):
    """A Huffman decoding table over the next `log` bits: symbol and code length by prefix."""

    log: int
    symbols: bytes
    lengths: bytes


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
            magic = int.from_bytes(_take(data, at, 4), "little")
            if magic in _SKIPPABLE:
                at += 8 + int.from_bytes(_take(data, at + 4, 4), "little")
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
    huffman: _Huffman | None = None
    tables: dict[str, _Table] = field(default_factory=dict)
    recent: list[int] = field(default_factory=lambda: [1, 4, 8])

    def read(self, at: int) -> int:
        """Decode from behind the magic number; returns where the frame ends."""
        descriptor = self.data[at]
        single, checked = descriptor & 0x20, descriptor & 0x04
        at += 1 if single else 2
        dictionary = (0, 1, 2, 4)[descriptor & 3]
        if int.from_bytes(_take(self.data, at, dictionary), "little"):
            raise ZstandardError("the data needs a dictionary")
        size = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
        at += dictionary + size
        last = False
        while not last:
            header = int.from_bytes(_take(self.data, at, 3), "little")
            last = bool(header & 1)
            at = self._block((header >> 1) & 3, header >> 3, at + 3)
            if len(self.out) > self.limit:
                raise ZstandardError(f"more than {self.limit} bytes when unpacked")
        return at + (4 if checked else 0)

    def _block(self, kind: int, size: int, at: int) -> int:
        if size > _MOST_BLOCK or kind == 3:
            raise ZstandardError("damaged Zstandard data")
        if kind == 1:
            self.out += _take(self.data, at, 1) * size
            return at + 1
        block = _take(self.data, at, size)
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
            size = int.from_bytes(_take(block, 0, width), "little") >> shift
            if kind == 1:
                return _take(block, width, 1) * min(size, _MOST_BLOCK), width + 1
            return _take(block, width, size), width + size
        width, bits = ((3, 10), (3, 10), (4, 14), (5, 18))[form]
        header = int.from_bytes(_take(block, 0, width), "little") >> 4
        size, packed = header & ((1 << bits) - 1), header >> bits
        body = _take(block, width, packed)
        if kind == 2:
            self.huffman, used = _read_huffman(body)
            body = body[used:]
        if self.huffman is None or size > _MOST_BLOCK:
            raise ZstandardError("damaged Zstandard data")
        return _streams(self.huffman, body, size, 1 if form == 0 else 4), width + packed

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
        self._execute(_Backward(block[at:]), count, literals)

    def _table(self, name: str, kind: _Kind, mode: int, block: bytes, at: int) -> int:
        if mode == 0:
            self.tables[name] = _build(kind.default, kind.default_log)
        elif mode == 1:
            if block[at] > kind.most_symbol:
                raise ZstandardError("damaged Zstandard data")
            self.tables[name] = _Table(0, (block[at],), (0,), (0,))
            return at + 1
        elif mode == 2:
            counts, log, used = _read_counts(block[at:], kind.most_log, kind.most_symbol)
            self.tables[name] = _build(counts, log)
            return at + used
        elif name not in self.tables:
            raise ZstandardError("damaged Zstandard data")
        return at

    def _execute(self, bits: _Backward, count: int, literals: bytes) -> None:
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
            self.out += _take(literals, used, taken)
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


class _Backward:
    """A bit stream read from its end; behind its beginning it holds zeros."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        if not data or not data[-1]:
            raise ZstandardError("damaged Zstandard data")
        self.left = self._value.bit_length() - 1  # the highest bit only marks the end

    def read(self, bits: int) -> int:
        """The next `bits` bits."""
        self.left -= bits
        if self.left < 0:
            return (self._value << -self.left) & ((1 << bits) - 1)
        return (self._value >> self.left) & ((1 << bits) - 1)


def _take(data: bytes, at: int, size: int) -> bytes:
    piece = data[at : at + size]
    if len(piece) < size:
        raise ZstandardError("the Zstandard data is cut short")
    return piece


def _count(block: bytes) -> tuple[int, int]:
    """How many sequences follow, and the length of that statement."""
    first = block[0]
    if first < 128:
        return first, 1
    if first < 255:
        return ((first - 128) << 8) + block[1], 2
    return block[1] + (block[2] << 8) + 0x7F00, 3


def _read_counts(data: bytes, most_log: int, most_symbol: int) -> tuple[list[int], int, int]:
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


def _build(counts: Sequence[int], log: int) -> _Table:
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
    return _Table(log, symbols, bits, bases)


def _read_huffman(data: bytes) -> tuple[_Huffman, int]:
    """A Huffman table from its description, and the bytes that took (RFC 8878, 4.2.1)."""
    size = data[0]
    if size >= 128:
        packed = _take(data, 1, (size - 126) // 2)
        weights = [nibble for byte in packed for nibble in (byte >> 4, byte & 15)][: size - 127]
        return _huffman(weights), 1 + len(packed)
    return _huffman(_packed_weights(_take(data, 1, size))), 1 + size


def _packed_weights(data: bytes) -> list[int]:
    """Weights from two FSE states that take turns, until the bits have run out."""
    counts, log, used = _read_counts(data, 6, 255)
    table, bits = _build(counts, log), _Backward(data[used:])
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


def _huffman(weights: list[int]) -> _Huffman:
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
    return _Huffman(log, bytes(symbols), bytes(lengths))


def _streams(table: _Huffman, body: bytes, size: int, streams: int) -> bytes:
    if streams == 1:
        return _decode(table, body, size)
    sizes = [int.from_bytes(_take(body, 2 * i, 2), "little") for i in range(3)]
    each, at, out = (size + 3) // 4, 6, b""
    for packed in sizes:
        out += _decode(table, _take(body, at, packed), each)
        at += packed
    if size < len(out):
        raise ZstandardError("damaged Zstandard data")
    return out + _decode(table, body[at:], size - len(out))


def _decode(table: _Huffman, data: bytes, size: int) -> bytes:
    """`size` literals of one stream, which must then be used up."""
    if not data or not data[-1]:
        raise ZstandardError("damaged Zstandard data")
    log, symbols, lengths = table
    # Zeros behind the beginning, so that the last codes can be looked up like the others.
    value = int.from_bytes(data, "little")
    at = value.bit_length() - 1
    value <<= log
    mask, out = (1 << log) - 1, bytearray()
    for _ in range(size):
        prefix = (value >> at) & mask
        out.append(symbols[prefix])
        at -= lengths[prefix]
        if at < 0:
            raise ZstandardError("damaged Zstandard data")
    if at:
        raise ZstandardError("damaged Zstandard data")
    return bytes(out)
